"""The device's two keys: in the user's home, or in a service that signs only what follows from what it has signed."""
