"""The recorder: one loop that decides, and what it hands to the stages around it."""
