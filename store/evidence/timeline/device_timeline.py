"""A device's whole life from its ledger: every span of time and what it was, also between and beside recordings.

Pure. A span's length is by the device's own clock, which never jumps; its place on the calendar by the PC's wall clock
then. Across a stop or a death the device's clock may begin again: there the length is the wall clock's, too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store.clock import SECOND
from store.evidence.account import (
    MOST_HOLDS,
    PERSON,
    SUSPENDED,
    BlindCause,
    Closed,
    Entry,
    Held,
    Interval,
    cause_of,
    held_of,
    rules_of,
    union,
    without,
)


class What(StrEnum):
    KEPT = "kept"
    CLOSED = "closed"  # by a rule that a policy has, or because the policy records nothing else
    UNSEEN = "unseen"  # by Eyelid's own rules alone: something in view could not be judged
    HELD = "held"
    BLIND = "blind"  # the recorder saw nothing, or was not running and says why
    UNPROVEN = "unproven"  # the eye was open and nothing is kept: margins, looks too late, chunks that are not here
    OFF = "off"  # ended in order
    UNEXPLAINED = "unexplained"  # no entry says what became of this time


@dataclass(frozen=True, slots=True)
class TimelineSpan:
    """[start, end) in ns since 1970 as the PC believed it. `why`: holds, own rules or a cause, where there is one; a
    hold by the person in front with the reason that they chose: `user (Break)`."""

    start: int
    end: int
    what: What
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastReport:
    """The last report of health, by the PC's wall clock; None before the first: then the account reaches to its last
    entry. `complete`: no entry from before the report is still on its way.

    `now`: the same clock now; `silent`: whether the report is so long ago that something must be wrong.
    """

    wall: int | None
    now: int
    complete: bool
    silent: bool


NOT_HERE_YET: Final = "not-here-yet"  # why: its health has named entries that have not come

# What Eyelid itself closes for because it could not judge; its other rules carry out what the policy says.
UNSEEN_RULES: Final = frozenset({"unreadable", "web-engine", "unseen-page", "remote-display", "overview"})

# A recording that takes over from another begins before the entry that opens it, with what was waiting at the gate.
LOOK_BACK: Final = 60 * SECOND

MOST_WAITING: Final = 10_000  # spans within LOOK_BACK: a PC that honestly accounts for itself has some hundreds

KeptOf = Callable[[Entry], Sequence[Interval]]
"""From the entry that opens a recording to what is kept of it, in ns of the device's clock."""

ReasonOf = Callable[[Held], str]
"""What the person in front chose, in words; "" for none that is known."""


def as_written(held: Held) -> str:
    """Without the text of any policy: Eyelid's own words alone."""
    return held.reason if isinstance(held.reason, str) else ""


def spans(
    entries: Iterable[Entry],
    lane: str,
    kept_of: KeptOf,
    last_report: LastReport | None = None,
    reason_of: ReasonOf = as_written,
) -> Iterator[TimelineSpan]:
    """In the order of the ledger, from its first entry to the last sign of life. Entries that say nothing of the lane
    only move the time on. What came before the first `start` is left out: its state is not known.
    """
    timeline = _DeviceTimeline(lane, kept_of, reason_of)
    for entry in entries:
        yield from timeline.take(entry)
    yield from timeline.end(last_report)


class _DeviceTimeline:
    def __init__(self, lane: str, kept_of: KeptOf, reason_of: ReasonOf) -> None:
        self._lane = lane
        self._kept_of = kept_of
        self._reason_of = reason_of
        self._last: Entry | None = None
        self._running: bool | None = None  # None: what came before is not known
        self._boot = ""  # which start of the PC the device's clock counts from, where it says
        self._holds: dict[str, Held] = {}
        self._closed: Closed | None = None
        self._kept: list[Interval] = []  # of what was not told yet
        self._opened: set[str] = set()
        # By the device's clock, with the offset of the wall's.
        self._waiting: deque[tuple[Interval, int, What, tuple[str, ...]]] = deque()

    def take(self, entry: Entry) -> Iterator[TimelineSpan]:
        match entry.kind:
            case "start":
                yield from self._tell()
                yield from self._between_runs(entry)
                self._running, self._holds, self._closed, self._kept = True, {}, None, []
                self._boot = _boot(entry)
            case "blind-since":
                kept_on = self._kept_after_last()
                if self._last is not None and kept_on:
                    yield from self._spans(self._last, self._last.at + kept_on)
                yield from self._tell()
                since = entry.time("from_wall")
                since = _wall(entry) if since is None else since + kept_on
                until = _wall(entry)
                if self._last is not None and self._same_boot(entry):
                    until = since + entry.at - self._last.at - kept_on
                yield from _some(since, until, What.BLIND, entry.text("why", What.BLIND))
                self._running, self._boot = False, _boot(entry)
            case "slept":
                yield from self._asleep(entry)
            case _:
                yield from self._within_run(entry)
                self._apply(entry)
        self._last = entry

    def _kept_after_last(self) -> int:
        """ns that the run went on after its last entry, by what is kept of it."""
        if not self._running or self._last is None:
            return 0
        last = self._last.at
        return max((end - last for _, end in self._kept if end > last), default=0)

    def _between_runs(self, start: Entry) -> Iterator[TimelineSpan]:
        last = self._last
        if last is None:
            return
        what, why = What.UNEXPLAINED, "no-end"  # it neither stopped nor reported its death
        if last.kind == "blind-since":
            what, why = What.BLIND, last.text("why", What.BLIND)
        elif self._running is False:
            what, why = What.OFF, ""
        until = _wall(last) + start.at - last.at if self._same_boot(start) else _wall(start)
        yield from _some(_wall(last), until, what, why)

    def _same_boot(self, entry: Entry) -> bool:
        """Whether its times and those before it are of one clock: then no wall clock has a say in how long it was."""
        return bool(self._boot) and _boot(entry) == self._boot and self._last is not None and entry.at >= self._last.at

    def _asleep(self, entry: Entry) -> Iterator[TimelineSpan]:
        """Whatever the state was: a PC that sleeps records nothing, and its clock ran on."""
        last, since = self._last, entry.time("from")
        if not self._running or last is None or since is None or not last.at <= since <= entry.at:
            yield from self._within_run(entry)
            return
        yield from self._spans(last, since)
        offset = _wall(last) - last.at
        self._waiting.append((Interval(since, entry.at), offset, What.HELD, (SUSPENDED,)))

    def _within_run(self, entry: Entry) -> Iterator[TimelineSpan]:
        if not self._running or self._last is None:
            return
        if entry.at < self._last.at:
            yield from self._tell()
            yield from _some(_wall(self._last), _wall(entry), What.UNEXPLAINED, "clock-went-back")
        else:
            yield from self._spans(self._last, entry.at)

    def _spans(self, since: Entry, to: int) -> Iterator[TimelineSpan]:
        """From an entry to a time of the device's clock, as the state says; told a little later."""
        self._waiting.append((Interval(since.at, to), _wall(since) - since.at, *self._state()))
        yield from self._tell(to - LOOK_BACK)

    def _tell(self, up_to: int | None = None) -> Iterator[TimelineSpan]:
        """What waits and ended before then, or is too many, with what is kept of it; by default all."""
        waiting = self._waiting
        while waiting and (up_to is None or waiting[0][0].end < up_to or len(waiting) > MOST_WAITING):
            whole, offset, what, why = waiting.popleft()
            # In order and apart, as `union` leaves them: a PC may have an entry for each of a hundred thousand chunks.
            first = bisect_right(self._kept, whole.start, key=_end)
            last = bisect_left(self._kept, whole.end, lo=first, key=_start)
            kept = [Interval(max(start, whole.start), min(end, whole.end)) for start, end in self._kept[first:last]]
            pieces: list[tuple[Interval, What, tuple[str, ...]]] = [(one, What.KEPT, ()) for one in kept]
            pieces += [(one, what, why) for one in without([whole], kept)]
            for (start, end), kind, reasons in sorted(pieces):
                yield TimelineSpan(start + offset, end + offset, kind, reasons)
            del self._kept[: bisect_right(self._kept, whole.end, key=_end)]

    def _state(self) -> tuple[What, tuple[str, ...]]:
        match cause_of(tuple(self._holds), self._closed):
            case Held(holds):
                return What.HELD, tuple(self._named(hold) for hold in holds)
            case Closed(_, rules) if rules and UNSEEN_RULES.issuperset(rules):
                return What.UNSEEN, tuple(str(rule) for rule in rules)
            case Closed():
                return What.CLOSED, ()
            case BlindCause(why):
                return What.BLIND, (why,)
            case None:
                return What.UNPROVEN, ()

    def _named(self, hold: str) -> str:
        reason = self._reason_of(self._holds[hold]) if hold == PERSON else ""
        return f"{hold} ({reason})" if reason else hold

    def _apply(self, entry: Entry) -> None:
        fields = entry.fields
        match entry.kind:
            case "stop":
                self._running = False
            case "hold":
                if entry.hold in self._holds or len(self._holds) < MOST_HOLDS:
                    self._holds[entry.hold] = held_of(entry)
            case "release":
                self._holds.pop(entry.hold, None)
            case "lane-closed" if fields.get("lane") == self._lane:
                self._closed = Closed(entry.policy, rules_of(fields.get("rules")))
            case "lane-open" if fields.get("lane") == self._lane:
                self._closed = None
            case "recording-open":
                recording = entry.text("recording")
                if recording not in self._opened and (kept := self._kept_of(entry)):
                    self._keep(kept)
                    self._opened.add(recording)  # of one that is opened again nothing more is told
            case _:
                pass

    def _keep(self, several: Iterable[Interval]) -> None:
        """Only what touches each is joined with it: a PC may open a thousand recordings of a time that is to come."""
        for one in union(several):
            first = bisect_left(self._kept, one.start, key=_end)
            last = bisect_right(self._kept, one.end, lo=first, key=_start)
            self._kept[first:last] = union((*self._kept[first:last], one))

    def end(self, last_report: LastReport | None) -> Iterator[TimelineSpan]:
        last = self._last
        if last is None or self._running is None or last_report is None:
            yield from self._tell()
            return
        seen = _wall(last) if last_report.wall is None else max(last_report.wall, _wall(last))
        if not self._running:
            yield from self._tell()
            blind = last.kind == "blind-since"
            what, why = (What.BLIND, last.text("why", What.BLIND)) if blind else (What.OFF, "")
            yield from _some(_wall(last), last_report.now, what, why)
            return
        if last_report.complete:
            yield from self._spans(last, last.at + seen - _wall(last))
        yield from self._tell()
        if not last_report.complete:
            yield from _some(_wall(last), seen, What.UNEXPLAINED, NOT_HERE_YET)
        if last_report.silent:
            yield from _some(seen, last_report.now, What.UNEXPLAINED, "silent")


def _some(start: int, end: int, what: What, why: str) -> Iterator[TimelineSpan]:
    """Nothing where the wall clock was set back in between: how long that was is not known."""
    if start < end:
        yield TimelineSpan(start, end, what, (why,) if why else ())


def _start(interval: Interval) -> int:
    return interval.start


def _end(interval: Interval) -> int:
    return interval.end


def _boot(entry: Entry) -> str:
    return entry.text("boot")


def _wall(entry: Entry) -> int:
    return entry.time("wall") or 0
