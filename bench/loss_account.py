"""What a run of bench/loss counts and how it is judged: what was promised beside what is there, round by round.

Reads, and starts nothing. What the recorder was promised comes from bench/loss_agent; what is there, from the store's
catalog and commands. A chunk is *acknowledged* once the recorder's spool has promised it (the spool's own `put`
returned); *receipted* are those of them for which the recorder also had the store's signed receipt. None of either may
be lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from agent.spool import SET_ASIDE
from protocol.envelope import SCENE_STREAM, Kind, lane_of

PATIENCE: Final = 2.0  # seconds that a picture may wait at the gate (agent.core.proof.gate.PATIENCE; a test compares)
COUNTED: Final = ("rounds", "acknowledged", "receipted", "lost", "doubled", "unreadable")
SECOND: Final = 1_000_000_000
NAMED: Final = 5  # of what is wrong, told one by one
SAME: Final = 1_000  # ns: the media's own time has ticks of 11 us, spans have none
LOST: Final = "lost"  # of `eyelid-store verify` and `gaps`: a chunk that a receipt was given for is not here


@dataclass(slots=True)
class Round:
    """What one fault did, or what was found of several (`rounds`) when everything had been mended and drained.

    `lost`: acknowledged, and the store cannot give it back. `doubled`: a (recording, stream, sequence) with two bodies,
    or a span of media kept twice. `unreadable`: does not open with the recipient's key, or does not verify.
    `unexplained_s`: no ledger entry covers it. `open_ends`: seconds from a kill with an open eye back to the last
    moment kept. `faults`: what else was wrong, a fault that could not be put in before all. `notes`: how often things
    happened that are no fault, such as kills in the middle of a write.
    """

    rounds: int = 1
    acknowledged: int = 0
    receipted: int = 0
    lost: int = 0
    doubled: int = 0
    unreadable: int = 0
    unexplained_s: float = 0.0
    open_ends: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def add(self, other: Round) -> None:
        for name in (*COUNTED, "unexplained_s", "open_ends", "faults"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.notes = dict(Counter(self.notes) + Counter(other.notes))


# -- one verdict ---------------------------------------------------------------------------------------------------


@dataclass
class Journal:
    """Chunk name -> SHA-256 of what the spool was asked to keep, and promised to; the names that left it.

    A promise that was given while the power went ("void") is none.
    """

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
            case ["void", name]:
                told.put.pop(name, None)
            case _:
                raise ValueError(f"no line of a recorder's promises: {line!r}")
    return told


class Media(NamedTuple):
    """A stored media chunk's span on the PC's clock, ns."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Kept:
    """`bodies`: chunk name -> the SHA-256 of each body stored under it; `media`: stream -> its media, in order."""

    bodies: dict[str, set[str]]
    media: dict[int, list[Media]]

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]], zeros: Mapping[str, int]) -> Kept:
        """`rows`: recording, stream, sequence, sha256, kind, start, end, as the catalog has them.

        `zeros`: recording -> where its time begins on the PC's clock. A recording whose opening the PC had no time to
        write down has no place on that clock, and no media either.
        """
        kept = cls({}, {})
        for recording, stream, sequence, sha256, kind, start, end in rows:
            name = f"{recording}/{stream:05d}-{sequence:010d}"
            kept.bodies.setdefault(name, set()).add(sha256)
            if kind == int(Kind.MEDIA) and stream != SCENE_STREAM:
                zero = zeros[recording]
                kept.media.setdefault(stream, []).append(Media(zero + start, zero + end, name))
        for each in kept.media.values():
            each.sort()
        return kept

    def last_before(self, moment: int, lane: str) -> int | None:
        """The end of the lane's last kept media that began before then, at most `moment`."""
        of_it = (one for stream, each in self.media.items() if lane_of(stream) == lane for one in each)
        return max((min(one.end, moment) for one in of_it if one.start < moment), default=None)

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

    def judge(self, told: Journal, kept: Kept, swept: Mapping[str, Any], gaps: Mapping[str, Any], spool: Path) -> Round:
        """`swept`, `gaps`: answers of `eyelid-store verify --all --json` and `gaps --json`; `spool`: where nothing
        should wait any more."""
        findings = [
            (f"{one['kind']} {one['id']}: {found['where']}: {found['message']}", found["code"])
            for one in swept["unsound"]
            for found in one["findings"]
        ]
        (device,) = gaps["devices"]
        lost = {
            f"{name} is not in the store"
            for name, sha in told.put.items()
            if sha not in kept.bodies.get(name, ()) and not (spool / name).exists()
        }
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
            rounds=0,
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


# -- a case ------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class LossCounts(Round):
    """All rounds of one case at one length of chunk (s), as it is written down.

    `skipped`: why the case could not be played here. `finished`: it came to its end and was judged.
    """

    case: str
    title: str
    chunk: float
    rounds: int = 0
    skipped: str = ""
    finished: bool = False

    @property
    def name(self) -> str:
        return self.case if self.chunk == 1.0 else f"{self.case} ({self.chunk:g} s)"


def wrong(counts: LossCounts) -> list[str]:
    """Why the case has failed, a line each; empty where nothing is wrong with it."""
    if counts.skipped:
        return []
    longest = max(counts.open_ends, default=0.0)
    limit = counts.chunk + PATIENCE  # the open chunk and what waits at the gate
    checks = [
        (counts.lost, f"{counts.lost} chunks lost"),
        (counts.doubled, f"{counts.doubled} doubled"),
        (counts.unreadable, f"{counts.unreadable} unreadable"),
        (counts.unexplained_s > 0, f"{counts.unexplained_s:.3f} seconds unexplained"),
        (longest > limit, f"the open end was {longest:.2f} s, more than {limit:.1f} s"),
    ]
    said = [what for fails, what in checks if fails]
    if not counts.finished:
        said.append("it did not come to its end, so nothing is known of what it lost")
    elif not counts.rounds:
        said.append("no round was played: nothing was tried")
    elif not counts.acknowledged:
        said.append("no chunk was acknowledged: nothing could have been lost")
    return [f"{counts.case}: {one}" for one in said + counts.faults]


def added_up(played: Iterable[LossCounts]) -> list[LossCounts]:
    """One for each case and length of chunk, in the order in which they first come; skipped ones only if alone."""
    sums: dict[tuple[str, float], LossCounts] = {}
    for counts in played:
        key = (counts.case, counts.chunk)
        if key not in sums or sums[key].skipped:
            sums[key] = LossCounts(**asdict(counts))
        elif not counts.skipped:
            sums[key].add(counts)
            sums[key].finished &= counts.finished
    return list(sums.values())


def total(played: Sequence[LossCounts]) -> dict[str, Any]:
    """The bench's one JSON object."""
    judged = [counts for counts in played if not counts.skipped]
    whole = Round(rounds=0)
    for counts in judged:
        whole.add(counts)
    return {
        **_figures(whole),
        "cases": {
            counts.name: {**_figures(counts), "chunk_s": counts.chunk, "notes": counts.notes, "wrong": wrong(counts)}
            for counts in judged
        },
        "skipped": {counts.name: counts.skipped for counts in played if counts.skipped},
    }


def _figures(of: Round) -> dict[str, Any]:
    return {
        **{name: getattr(of, name) for name in COUNTED},
        "unexplained_s": round(of.unexplained_s, 6),
        "open_end_s_max": round(max(of.open_ends), 3) if of.open_ends else None,
    }


WORDS: Final = 2  # columns that are no figures
COLUMNS: Final = (
    *("case", "chunks of", "rounds", "acknowledged", "with receipt", "lost", "doubled", "unreadable"),
    *("unexplained", "open end, p50 / max"),
)


def lines(played: Sequence[LossCounts]) -> list[tuple[str, ...]]:
    """The table's rows for people, in the order of COLUMNS."""
    rows = []
    for counts in played:
        figures = [f"skipped: {counts.skipped}", *[""] * (len(COLUMNS) - 3)]
        if not counts.skipped:
            ends = sorted(counts.open_ends)
            figures = [f"{getattr(counts, name):,}" for name in COUNTED]
            figures += [f"{counts.unexplained_s:.3g} s"]
            figures += [f"{ends[len(ends) // 2]:.1f} / {ends[-1]:.1f} s" if ends else "-"]
        rows.append((counts.title, f"{counts.chunk:g} s", *figures))
    return rows
