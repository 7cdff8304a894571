"""From facts to findings: small pure functions."""
