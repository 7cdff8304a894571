"""Whether the X screen is locked or dark, from the X server: for sessions that have no other way to tell."""

from __future__ import annotations

from typing import Final

import psutil

from agent.core.model.rules import Hold
from agent.core.model.seen import Blind, Box
from agent.desktop.seat.lockers import LOCKERS
from agent.desktop.x11 import frames
from agent.desktop.x11.covering import overlap
from agent.desktop.x11.events import MonitorsChanged
from agent.desktop.x11.tree import Destroyed, Tree, TreeEvent
from agent.desktop.x11.wire import Wire

MOST: Final = 0.9  # of every monitor. xsecurelock's window is one pixel short on each side


class DarkOrLocked:
    """Raises EnvironmentFault without a display, `Disconnected` when it goes. One thread."""

    def __init__(self, display: str | None = None) -> None:
        self._wire = Wire(display)
        self._wire.watch_root()
        self._tree = Tree()
        frames.start(self._tree, self._wire)
        self._monitors = self._wire.captured()
        self._lockers: dict[int, bool] = {}  # windows that cover the screen: whether a locker made them
        self._dark = self._wire.blanked()

    def fileno(self) -> int:
        return self._wire.fileno()

    def absorb(self) -> None:
        """Take in what happened to the windows."""
        for event in self._wire.events():
            if isinstance(event, TreeEvent):
                self._tree.apply(event)
                if isinstance(event, Destroyed):
                    self._lockers.pop(event.window, None)  # the number may come again as another window's
            elif isinstance(event, MonitorsChanged):
                self._monitors = self._wire.captured()
        self._tree.looked()

    def ask(self) -> None:
        """Ask what gives no event everywhere: the screen saver and the monitors' power."""
        self._dark = self._wire.blanked()

    def holds(self) -> frozenset[Hold]:
        covering = [top.id for top in self._tree.tops.values() if top.mapped and self._covers(top.box)]
        self._lockers = {window: self._lockers.get(window, False) for window in covering if window in self._lockers}
        fresh = [window for window in covering if window not in self._lockers]
        for window, owner in zip(fresh, self._wire.owners(fresh), strict=True):
            self._lockers[window] = not isinstance(owner, Blind) and _is_locker(owner)
        locked = {Hold.LOCKED} if any(self._lockers.values()) else set()
        return frozenset(locked | ({Hold.DISPLAY_OFF} if self._dark else set()))

    def _covers(self, box: Box) -> bool:
        for _, monitor in self._monitors:
            shared = overlap(box, monitor)
            if shared is None or shared.width * shared.height < MOST * monitor.width * monitor.height:
                return False
        return True

    def close(self) -> None:
        self._wire.close()


def _is_locker(pid: int) -> bool:
    try:
        return psutil.Process(pid).name().casefold() in LOCKERS
    except psutil.NoSuchProcess:
        return False
