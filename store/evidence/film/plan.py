"""What a film of a recording shows at each moment: pictures, or a slate that says why there are none.

Pure. Only time that chunks in the export cover counts as kept; the account gives the words for the rest. Times are
ns since the recording's start.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.envelope import AUDIO, SCREEN, lane_of
from store.clock import SECOND
from store.evidence.account import Cause, Interval, Kept, Part, union, without

BRIEF: Final = SECOND // 2  # a reason that lasted shorter is joined to the one beside it: too short to read
LEFT_OUT: Final = "left out: it does not open"  # of the film; the account knows that it was kept


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of which nothing of the lane is in the film, with one reason."""

    start: int
    end: int
    words: str

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Plan:
    """`kept`: of each stream that is in the film. `gaps`: of each lane, in order. `shown`: the recording's time that
    the film has, in order; the film's own time runs through these without the time between them."""

    kept: Mapping[int, tuple[Interval, ...]]
    gaps: Mapping[str, tuple[Gap, ...]]
    shown: tuple[Interval, ...]

    @property
    def length(self) -> int:
        """ns of the film."""
        return sum(end - start for start, end in self.shown)

    def streams(self, lane: str) -> tuple[int, ...]:
        return tuple(stream for stream in sorted(self.kept) if lane_of(stream) == lane)

    def gap_at(self, lane: str, at: int) -> Gap | None:
        gaps = self.gaps.get(lane, ())
        place = bisect_right(gaps, at, key=lambda gap: gap.start) - 1
        return gaps[place] if place >= 0 and at < gaps[place].end else None

    def film_time(self, at: int) -> int:
        """Where in the film a moment of the recording is; of one that was cut out, where the cut is."""
        passed = 0
        for start, end in self.shown:
            if at < end:
                return passed + max(at - start, 0)
            passed += end - start
        return passed


def make_plan(
    length: int,
    kept: Mapping[int, Iterable[Interval]],
    accounts: Mapping[str, Sequence[Part]],
    words: Callable[[Cause], str],
    *,
    cut: bool,
) -> Plan:
    """`kept`: the spans of the chunks of each stream. `accounts`: of each lane, covering [0, length).

    `cut`: leave out time of which no lane has anything. A lane that goes on alone keeps the other's slate or silence:
    the two stay in step.
    """
    whole = Interval(0, length)
    clipped = {stream: tuple(_within(union(spans), whole)) for stream, spans in kept.items()}
    lanes = {
        lane: union(span for stream, spans in clipped.items() if lane_of(stream) == lane for span in spans)
        for lane in (SCREEN, AUDIO)
    }
    gaps = {
        lane: tuple(_gaps(without([whole], lanes[lane]), account, words)) if length else ()
        for lane, account in accounts.items()
    }
    anything = union(span for spans in lanes.values() for span in spans)
    shown = tuple(anything) if cut else (whole,) if length else ()
    return Plan(clipped, gaps, shown)


def _within(spans: Iterable[Interval], whole: Interval) -> Iterable[Interval]:
    for start, end in spans:
        if max(start, whole.start) < min(end, whole.end):
            yield Interval(max(start, whole.start), min(end, whole.end))


def _gaps(empty: Iterable[Interval], account: Sequence[Part], words: Callable[[Cause], str]) -> Iterable[Gap]:
    """Each span without anything, cut where its reason changes."""
    place = 0
    for start, end in empty:
        while place < len(account) and account[place].end <= start:
            place += 1
        pieces: list[Gap] = []
        for part in account[place:]:
            if part.start >= end:
                break
            why = LEFT_OUT if isinstance(part.cause, Kept) else words(part.cause)
            pieces.append(Gap(max(part.start, start), min(part.end, end), why))
        yield from _joined(pieces)


def _joined(pieces: Sequence[Gap]) -> Iterable[Gap]:
    """Brief ones go to the longer neighbour, and equals that touch are one."""
    rest = list(pieces)
    while len(rest) > 1:
        brief = min(range(len(rest)), key=lambda place: rest[place].length)
        if rest[brief].length >= BRIEF:
            break
        beside = [place for place in (brief - 1, brief + 1) if 0 <= place < len(rest)]
        longer = max(beside, key=lambda place: rest[place].length)
        first, last = sorted((brief, longer))
        rest[first : last + 1] = [Gap(rest[first].start, rest[last].end, rest[longer].words)]
    current: Gap | None = None
    for piece in rest:
        if current is not None and current.words == piece.words:
            current = Gap(current.start, piece.end, piece.words)
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current
