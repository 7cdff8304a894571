"""What the store can show of a recording: every second accounted for, whether it is sound, and its film."""
