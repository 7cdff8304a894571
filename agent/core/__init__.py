"""Decides what may be kept. No clock, no thread, no file, no log: time and sight arrive as values."""
