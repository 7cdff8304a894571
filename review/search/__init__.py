"""What the console finds recordings by: an index that can be thrown away, and questions to it with rights inside."""
