"""From a recording in the store to its transcript: keys of one lease, sound that its PC signed, words, sealed."""
