"""The audit log and its keys, as commands open them. Apart from `opening`: the custodian has a log and no store."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.keyfile import load_private, save_private
from protocol.keys import signing_key
from protocol.os_user import os_user
from review.audit.entries import KEY_SIZE, ReadingKey
from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.audit.notes import Signer, VerifierKey
from store.admin import passphrase
from store.errors import StoreError, WrongUsage
from store.files import write_new

SIGN, READ, PUBLIC = "audit-sign.key", "audit-read.key", "audit.pub"
_SIGNS, READS = "audit-sign", "audit-read"


def review_home() -> Path:
    return Path(os.environ.get("EYELID_REVIEW_HOME", "/var/lib/eyelid-review"))


def console_home() -> Path:
    """Another than the lifecycle's: who steals the console must not have the key by whose log the store erases."""
    return Path(os.environ.get("EYELID_CONSOLE_HOME", "/var/lib/eyelid-console"))


def with_log(parser: ArgumentParser, home: Path | None = None) -> None:
    """`home`: the folder that has it; the lifecycle's unless it is said."""
    for name, says in (("audit", "the audit log's folder"), ("keys", "of its keys")):
        flag, folder = "--log" if name == "audit" else "--keys", (home or review_home()) / name
        parser.add_argument(flag, type=Path, default=folder, metavar="DIR", help=f"{says} (%(default)s)")
    passphrase.add_options(parser)


def operator() -> tuple[str, str]:
    """Who runs this, as the log has them, and on which machine."""
    host = socket.gethostname()
    return f"{os_user()}@{host}", host


class OpenLog(NamedTuple):
    log: AuditLog
    key: ReadingKey
    signer: Signer

    def note(self, kind: str, of: str = "", **facts: object) -> int:
        """`of`: what it was done to, by default the log."""
        return self.log.append(Act(kind, *operator(), [of or self.log.origin], facts))


def open_log(asked: Namespace) -> OpenLog:
    return open_log_in(asked.log, asked.keys, passphrase.existing(asked, str(asked.keys)))


def open_log_in(log: Path, keys: Path, secret: bytes) -> OpenLog:
    """Raises StoreError, KeyProblem, AuditError, OSError."""
    public = public_key(str(keys / PUBLIC))
    signer = Signer.of(public.name, signing_key(private(keys / SIGN, _SIGNS, secret)))
    if str(signer.key) != str(public):
        raise StoreError(f"{keys / PUBLIC} is not the public half of {keys / SIGN}")
    key = reading_key(keys / READ, secret)
    return OpenLog(AuditLog(log, signer, key), key, signer)


def make_log(log: Path, keys: Path, name: str, secret: bytes) -> Signer:
    """An empty one and its keys. Raises KeyProblem, AuditError, OSError."""
    signing, reading = Ed25519PrivateKey.generate(), os.urandom(KEY_SIZE)
    signer = Signer.of(name, signing)
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_private(keys / SIGN, _SIGNS, signing.private_bytes_raw(), secret)
    save_private(keys / READ, READS, reading, secret)
    write_new(keys / PUBLIC, f"{signer.key}\n".encode(), 0o644)
    AuditLog.create(log, signer)
    return signer


def private(path: Path, kind: str, secret: bytes) -> bytes:
    read = load_private(path, secret)
    if read.kind != kind:
        raise WrongUsage(f"{path} is a key of another kind: {read.kind}, not {kind}")
    return read.raw


def reading_key(path: Path, secret: bytes) -> ReadingKey:
    return ReadingKey(private(path, READS, secret))


def public_key(text: str) -> VerifierKey:
    """A verifier's key, or a file with it."""
    written = "+" in text and not Path(text).exists()
    return VerifierKey.parse(text if written else Path(text).read_text("utf-8", "replace").strip())
