"""A program that opens windows as it is told, one JSON command a line, so that a test can be any application.

Run by `testkit.windows.Program`. Each command is answered with a line after the X server has carried it out.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import sys
from pathlib import Path
from typing import Any

from Xlib import X, Xatom, Xutil, display
from Xlib.ext import shape

PR_SET_NAME = 15


class Windows:
    def __init__(self, name: str | None = None) -> None:
        """`name`: of the display, by default the environment's."""
        self.display = display.Display(name)
        self.screen = self.display.screen()
        self.open_windows: dict[int, Any] = {}
        self.mapped: list[mmap.mmap] = []

    def atom(self, name: str) -> int:
        return int(self.display.intern_atom(name))

    def open(
        self,
        *,
        title: str | None = "",
        x: int = 0,
        y: int = 0,
        width: int = 300,
        height: int = 200,
        color: int | None = 0x3366CC,
        window_class: tuple[str, str] | None = ("program", "Program"),
        pid: int | None = -1,
        machine: str | None = "",
        kind: str | None = None,
        override: bool = False,
        alpha: bool = False,
        opacity: int | None = None,
        raw_title: str | None = None,
        title_type: str = "UTF8_STRING",
        mapped: bool = True,
        parent: int | None = None,
    ) -> int:
        """`pid` -1 and `machine` "" stand for the truth, None for no such property. `raw_title`: hex bytes of
        _NET_WM_NAME, `title_type`: its type. `color` None: without a background, so that what was there stays until
        the program paints.
        """
        depth, visual = self.translucent() if alpha else (self.screen.root_depth, X.CopyFromParent)
        colors = {} if color is None else {"background_pixel": color | (0x80000000 if alpha else 0)}
        if alpha:
            colors |= {"border_pixel": 0, "colormap": self.screen.root.create_colormap(visual, X.AllocNone)}
        above = self.screen.root if parent is None else self.display.create_resource_object("window", parent)
        window = above.create_window(
            x, y, width, height, 0, depth, X.InputOutput, visual, override_redirect=override, event_mask=0, **colors
        )
        if window_class is not None:
            window.set_wm_class(*window_class)
        # A position of the program's own is only kept by window managers that are told so.
        window.set_wm_normal_hints(flags=Xutil.PPosition | Xutil.PSize | Xutil.USPosition, x=x, y=y)
        if title is not None:
            self.name(window, title)
        if raw_title is not None:
            window.change_property(self.atom("_NET_WM_NAME"), self.atom(title_type), 8, bytes.fromhex(raw_title))
        if pid is not None:
            self.cardinal(window, "_NET_WM_PID", os.getpid() if pid == -1 else pid)
        if machine is not None:
            window.set_wm_client_machine(machine or socket.gethostname())
        if kind is not None:
            atom = self.atom(f"_NET_WM_WINDOW_TYPE_{kind}")
            window.change_property(self.atom("_NET_WM_WINDOW_TYPE"), Xatom.ATOM, 32, [atom])
        if opacity is not None:
            self.cardinal(window, "_NET_WM_WINDOW_OPACITY", opacity)
        if mapped:
            window.map()
        self.open_windows[window.id] = window
        return int(window.id)

    def translucent(self) -> tuple[int, int]:
        [depth] = [depth for depth in self.screen.allowed_depths if depth.depth == 32]
        return 32, depth.visuals[0].visual_id

    def cardinal(self, window: Any, name: str, value: int) -> None:
        window.change_property(self.atom(name), Xatom.CARDINAL, 32, [value])

    def name(self, window: Any, title: str) -> None:
        window.change_property(self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"), 8, title.encode())

    def map_file(self, *, path: str) -> None:
        """As the kernel lists a library that was loaded."""
        with Path(path).open("r+b") as file:
            self.mapped.append(mmap.mmap(file.fileno(), 0))

    def retitle(self, *, window: int, title: str) -> None:
        self.name(self.open_windows[window], title)

    def name_plainly(self, *, window: int, title: str) -> None:
        """As old programs do: WM_NAME alone."""
        self.open_windows[window].set_wm_name(title)

    def unname(self, *, window: int) -> None:
        self.open_windows[window].delete_property(self.atom("_NET_WM_NAME"))

    def map(self, *, window: int) -> None:
        self.open_windows[window].map()

    def unmap(self, *, window: int) -> None:
        self.open_windows[window].unmap()

    def destroy(self, *, window: int) -> None:
        self.open_windows.pop(window).destroy()

    def stack(self, *, window: int, above: bool) -> None:
        self.open_windows[window].configure(stack_mode=X.Above if above else X.Below)

    def put_into(self, *, window: int, parent: int) -> None:
        self.open_windows[window].reparent(parent, 0, 0)
        self.open_windows[window].map()

    def composite(self) -> None:
        """As a compositor calls itself one (EWMH 1.5, _NET_WM_CM_Sn)."""
        own = self.screen.root.create_window(0, 0, 1, 1, 0, self.screen.root_depth)
        own.set_selection_owner(self.atom(f"_NET_WM_CM_S{self.display.get_default_screen()}"), X.CurrentTime)

    def move(self, *, window: int, x: int, y: int) -> None:
        self.open_windows[window].configure(x=x, y=y)

    def resize(self, *, window: int, width: int, height: int) -> None:
        self.open_windows[window].configure(width=width, height=height)

    def paint(self, *, window: int, color: int, place: tuple[int, int, int, int]) -> None:
        """`place`: x, y, width, height in the window."""
        brush = self.open_windows[window].create_gc(foreground=color)
        self.open_windows[window].fill_rectangle(brush, *place)
        brush.free()

    def cross(self, *, window: int, width: int, height: int) -> None:
        """A line from corner to corner, which damage tells as the box around it."""
        brush = self.open_windows[window].create_gc(foreground=0)
        self.open_windows[window].line(brush, 0, 0, width - 1, height - 1)
        brush.free()

    def fade(self, *, window: int, opacity: int) -> None:
        self.cardinal(self.open_windows[window], "_NET_WM_WINDOW_OPACITY", opacity)

    def cut(self, *, window: int) -> None:
        """Leaves only the upper left corner of the window."""
        whole = [{"x": 0, "y": 0, "width": 10, "height": 10}]
        self.open_windows[window].shape_rectangles(shape.SO.Set, shape.SK.Bounding, 0, 0, 0, whole)

    def minimise(self, *, window: int) -> None:
        self.tell_root(window, "WM_CHANGE_STATE", [Xutil.IconicState])

    def workspace(self, *, window: int, number: int) -> None:
        self.tell_root(window, "_NET_WM_DESKTOP", [number, 1])

    def activate(self, *, window: int) -> None:
        self.tell_root(window, "_NET_ACTIVE_WINDOW", [2, X.CurrentTime])

    def tell_root(self, window: int, message: str, words: list[int]) -> None:
        """Asks the window manager, as the Extended Window Manager Hints want it."""
        from Xlib.protocol import event  # noqa: PLC0415 - only here

        words = (words + [0] * 5)[:5]
        note = event.ClientMessage(window=self.open_windows[window], client_type=self.atom(message), data=(32, words))
        self.screen.root.send_event(note, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)

    def flash(self, *, times: int, override: bool) -> None:
        """Windows that live for no time at all."""
        for _ in range(times):
            self.destroy(window=self.open(title="flash", override=override))


def main() -> None:
    if len(sys.argv) > 1:
        ctypes.CDLL(None).prctl(PR_SET_NAME, sys.argv[1].encode(), 0, 0, 0)
    windows = Windows()
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(windows, command.pop("do"))(**command)
        windows.display.sync()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
