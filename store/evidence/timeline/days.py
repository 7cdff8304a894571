"""A device's life cut into days, so that an eye shut all day shows: how much of each was what, and when.

Pure. Days and their midnights are those of the zone that is given, usually the reader's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from store.clock import SECOND
from store.evidence.timeline.device_timeline import TimelineSpan, What

MOST_REASONS: Final = 100  # by name in a day; what a PC writes beyond them counts under one
OTHERS: Final = "others"
CELLS: Final = 48  # of half an hour, on a day without a change to summer time
_DIM: Final = frozenset({What.BLIND, What.UNSEEN, What.UNEXPLAINED})


@dataclass(slots=True)
class Day:
    """`start`, `end`: its midnights, ns since 1970. `sums`: ns of each. `cells`: the same for each 48th of it.

    `why`: ns by reason, of what was held, unseen, blind or unexplained.
    """

    date: date
    start: int
    end: int
    sums: dict[What, int] = field(default_factory=dict)
    cells: list[dict[What, int]] = field(default_factory=lambda: [{} for _ in range(CELLS)])
    why: dict[str, int] = field(default_factory=dict)

    @property
    def watched(self) -> int:
        """ns that the recorder should have looked: all of the day, without what it was off in order."""
        return sum(amount for what, amount in self.sums.items() if what is not What.OFF)

    def share(self, *which: What) -> float:
        """Of the time watched, from 0 to 1."""
        return sum(self.sums.get(what, 0) for what in which) / self.watched if self.watched else 0.0

    @property
    def blind_share(self) -> float:
        """How much of the time watched the eye was shut without a rule of the policy or a hold that says so."""
        return self.share(*_DIM)

    def add(self, part: TimelineSpan) -> None:
        """A span that lies within the day."""
        amount = part.end - part.start
        self.sums[part.what] = self.sums.get(part.what, 0) + amount
        for reason in part.why:
            name = reason if reason in self.why or len(self.why) < MOST_REASONS else OTHERS
            self.why[name] = self.why.get(name, 0) + amount
        length = self.end - self.start
        first, last = ((moment - self.start) * CELLS // length for moment in (part.start, part.end - 1))
        for cell in range(first, last + 1):
            begin, end = self.start + cell * length // CELLS, self.start + (cell + 1) * length // CELLS
            inside = min(part.end, end) - max(part.start, begin)
            if inside > 0:
                self.cells[cell][part.what] = self.cells[cell].get(part.what, 0) + inside


def days(parts: Iterable[TimelineSpan], zone: tzinfo | None, since: int, until: int) -> list[Day]:
    """The days between two moments (ns since 1970) of which anything is told, in order.

    A PC whose clock is wrong by a year adds no year of days: what it dates outside is left out.
    """
    found: dict[date, Day] = {}
    for part in parts:
        start, end = max(part.start, since), min(part.end, until)
        if start < end:
            for day, piece in _by_day(TimelineSpan(start, end, part.what, part.why), zone, found):
                day.add(piece)
    return [found[day] for day in sorted(found)]


def _by_day(part: TimelineSpan, zone: tzinfo | None, found: dict[date, Day]) -> Iterator[tuple[Day, TimelineSpan]]:
    at = part.start
    while at < part.end:
        on = datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone).date()
        if on not in found:
            found[on] = Day(on, _midnight(on, zone), _midnight(on + timedelta(days=1), zone))
        day = found[on]
        end = min(part.end, day.end)
        yield day, TimelineSpan(at, end, part.what, part.why)
        at = end


def _midnight(on: date, zone: tzinfo | None) -> int:
    moment = datetime(on.year, on.month, on.day, tzinfo=zone)
    return int((moment if zone else moment.astimezone()).timestamp()) * SECOND
