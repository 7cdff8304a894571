"""Whether what lies here is sound: one recording, and everything."""
