"""What is worked out of a call: its words out of its sound, personal data in them, measures, categories, trends."""
