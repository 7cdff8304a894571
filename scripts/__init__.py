"""Commands of a checkout; what they run that is Python."""
