"""What a person does with windows, through X as a pager would do it, and with the mouse (testkit/hands.py).

Messages to the window manager are EWMH's (https://specifications.freedesktop.org/wm-spec/latest/).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from Xlib import X, Xutil
from Xlib.display import Display
from Xlib.error import BadWindow
from Xlib.protocol import event
from Xlib.xobject.drawable import Window

from testkit.hands import Hands
from testkit.stage import until

UNMAPPED: Final = 0.5  # seconds in which a recorder comes to know a window
GREY: Final = 0x808080
PAGER: Final = 2  # EWMH: the request comes from a pager, so that no window manager thinks it stole the focus


class Windows(Hands):
    """The managed windows of one display."""

    def __init__(self, name: str) -> None:
        super().__init__(Display(name))

    def close(self) -> None:
        self._link.close()

    def all(self) -> list[int]:
        found = self._root.get_full_property(self._atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
        return [] if found is None else [int(number) for number in found.value]

    def of(self, pid: int) -> list[int]:
        """The managed windows of that process, oldest first."""
        return [number for number in self.all() if self._value(self._window(number), "_NET_WM_PID") == pid]

    def new_of(self, pid: int, before: list[int]) -> int:
        """The window that this process has now and had not before; waits for it."""
        return until(lambda: next((one for one in self.of(pid) if one not in before), 0), "a new window")

    def new(self, before: list[int]) -> int:
        """As `new_of`, whoever's it is."""
        return until(lambda: next((one for one in self.all() if one not in before), 0), "a new window")

    def activate(self, number: int) -> None:
        """To the front, from wherever it is; returns when the window manager says that it has the focus."""
        self._ask(number, "_NET_ACTIVE_WINDOW", PAGER, X.CurrentTime)
        until(lambda: self._value(self._root, "_NET_ACTIVE_WINDOW") == number, "the focus")

    def minimise(self, number: int) -> None:
        self._ask(number, "WM_CHANGE_STATE", Xutil.IconicState)

    def close_window(self, number: int) -> None:
        self._ask(number, "_NET_CLOSE_WINDOW", X.CurrentTime, PAGER)

    def place(self, number: int, left: int, top: int, width: int, height: int) -> None:
        flags = 0xF << 8 | PAGER << 12  # all four are given; gravity 0 is the window's own
        self._ask(number, "_NET_MOVERESIZE_WINDOW", flags, left, top, width, height)

    def corner(self, number: int) -> tuple[int, int]:
        """Its upper left one, on the screen."""
        place = self._window(number).translate_coords(self._root, 0, 0)
        return -place.x, -place.y

    def press(self, number: int, *keys: str) -> None:
        """These together, as X calls them, for that window."""
        self.activate(number)
        self.chord(*keys, held=0.03)

    @contextmanager
    def unpainted(
        self, left: int, top: int, width: int, height: int, *, managed: bool = True
    ) -> Iterator[Callable[[int, int], None]]:
        """A new window that paints nothing, so that what was there stays in view; at the end it paints, and closes.
        What is yielded moves it. Not `managed`: it is there for a moment before it is mapped, which a window manager's
        frame is not.
        """
        before = self.all()
        # Without a background; its place is the user's wish, which window managers keep (ICCCM 4.1.2.3).
        window = self._root.create_window(left, top, width, height, 0, X.CopyFromParent, override_redirect=not managed)
        window.set_wm_name("notes")
        window.set_wm_normal_hints(flags=Xutil.USPosition | Xutil.USSize, x=left, y=top, width=width, height=height)
        self._link.sync()
        time.sleep(0 if managed else UNMAPPED)
        window.map()
        self._link.sync()
        if managed:
            self.new(before)

        def move(left: int, top: int) -> None:
            window.configure(x=left, y=top)
            self._link.sync()

        try:
            yield move
        finally:
            window.fill_rectangle(window.create_gc(foreground=GREY), 0, 0, width, height)
            window.destroy()
            self._link.sync()

    def _value(self, window: Window, name: str) -> int:
        try:
            found = window.get_full_property(self._atom(name), X.AnyPropertyType)
        except BadWindow:  # gone in between
            return 0
        return 0 if found is None or not len(found.value) else int(found.value[0])

    def _ask(self, number: int, message: str, *data: int) -> None:
        padded = [*data, *[0] * (5 - len(data))]
        told = event.ClientMessage(window=self._window(number), client_type=self._atom(message), data=(32, padded))
        self._root.send_event(told, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._link.sync()

    def _window(self, number: int) -> Window:
        return self._link.create_resource_object("window", number)

    def _atom(self, name: str) -> int:
        return int(self._link.intern_atom(name))
