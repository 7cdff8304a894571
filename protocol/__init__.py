"""What agent and store both know, and nothing else: bytes of the envelope, keys, ledger, receipts, paths of the API."""
