"""Gives the keys of a recording's streams to one page, once: to the one with the secret of its address.

The secret stands in the address's fragment, which no browser sends. The page shows a value that is derived from it, and
gets the keys sealed under another; so who hears or owns the connection learns no key.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from threading import Lock
from typing import Final, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol import base64url

PROOF: Final = b"eyelid player proof v1"
KEYS: Final = b"eyelid player keys v1"


class Handover:
    """`keys`: stream -> its key. `secret`: base64url, for the address's fragment."""

    def __init__(self, recording: UUID, keys: Mapping[int, bytes]) -> None:
        root = secrets.token_bytes(32)
        self.secret = base64url.encode(root)
        self._proof = derived(root, PROOF)
        self._lock = Lock()
        self._sealed = _sealed(derived(root, KEYS), recording, keys)

    def take(self, proof: bytes) -> bytes | None:
        """The sealed keys, for the first who proves to have the secret; b"" for the next; None without a proof."""
        if not hmac.compare_digest(proof, self._proof):
            return None
        with self._lock:
            given, self._sealed = self._sealed, b""
        return given


class HandsOver(Protocol):
    """What gives keys to pages: `secret` is for the next of them."""

    @property
    def secret(self) -> str: ...

    def take(self, proof: bytes) -> bytes | None: ...


def derived(root: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=label).derive(root)


def _sealed(key: bytes, recording: UUID, keys: Mapping[int, bytes]) -> bytes:
    aes = AESGCM(key)

    def seal(stream: int, one: bytes) -> str:
        nonce = os.urandom(12)
        return base64url.encode(nonce + aes.encrypt(nonce, one, recording.bytes + stream.to_bytes(2, "big")))

    return json.dumps({"streams": {str(stream): seal(stream, one) for stream, one in keys.items()}}).encode()
