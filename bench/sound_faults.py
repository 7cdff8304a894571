"""Why a run of bench/sound fails: something leaked, nothing was tried, or a published bound is not held.

Pure. A bound says how fast a machine must be, too, so a quick run, which is a test and runs beside anything, only
prints those that it misses; a leak, a control without a marker and a recorder without sound fail any run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bench.sound_account import Run, total

OVER_PAUSE: Final = 1200  # ms, of the 95th of 100 spans
MB_PER_H: Final = 18
RECOVERY: Final = 10  # seconds, of the worst
OFFSET: Final = 40  # ms, in the median
UNTRIED: Final = 0.05  # of the planned spans
TALKS: Final = 0.3  # of the time: speech without a pause is louder than `HEARD` for more of it
AS_MUCH: Final = 0.7  # of what the control hears: both keep the same speech, but not the same parts of it
ENDS: Final = ("microphone", "far end")


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
