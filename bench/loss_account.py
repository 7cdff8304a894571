"""What a run of bench/loss counts and how it is judged: rounds add up to what a case came to, also over many runs.

Pure. A chunk is *acknowledged* once the recorder's spool has promised it (the spool's own `put` returned); *receipted*
are those of them for which the recorder also had the store's signed receipt. None of either may be lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

PATIENCE: Final = 2.0  # seconds that a picture may wait at the gate (agent.core.proof.gate.PATIENCE; a test compares)
COUNTED: Final = ("rounds", "acknowledged", "receipted", "lost", "doubled", "unreadable")


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
            counts.name: {
                **_figures(counts),
                "chunk_s": counts.chunk,
                "notes": counts.notes,
                "wrong": wrong(counts),
            }
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
