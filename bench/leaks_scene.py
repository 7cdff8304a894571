"""What a play of bench/leaks has in its hands, and how plays are entered into the list of them.

A play yields where time has to pass: first when all is clean and stays so for seconds, then when the sensitive thing
has been told to come, then clean again, and so on; it ends by telling the sensitive thing to go. Who drives it waits
for the watcher in between, so nothing here waits for pixels.

`scene.present()` says that from now on something is there for which the eye has to close although nothing sensitive is
seen (a hidden frame, a parked tab, a browser that starts, a window that nobody answers for): what is given up meanwhile
is no over-pause. It lasts until `scene.gone()` or the play's end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

from agent.desktop.clock import BootClock
from bench.leaks_pages import HOME, Hand, Site
from bench.leaks_windows import Windows
from testkit.browsers import Browser
from testkit.stage import Stage, StageError

BOTH: Final = ("chromium", "firefox")
CHROMIUM: Final = ("chromium",)
FIREFOX: Final = ("firefox",)
PLAIN, TICKING, PICOM, MONITORS = "plain", "ticking", "picom", "monitors"  # bench/leaks_settings.py

BOX: Final = (20, 40, 1000, 700)  # of the browser's window: the watcher's strips go through it
CORNER: Final = (1270, 790)  # where the mouse rests

Play = Generator[None]


@dataclass(slots=True)
class Scene:
    """The browser that is played with; `tab` and `window` are its first ones, on a clean page whenever a play begins.

    `another`: starts a second browser of the kind with this address, these flags and our extension, or without it
    (`seen=False`).
    """

    stage: Stage
    site: Site
    hand: Hand
    windows: Windows
    browser: Browser
    tab: int
    window: int
    browser_window: int
    another: Callable[..., AbstractContextManager[Browser]]
    turn: int = 0
    presences: list[tuple[int, int]] = field(default_factory=list)
    _since: int | None = None

    def run(self, name: str, *given: object, tab: int | None = None) -> Any:
        return self.hand.run(tab or self.tab, name, *given)

    def call(self, name: str, *given: object) -> Any:
        return self.hand.call(name, *given)

    def shop(self, more: str = "", host: str = HOME) -> str:
        return self.site.url(f"/shop{more}", host)

    def pay(self, more: str = "", host: str = HOME) -> str:
        return self.site.url(f"/pay{more}", host)

    def present(self) -> None:
        self._since = BootClock().now()

    def gone(self) -> None:
        if self._since is not None:
            self.presences.append((self._since, BootClock().now()))
            self._since = None

    def new_tab(self, url: str, *, active: bool) -> int:
        tab = self.call("tabs.create", {"url": url, "active": active, "windowId": self.browser_window})
        return int(tab["id"])

    def until_loaded(self, tab: int) -> None:
        deadline = time.monotonic() + 20
        while self.call("tabs.get", tab)["status"] != "complete":
            if time.monotonic() > deadline:
                raise StageError("a page did not load within 20 s")
            time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Transition:
    """`stages`: where it is played (plain X11, there with a clock that ticks, under picom, with two monitors).
    `least`: nothing sensitive is in it, and this share of its time has to be kept.
    """

    name: str
    play: Callable[[Scene], Play]
    browsers: Sequence[str]
    stages: Sequence[str]
    quick: bool
    least: float | None


ENTERED: list[Transition] = []


def transition(
    browsers: Sequence[str] = BOTH,
    stages: Sequence[str] = (PLAIN, TICKING, PICOM),
    *,
    quick: Sequence[str] = (),
    least: float | None = None,
) -> Callable[[Callable[[Scene], Play]], Callable[[Scene], Play]]:
    """Enter a play into the list under its function's name; `quick`: the browsers that play it also in --quick."""

    def enter(play: Callable[[Scene], Play]) -> Callable[[Scene], Play]:
        ENTERED.extend(
            Transition(play.__name__, play, (browser,), stages, browser in quick, least) for browser in browsers
        )
        return play

    return enter
