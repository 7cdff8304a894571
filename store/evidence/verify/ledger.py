"""What a device signed of its account: each line walked, and compared with its signed batch and with its columns.

Read page by page, so that the account of a year costs no more memory than that of an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from protocol.claims import MAX_INTEGER
from protocol.errors import LedgerError, ProtocolError
from protocol.ledger import ZERO, Batch, Walk, line_hash, parse_line
from protocol.numbers import is_integer
from store.catalog import queries, schema
from store.catalog.database import Database
from store.catalog.queries import Device
from store.errors import StoreError
from store.evidence.account import Entry
from store.evidence.earlier import PAGE, entry_of

CHANGED_LINE: Final = "the catalog says another hash, kind or recording than the line"
OTHER_DEVICE: Final = "signed for another device: it counts as none"
_PAGE: Final = 500  # lines that are asked for at once

Page = Callable[[Connection, int, int], list[Row[Any]]]
"""The rows after an entry, so many at most; none where no more follow."""


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong. `code` is kebab-case and stable; `check` is one of `verify.recording.CHECKS`, "alarm", or what
    is in no recording."""

    check: str
    code: str
    where: str
    message: str


def defect(code: str, where: str, message: str) -> Defect:
    return Defect("ledger", code, where, message)


class SignedLedger:
    """One device's lines. Each question is a transaction of its own: a running store goes on beside it."""

    def __init__(self, database: Database, device: Device) -> None:
        self._database = database
        self._device = device
        self._batch: int | None = None
        self._signed: dict[int, bytes] = {}  # of the batch that the last line came with

    def rows(self, first: int = 0, last: int | None = None) -> Iterator[Row[Any]]:
        """Of `schema.ledger_lines`, in order."""
        until = None if last is None else last + 1
        yield from self._paged(partial(_following, device=self._device.id, until=until), first - 1)

    def defects(self, first: int, last: int, *, tied: bool = True) -> Iterator[Defect]:
        """Of the lines `first` to `last`. `tied`: they must follow from the entry before; else from what they name."""
        way = Walk(self._hash_of(first - 1), first) if tied else None
        for row in self.rows(first, last):
            written = row.line.encode("utf-8")
            way = way or Walk(claimed(written), row.seq)
            yield from self.step(way, written)
            yield from self.compare(row, written)

    @staticmethod
    def step(way: Walk, written: bytes) -> Iterator[Defect]:
        for mistake in way.step(written):
            yield defect(mistake.code, f"entry {mistake.seq}", str(mistake))

    def naming(self, recording: UUID) -> Iterator[Defect]:
        """Lines that have the id in them and columns that say something else: by these an opening is found."""
        for row in self._paged(partial(_naming, device=self._device.id, recording=recording), -1):
            if not columns_agree(row):
                yield defect("changed-catalog", f"entry {row.seq}", CHANGED_LINE)

    def since(self, wall: int) -> Iterator[Defect]:
        """Of the lines from the last back to the first that the device signed as written before `wall`, by its clock.

        A changed line ends nothing: who changes one has no clock to bound it by.
        """
        for row in self._paged(partial(_preceding, device=self._device.id), MAX_INTEGER):
            written = row.line.encode("utf-8")
            found = list(self.compare(row, written))
            yield from found
            if not found and _wall_of(written, row.seq) < wall:
                return

    def compare(self, row: Row[Any], written: bytes, within: Connection | None = None) -> Iterator[Defect]:
        """The line with the signed batch that it came in, and what the catalog says beside it with the line.

        `within`: the transaction in which it was read; else another one is begun.
        """
        if row.batch != self._batch:
            self._batch, self._signed = row.batch, {}
            with self._database.reading() if within is None else nullcontext(within) as connection:
                batch = queries.ledger_batch(connection, row.batch)
            if batch is not None:
                yield from self.verified(batch[1], f"batch from entry {batch[0]}")
        if self._signed.get(row.seq) != written:
            yield defect("unsigned", f"entry {row.seq}", "the catalog's line is in no batch the device signed")
        if not columns_agree(row):
            yield defect("changed-catalog", f"entry {row.seq}", CHANGED_LINE)

    def verified(self, token: str, where: str) -> Iterator[Defect]:
        """What is wrong with a batch. Of a good one the lines are those to compare with from here on."""
        self._signed = {}
        try:
            batch = Batch.verify(token, self._device.evidence_key)
        except ProtocolError as error:
            yield defect(error.code, where, str(error))
            return
        if batch.device != self._device.id:
            yield defect("misplaced", where, OTHER_DEVICE)
            return
        self._signed = dict(enumerate(batch.lines, batch.first))

    def signed(self, seq: int) -> bytes | None:
        """The line of that number in the batch that was verified last."""
        return self._signed.get(seq)

    def contradicted_from(self, unsigned: Container[int]) -> int | None:
        """First number of a batch, verified last, that the account contradicts: by another line, or by one before it of
        another hash. `unsigned`: entries that prove nothing."""
        first = min(self._signed, default=None)
        if first is None:
            return None
        prev = claimed(self._signed[first])
        for row in self.rows(first - 1, max(self._signed)):
            written = row.line.encode("utf-8")
            agrees = line_hash(written) == prev if row.seq < first else written == self._signed[row.seq]
            if not agrees and row.seq not in unsigned:
                return first
        return None

    def _paged(self, page: Page, after: int) -> Iterator[Row[Any]]:
        while True:
            with self._database.reading() as connection:
                rows = page(connection, after, _PAGE)
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].seq

    def _hash_of(self, seq: int) -> str:
        with self._database.reading() as connection:
            return queries.ledger_hashes(connection, self._device.id, seq, seq).get(seq, ZERO)


class SignedLines:
    """The lines of one device's account, each compared with what it signed as it is read: no other moment's lines."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.mistake, self.mistake_at = "", 0  # the first, and the number of its entry

    def read(self, connection: Connection, device: str, after: int, until: int) -> Iterator[Entry]:
        """As `entries_between`."""
        whose = queries.find_device(connection, schema.devices.c.id == device)
        if whose is None:
            raise StoreError("the device is not in the catalog: the database is damaged")
        ledger = SignedLedger(self._database, whose)
        end = min(until, queries.ledger_head(connection, device).next)
        way: Walk | None = None
        while rows := queries.ledger_lines_after(connection, device, after, PAGE, until=until):
            for row in rows:
                written = row.line.encode("utf-8")
                way = way or Walk(claimed(written), after + 1)
                for one in (*ledger.step(way, written), *ledger.compare(row, written, connection)):
                    self._take(row.seq, f"{one.where}: {one.message}")
                if (entry := entry_of(row.seq, row.line)) is not None:
                    yield entry
            after = rows[-1].seq
        if after + 1 < end:
            self._take(after + 1, f"entries {after + 1} to {end - 1} are gone")

    def _take(self, seq: int, mistake: str) -> None:
        if not self.mistake or seq < self.mistake_at:
            self.mistake, self.mistake_at = mistake, seq


def _following(connection: Connection, after: int, limit: int, *, device: str, until: int | None) -> list[Row[Any]]:
    return queries.ledger_lines_after(connection, device, after, limit, until=until)


def _preceding(connection: Connection, before: int, limit: int, *, device: str) -> list[Row[Any]]:
    return queries.ledger_lines_before(connection, device, before, limit)


def _naming(connection: Connection, after: int, limit: int, *, device: str, recording: UUID) -> list[Row[Any]]:
    return queries.lines_naming(connection, device, recording, after, limit)


def columns_agree(row: Row[Any]) -> bool:
    """Whether the catalog says of a line what it says; True for a damaged one, of which nothing can be said."""
    written = row.line.encode("utf-8")
    try:
        fields = parse_line(written, seq=row.seq)
    except LedgerError:
        return True
    said = (line_hash(written), fields["kind"], fields.get("recording"))
    return (row.hash, row.kind, row.recording) == said


def _wall_of(written: bytes, seq: int) -> int:
    """When the device's clock says that it wrote the line; for a damaged one later than all others."""
    try:
        wall = parse_line(written, seq=seq)["wall"]
    except LedgerError:
        return MAX_INTEGER
    return wall if is_integer(wall) else MAX_INTEGER


def claimed(written: bytes) -> str:
    """The hash that a line names as the one before it."""
    try:
        return str(parse_line(written, seq=0)["prev"])
    except LedgerError:
        return ZERO
