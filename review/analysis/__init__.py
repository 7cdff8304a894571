"""What is worked out from the words of a call: personal data in them, measures, categories, trends. No I/O."""
