"""What of a recording is personal data: found by rules in what others made of it, and sealed as spans."""
