"""What the console gives to a browser, or keeps, so that it cannot be read or made elsewhere: under a key of its own.

So a stranger who begins a hundred thousand sign-ins costs no room here.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import base64url
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.system import ON_WINDOWS
from store.errors import StoreError
from store.files import write_new

_NONCE: Final = 12
_SIZE: Final = 32


class Sealer:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def of(cls, path: Path) -> Sealer:
        """With the key in this file, which is made where it is missing. Raises StoreError."""
        try:
            if not path.exists():
                write_new(path, os.urandom(_SIZE), owner=path.parent)
            if not ON_WINDOWS and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise StoreError(f"{path} can be read by others: run `chmod 600 {path}`")
            key = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path} cannot be used: {error.strerror}") from None
        if len(key) != _SIZE:
            raise StoreError(f"{path} is no key of {_SIZE} bytes: put it back from a backup")
        return cls(key)

    def seal(self, what: str, values: Mapping[str, object]) -> str:
        nonce = os.urandom(_NONCE)
        text = json.dumps(values, separators=(",", ":")).encode()
        return base64url.encode(nonce + self._cipher.encrypt(nonce, text, what.encode()))

    def open(self, what: str, text: str) -> Claims:
        """ValueError for anything that was not sealed here as this."""
        raw = base64url.decode(text)
        try:
            opened = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], what.encode())
        except (InvalidTag, ValueError):
            raise ValueError("not sealed here") from None
        return Claims(parse_object(opened), what, ProtocolError)
