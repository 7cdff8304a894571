"""What a person does with windows: asked of the window manager as a pager asks it, with the mouse and the keys beside.

Messages are EWMH's (https://specifications.freedesktop.org/wm-spec/latest/).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from Xlib import X, Xutil
from Xlib.error import BadWindow
from Xlib.protocol import event
from Xlib.xobject.drawable import Window

from testkit.hands import Hands
from testkit.waits import until

PAGER: Final = 2  # EWMH: the request comes from a pager, so that no window manager thinks it stole the focus


class Pager(Hands):
    """The managed windows of one display, by their numbers."""

    def all(self) -> list[int]:
        return list(self.property(self._root, "_NET_CLIENT_LIST"))

    def of(self, pid: int) -> list[int]:
        """The managed windows of that process, oldest first."""
        return [number for number in self.all() if self.pid_of(self.window(number)) == pid]

    def new_of(self, pid: int, before: list[int]) -> int:
        """The window that this process has now and had not before; waits for it."""
        return until(lambda: next((one for one in self.of(pid) if one not in before), 0), "a new window")

    def new(self, before: list[int]) -> int:
        """As `new_of`, of any process."""
        return until(lambda: next((one for one in self.all() if one not in before), 0), "a new window")

    def active(self) -> int:
        """The window that has the focus, or 0."""
        return next(iter(self.property(self._root, "_NET_ACTIVE_WINDOW")), 0)

    def activate(self, number: int) -> None:
        """To the front, from wherever it is; returns when the window manager says that it has the focus."""
        self.ask(number, "_NET_ACTIVE_WINDOW", PAGER, X.CurrentTime)
        until(lambda: self.active() == number, "the focus")

    def minimise(self, number: int) -> None:
        self.ask(number, "WM_CHANGE_STATE", Xutil.IconicState)

    def close_window(self, number: int) -> None:
        self.ask(number, "_NET_CLOSE_WINDOW", X.CurrentTime, PAGER)

    def place(self, number: int, left: int, top: int, width: int, height: int) -> None:
        flags = 0xF << 8 | PAGER << 12  # all four are given; gravity 0 is the window's own
        self.ask(number, "_NET_MOVERESIZE_WINDOW", flags, left, top, width, height)

    def corner(self, number: int) -> tuple[int, int]:
        """Its upper left one, on the screen."""
        place = self.window(number).translate_coords(self._root, 0, 0)
        return -place.x, -place.y

    def press(self, number: int, *keys: str) -> None:
        """These together, as X calls them, for that window."""
        self.activate(number)
        self.chord(*keys, held=0.03)

    def pid_of(self, window: Window) -> int:
        """By what it says of itself, or 0; a window manager's frame says nothing."""
        return next(iter(self.property(window, "_NET_WM_PID")), 0)

    def property(self, window: Window, name: str) -> Sequence[int]:
        try:
            found = window.get_full_property(self._link.intern_atom(name), X.AnyPropertyType)
        except BadWindow:  # gone in between
            return ()
        return () if found is None else [int(number) for number in found.value]

    def ask(self, number: int, message: str, *data: int) -> None:
        kind, padded = self._link.intern_atom(message), [*data, *[0] * (5 - len(data))]
        request = event.ClientMessage(window=self.window(number), client_type=kind, data=(32, padded))
        self._root.send_event(request, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._link.sync()

    def window(self, number: int) -> Window:
        return self._link.create_resource_object("window", number)
