"""The eye in the panel."""
