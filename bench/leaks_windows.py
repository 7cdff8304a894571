"""The desktop on which bench/leaks plays: windows and the mouse as a person has them, and one that paints nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from Xlib import X, Xutil
from Xlib.display import Display

from testkit.pager import Pager

UNMAPPED: Final = 0.5  # seconds in which a recorder comes to know a window
GREY: Final = 0x808080


class Windows(Pager):
    """On a connection of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(Display(name))

    def close(self) -> None:
        self._link.close()

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
