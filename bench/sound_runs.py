"""What came of runs of bench/sound together, as tables, and why one fails: something leaked, nothing was tried, or a
published bound is not held.

Pure. A bound says how fast a machine must be, too, so a quick run, which is a test and runs beside anything, only
prints those that it misses; a leak, a control without a marker and a recorder without sound fail any run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from bench import tables
from bench.leaks_account import percentiles
from bench.sound_account import Span

OVER_PAUSE: Final = 1200  # ms, of the 95th of 100 spans
MB_PER_H: Final = 18
RECOVERY: Final = 10  # seconds, of the worst
OFFSET: Final = 40  # ms, in the median
UNTRIED: Final = 0.05  # of the planned spans
TALKS: Final = 0.3  # of the time: speech without a pause is louder than `HEARD` for more of it
AS_MUCH: Final = 0.7  # of what the control hears: both keep the same speech, but not the same parts of it
ENDS: Final = ("microphone", "far end")


@dataclass(slots=True)
class Run:
    """One run on one server, as it is written down, so that runs add up.

    `offsets`: of all beeps that were dated and kept, ms. `costs`: cpu_s_per_min, mb_per_h, memory_mb, of the part in
    which both ends talk. `recoveries`: case -> seconds of each. `planned`: spans without anything happening to a device
    that were to be tried. `talk`: recorder ("ruled", "control") -> how much of what it kept of both ends' talk can be
    heard, for each end. Runs from before these were counted have 0 and nothing.
    """

    server: str
    minutes: float
    spans: list[Span]
    offsets: list[float] = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)
    recoveries: dict[str, list[float | None]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    planned: int = 0
    talk: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Run:
        return cls(**{**written, "spans": [Span(**one) for one in written["spans"]]})


def total(runs: Sequence[Run]) -> dict[str, Any]:
    """The bench's one object. Costs are medians of the runs, `recoveries` of all tries."""
    spans = [span for run in runs for span in run.spans if not span.untried]
    cases: dict[str, list[float]] = {}
    for run in runs:
        for case, took in run.recoveries.items():
            cases.setdefault(case, []).extend(one for one in took if one is not None)
    off = [abs(one) for run in runs for one in run.offsets]

    def typical(cost: str) -> float | None:
        found = [run.costs[cost] for run in runs if cost in run.costs]
        return round(median(found), 2) if found else None

    return {
        "spans": len(spans),
        "untried": sum(span.untried for run in runs for span in run.spans),
        "leaked_ms": round(sum(span.leaked for run in runs for span in run.spans), 1),
        "control_leaked_ms": round(sum(span.control for span in spans), 1),
        "over_pause_ms": percentiles([span.over_pause for span in spans if span.over_pause is not None]),
        "offset_ms": percentiles(off),
        "offset_ms_max": round(max(off), 1) if off else None,
        "cpu_s_per_min": typical("cpu_s_per_min"),
        "mb_per_h": typical("mb_per_h"),
        "memory_mb": typical("memory_mb"),
        "recoveries": {
            case: {"times": len(took), "median_s": round(median(took), 2), "worst_s": round(max(took), 2)}
            for case, took in cases.items()
            if took
        },
    }


# -- as faults ---------------------------------------------------------------------------------------------------


def faults(runs: Sequence[Run]) -> list[str]:
    """What fails any run; empty when nothing leaked, and everything that was to be tried can be heard."""
    return [f"{run.server}: {fault}" for run in runs for fault in (*run.faults, *_untrue(run), *_silent(run))]


def beyond(runs: Sequence[Run]) -> list[str]:
    """The bounds that a run misses; each run is judged alone, so that no good one hides a bad one."""
    return [f"{run.server}: {missed}" for run in runs for missed in (*_too_few(run), *_too_much(run))]


def _untrue(run: Run) -> Iterator[str]:
    for number, span in enumerate(run.spans):
        if span.leaked:
            yield f"{span.leaked:.0f} ms of the marker of span {number} leaked"
        if span.control < span.wanted and not span.untried:
            yield f"the control does not have the marker of span {number}: nothing was tried"
    for case, took in run.recoveries.items():
        if None in took:
            yield f"after {case} nothing was heard again"
    if not run.spans:
        yield "no span at all"
    elif all(span.untried for span in run.spans):
        yield "the control has enough of no marker at both ends: nothing was tried"


def _silent(run: Run) -> Iterator[str]:
    """A recorder that keeps only silence leaks nothing, and is worth nothing."""
    control = run.talk.get("control", [])
    for end, heard, there in zip(ENDS, run.talk.get("ruled", []), control, strict=False):
        if there < TALKS:
            yield f"the control has speech in {there:.0%} of the talk at the {end}: none was played, or none kept"
        elif heard < AS_MUCH * there:
            kept = f"speech in {heard:.0%} of the talk at the {end}"
            yield f"the recorder with the rule has {kept}, the control in {there:.0%}"


def _too_few(run: Run) -> Iterator[str]:
    planned = run.planned or len(run.spans)
    tried = sum(not span.untried for span in run.spans if not (run.planned and span.case))
    if tried < (1 - UNTRIED) * planned:
        yield f"{tried} spans of {planned} were tried"
    untried = sum(span.untried for span in run.spans)
    if untried > UNTRIED * len(run.spans):
        yield f"{untried} of {len(run.spans)} spans were not tried: the PC was too busy"


def _too_much(run: Run) -> Iterator[str]:
    found = total([run])
    bounds = [
        (found["over_pause_ms"]["p95"], OVER_PAUSE, "ms of over-pause (p95)"),
        (found["mb_per_h"], MB_PER_H, "MB an hour"),
        (found["offset_ms"]["p50"], OFFSET, "ms of offset (median)"),
        *((took["worst_s"], RECOVERY, f"s after {case} (worst)") for case, took in found["recoveries"].items()),
    ]
    for figure, bound, what in bounds:
        if figure is not None and figure > bound:
            yield f"{figure} {what}, where {bound} are allowed"


# -- as tables ----------------------------------------------------------------------------------------------------

COLUMNS: Final = (
    *("server", "runs", "spans", "with devices", "untried", "leaked, ms", "control, ms"),
    *("over-pause, ms", "offset, ms", "minutes"),
)
RECOVERIES: Final = ("after", "times", "median, s", "worst, s")


def markdown(runs: Sequence[Run]) -> str:
    took, costs = [], []
    for mine in _by_server(runs):
        found, server = total(mine), mine[0].server
        for case, one in found["recoveries"].items():
            took.append((f"{server}: {case}", f"{one['times']}", f"{one['median_s']}", f"{one['worst_s']}"))
        costs.append(f"{server}: {found['mb_per_h']} MB an hour.")
        if found["cpu_s_per_min"] is not None:  # else no recorder without sound ran beside it
            more = f"{found['cpu_s_per_min']} CPU-s a minute and {found['memory_mb']} MB"
            costs[-1] = f"{server}: {more} more than a recorder without sound; {found['mb_per_h']} MB an hour."
    lines = tables.markdown(COLUMNS, map(_line, _by_server(runs)))
    return "\n\n".join([lines, tables.markdown(RECOVERIES, took), *costs])


def _by_server(runs: Sequence[Run]) -> list[list[Run]]:
    return [[run for run in runs if run.server == server] for server in sorted({run.server for run in runs})]


def _line(runs: Sequence[Run]) -> tuple[str, ...]:
    found = total(runs)
    over, off = found["over_pause_ms"], found["offset_ms"]
    return (
        runs[0].server,
        str(len(runs)),
        str(found["spans"]),
        str(sum(bool(span.case) and not span.untried for run in runs for span in run.spans)),
        str(found["untried"]),
        f"{found['leaked_ms']:.0f}",
        f"{found['control_leaked_ms']:.0f}",
        f"{over['p50']} / {over['p95']}",
        f"{off['p50']} / {off['p95']} / {found['offset_ms_max']}",
        f"{max(run.minutes for run in runs):.0f}",
    )
