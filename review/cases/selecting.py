"""Which chunks of a stream a case has: those of its spans, and what is needed to decode them.

Pure. A picture needs those before it up to the key frame, so a run begins at one; and a stream plays with its header
alone. Nothing else is taken: a case has the keys of these chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from protocol.envelope import MAX_SEALED, Flag, Kind
from store.evidence.chain import Stored


class Row(NamedTuple):
    """A chunk as the player's index has it (docs/player.md)."""

    sequence: int
    start: int
    end: int
    kind: int
    flags: int
    size: int
    sha256: str

    @classmethod
    def of(cls, stored: Stored) -> Row:
        """Of a chunk that was verified: no cell of it is empty."""
        span = stored.span
        place = (stored.sequence, span.start, span.end)
        return cls(*place, int(stored.kind or 0), int(stored.flags or 0), stored.size, stored.sha256)

    @classmethod
    def read(cls, cells: Any) -> Row:
        """Raises ValueError."""
        match cells:
            case [int(), int(), int(), int(), int(), int(), str()] if all(0 <= one < 2**63 for one in cells[:6]):
                if cells[5] <= MAX_SEALED:  # so much of the file is read at once
                    return cls(*cells)
        raise ValueError("a chunk is six numbers and a hash")


def belonging(rows: Sequence[Row], spans: Iterable[tuple[int, int]]) -> list[int]:
    """Places in `rows` of those that belong to the spans, in order. `rows`: of one stream, in order.

    A run of fragments goes back to a key frame as far as nothing is missing before it. Without media there is no
    header either.
    """
    chosen: set[int] = set()
    for start, until in spans:
        within = [place for place, one in enumerate(rows) if one.kind == Kind.MEDIA and _meets(one, start, until)]
        chosen.update(within)
        if within:
            place = within[0]
            while not rows[place].flags & Flag.KEY_FRAME and _follows(rows, place):
                place -= 1
                chosen.add(place)
    if chosen:
        chosen.update(place for place, one in enumerate(rows) if one.kind == Kind.HEADER)
    return sorted(chosen)


def edges(rows: Sequence[Row], spans: Iterable[tuple[int, int]]) -> list[int]:
    """Places of those that show where each span begins and ends, and of what leads to it: by them the custodian gives
    keys (review.extracts). What lies between is not needed.
    """
    chosen: set[int] = set()
    for start, until in spans:
        within = [place for place, one in enumerate(rows) if one.kind == Kind.MEDIA and _meets(one, start, until)]
        chosen.update(set(belonging(rows, [(start, until)])).difference(within[1:-1]))
    return sorted(chosen)


def _meets(one: Row, start: int, until: int) -> bool:
    """Whether it has time of the span; one that lasts no time has its moment."""
    return one.start < until and (one.end > start or one.start >= start)


def _follows(rows: Sequence[Row], place: int) -> bool:
    """Whether the fragment before it is the one that it goes on from."""
    if place == 0:
        return False
    before = rows[place - 1]
    return before.kind == Kind.MEDIA and before.sequence == rows[place].sequence - 1
