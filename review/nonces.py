"""What makes a signature count once: numbers that its custodian made, of this start, and not long ago."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from typing import Final

from protocol import base64url
from review.refusal import Refusal

NONCE_LIVES: Final = 300.0  # s
_TAG: Final = 16  # bytes
LENGTH: Final = 24 + _TAG  # bytes: when it ends, chance, and the tag over both


class Nonces:
    """Made without being kept, so that who asks for many takes no room; kept from use until they expire."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks, self._key, self._used = ticks, os.urandom(32), dict[bytes, float]()

    def make(self) -> str:
        raw = int((self._ticks() + NONCE_LIVES) * 1000).to_bytes(8, "big") + os.urandom(16)
        return base64url.encode(raw + self._mac(raw))

    def spend(self, nonce: bytes) -> None:
        """Raises Refusal: stale, replayed."""
        now, ends = self._ticks(), int.from_bytes(nonce[:8], "big") / 1000
        if not hmac.compare_digest(nonce[24:], self._mac(nonce[:24])) or now >= ends:
            raise Refusal("stale", "too late, or not signed for this custodian as it runs now: sign it again")
        if nonce in self._used:
            raise Refusal("replayed", "this was handed in before, and counts once")
        self._used = {used: until for used, until in self._used.items() if until > now} | {nonce: ends}

    def made(self, nonce: bytes) -> float:
        """When, by `ticks`: what it is in was signed later."""
        return int.from_bytes(nonce[:8], "big") / 1000 - NONCE_LIVES

    def _mac(self, raw: bytes) -> bytes:
        return hmac.digest(self._key, raw, "sha256")[:_TAG]
