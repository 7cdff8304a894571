"""The player: a page that verifies, decrypts and plays a recording in a browser, and what it asks for."""
