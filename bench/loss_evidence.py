"""What was promised and what is there: the two sides that bench/loss compares. Reads, and starts nothing.

What the recorder was promised comes from bench/loss_agent; what is there, from the store's catalog and commands.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from agent.spool import SET_ASIDE
from bench.loss_account import Round
from protocol.envelope import SCENE_STREAM, Kind, lane_of

SECOND: Final = 1_000_000_000
NAMED: Final = 5  # of what is wrong, told one by one
SAME: Final = 1_000  # ns: the media's own time has ticks of 11 us, spans have none
LOST: Final = "lost"  # of `eyelid-store verify` and `gaps`: a chunk that a receipt was given for is not here


@dataclass
class Journal:
    """Chunk name -> SHA-256 of what the spool was asked to keep, and promised to; the names that left it."""

    putting: dict[str, str] = field(default_factory=dict)
    put: dict[str, str] = field(default_factory=dict)
    receipts: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    contradictions: list[str] = field(default_factory=list)  # promised twice under one name with two contents

    def waiting(self) -> set[str]:
        return self.put.keys() - self.receipts - self.aside

    def half_way(self) -> set[str]:
        """Writes that began and were not promised, of all lives: one of an earlier kill stays among them."""
        return self.putting.keys() - self.put.keys()


def read_journal(path: Path) -> Journal:
    told = Journal()
    for line in path.read_text("ascii").splitlines() if path.exists() else ():
        match line.split(" "):
            case ["putting", name, sha256]:
                told.putting[name] = sha256
            case ["put", name, sha256]:
                if told.put.setdefault(name, sha256) != sha256:
                    told.contradictions.append(name)
            case ["receipt", name]:
                told.receipts.add(name)
            case ["aside", name]:
                told.aside.add(name)
            case _:
                raise ValueError(f"no line of a recorder's promises: {line!r}")
    return told


@dataclass(frozen=True, slots=True)
class Media:
    """A stored media chunk's span on the PC's clock, ns."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Kept:
    """`bodies`: chunk name -> the SHA-256 of each body stored under it; `media`: stream -> its media chunks."""

    bodies: Mapping[str, frozenset[str]]
    media: Mapping[int, tuple[Media, ...]]

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]], zeros: Mapping[str, int]) -> Kept:
        """`rows`: recording, stream, sequence, sha256, kind, start, end, as the catalog has them.

        `zeros`: recording -> where its time begins on the PC's clock. A recording whose opening the PC had no time to
        write down has no place on that clock, and no media either.
        """
        bodies: dict[str, set[str]] = defaultdict(set)
        media: dict[int, list[Media]] = defaultdict(list)
        for recording, stream, sequence, sha256, kind, start, end in rows:
            name = f"{recording}/{stream:05d}-{sequence:010d}"
            bodies[name].add(sha256)
            if kind == int(Kind.MEDIA) and stream != SCENE_STREAM:
                zero = zeros[recording]
                media[stream].append(Media(zero + start, zero + end, name))
        ordered = {stream: tuple(sorted(each, key=lambda one: one.start)) for stream, each in media.items()}
        return cls({name: frozenset(each) for name, each in bodies.items()}, ordered)

    def last_before(self, moment: int, lane: str) -> int | None:
        """The end of the lane's last kept media that began before then, at most `moment`."""
        ends = []
        for each in (each for stream, each in self.media.items() if lane_of(stream) == lane):
            place = bisect_left([one.start for one in each], moment)
            if place:
                ends.append(min(each[place - 1].end, moment))
        return max(ends, default=None)

    def overlaps(self) -> set[str]:
        """Spans of media that are kept twice, named by the chunk that comes second."""
        return {
            f"{later.name} again"
            for each in self.media.values()
            for earlier, later in pairwise(each)
            if later.start < earlier.end - SAME
        }


@dataclass
class Judge:
    """Remembers what it has judged, so that each verdict speaks of what is new."""

    _promised: set[str] = field(default_factory=set)
    _receipted: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)
    _unexplained: int = 0  # ns

    def judge(
        self, told: Journal, kept: Kept, swept: Mapping[str, Any], gaps: Mapping[str, Any], spool: Path, *, rounds: int
    ) -> Round:
        """`swept`, `gaps`: answers of `eyelid-store verify --all --json` and `gaps --json`; `spool`: where nothing
        should wait any more."""
        findings = [
            (f"{one['kind']} {one['id']}: {found['where']}: {found['message']}", found["code"])
            for one in swept["unsound"]
            for found in one["findings"]
        ]
        (device,) = gaps["devices"]
        lost = {f"{name} is not in the store" for name, sha in told.put.items() if sha not in kept.bodies.get(name, ())}
        lost |= {what for what, code in findings if code == LOST}
        lost |= {
            f"{short['recording']} lacks {short['missing'] or 'everything'}"
            for short in device["recordings"]
            if LOST in (short["why"], *(hole["why"] for hole in short["missing"]))
        }
        doubled = {f"{name} has {len(bodies)} bodies" for name, bodies in kept.bodies.items() if len(bodies) > 1}
        doubled |= kept.overlaps() | {f"{name} was promised with two contents" for name in told.contradictions}
        unreadable = {what for what, code in findings if code != LOST}
        left = {f"{path.parent.name}/{path.name} is left in the spool" for path in spool.glob("*/*")}
        left = {name for name in left if not name.startswith(f"{SET_ASIDE}/")}
        left |= {f"{name} was set aside" for name in told.aside}
        unexplained = sum(part["ns"] for part in device["unexplained"])
        verdict = Round(
            rounds=rounds,
            acknowledged=len(told.put.keys() - self._promised),
            receipted=len((told.receipts & told.put.keys()) - self._receipted),
            lost=len(lost - self._known),
            doubled=len(doubled - self._known),
            unreadable=len(unreadable - self._known),
            unexplained_s=max(0, unexplained - self._unexplained) / SECOND,
            faults=self._new(lost | doubled | unreadable) + self._new(left),
        )
        self._promised |= told.put.keys()
        self._receipted |= told.receipts
        self._known |= lost | doubled | unreadable | left
        self._unexplained = unexplained
        return verdict

    def _new(self, wrong: set[str]) -> list[str]:
        new = sorted(wrong - self._known)
        more = [f"and {len(new) - NAMED} more"] if len(new) > NAMED else []
        return new[:NAMED] + more
