"""The three desktops that one contract holds for, each with the means to make something happen on it."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from agent.core.model.seen import Blind, Box, Scene, Window, WindowKind
from agent.desktop.x11 import X11Desktop
from agent.ports import Desktop
from testkit.fakes.desktop import FakeDesktop
from testkit.windows import Program, program

WITHIN = 15.0  # seconds for another program (a window manager, an application) to do what it was told


class Stage(Protocol):
    """A desktop and an application on it. Windows are named by what `open` returns."""

    desktop: Desktop
    app: str
    pid: int

    def open(self, **traits: Any) -> int: ...
    def retitle(self, window: int, title: str) -> None: ...
    def minimise(self, window: int) -> None: ...
    def destroy(self, window: int) -> None: ...
    def flash(self, **traits: Any) -> None:
        """A window that is shown and gone before anybody looks."""

    def lose_display(self) -> None: ...


def look_until(desktop: Desktop, fits: Callable[[Scene], bool], what: str = "what was awaited") -> Scene:
    """Looks, and waits for events in between, until a scene fits."""
    until = time.monotonic() + WITHIN
    while True:
        seen = desktop.look()
        if isinstance(seen, Scene) and fits(seen):
            return seen
        left = until - time.monotonic()
        if left <= 0:
            raise AssertionError(f"{what} was not seen within {WITHIN} s; last answer: {seen}")
        desktop.wait(min(left, 1.0))


def find(seen: Scene | Blind, window: int) -> Window | None:
    assert isinstance(seen, Scene), seen
    return next((candidate for candidate in seen.windows if candidate.id == window), None)


def is_shown(seen: Scene | Blind, window: int) -> bool:
    found = find(seen, window)
    return found is not None and found.shown


def settled(desktop: Desktop) -> Scene:
    """The scene once nothing that happened before counts any more."""
    desktop.look()
    seen = desktop.look()
    assert isinstance(seen, Scene), seen
    return seen


@dataclass
class X11Stage:
    """A real X server, with or without a window manager."""

    display: str
    desktop: X11Desktop
    application: Program
    managed: bool
    kill_server: Callable[[], None]

    @property
    def app(self) -> str:
        return self.application.name

    @property
    def pid(self) -> int:
        return self.application.pid

    def open(self, **traits: Any) -> int:
        window: int = self.application.open(**traits)
        look_until(self.desktop, lambda seen: is_shown(seen, window), "the new window")
        settled(self.desktop)
        return window

    def retitle(self, window: int, title: str) -> None:
        self.application.retitle(window=window, title=title)

    def minimise(self, window: int) -> None:
        self.application.minimise(window=window)

    def destroy(self, window: int) -> None:
        self.application.destroy(window=window)

    def flash(self, **traits: Any) -> None:
        self.application.destroy(window=self.application.open(override=True, **traits))

    def lose_display(self) -> None:
        self.kill_server()


@dataclass
class FakeStage:
    desktop: FakeDesktop = field(default_factory=FakeDesktop)
    app: str = "till"
    pid: int = os.getpid()
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, **traits: Any) -> int:
        window = next(self._ids)
        place = {
            key: traits.get(key, default) for key, default in (("x", 0), ("y", 0), ("width", 300), ("height", 200))
        }
        self.desktop.put(Window(window, self.app, traits.get("title", ""), self.pid, Box(**place), shown=True))
        settled(self.desktop)
        return window

    def retitle(self, window: int, title: str) -> None:
        self.desktop.put(replace(self.desktop.windows[window], title=title))

    def minimise(self, window: int) -> None:
        self.desktop.put(replace(self.desktop.windows[window], shown=False))

    def destroy(self, window: int) -> None:
        self.desktop.take(window)

    def flash(self, **traits: Any) -> None:
        window = next(self._ids)
        self.desktop.put(
            Window(window, self.app, traits.get("title", ""), self.pid, Box(0, 0, 9, 9), True, kind=WindowKind.NORMAL)
        )
        self.desktop.take(window)

    def lose_display(self) -> None:
        self.desktop.go_blind(Blind.NO_DISPLAY)


@contextlib.contextmanager
def x11_stage(display: str, *, managed: bool, kill_server: Callable[[], None] = lambda: None) -> Iterator[X11Stage]:
    with program(display) as application:
        desktop = X11Desktop(display)
        try:
            yield X11Stage(display, desktop, application, managed, kill_server)
        finally:
            desktop.close()
