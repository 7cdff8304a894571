"""One entry of the log: what is in the tree, and the body that lies beside it, sealed under a key of its own.

docs/audit-log.md has it to the byte. In the tree are hashes that say nothing to who has neither salt nor key: to
overwrite both destroys the body for good, and no proof changes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol import base64url
from review.audit.errors import AuditError

KEY_SIZE: Final = 32
_SEALED: Final = 1
_STATEMENT: Final = 2
_SALT: Final = 32
_NONCE: Final = 12
_TAG: Final = 16
WRAPPED: Final = _NONCE + _SALT + KEY_SIZE + _TAG  # bytes of salt and key as they lie there
_HASH: Final = 32
_HEAD: Final = 1 + 8  # type and time
LARGEST: Final = 0xFFFF  # bytes of an entry in the tree (https://c2sp.org/tlog-tiles)
_LABEL: Final = b"eyelid audit body v1\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """`time`: ms, POSIX. A sealed one has `salted` (of the body) and `beside` (of what lies beside the tree), a
    statement has `statement`, JSON in the clear.
    """

    time: int
    salted: bytes = b""
    beside: bytes = b""
    statement: bytes = b""

    def __bytes__(self) -> bytes:
        stamp = self.time.to_bytes(8, "big")
        if self.statement:
            return bytes([_STATEMENT]) + stamp + self.statement
        return bytes([_SEALED]) + stamp + self.salted + self.beside

    @classmethod
    def parse(cls, raw: bytes) -> Entry:
        """Raises AuditError ("bad-entry")."""
        time, content = int.from_bytes(raw[1:_HEAD], "big"), raw[_HEAD:]
        if raw[:1] == bytes([_SEALED]) and len(content) == 2 * _HASH:
            return cls(time, content[:_HASH], content[_HASH:])
        if raw[:1] == bytes([_STATEMENT]) and content:
            return cls(time, statement=content)
        raise AuditError("bad-entry", "it is none that this version can read")

    def matches(self, rest: bytes) -> bool:
        """Whether what lies beside it is what was put there."""
        return hashlib.sha256(rest).digest() == self.beside if not self.statement else not rest


def hashes_to(entry: Entry, salt: bytes, body: bytes) -> bool:
    """Whether this is the entry's body, as who was shown body and salt can check it."""
    return not entry.statement and hmac.compare_digest(_salted(salt, body), entry.salted)


def is_shredded(rest: bytes) -> bool:
    return not any(rest)


class ReadingKey:
    """32 bytes, from which come the key that wraps each entry's own, and those that hide people and searches."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_SIZE:
            raise AuditError("bad-key", f"a key that reads the audit log is {KEY_SIZE} bytes, not {len(raw)}")
        wrap, self._people, self._searches, self._index = (
            HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=b"eyelid audit v1 " + use).derive(raw)
            for use in (b"wrap", b"person", b"search", b"index")
        )
        self._wrap = AESGCM(wrap)

    def person(self, name: str) -> str:
        """A pseudonym: the same person's is the same in all of this log."""
        return "p." + _shortened(self._people, name)

    def search(self, text: str) -> str:
        return "q." + _shortened(self._searches, text)

    def tag(self, *words: str) -> int:
        """A number of 64 bits by which an index finds entries without saying what they are found by."""
        hashed = hmac.digest(self._index, "\0".join(words).encode("utf-8"), "sha256")
        return int.from_bytes(hashed[:8], "big", signed=True)

    def seal(self, origin: str, index: int, time: int, body: bytes) -> tuple[Entry, bytes]:
        """The entry, and what lies beside it."""
        salt, key = os.urandom(_SALT), os.urandom(KEY_SIZE)
        place = _place(origin, index, time)
        rest = _encrypt(self._wrap, salt + key, place) + _encrypt(AESGCM(key), body, place)
        return Entry(time, _salted(salt, body), hashlib.sha256(rest).digest()), rest

    def open(self, origin: str, index: int, entry: Entry, rest: bytes) -> tuple[bytes, bytes]:
        """(body, salt). Raises AuditError: other-key (or what lies beside was changed), bad-body."""
        place = _place(origin, index, entry.time)
        try:
            opened = _decrypt(self._wrap, rest[:WRAPPED], place)
            body = _decrypt(AESGCM(opened[_SALT:]), rest[WRAPPED:], place)
        except (InvalidTag, ValueError):
            raise AuditError("other-key", f"entry {index}: the key does not open its body") from None
        if _salted(opened[:_SALT], body) != entry.salted:
            raise AuditError("bad-body", f"entry {index}: its body is another than its hash says")
        return body, opened[:_SALT]


def _shortened(key: bytes, text: str) -> str:
    return base64url.encode(hmac.digest(key, text.encode("utf-8"), "sha256")[:15])


def _place(origin: str, index: int, time: int) -> bytes:
    return _LABEL + origin.encode() + b"\n" + index.to_bytes(8, "big") + time.to_bytes(8, "big")


def _salted(salt: bytes, body: bytes) -> bytes:
    return hashlib.sha256(_LABEL + salt + body).digest()


def _encrypt(cipher: AESGCM, plaintext: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, plaintext, place)


def _decrypt(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
