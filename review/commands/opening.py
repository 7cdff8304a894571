"""What commands open: the audit log with its keys, a store, and the rules that it has."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from protocol import bundle
from protocol.carried import read_carried
from protocol.keyfile import load_private, save_private
from protocol.keys import signing_key
from protocol.os_user import os_user
from review.audit.entries import KEY_SIZE, ReadingKey
from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.audit.notes import Signer, VerifierKey
from review.governance.model import Governance
from review.rules import in_force
from store.admin import passphrase
from store.admin.home import Home, default_folder
from store.admin.init import COMPLIANCE
from store.catalog.database import Database, explained
from store.catalog.statements import governance_of, newest_bundle, newest_revision
from store.errors import StoreError, WrongUsage
from store.evidence.evidence import Evidence
from store.evidence.verify.ledger import SignedLedger
from store.files import write_new

SIGN, READ, PUBLIC = "audit-sign.key", "audit-read.key", "audit.pub"
_SIGNS, _READS = "audit-sign", "audit-read"
FINDING = "finding"


def review_home() -> Path:
    return Path(os.environ.get("EYELID_REVIEW_HOME", "/var/lib/eyelid-review"))


def with_log(parser: ArgumentParser) -> None:
    for name, says in (("audit", "the audit log's folder"), ("keys", "of its keys")):
        flag = "--log" if name == "audit" else "--keys"
        parser.add_argument(flag, type=Path, default=review_home() / name, metavar="DIR", help=f"{says} (%(default)s)")
    passphrase.add_options(parser)


def with_store(parser: ArgumentParser, flag: str = "--home") -> None:
    parser.add_argument(flag, type=Path, default=default_folder(os.environ), metavar="DIR",
                        help="the store's folder (EYELID_STORE_HOME; now: %(default)s)")  # fmt: skip


@contextmanager
def opened_store(folder: Path) -> Iterator[tuple[Home, Database]]:
    home = Home.open(folder)
    with closing(home.database()) as database, explained(str(home.database_path)):
        yield home, database


def signed_rules(home: Home, database: Database) -> tuple[Mapping[str, bytes], Governance, int]:
    """(files, rules, revision) of the store's newest bundle; without a hash, and allowing nothing, where it has none.

    Raises StoreError, BundleError, MistakesError.
    """
    with database.reading() as connection:
        return rules_in(home, connection)


def rules_in(home: Home, connection: Connection) -> tuple[Mapping[str, bytes], Governance, int]:
    """As `signed_rules`."""
    newest = newest_bundle(connection)
    if newest is None:
        raise StoreError(f"{home.folder} has no bundle: put its database back from a backup")
    made = bundle.verify(newest[1], home.key(COMPLIANCE).id)
    behind = governance_of(connection, made.governance) if made.governance else ""
    files = read_carried(behind, made.governance) if made.governance else {}
    return files, in_force(made, files, shown_in=f"bundle {made.revision}"), made.revision


class InForce:
    """The store's rules, read anew once there is a newer bundle: a role that was taken away ends while one serves."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home, self._database = home, database
        self._known: tuple[int | None, Governance] | None = None

    def __call__(self) -> Governance:
        """Raises as `signed_rules`."""
        with self._database.reading() as connection:
            newest = newest_revision(connection)
            if self._known is None or self._known[0] != newest:
                self._known = newest, rules_in(self._home, connection)[1]
            return self._known[1]


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
    save_private(keys / READ, _READS, reading, secret)
    write_new(keys / PUBLIC, f"{signer.key}\n".encode(), 0o644)
    AuditLog.create(log, signer)
    return signer


def private(path: Path, kind: str, secret: bytes) -> bytes:
    read = load_private(path, secret)
    if read.kind != kind:
        raise WrongUsage(f"{path} is a key of another kind: {read.kind}, not {kind}")
    return read.raw


def reading_key(path: Path, secret: bytes) -> ReadingKey:
    return ReadingKey(private(path, _READS, secret))


def finding_key_in(path: Path, secret: bytes) -> bytes:
    """The house's, by which numbers and addresses are found. Raises WrongUsage, KeyProblem."""
    key = load_private(path, secret)
    if key.kind != FINDING:
        raise WrongUsage(f"{path} holds no finding key ({key.kind}): `interactions init` makes one")
    return key.raw


def public_key(text: str) -> VerifierKey:
    """A verifier's key, or a file with it."""
    written = "+" in text and not Path(text).exists()
    return VerifierKey.parse(text if written else Path(text).read_text("utf-8", "replace").strip())


def has_signed_end(home: Home, evidence: Evidence) -> bool:
    """By the device's signature: the row of a line alone says nothing."""
    final = (one for one in evidence.later_entries if one.kind == "heads" and one.fields.get("final") is True)
    after_death = [one for one in final if one.fields.get("recording") == str(evidence.recording.id)]
    ends = after_death if evidence.closing is None else [evidence.closing]
    with closing(home.database()) as database:
        ledger = SignedLedger(database, evidence.device)
        return any(not list(ledger.defects(one.seq, one.seq, tied=False)) for one in ends)
