"""What the entries of a log say, for who has the key that reads them: as they were signed, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from review.audit import journal
from review.audit.entries import Entry, ReadingKey, is_shredded
from review.audit.errors import AuditError
from review.audit.kinds import SHRED, read_body, read_statement
from review.audit.notes import VerifierKey


class Body(NamedTuple):
    """`time`: ms. `said`: empty where it was shredded."""

    position: int
    time: int
    said: dict[str, Any]


def bodies(folder: Path, log: VerifierKey, key: ReadingKey, first: int = 0, since: int = 0) -> Iterator[Body]:
    """Of the entries from `first` on that are no statements, and not from before `since` (ms).

    Raises as `journal.groups` and `Bodies.read`.
    """
    reading = Bodies(folder, log, key)
    for group in journal.groups(folder, log, first):
        for one in group.entries:
            entry = Entry.parse(one.raw)
            if not entry.statement and entry.time >= since:
                yield Body(one.position, entry.time, reading.read(one, entry))


class Bodies:
    """Of entries that `journal.groups` gave, in order."""

    def __init__(
        self, folder: Path, log: VerifierKey, key: ReadingKey,
        known: Sequence[tuple[int, int, int]] = (), looked: int | None = None,
    ) -> None:  # fmt: skip
        """`known`: what is shredded (first, end, and the place of the entry that says so), as somebody found it who
        looked through the log up to `looked`.
        """
        self._folder, self._log, self._key = folder, log, key
        self._shreds = list(known)
        self._looked = looked  # so far entries were looked through for them

    def read(self, one: journal.Acknowledged, entry: Entry) -> dict[str, Any]:
        """Empty for one that was shredded, as a later entry says. Raises AuditError: body-changed, other-key."""
        if entry.matches(one.rest):
            return read_body(self._key.open(self._log.name, one.position, entry, one.rest)[0])
        if self._was_shredded(one.position):
            return {}
        how = "overwritten, and no entry says that it was shredded" if is_shredded(one.rest) else "changed"
        message = f"what lies beside it was {how}: `eyelid-review audit verify` says more"
        raise AuditError("body-changed", f"entry {one.position}: {message}")

    def _was_shredded(self, position: int) -> bool:
        if not self._is_named(position):  # only now: most logs have none to look for
            start = position if self._looked is None else self._looked
            for group in journal.groups(self._folder, self._log, start):
                for one in group.entries:
                    self._looked = one.position + 1
                    entry = Entry.parse(one.raw)
                    if entry.statement and (said := read_statement(entry.statement))["kind"] == SHRED:
                        self._shreds += [(first, end, one.position) for first, end in said["ranges"]]
        return self._is_named(position)

    def _is_named(self, position: int) -> bool:
        return any(first <= position < end and position < by for first, end, by in self._shreds)
