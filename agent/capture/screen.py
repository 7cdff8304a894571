"""Pictures of an X11 desktop's monitors: damage says what to grab, mss grabs it, a canvas per monitor holds the rest.

A picture is a composition: the rectangles just grabbed, and the rest as it was. That is honest only if the rest has not
changed since; so the damage is taken in one piece after the span has begun and before anything is grabbed. Whatever
was drawn up to that moment is grabbed now, and whatever is drawn later is in the next damage.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import xxhash

from agent.capture.canvas import Canvas
from agent.capture.damage import Damage
from agent.capture.pacing import FRAMES_A_SECOND, Pacing
from agent.capture.pixels import OutOfReach, Pixels
from agent.capture.regions import aligned, area, clip, gather
from agent.core.model.media import Frame, Monitor
from agent.core.model.seen import Box
from agent.core.model.times import SECOND, Span
from agent.desktop.x11.wire import somebody_listens
from agent.errors import EnvironmentFault
from agent.ports import Clock
from protocol.envelope import SOUND_STREAM

log = logging.getLogger(__name__)

PAUSE: Final = 1  # seconds between two connections at least, so that a program that cuts each makes no busy loop
TRIES: Final = 5  # to grab while monitors are being plugged (each reads them anew), and to connect anew

T = TypeVar("T")

# The process's: no recording may see two monitors under one number, and none has as many streams as there are numbers.
_stream_numbers = itertools.cycle(range(SOUND_STREAM))


@dataclass(slots=True)
class _Grab:
    """One monitor and what is known of its picture."""

    monitor: Monitor
    canvas: Canvas
    pacing: Pacing
    drawn: tuple[Box, ...] = ()  # not painted yet, in the monitor's coordinates
    since: int | None = None  # when the first of that was drawn, ns
    taken_at: int = 0  # when it was last grabbed, ns
    digest: bytes = b""  # of the whole screen that the canvas was made of in one piece; empty when painted on since

    @property
    def share(self) -> float:
        """What was drawn, of the monitor's area; at most 1."""
        return min(1.0, sum(map(area, self.drawn)) / area(self.monitor.box))

    def frame(self, span: Span, *, whole: bool) -> Frame:
        canvas = self.canvas
        size = (canvas.width, canvas.height)
        still = self.since is None
        return Frame(self.monitor.stream, span, *size, canvas.picture(), whole, drawn_at=self.since, repeats=still)


class X11Screen:
    """Implements `agent.ports.Screen`. `wait` also sleeps until the pacing lets what was drawn be taken."""

    def __init__(self, clock: Clock, display: str | None = None, *, fps: float = FRAMES_A_SECOND) -> None:
        """`display` as in $DISPLAY, which is the default; at most `fps` frames a second of each monitor.

        Raises EnvironmentFault when the display cannot be captured.
        """
        self._clock = clock
        self._every = round(SECOND / fps)  # ns; between two takes the server gathers the damage, and no thread wakes
        self._damage = Damage(clock.now, display)
        try:
            self._pixels = Pixels(self._damage.name)
        except EnvironmentFault:
            self._damage.close()
            raise
        self._in_use = threading.Lock()  # held by the capture thread, so that `close` frees nothing under its hands
        self._closed = False
        self._void = True
        self._views: tuple[_Grab, ...] = ()
        self._next_take = 0
        self._lost = ""  # what ended the connection; no exception, which would keep the memory that mss must unmap
        self._again_at = 0  # when it may be connected anew, ns
        self._failed = 0  # attempts in a row
        self._grabbed_at: int | None = None  # since when something may have been drawn that no frame shows, ns
        self._unseen_since: int | None = None  # that moment, where a connection was lost since
        self._read_monitors()

    @property
    def display(self) -> str:
        """The X display's name."""
        return self._damage.name

    def monitors(self) -> tuple[Monitor, ...]:
        return tuple(view.monitor for view in self._views)

    def wait(self, timeout: float) -> bool:
        return self._use(lambda: self._wait(timeout), otherwise=False, within=timeout)

    def _wait(self, timeout: float) -> bool:
        deadline = self._clock.now() + round(timeout * SECOND)
        while not self._closed:
            if self._void or self._damage.monitors_changed:
                return True
            now = self._clock.now()
            drawn = self._damage.drawn_at is not None
            if drawn and now >= self._next_take:
                if all(view.pacing.due(1.0) <= now for view in self._views):
                    return True  # however much it was
                self._take_damage()
            dues = [view.pacing.due(view.share) for view in self._views if view.drawn]
            if dues and min(dues) <= now:
                return True
            if now >= deadline:
                return False
            if self._damage.drawn_at is not None:
                dues.append(self._next_take)
            if self._damage.sleep((min(deadline, *dues, deadline) - now) / SECOND):
                return False  # woken
        return False

    def _use(self, work: Callable[[], T], *, otherwise: T, within: float = PAUSE) -> T:
        """Any program may cut a connection to the display (XKillClient), or destroy a window of ours. What is under way
        is `otherwise` then, and the next use connects anew.
        """
        with self._in_use:
            if self._closed or not self._connected(within):
                return otherwise
            try:
                return work()
            except EnvironmentFault as fault:
                self._lost, self._void, self._unseen_since = str(fault), True, self._grabbed_at
                log.warning("nothing is captured until the display is connected anew: %s", self._lost)
                return otherwise

    def _connected(self, within: float) -> bool:
        """False where it is not yet time to connect anew. Raises what ended the last connection when none can be had.

        `within`: s that may be waited for it.
        """
        if not self._lost:
            return True
        early = max(0.0, (self._again_at - self._clock.now()) / SECOND)
        if self._damage.pause(min(within, early)) or within < early:
            return False
        self._again_at = self._clock.now() + PAUSE * SECOND
        try:
            self._damage.reopen()
            self._pixels.reopen()
            self._read_monitors()
        except EnvironmentFault as fault:
            self._failed += 1
            if self._failed == TRIES or not somebody_listens(self.display):
                raise EnvironmentFault(self._lost) from fault
            return False
        self._lost, self._failed = "", 0
        return True

    def wake(self) -> None:
        self._damage.wake()

    def void(self) -> None:
        self._use(self._forget, otherwise=None)

    def _forget(self) -> None:
        self._void, self._unseen_since = True, None
        self._take_damage()  # what was drawn no longer matters; whether monitors changed does
        self._read_changed_monitors()

    def grab(self, *, repeat: bool = False) -> tuple[Frame, ...]:
        """Damage that changed no pixel gives no frame. A repeat is compared with all of the screen, and is whole."""
        return self._use(lambda: self._grab(repeat=repeat), otherwise=())

    def _grab(self, *, repeat: bool) -> tuple[Frame, ...]:
        for _ in range(TRIES):
            start = self._clock.now()
            self._take_damage()
            self._read_changed_monitors()
            try:
                frames = self._grab_whole(start) if repeat or self._void else self._grab_drawn(start)
            except OutOfReach:
                self._damage.monitors_changed = True
            else:
                self._void, self._unseen_since = False, None
                self._grabbed_at = min([start, *(view.since for view in self._views if view.since is not None)])
                return frames
        raise EnvironmentFault(f"the monitors of X display {self._damage.name} change faster than they can be captured")

    def still_until(self) -> int:
        return self._use(self._still_until, otherwise=0)

    def _still_until(self) -> int:
        if self._void:
            return 0
        waiting = [view.since for view in self._views if view.since is not None]
        return min([self._damage.untouched_until(), *waiting])

    def close(self) -> None:
        """From any thread. Ends a `wait`; after it `wait` says False and `grab` gives nothing."""
        if not self._closed:
            self._closed = True
            self._damage.wake()
            with self._in_use:
                self._pixels.close()
                self._damage.close()

    def _take_damage(self) -> None:
        boxes, first = self._damage.take()
        self._next_take = self._clock.now() + self._every
        for view in self._views if boxes else ():
            inside = [part for box in boxes if (part := clip(box, view.monitor.box)) is not None]
            view.drawn = gather((*view.drawn, *inside))
            if inside and view.since is None:
                view.since = first

    def _read_changed_monitors(self) -> None:
        if self._damage.monitors_changed:
            self._damage.monitors_changed = False  # first: a change while they are read is another one
            self._pixels.reopen()
            self._read_monitors()

    def _read_monitors(self) -> None:
        """A monitor of the same name and place keeps its number; every canvas is void."""
        known = {(view.monitor.name, view.monitor.box): view.monitor for view in self._views}
        taken = {monitor.stream for monitor in known.values()}
        free = (number for number in _stream_numbers if number not in taken)
        monitors = [
            known.get(found) or Monitor(next(free), box=found[1], name=found[0]) for found in self._pixels.monitors()
        ]
        self._views = tuple(_Grab(one, Canvas(one.box.width, one.box.height), Pacing(self._every)) for one in monitors)
        self._void = True

    def _grab_drawn(self, start: int) -> tuple[Frame, ...]:
        """A frame of each monitor whose drawn rectangles are due and hold a changed pixel."""
        frames = []
        for view in self._views:
            share = view.share
            if not view.drawn or view.pacing.due(share) > start:
                continue
            place, changed = view.monitor.box, False
            for box in (aligned(drawn, place.width, place.height) for drawn in view.drawn):
                bgra = self._pixels.grab(Box(place.x + box.x, place.y + box.y, box.width, box.height))
                changed |= view.canvas.paint(box, bgra)
            view.drawn = ()
            view.taken_at = start
            view.pacing.taken(start, share)
            if changed:
                view.digest = b""
                frames.append(view.frame(Span(start, self._clock.now()), whole=False))
            view.since = None
        return tuple(frames)

    def _grab_whole(self, start: int) -> tuple[Frame, ...]:
        """A frame of every monitor, made of one grab of all of it.

        Where that grab is what the canvas was made of, the picture stands as it is. So a change that brought no damage
        (seen with drivers that draw past the X server) is in the next repeat at the latest. And what is drawn after
        such a picture does not wait for it.
        """
        frames = []
        still = True
        for view in self._views:
            place, share = view.monitor.box, view.share
            bgra = self._pixels.grab(place)
            digest = xxhash.xxh3_128_digest(bgra.data)
            if self._void:
                # What was there before is not known.
                view.since = start if self._unseen_since is None else self._unseen_since
            if self._void or digest != view.digest:
                changed = view.canvas.paint(Box(0, 0, place.width, place.height), bgra)
                if changed and view.since is None:
                    view.since = view.taken_at  # without damage: at any time since the last grab
                view.digest, share = digest, 1.0
            if view.drawn or share == 1.0:
                view.pacing.taken(start, share)
                still = False
            view.drawn = ()
            view.taken_at = start
            frames.append(view.frame(Span(start, self._clock.now()), whole=True))
            view.since = None
        if still:
            self._next_take = start
        return tuple(frames)
