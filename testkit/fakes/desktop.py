"""A desktop without a display: tests put windows on it. Keeps the port's promises, see
tests/contract/test_desktop.py.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from agent.core.model.seen import Blind, Scene, StalePixels, Window


class FakeDesktop:
    """`windows` by id. Every method may be called from any thread."""

    def __init__(self, *windows: Window) -> None:
        self.windows = {window.id: window for window in windows}
        self.compositor = False
        self.tracker: tuple[StalePixels, ...] | None = None
        self.blind: Blind | None = None  # what the next looks answer instead of a scene
        self.failure: BaseException | None = None  # what the next looks raise
        self.looks = 0
        self._seen: Scene | Blind = Blind.UNEXPLAINED
        self._passed: dict[int, Window] = {}  # shown at some moment since the last look, and no longer
        self._changed = True
        self._woken = False
        self._closed = False
        self._condition = threading.Condition()

    # -- what tests do ---------------------------------------------------------------------------------------------

    def put(self, window: Window) -> None:
        """Open a window, or change the one of that id."""
        with self._condition:
            self._pass_on(window.id)
            self.windows[window.id] = window
            self._touch()

    def take(self, window: int) -> None:
        """Close a window."""
        with self._condition:
            self._pass_on(window)
            del self.windows[window]
            self._touch()

    def go_blind(self, why: Blind | None) -> None:
        with self._condition:
            self.blind = why
            self._touch()

    def start_compositor(self, runs: bool) -> None:
        with self._condition:
            self.compositor = runs
            self._touch()

    def _pass_on(self, window: int) -> None:
        before = self.windows.get(window)
        if before is not None and before.shown:
            self._passed[window] = before

    def _touch(self) -> None:
        self._changed = True
        self._condition.notify_all()

    # -- agent.ports.Desktop ---------------------------------------------------------------------------------------

    def look(self) -> Scene | Blind:
        with self._condition:
            self.looks += 1
            if self.failure is not None:
                raise self.failure
            if self._closed:
                return Blind.NO_DISPLAY
            if self._changed:
                self._seen = self._compose()
            return self._seen

    def _compose(self) -> Scene | Blind:
        present = {
            window.id: replace(window, shown=window.shown or window.id in self._passed)
            for window in self.windows.values()
        }
        gone = {id_: window for id_, window in self._passed.items() if id_ not in present}
        self._changed = bool(self._passed)  # what was only shown since the last look is not in the next
        self._passed = {}
        if self.blind is not None:
            return self.blind
        scene = Scene(windows=(*present.values(), *gone.values()))
        return self._seen if scene == self._seen else scene

    def wait(self, timeout: float) -> bool:
        with self._condition:
            self._condition.wait_for(lambda: self._changed or self._woken or self._closed, timeout)
            self._woken = False
            return self._changed

    def wake(self) -> None:
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def composited(self) -> bool:
        return self.compositor

    def stale_pixels(self) -> tuple[StalePixels, ...] | None:
        return self.tracker

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()
