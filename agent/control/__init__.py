"""What others ask a running recorder, and what it answers."""
