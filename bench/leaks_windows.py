"""What a person does with windows and the mouse, through X as a pager and a mouse would do it.

Messages to the window manager are EWMH's (https://specifications.freedesktop.org/wm-spec/latest/); the mouse is moved
by the server's own test extension (XTEST), so that programs see a real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from Xlib import XK, X, Xutil, display
from Xlib.error import BadWindow
from Xlib.ext import xtest
from Xlib.protocol import event
from Xlib.xobject.drawable import Window

from testkit.stage import StageError

DEADLINE: Final = 20.0  # seconds for a window manager on a busy machine
BEAT: Final = 0.005
WHEEL: Final = (5, 4)  # its buttons: down, up
TURNS: Final = 8  # of the wheel in one direction
DRAGGED: Final = 20  # steps of the mouse
UNMAPPED: Final = 0.5  # seconds in which a recorder comes to know a window
GREY: Final = 0x808080
PAGER: Final = 2  # EWMH: the request comes from a pager, so that no window manager thinks it stole the focus


class Windows:
    """The managed windows of one display."""

    def __init__(self, name: str) -> None:
        self._display = display.Display(name)
        self._root = self._display.screen().root

    def close(self) -> None:
        self._display.close()

    def all(self) -> list[int]:
        found = self._root.get_full_property(self._atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
        return [] if found is None else [int(number) for number in found.value]

    def of(self, pid: int) -> list[int]:
        """The managed windows of that process, oldest first."""
        return [number for number in self.all() if self._value(self._window(number), "_NET_WM_PID") == pid]

    def new_of(self, pid: int, before: list[int]) -> int:
        """The window that this process has now and had not before; waits for it."""
        return self._until(lambda: next((one for one in self.of(pid) if one not in before), 0), "a new window")

    def new(self, before: list[int]) -> int:
        """As `new_of`, whoever's it is."""
        return self._until(lambda: next((one for one in self.all() if one not in before), 0), "a new window")

    def activate(self, number: int) -> None:
        """To the front, from wherever it is; returns when the window manager says that it has the focus."""
        self._ask(number, "_NET_ACTIVE_WINDOW", PAGER, X.CurrentTime)
        self._until(lambda: self._value(self._root, "_NET_ACTIVE_WINDOW") == number, "the focus")

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

    # -- the mouse and the keys ---------------------------------------------------------------------------------------

    def point(self, left: int, top: int) -> None:
        """The mouse goes there, in some steps as a hand moves it."""
        for step in range(4, -1, -1):
            self._fake(X.MotionNotify, 0, 0.02, x=left + step * 3, y=top + step)

    @contextmanager
    def pointing(self, left: int, top: int) -> Iterator[None]:
        """Then the mouse rests again where it was."""
        before = self._root.query_pointer()
        self.point(left, top)
        yield
        self.point(before.root_x, before.root_y)

    def click(self, left: int, top: int, button: int = 1) -> None:
        """A real click, which a page may take as its user's wish."""
        with self.pointing(left, top):
            self._fake(X.ButtonPress, button, 0.05)
            self._fake(X.ButtonRelease, button, 0.05)

    @contextmanager
    def dragging(self, start: tuple[int, int], end: tuple[int, int]) -> Iterator[None]:
        """The mouse takes what is at `start`, drags it to `end`, and drops it at the end."""
        try:
            for step in range(DRAGGED + 1):
                x, y = (one + (other - one) * step // DRAGGED for one, other in zip(start, end, strict=True))
                self._fake(X.MotionNotify, 0, 0.05, x=x, y=y)
                if step == 0:
                    self._fake(X.ButtonPress, 1)
            yield
        finally:
            self._fake(X.ButtonRelease, 1)

    def wheel(self, left: int, top: int, *, until: float) -> None:
        """The mouse's wheel is turned down there and up again until then (s, monotonic)."""
        with self.pointing(left, top):
            turns = 0
            while time.monotonic() < until:
                button = WHEEL[turns // TURNS % 2]
                self._fake(X.ButtonPress, button)
                self._fake(X.ButtonRelease, button, 0.02)
                turns += 1

    def press(self, number: int, *keys: str) -> None:
        """These together, as X calls them, for that window."""
        self.activate(number)
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(key)) for key in keys]
        for kind, order in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
            for code in order:
                self._fake(kind, code, 0.03)

    def _fake(self, kind: int, detail: int, rest: float = 0.0, **where: int) -> None:
        xtest.fake_input(self._display, kind, detail, **where)
        self._display.sync()
        time.sleep(rest)

    # -- a window of the bench's own ----------------------------------------------------------------------------------

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
        self._display.sync()
        time.sleep(0 if managed else UNMAPPED)
        window.map()
        self._display.sync()
        if managed:
            self.new(before)

        def move(left: int, top: int) -> None:
            window.configure(x=left, y=top)
            self._display.sync()

        try:
            yield move
        finally:
            window.fill_rectangle(window.create_gc(foreground=GREY), 0, 0, width, height)
            window.destroy()
            self._display.sync()

    # -- asking -------------------------------------------------------------------------------------------------------

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
        self._display.sync()

    def _until(self, condition: Callable[[], int], what: str) -> int:
        deadline = time.monotonic() + DEADLINE
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise StageError(f"{what} did not come within {DEADLINE:.0f} s")
            time.sleep(BEAT)
        return int(answer)

    def _window(self, number: int) -> Window:
        return self._display.create_resource_object("window", number)

    def _atom(self, name: str) -> int:
        return int(self._display.intern_atom(name))
