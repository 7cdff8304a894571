"""HTTP and nothing else: who asks, what of the body is believed, which status answers."""
