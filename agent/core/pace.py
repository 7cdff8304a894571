"""When a witness is asked. It decides what is kept only in so far as a look that comes late proves less.

Looks cost little but not nothing, so they come on demand: around pictures and while the eye is closed. On a quiet, open
screen they are rare: whatever changes there raises damage or an event, and both ask. A closing costs no kept time for
that: a still screen was what was proven until it was drawn on (core.account.kept_span).
"""

from __future__ import annotations

from typing import Final

from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.clearance import Timing

CLOSED_EVERY: Final = 100 * MILLISECOND
QUIET_EVERY: Final = 1 * SECOND
# What waits for the next look when the lane closes is given up. With looks 0.8 s apart half an hour of talk lost up to
# 1.35 s at a window (p95), where 1.2 are allowed; with 0.2 s it lost 0.75, and each look costs the browsers.
LONGEST_BEAT: Final = 400 * MILLISECOND


def fresh(last_asked: int, now: int, timing: Timing) -> bool:
    """Whether a grab may begin on the strength of the last look, so that the next one still comes within `max_gap`."""
    return now - last_asked < timing.max_gap * 3 // 5


def next_look(
    last_asked: int,
    timing: Timing,
    *,
    closed: bool,
    grab_wanted: bool = False,
    newest: int | None = None,
    took: int = 0,
    slowest: int = 0,
) -> int:
    """When to ask next (ns, possibly past).

    `last_asked`: of the last answered look. `newest`: the end of the lane's newest waiting item, None if none waits.
    `grab_wanted`: a picture is about to be taken, or waits for a fresh look.
    `took`, `slowest`: what the last look took, and the slowest of late; a slow witness is asked sooner, so that its
    answer still comes within `max_gap`.
    `closed`: whether this witness's last word was not clean.
    """
    due = [last_asked + (CLOSED_EVERY if closed else QUIET_EVERY)]
    if grab_wanted or (newest is not None and last_asked <= newest + timing.hindsight):
        # A beat, and nothing between its strokes: a picture waits for the next one, before it is taken and before it is
        # let go. Looks at once cost a scrolling page 6 a second where 5 do. On a busy PC one look takes ten times as
        # long as the one before, so where one was slow of late the beat is three fifths of the gap.
        fifths = 4 if 16 * slowest < timing.max_gap else 3
        due.append(last_asked + min(timing.max_gap * fifths // 5, timing.max_gap - 2 * took, LONGEST_BEAT))
    return min(due)
