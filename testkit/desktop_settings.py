"""A display as people have it: plain, beside a ticking clock, under a compositor or on two monitors, busy or idle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from Xlib import X, Xutil

from testkit import displays
from testkit.pager import Pager
from testkit.stage import Stage, own_display

SIZE: Final = (1280, 800)
SETTINGS: Final = {"plain": 1, "ticking": 1, "picom": 1, "monitors": 2}
"""Name -> how many monitors of SIZE it has, side by side."""

UNMAPPED: Final = 0.5  # seconds in which a recorder comes to know a window
GREY: Final = 0x808080


@contextmanager
def setting(name: str, folder: Path) -> Iterator[Stage]:
    width, height = SIZE
    monitors = SETTINGS[name]
    with ExitStack() as stack:
        stage = stack.enter_context(own_display(folder, (width * monitors, height)))
        if name == "picom":
            stack.enter_context(displays.picom(stage.name, folder))
        elif name == "ticking":
            # The time of the call in its upper right corner, below and beside the browser, changes every second.
            stack.enter_context(stage.program("orders", (530, 700), focus=False))
        elif name == "monitors":
            for place in range(monitors):
                geometry = f"{width}/338x{height}/211+{place * width}+0"
                output = "none" if place else "screen"
                stack.enter_context(displays.monitor(stage.name, f"monitor-{place}", geometry, output))
        # A desktop without any window is a blind one: there is always this, behind everything else.
        stack.enter_context(stage.program("notes", (60, 60), focus=False, still=True))
        yield stage


class Windows(Pager):
    """Windows and the mouse as a person has them."""

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
