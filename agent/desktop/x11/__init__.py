"""What is in view on an X11 screen, from the server itself: every top level, at every moment since the look before.

A look is one round trip while nothing has changed. It never polls windows: the tree of top levels and the properties of
their clients are kept by events, and compared with what the server says at every look that found a change.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from typing import Final

from agent.core.model.seen import Blind, Scene, StalePixels
from agent.desktop.processes import RESCAN, Processes
from agent.desktop.x11.composing import Composer
from agent.desktop.x11.reading import Reader
from agent.desktop.x11.screen import Screenful
from agent.desktop.x11.wire import Disconnected, Wire
from agent.errors import EnvironmentFault

TRIES: Final = 4  # of reading a desktop that changes while it is read; what is still unread then is told as unreadable


class X11Desktop:
    """Implements `agent.ports.Desktop`. `display`: such as `:0`, None for $DISPLAY; raises EnvironmentFault without
    one.
    """

    def __init__(self, display: str | None = None) -> None:
        self._display = display
        self._processes = Processes()
        self._connect()
        self._closed = False
        self._waker, self._wake = os.pipe()
        os.set_blocking(self._waker, False)
        os.set_blocking(self._wake, False)
        self._in_use = threading.Lock()

    def _connect(self) -> None:
        """Anew, with nothing known of before. Raises EnvironmentFault, Disconnected."""
        self._wire = Wire(self._display)
        self._screen = Screenful(self._wire)
        self._reader = Reader(self._wire, self._screen)
        self._composer = Composer(self._screen, self._processes, self._wire.atom)
        self._seen: Scene | Blind = Blind.UNEXPLAINED
        self._focus = 0
        self._lost = False

    @property
    def is_wayland(self) -> bool:
        """Whether the server only serves X programs inside a Wayland session: it sees none of the others."""
        return self._wire.is_xwayland

    def look(self) -> Scene | Blind:
        """See `agent.ports.Desktop.look`. `Blind.NO_DISPLAY` while there is no connection; any client of the display
        may cut it (XKillClient), and each look tries to have one again.
        """
        with self._in_use:
            if self._lost and not self._closed:
                self._return()
            if not self._lost:
                try:
                    self._seen = self._look()
                except Disconnected:
                    self._lose()
            return self._seen

    def _look(self) -> Scene | Blind:
        focus = self._wire.round_trip()
        self._screen.absorb()
        if self._processes.rescan():
            self._screen.forget_processes()
        if focus == self._focus and not self._screen.changed:
            return self._seen
        self._focus = focus
        for _ in range(TRIES):
            if self._reader.read():
                break
        if self._screen.mistaken:
            self._screen.start_anew()
            return Blind.UNEXPLAINED
        seen = self._composer.scene(focus)
        return self._seen if seen == self._seen else seen

    def _lose(self) -> None:
        self._lost = True
        self._seen = Blind.NO_DISPLAY

    def _return(self) -> None:
        self._wire.close()
        with contextlib.suppress(EnvironmentFault, Disconnected):  # the server has gone, or cuts this one, too
            self._connect()

    def wait(self, timeout: float) -> bool:
        """See `agent.ports.Desktop.wait`. Also True when a process turned out to draw web pages."""
        until = time.monotonic() + timeout
        with self._in_use:
            while not self._closed:
                if self._something_happened():
                    return True
                left = until - time.monotonic()
                if left <= 0 or self._sleep(min(left, RESCAN)):
                    return False
            return False

    def _something_happened(self) -> bool:
        if self._lost:
            return False
        try:
            self._screen.absorb()
        except Disconnected:
            self._lose()
            return True
        if self._processes.rescan():
            self._screen.forget_processes()
        return self._screen.changed

    def _sleep(self, seconds: float) -> bool:
        """Until the server writes or `seconds` have passed; True when woken by `wake`."""
        awaited = [self._waker]
        if not self._lost:
            awaited.append(self._wire.fileno())
        ready, _, _ = select.select(awaited, [], [], seconds)
        if self._waker not in ready:
            return False
        os.read(self._waker, 4096)
        return True

    def wake(self) -> None:
        """See `agent.ports.Desktop.wake`. A wake between two waits ends the next one."""
        try:
            os.write(self._wake, b"!")
        except BlockingIOError:
            return  # already full of wakes
        except OSError:
            if not self._closed:
                raise

    def composited(self) -> bool:
        """Whether _NET_WM_CM_Sn has an owner (Extended Window Manager Hints 1.5). Any thread; as of the last look
        or wait.
        """
        return self._screen.compositor != 0

    def stale_pixels(self) -> tuple[StalePixels, ...] | None:
        """See `agent.ports.Desktop.stale_pixels`; as of the last look."""
        return self._screen.tracker.reported(composited=self.composited())

    def close(self) -> None:
        """From any thread; ends a `wait`. Looks afterwards answer `Blind.NO_DISPLAY`."""
        self._closed = True
        self.wake()
        with self._in_use:
            if self._waker < 0:
                return
            self._lose()
            self._wire.close()
            os.close(self._waker)
            os.close(self._wake)
            self._waker = self._wake = -1
