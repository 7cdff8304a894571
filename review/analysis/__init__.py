"""What was said in a call: its words, and the personal data in them. Pure: no I/O, no clock, no model."""
