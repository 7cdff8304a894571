"""What the recorder remembers on disk from one run to the next."""
