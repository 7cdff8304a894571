"""Every recording and interaction of a store in turn: what is due, held or tried is among these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, func, or_, select, true

from review.governance.times import FOR_EVER
from review.lifecycle.facts import Facts, Known
from store.catalog import erasure, schema
from store.catalog.blobs import BlobStore, folder_of
from store.catalog.database import Database

EVER: Final = range(FOR_EVER)
_PAGE: Final = 500
_KINDS: Final = ((schema.recordings, "opened_at"), (schema.interactions, "received_at"))


def amount(database: Database, opened: range = EVER) -> int:
    """How many rows there are, as `each_of` goes through them; what is of both kinds counts twice."""
    with database.reading() as connection:
        return sum(
            connection.scalar(select(func.count()).where(table.c[at].between(opened.start, opened.stop - 1))) or 0
            for table, at in _KINDS
        )


def each_of(
    database: Database, facts: Facts, now: int, opened: range, blobs: BlobStore | None = None, *,
    advance: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[str, Known | str]]:  # fmt: skip
    """All that are not erased; why not, of those that cannot be read. `opened`: ns, when the store first had something
    of it. `blobs`: to look whether what is erased is gone.
    """
    row = schema.recordings.c
    both = select(row.id).where(row.id == schema.interactions.c.id, _within(row.opened_at, opened)).exists()
    once = {"opened_at": (), "received_at": (~both,)}
    for table, at in _KINDS:
        page, after = [""] * _PAGE, ""
        while len(page) == _PAGE:
            with database.reading() as connection:
                asked = select(table.c.id).where(table.c.id > after, _within(table.c[at], opened), *once[at])
                page = list(connection.scalars(asked.order_by(table.c.id).limit(_PAGE)))
                gone = erasure.among(connection, page) if page else {}
            for one in page:
                if one not in gone or (blobs is not None and lies(blobs, one)):
                    yield one, facts.of(UUID(one), now)
                advance(1)
            after = page[-1] if page else after


def _within(at: Column[int], opened: range) -> ColumnElement[bool]:
    """A row that says no time, or one that cannot be, is within: else who writes the catalog hides a recording so."""
    if opened == EVER:
        return true()
    return or_(at.between(opened.start, opened.stop - 1), at < 0, func.typeof(at) != "integer")


def lies(blobs: BlobStore, recording: str) -> bool:
    """Whether it has a file."""
    return next(iter(blobs.names(folder_of(UUID(recording)))), None) is not None
