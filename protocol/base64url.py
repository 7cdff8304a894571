"""Base64url without padding (RFC 4648 section 5), in one spelling only.

Two texts for the same bytes would be two names for one key, and two tokens for one signature.
"""

from __future__ import annotations

import base64


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes; ValueError for padding, other characters, or spare bits that are not zero."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:  # binascii.Error is one too
        raise ValueError("not base64url") from None
    if encode(raw) != text:
        raise ValueError("not base64url in its one spelling")
    return raw
