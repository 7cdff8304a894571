"""An encrypted index of the words that were said, shown and written in recordings (docs/words.md)."""
