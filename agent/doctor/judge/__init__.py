"""From facts to findings: small functions that ask nobody."""
