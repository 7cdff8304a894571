"""Codes that change every 30 seconds (RFC 6238, SHA-1, six digits: what every app can do)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from typing import Final
from urllib.parse import quote

from store.clock import SECOND

PERIOD: Final = 30 * SECOND
DIGITS: Final = 6
SECRET_SIZE: Final = 20  # bytes
_AROUND: Final = 1  # steps before and after: a person types for a while, and clocks differ


def code_of(secret: bytes, step: int, digits: int = DIGITS) -> str:
    mac = hmac.digest(secret, struct.pack(">Q", step), hashlib.sha1)
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at : at + 4]) & 0x7FFFFFFF) % 10**digits:0{digits}}"


def step_of(secret: bytes, code: str, now: int) -> int | None:
    """The step whose code this is, None for a wrong one. A step is good once: that the caller sees to."""
    found = None
    for step in range(max(0, now // PERIOD - _AROUND), now // PERIOD + _AROUND + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def uri(secret: bytes, person: str, issuer: str) -> str:
    """What an app reads, as a picture of it."""
    shown = f"{quote(issuer)}:{quote(person)}"
    return f"otpauth://totp/{shown}?secret={base64.b32encode(secret).decode()}&issuer={quote(issuer)}"
