"""What became of every second, and what of it is not here: of one recording, and of a device's whole life."""
