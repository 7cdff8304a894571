"""Private keys at rest: one JSON file each, sealed under a passphrase, readable by its owner alone.

scrypt (RFC 7914) makes guessing expensive; AES-256-GCM binds the kind, so that one key cannot be passed off as another.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from protocol import base64url
from protocol.claims import Claims, parse_object
from protocol.errors import KeyProblem
from protocol.folder import sync_folder

FORMAT: Final = "eyelid-private-key-1"
COST: Final = 17  # log2 of scrypt's n: 128 MiB and about 0.3 s, OWASP's figure for passwords; r = 8, p = 1
_LEAST_COST: Final = 10
_MOST_COST: Final = 20  # 1 GiB: a file may not ask for more
_KIND: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MAX_FILE: Final = 64 * 2**10


class PrivateKey(NamedTuple):
    """`kind`: what the key is for ("recipient", "compliance", "store", "device-token", ...); `raw`: its bytes."""

    kind: str
    raw: bytes

    def __repr__(self) -> str:
        return f"PrivateKey(kind={self.kind!r})"  # a traceback or a failed assertion must not show the key


def _cipher(passphrase: bytes, salt: bytes, cost: int) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**cost, r=8, p=1).derive(passphrase))


def _bound(kind: str, cost: int) -> bytes:
    return f"{FORMAT}\n{kind}\n{cost}".encode()


def save_private(path: Path, kind: str, raw: bytes, passphrase: bytes, *, cost: int = COST) -> None:
    """Write a new file (mode 0600), durable when it returns. Never overwrites: a key replaced by mistake is a key lost.

    Raises KeyProblem: exists, bad-kind, no-passphrase. OSError where the folder cannot be written.
    """
    if not _KIND.fullmatch(kind):
        raise KeyProblem("bad-kind", "a key's kind is lower-case letters, digits and hyphens")
    if not passphrase:
        raise KeyProblem("no-passphrase", f"{path}: a private key is not stored without a passphrase")
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = _cipher(passphrase, salt, cost).encrypt(nonce, raw, _bound(kind, cost))
    fields = {
        "format": FORMAT,
        "kind": kind,
        "cost": cost,
        "salt": base64url.encode(salt),
        "nonce": base64url.encode(nonce),
        "sealed": base64url.encode(sealed),
    }
    try:
        # The third argument matters: the file must never be readable by others, not even for a moment.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise KeyProblem("exists", f"{path}: there is a file already; move it away first") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(fields, indent=1).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError:
        path.unlink()  # half a key file would only be in the way of the next try
        raise


def load_private(path: Path, passphrase: bytes) -> PrivateKey:
    """The key. Raises KeyProblem: not-found, bad-key-file, wrong-passphrase. OSError where it cannot be read."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE + 1)
    except FileNotFoundError:
        raise KeyProblem("not-found", f"{path}: there is no such key file") from None
    try:
        if len(text) > _MAX_FILE:
            raise ValueError("too large")  # noqa: TRY301
        claims = Claims(parse_object(text), str(path), KeyProblem)
        if claims.text("format") != FORMAT:
            raise ValueError("of another format")  # noqa: TRY301
        kind, cost = claims.text("kind"), claims.integer("cost", least=_LEAST_COST, most=_MOST_COST)
        salt, nonce, sealed = claims.raw("salt", 16), claims.raw("nonce", 12), claims.raw("sealed")
    except ValueError as error:
        raise KeyProblem("bad-key-file", f"{path}: not a private key file of Eyelid ({error})") from None
    try:
        raw = _cipher(passphrase, salt, cost).decrypt(nonce, sealed, _bound(kind, cost))
    except InvalidTag:
        raise KeyProblem(
            "wrong-passphrase", f"{path}: the passphrase does not open it, or the file was changed"
        ) from None
    return PrivateKey(kind, raw)
