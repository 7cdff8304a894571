"""What came of a run of bench/leaks: true intervals beside what was kept, and what several runs come to together.

Pure: the watcher's edges, the played phases, the kept spans and the times of leaked frames go in, all in nanoseconds of
one clock; figures in milliseconds come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
# In these the bench itself stops a part for seconds. The eye has to be closed as long as that lasts, whatever is in
# view: what they give up is told apart from what a page's coming and going costs.
HELD_UP: Final = frozenset({"browser_stopped", "renderer_stopped", "relay_stopped", "extension_stopped", "gpu_stopped"})
ONE: Final = int(1.5 * SECOND)  # what comes again within this is the same interval: nothing can be kept in between


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phase:
    """One transition played once. `presences`: while something sensitive was there and not in view.

    `least`: nothing sensitive was in it, and this share of its time has to be kept.
    """

    key: str
    start: int
    end: int
    least: float | None = None
    presences: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Interval:
    """Something sensitive was in view, or present. `before`, `after` (ms): clean time that was not kept around it.

    None where there is nothing to measure it against: the first interval's before, an eye that had not opened between
    two of them. `leaked`, `control`: frames that show it in the recording, and in the one that was made without rules.
    `overlap` (ms): how long it was seen while the account says that the time was kept, though no frame of it is there.
    """

    key: str
    start: int
    end: int
    before: float | None = None
    after: float | None = None
    leaked: int = 0
    control: int = 0
    overlap: float = 0.0


def intervals(shown: Iterable[Span], phases: Sequence[Phase]) -> list[Interval]:
    """Colour and presence together, as far as the colour was seen: what was never shown cannot leak."""
    seen = list(shown)
    spans = seen + [Span(*presence) for phase in phases for presence in phase.presences]
    joined: list[Interval] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start - joined[-1].end < ONE:
            joined[-1].end = max(joined[-1].end, span.end)
        else:
            # The phase that had begun last: between two of them nothing comes unasked.
            begun = (phase for phase in phases if phase.start <= span.start)
            played = max(begun, key=lambda phase: phase.start, default=Phase("before the play", 0, 0))
            joined.append(Interval(played.key, span.start, span.end))
    return [one for one in joined if any(colour.start < one.end and one.start < colour.end for colour in seen)]


def measure(found: Sequence[Interval], kept: Sequence[Span], seen: Sequence[Span] = ()) -> None:
    """Fill in `before`, `after` and `overlap`. Intervals in order of time, as `intervals` gives them.

    `seen`: while something sensitive was in view for certain.
    """
    for place, one in enumerate(found):
        earlier = found[place - 1].end if place else 0
        later = found[place + 1].start if place + 1 < len(found) else 2**63
        last = max((min(span.end, one.start) for span in kept if span.start < one.start), default=0)
        first = min((max(span.start, one.end) for span in kept if span.end > one.end), default=2**63)
        one.before = (one.start - last) / MS if last > earlier else None
        one.after = (first - one.end) / MS if first < later else None
        inside = [span for span in seen if one.start <= span.start <= one.end]
        one.overlap = sum(_both(a, b) for a in inside for b in kept) / MS


def charge(found: Sequence[Interval], frames: Iterable[int], *, control: bool) -> None:
    """Count each frame at the interval that is nearest. `frames`: their times, ns."""
    for at in frames if found else ():
        nearest = min(found, key=lambda one: max(one.start - at, at - one.end, 0))
        nearest.control += control
        nearest.leaked += not control


def share(kept: Iterable[Span], whole: Span) -> float:
    return sum(_both(span, whole) for span in kept) / (whole.end - whole.start)


def lost(parts: Iterable[tuple[Span, str]], whole: Span) -> dict[str, float]:
    """Why -> ms of this time that were not kept for it, by the recording's own account."""
    found: dict[str, float] = defaultdict(float)
    for span, why in parts:
        found[why] += _both(span, whole) / MS
    return {why: ms for why, ms in found.items() if ms}


def _both(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


@dataclass(slots=True)
class Run:
    """One run as it is written down, so that runs add up. `setting`: plain, picom, monitors; with " busy" under load.

    `shares`: clean transition -> (kept, to be kept at least), parts of its time; `lost`: beside each of them why the
    rest was not, ms. `faults`: what a transition did not do. `unplaced`: leaked frames of a run without any interval.
    `looks`: how the screen was watched.
    """

    setting: str
    intervals: list[Interval]
    shares: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    cost_percent: dict[str, float] = field(default_factory=dict)
    looks: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    unplaced: int = 0
    lost: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def more(self) -> str:
        """What stands behind a transition's name in the table."""
        return "" if self.setting == "plain" else f" ({self.setting})"

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Run:
        return cls(**{**written, "intervals": [Interval(**one) for one in written["intervals"]]})


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 (nearest rank) and max; None where there is nothing."""
    if not values:
        return {"p50": None, "p95": None, "max": None}
    ranked = sorted(values)
    p95 = ranked[max(0, -(-95 * len(ranked) // 100) - 1)]
    return {"p50": round(median(ranked), 1), "p95": round(p95, 1), "max": round(ranked[-1], 1)}


def over_pauses(found: Iterable[Interval]) -> list[float]:
    """ms before and after together, of intervals where both could be measured."""
    return [one.before + one.after for one in found if one.before is not None and one.after is not None]


def _held_up(one: Interval) -> bool:
    return one.key.rpartition("/")[2] in HELD_UP


def total(runs: Sequence[Run]) -> dict[str, Any]:
    """The bench's one object. Over-pauses are of idle runs without compositor, wherever there are any; those of HELD_UP
    stand for themselves."""
    every = [one for run in runs for one in run.intervals]
    idle = [one for run in runs if run.setting == "plain" for one in run.intervals] or every
    costs = {what: [run.cost_percent[what] for run in runs if run.cost_percent] for what in ("static", "scrolling")}
    return {
        "intervals": len(every),
        "leaked_frames": sum(one.leaked for one in every) + sum(run.unplaced for run in runs),
        "leaked_intervals": sum(one.leaked > 0 for one in every),
        "control_leaked": sum(one.control for one in every),
        "over_pause_ms": percentiles(over_pauses(one for one in idle if not _held_up(one))),
        "held_up_ms": percentiles(over_pauses(one for one in idle if _held_up(one))),
        "overlap_ms_max": round(max((one.overlap for one in every), default=0.0), 1),
        "cost_percent": {what: round(median(found), 2) if found else None for what, found in costs.items()},
        "transitions": rows(runs),
    }


def rows(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Transition (with its setting where that is not plain) -> figures."""
    found: dict[str, list[Interval]] = defaultdict(list)
    shares: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in runs:
        for one in run.intervals:
            found[one.key + run.more].append(one)
        for key, parts in run.shares.items():
            shares[key + run.more] += parts
    named: dict[str, dict[str, Any]] = {
        key: {
            "intervals": len(those),
            "leaked_frames": sum(one.leaked for one in those),
            "leaked_intervals": sum(one.leaked > 0 for one in those),
            "control_leaked": sum(one.control for one in those),
            "before_ms": percentiles([one.before for one in those if one.before is not None]),
            "after_ms": percentiles([one.after for one in those if one.after is not None]),
            "least_after_ms": min((round(one.after, 1) for one in those if one.after is not None), default=None),
        }
        for key, those in found.items()
    }
    for key, parts in shares.items():
        kept, least = zip(*parts, strict=True)
        named[key] = {"times": len(parts), "kept_share": round(min(kept), 4), "least_share": max(least)}
    return named


def faults(runs: Sequence[Run]) -> list[str]:
    """Why the bench fails; empty when every transition was kept out and was seen by the control."""
    found = [fault for run in runs for fault in (*run.faults, *_too_little(run))]
    for key, row in rows(runs).items():
        if "kept_share" in row:
            continue
        if row["leaked_frames"]:
            found.append(f"{key}: {row['leaked_frames']} frames leaked in {row['leaked_intervals']} intervals")
        if not row["control_leaked"]:
            found.append(f"{key}: the control shows nothing either, so nothing was shown that it leaks or not")
    if unplaced := sum(run.unplaced for run in runs):
        found.append(f"{unplaced} frames leaked in a run in which nothing sensitive was seen")
    if not any(run.intervals for run in runs):
        found.append("no interval at all: nothing was tried")
    return found


def _too_little(run: Run) -> Iterator[str]:
    for key, parts in run.shares.items():
        reasons = run.lost.get(key, [{}] * len(parts))  # a run of an earlier bench does not say
        for (kept, least), why in zip(parts, reasons, strict=True):
            if kept < least:
                rest = ", ".join(f"{ms / 1000:.1f} s {reason}" for reason, ms in why.items())
                because = f" ({rest})" if rest else ""
                yield f"{key}{run.more}: {kept:.1%} of its time was kept, at least {least:.0%} must be{because}"
