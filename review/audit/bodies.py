"""What the entries of a log say, for who has the key that reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from review.audit import journal
from review.audit.entries import Entry, ReadingKey, is_shredded
from review.audit.kinds import read_body


class Body(NamedTuple):
    """`time`: ms. `said`: empty where it was shredded."""

    position: int
    time: int
    said: dict[str, Any]


def bodies(folder: Path, origin: str, key: ReadingKey, first: int = 0) -> Iterator[Body]:
    """Of the entries from `first` on that are no statements. Raises AuditError, OSError."""
    for group in journal.groups(folder, first):
        for one in group.entries:
            entry = Entry.parse(one.raw)
            if not entry.statement:
                said = {} if is_shredded(one.rest) else read_body(key.open(origin, one.position, entry, one.rest)[0])
                yield Body(one.position, entry.time, said)
