"""What commands open: a store, and the rules that it has."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from protocol import bundle
from protocol.carried import read_carried
from protocol.keyfile import load_private
from review.governance.model import Governance
from review.rules import in_force
from store.admin.home import Home, default_folder
from store.admin.init import COMPLIANCE
from store.catalog.database import Database, explained
from store.catalog.statements import governance_of, newest_bundle, newest_revision
from store.errors import StoreError, WrongUsage
from store.evidence.evidence import Evidence
from store.evidence.verify.ledger import SignedLedger

FINDING = "finding"


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


def finding_key_in(path: Path, secret: bytes) -> bytes:
    """The house's, by which numbers and addresses are found. Raises WrongUsage, KeyProblem."""
    key = load_private(path, secret)
    if key.kind != FINDING:
        raise WrongUsage(f"{path} holds no finding key ({key.kind}): `interactions init` makes one")
    return key.raw


def has_signed_end(home: Home, evidence: Evidence) -> bool:
    """By the device's signature: the row of a line alone says nothing."""
    final = (one for one in evidence.later_entries if one.kind == "heads" and one.fields.get("final") is True)
    after_death = [one for one in final if one.fields.get("recording") == str(evidence.recording.id)]
    ends = after_death if evidence.closing is None else [evidence.closing]
    with closing(home.database()) as database:
        ledger = SignedLedger(database, evidence.device)
        return any(not list(ledger.defects(one.seq, one.seq, tied=False)) for one in ends)
