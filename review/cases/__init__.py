"""Cases: named spans of recordings, exported as one sealed folder that opens without a server."""
