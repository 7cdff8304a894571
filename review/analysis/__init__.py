"""What is worked out from what was said and shown: measures, categories, trends."""
