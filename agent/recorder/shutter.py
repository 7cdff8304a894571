"""What the daemon lets the capture thread do: nothing while the eye is closed, a whole grab when it opens.

The capture thread never decides. It waits here until a picture could be proven, and has a look asked before it grabs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from agent.core.model.media import Frame, Monitor
from agent.core.model.times import SECOND
from agent.core.pace import fresh
from agent.core.proof.clearance import ANSWERS_WITHIN, Timing
from agent.ports import Clock, Screen

# Every monitor is grabbed whole this often, drawn on or not: a hole in the media is a closed eye, and damage that the
# server did not report is found. A little under a chunk's length, so that a still chunk stays within it.
REPEAT_EVERY: Final = 39 * SECOND // 10


@dataclass(frozen=True, slots=True)
class Permit:
    """`after`: a picture that starts at or before it cannot be proven. `canvas`: rises whenever the canvas is void."""

    open: bool = False
    after: int = 0
    asked: int = 0
    canvas: int = 0
    timing: Timing = field(default_factory=Timing)


class Shutter:
    """Shared by the daemon, which sets the permit, and the capture thread, which waits for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._permit = Permit()
        self._changed = threading.Condition()
        self._stopped = False

    def set(self, permit: Permit) -> None:
        with self._changed:
            if permit != self._permit:
                self._permit = permit
                self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._permit = replace(self._permit, open=False)
            self._changed.notify_all()

    @property
    def permit(self) -> Permit:
        return self._permit

    def wait_open(self, *, or_closed: bool = False) -> Permit | None:
        """Blocks until a picture taken now could be proven; None when there will be none any more.

        `or_closed`: a closed eye is an answer too.
        """
        with self._changed:
            while not self._stopped:
                early = self._permit.after - self._clock.now()
                if (self._permit.open and early < 0) or (or_closed and not self._permit.open):
                    return self._permit
                self._changed.wait(early / SECOND + 0.001 if self._permit.open else None)
            return None

    def wait_fresh(self, ask: Callable[[], None]) -> Permit | None:
        """Blocks until the last look is recent enough to grab on; None when the eye has closed meanwhile."""
        with self._changed:
            if self._permit.open:
                ask()  # also where it is recent: the looks after the picture are due while it is being taken
                # An answer that does not come is silence, and the daemon's to notice.
                self._changed.wait_for(lambda: not self._permit.open or self._is_fresh(), ANSWERS_WITHIN / SECOND)
            return self._permit if self._permit.open and self._is_fresh() else None

    def _is_fresh(self) -> bool:
        return fresh(self._permit.asked, self._clock.now(), self._permit.timing)


@dataclass(frozen=True, slots=True)
class Grabbed:
    frames: tuple[Frame, ...]
    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True)
class Still:
    """The eye has closed. Until `until` (ns) the monitors showed what the last grab of them holds."""

    until: int


def capture(
    screen: Screen,
    shutter: Shutter,
    clock: Clock,
    *,
    ask: Callable[[], None],
    deliver: Callable[[Grabbed | Still], None],
) -> None:
    """The capture thread's work, until the shutter stops."""
    canvas, last, grabbed = -1, 0, False
    while (permit := shutter.wait_open(or_closed=grabbed)) is not None:
        if not permit.open:
            deliver(Still(screen.still_until()))
            grabbed = False
            continue
        whole = permit.canvas != canvas
        if whole:
            screen.void()
            canvas = permit.canvas
        unused = last + REPEAT_EVERY - clock.now()
        drawn = whole or screen.wait(max(0, unused) / SECOND)
        repeat = not whole and clock.now() >= last + REPEAT_EVERY
        if not (drawn or repeat):
            continue  # woken because the permit changed
        ready = shutter.wait_fresh(ask)
        if ready is None or ready.canvas != canvas:
            canvas = -1 if whole else canvas  # the whole grab is still to come
            continue
        frames = screen.grab(repeat=repeat)
        if whole or repeat:
            last = clock.now()
        grabbed = True
        deliver(Grabbed(frames, screen.monitors()))  # also when nothing had changed: the daemon asked a look for it
