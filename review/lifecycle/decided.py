"""What people decided on recordings: legal holds that are on, and what was asked to be erased.

The audit log has it, entry by entry; the catalog keeps rows at hand that anyone who owns the database can write. So
the log's key signs up to which entry the rows follow it, and their hash. Rows that do not fit decide nothing. Rows and
signature of an older catalog fit each other: then only more of the log is to be followed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, insert, select

from protocol import jws
from protocol.claims import Claims
from protocol.errors import SignatureError
from review.lifecycle.facts import Known
from store.catalog import erasure, queries, schema, statements
from store.errors import StoreError

DECIDING: Final = frozenset({"hold", "release", "erase"})


class Decision(NamedTuple):
    """An entry of the log: its number, its time (ns), and what it says."""

    position: int
    at: int
    body: Mapping[str, Any]


def unfitting() -> StoreError:
    message = "holds and requests in the catalog are not those of the audit log, so nothing is decided by them"
    return StoreError(f"{message}: `eyelid-review holds derive` makes them anew from the whole log")


def unkept() -> StoreError:
    message = "the catalog did not keep holds and requests as the audit log says them, so nothing is decided by them"
    return StoreError(f"{message}: it changes what is written to it, so put it back from a backup")


@contextmanager
def beside(connection: Connection | None) -> Iterator[Connection]:
    """Holds and requests in memory, at first those of `connection`; without one there are none.

    What the log says is applied here as well: a trigger of the catalog makes other rows of it there.
    """
    tables = (schema.holds, schema.erasure_requests)
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as memory:
            schema.metadata.create_all(memory, tables, checkfirst=False)
            if connection is not None:
                for table in tables:
                    if rows := [dict(row) for row in connection.execute(select(table)).mappings()]:
                        memory.execute(insert(table), rows)
            yield memory
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Decided:
    """`holds`: recording -> names of those that are on. `requests`: recording -> the request's number."""

    holds: Mapping[str, tuple[str, ...]]
    requests: Mapping[str, str]

    def of(self, known: Known) -> Known:
        """The same recording, whatever the catalog said when it was read."""
        return replace(known, holds=self.holds.get(known.id, ()), request=self.requests.get(known.id, ""))


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of the catalog, each as one line of JSON, in order."""

    lines: tuple[str, ...]
    decided: Decided

    @classmethod
    def read(cls, connection: Connection) -> Rows:
        held, asked = schema.holds, schema.erasure_requests
        holds: dict[str, tuple[str, ...]] = {}
        lines = []
        for row in connection.execute(select(held).order_by(held.c.recording, held.c.hold)):
            lines.append(_line("hold", row))
            if row.released_at is None:
                holds[row.recording] = (*holds.get(row.recording, ()), row.hold)
        requests = connection.execute(select(asked)).all()
        lines += [_line("request", row) for row in requests]
        return cls(tuple(sorted(lines)), Decided(holds, {row.recording: row.reference for row in requests}))

    @property
    def hash(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode("ascii")).hexdigest()

    def difference(self, other: Rows) -> tuple[int, int]:
        """(how many only this has, how many only the other has)."""
        mine, theirs = Counter(self.lines), Counter(other.lines)
        return (mine - theirs).total(), (theirs - mine).total()


def _renewed(connection: Connection) -> Iterator[str]:
    """Ids of keys that a successor statement says are the store's earlier ones. One that is made up opens nothing: what
    names it must still be signed by the log's key, about this log.
    """
    for token in statements.successors(connection):
        with suppress(SignatureError):
            yield str(jws.read_header(jws.SUCCESSOR, queries.legible(token))["kid"])


def _line(kind: str, row: Iterable[Any]) -> str:
    return json.dumps([kind, *row], default=repr)


@dataclass(frozen=True, slots=True)
class RowSigner:
    """Of one store and one log: rows of another store do not pass for its own. `store`: id of its key."""

    log: str
    store: str
    private: Ed25519PrivateKey

    def sign(self, rows: Rows, applied: int) -> str:
        said: dict[str, object] = {"log": self.log, "store": self.store, "applied": applied, "rows": rows.hash}
        return jws.sign(jws.DECIDED, said, self.private)

    def keep(self, connection: Connection, applied: int, rows: Rows) -> str:
        """Signs what the rows must be: as they were when they were checked, and what the log said since.

        Raises StoreError where they are other ones.
        """
        if Rows.read(connection) != rows:
            raise unkept()
        signed = self.sign(rows, applied)
        erasure.follow(connection, applied, signed)
        return signed

    def check(self, connection: Connection, signed: str) -> tuple[int, Decided]:
        """(the first entry that they do not follow yet, what they say). Raises StoreError for rows that do not fit.

        The store's key may have been renewed since: any key counts that has named a successor here.
        """
        rows = Rows.read(connection)
        try:
            claims = Claims(jws.verify(jws.DECIDED, signed, self.private.public_key()), "signed rows", SignatureError)
            said = claims.text("log"), claims.text("store"), claims.text("rows")
            applied = claims.integer("applied")
        except SignatureError:
            said, applied = None, 0
        stores = {self.store, *_renewed(connection)}
        if said not in {(self.log, store, rows.hash) for store in stores}:
            raise unfitting()
        return applied, rows.decided
