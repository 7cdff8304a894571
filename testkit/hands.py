"""The mouse and the keyboard of a display, as a person has them: through the server's own test extension (XTEST)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

WHEEL: Final = (5, 4)  # its buttons: down, up
TURNS: Final = 8  # of the wheel in one direction
DRAGGED: Final = 20  # steps of the mouse


class Hands:
    """`link`: the connection to the display, which stays its maker's."""

    def __init__(self, link: Display) -> None:
        self._link = link
        self._root = link.screen().root

    def move(self, x: int, y: int, rest: float = 0.0) -> None:
        self._do(X.MotionNotify, 0, rest, x=x, y=y)

    def tap(self, button: int = 1, held: float = 0.0) -> None:
        """A button of the mouse, where it is."""
        self._do(X.ButtonPress, button, held)
        self._do(X.ButtonRelease, button, held)

    def chord(self, *keys: str, held: float = 0.0) -> None:
        """These together, as X calls them, on the server's own keyboard: whatever has the focus gets them."""
        codes = [self._link.keysym_to_keycode(XK.string_to_keysym(key)) for key in keys]
        for kind, order in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
            for code in order:
                self._do(kind, code, held)

    def point(self, x: int, y: int) -> None:
        """The mouse goes there, in some steps as a hand moves it."""
        for step in range(4, -1, -1):
            self.move(x + step * 3, y + step, 0.02)

    @contextmanager
    def pointing(self, x: int, y: int) -> Iterator[None]:
        """Afterwards the mouse rests again where it was."""
        before = self._root.query_pointer()
        self.point(x, y)
        yield
        self.point(before.root_x, before.root_y)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """A real click, which a page may take as its user's wish."""
        with self.pointing(x, y):
            self.tap(button, 0.05)

    def wheel(self, x: int, y: int, *, until: float) -> None:
        """The mouse's wheel is turned down there and up again until then (s, monotonic)."""
        with self.pointing(x, y):
            turns = 0
            while time.monotonic() < until:
                self.tap(WHEEL[turns // TURNS % 2], 0.01)
                turns += 1

    @contextmanager
    def dragging(self, start: tuple[int, int], end: tuple[int, int]) -> Iterator[None]:
        """The mouse takes what is at `start`, drags it to `end`, and drops it at the end."""
        try:
            for step in range(DRAGGED + 1):
                x, y = (one + (other - one) * step // DRAGGED for one, other in zip(start, end, strict=True))
                self.move(x, y, 0.05)
                if step == 0:
                    self._do(X.ButtonPress, 1)
            yield
        finally:
            self._do(X.ButtonRelease, 1)

    def _do(self, kind: int, detail: int, rest: float = 0.0, **where: int) -> None:
        xtest.fake_input(self._link, kind, detail, **where)
        self._link.sync()
        time.sleep(rest)
