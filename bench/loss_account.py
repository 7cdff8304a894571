"""What a run of bench/loss counts and how it is judged: rounds add up to a tally for each case, tallies over many runs.

Pure. A chunk is *acknowledged* once the recorder's spool has promised it (the spool's own `put` returned); *receipted*
are those of them for which the recorder also had the store's signed receipt in hand. Nobody may lose either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

PATIENCE: Final = 2.0  # seconds that a picture may wait at the gate (agent.core.proof.gate.PATIENCE; a test compares)


@dataclass(frozen=True, slots=True)
class Round:
    """What one fault did, or what was found of several (`rounds`) when everything had been mended and drained.

    `lost`: acknowledged, and the store cannot give it back. `doubled`: a (recording, stream, sequence) with two bodies,
    or a span of media kept twice. `unreadable`: does not open with the recipient's key, or does not verify.
    `unexplained_s`: no ledger entry covers it. `open_end_s`: from the kill back to the last moment kept; None where no
    eye was open. `faults`: what else was wrong, a fault that could not be put in before all. `notes`: counted things
    that are nobody's fault, such as how many kills fell into the middle of a write.
    """

    rounds: int = 1
    acknowledged: int = 0
    receipted: int = 0
    lost: int = 0
    doubled: int = 0
    unreadable: int = 0
    unexplained_s: float = 0.0
    open_end_s: float | None = None
    faults: tuple[str, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LossCounts:
    """The rounds of one case at one length of chunk (s). `finished`: the case came to its end and was judged."""

    case: str
    title: str
    chunk: float
    rounds: int = 0
    acknowledged: int = 0
    receipted: int = 0
    lost: int = 0
    doubled: int = 0
    unreadable: int = 0
    unexplained_s: float = 0.0
    open_ends: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    skipped: str = ""  # why the case could not be played here
    finished: bool = False

    def add(self, one: Round) -> None:
        self.rounds += one.rounds
        self.acknowledged += one.acknowledged
        self.receipted += one.receipted
        self.lost += one.lost
        self.doubled += one.doubled
        self.unreadable += one.unreadable
        self.unexplained_s += one.unexplained_s
        if one.open_end_s is not None:
            self.open_ends.append(one.open_end_s)
        self.faults += one.faults
        for name, times in one.notes.items():
            self.notes[name] = self.notes.get(name, 0) + times

    def join(self, other: LossCounts) -> None:
        """What another run of the same case came to."""
        self.rounds += other.rounds
        self.acknowledged += other.acknowledged
        self.receipted += other.receipted
        self.lost += other.lost
        self.doubled += other.doubled
        self.unreadable += other.unreadable
        self.unexplained_s += other.unexplained_s
        self.open_ends += other.open_ends
        self.faults += other.faults
        for name, times in other.notes.items():
            self.notes[name] = self.notes.get(name, 0) + times
        self.finished = self.finished and other.finished

    @property
    def open_end_s_max(self) -> float | None:
        return max(self.open_ends, default=None)

    @property
    def open_end_limit(self) -> float:
        """Seconds: the open chunk and what waits at the gate."""
        return self.chunk + PATIENCE

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> LossCounts:
        return cls(**facts)


def wrong(counts: LossCounts) -> list[str]:
    """Why the case has failed, a line each; empty where nothing is wrong with it."""
    if counts.skipped:
        return []
    said = [
        f"{counts.case}: {count} {what}"
        for count, what in (
            (counts.lost, "chunks lost"),
            (counts.doubled, "doubled"),
            (counts.unreadable, "unreadable"),
        )
        if count
    ]
    if counts.unexplained_s > 0:
        said.append(f"{counts.case}: {counts.unexplained_s:.3f} seconds unexplained")
    longest = counts.open_end_s_max
    if longest is not None and longest > counts.open_end_limit:
        said.append(f"{counts.case}: the open end was {longest:.2f} s, more than {counts.open_end_limit:.1f} s")
    if not counts.finished:
        said.append(f"{counts.case}: it did not come to its end, so nothing is known of what it lost")
    elif not counts.rounds:
        said.append(f"{counts.case}: no round was played: nothing was tried")
    elif not counts.acknowledged:
        said.append(f"{counts.case}: no chunk was acknowledged: nothing could have been lost")
    return said + [f"{counts.case}: {fault}" for fault in counts.faults]


def added_up(tallies: Iterable[LossCounts]) -> list[LossCounts]:
    """One for each case and length of chunk, in the order in which they first come; skipped ones only if alone."""
    sums: dict[tuple[str, float], LossCounts] = {}
    for counts in tallies:
        key = (counts.case, counts.chunk)
        if key not in sums or sums[key].skipped:
            sums[key] = LossCounts.from_json(counts.to_json())
        elif not counts.skipped:
            sums[key].join(counts)
    return list(sums.values())


_SUMMED: Final = ("rounds", "acknowledged", "receipted", "lost", "doubled", "unreadable")


def total(tallies: Sequence[LossCounts]) -> dict[str, Any]:
    """The bench's one JSON object."""
    played = [counts for counts in tallies if not counts.skipped]
    return {
        **{name: sum(getattr(counts, name) for counts in played) for name in _SUMMED},
        "unexplained_s": round(sum(counts.unexplained_s for counts in played), 6),
        "open_end_s_max": _rounded(max((end for counts in played for end in counts.open_ends), default=None)),
        "cases": {
            _name(counts): {
                **{name: getattr(counts, name) for name in _SUMMED},
                "chunk_s": counts.chunk,
                "unexplained_s": round(counts.unexplained_s, 6),
                "open_end_s_max": _rounded(counts.open_end_s_max),
                "notes": counts.notes,
                "wrong": wrong(counts),
            }
            for counts in played
        },
        "skipped": {_name(counts): counts.skipped for counts in tallies if counts.skipped},
    }


def _name(counts: LossCounts) -> str:
    return counts.case if counts.chunk == 1.0 else f"{counts.case} ({counts.chunk:g} s)"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


WORDS: Final = 2  # columns that are no figures
COLUMNS: Final = (
    *("case", "chunks of", "rounds", "acknowledged", "with receipt", "lost", "doubled", "unreadable"),
    *("unexplained", "open end, p50 / max"),
)


def lines(tallies: Sequence[LossCounts]) -> list[tuple[str, ...]]:
    """The table's rows for people, in the order of COLUMNS."""
    return [
        (counts.title, f"{counts.chunk:g} s", f"skipped: {counts.skipped}", *[""] * (len(COLUMNS) - 3))
        if counts.skipped
        else (
            counts.title,
            f"{counts.chunk:g} s",
            *(f"{getattr(counts, name):,}" for name in _SUMMED),
            f"{counts.unexplained_s:.3g} s",
            _ends(counts),
        )
        for counts in tallies
    ]


def _ends(counts: LossCounts) -> str:
    if not counts.open_ends:
        return "-"
    ordered = sorted(counts.open_ends)
    return f"{ordered[len(ordered) // 2]:.1f} / {ordered[-1]:.1f} s"
