"""What a play of bench/leaks has in its hands, and what a transition is: a row of a table, which lists its steps.

The player does the steps in turn, and time passes before each. Before the first, third ... all is clean and stays so
for seconds; the step then tells the sensitive thing to come. The second, fourth ... tell it to go. The player waits for
the watcher in between, so no step waits for pixels. A last step that stands where something would come only puts away.

`scene.present()` says that from now on something is there for which the eye has to close although nothing sensitive is
seen (a hidden frame, a parked tab, a browser that starts, a window that nothing answers for): what is given up then is
no over-pause. It lasts until `scene.gone()` or the play's end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from agent.desktop.clock import BootClock
from bench.leaks_server import FIRST, Address, Hand, Site, Which
from testkit.browsers import Browser
from testkit.desktop_settings import Windows
from testkit.waits import until

BOTH: Final = ("chromium", "firefox")
CHROMIUM: Final = ("chromium",)
FIREFOX: Final = ("firefox",)
PLAIN, TICKING, PICOM, MONITORS = "plain", "ticking", "picom", "monitors"  # testkit/desktop_settings.py

BOX: Final = (20, 40, 1000, 700)  # of the browser's window: the watcher's strips go through it
CORNER: Final = (1270, 790)  # where the mouse rests


@dataclass(slots=True)
class Scene:
    """The browser that is played with, and what plays opened. `windows`: their numbers for X; `browser_windows`: for
    the browser. `second`: another browser, which the play started. `leaves_at`: when what is sensitive goes of itself
    (s, monotonic).

    `another`: starts a second browser of the kind with this address, these flags and our extension, or without it
    (`seen=False`).
    """

    site: Site
    hand: Hand
    desk: Windows
    browser: Browser
    windows: dict[Which, int]
    browser_windows: dict[Which, int]
    another: Callable[..., AbstractContextManager[Browser]]
    leaves_at: float = 0.0
    second: Browser | None = None
    presences: list[tuple[int, int]] = field(default_factory=list)
    entered: list[tuple[ExitStack, Any]] = field(default_factory=list)
    _since: int | None = None

    @property
    def latest(self) -> Browser:
        return self.second or self.browser

    def run(self, name: str, *given: object, tab: Which = FIRST) -> Any:
        return self.hand.run(tab, name, *given)

    def call(self, name: str, *given: object) -> Any:
        return self.hand.call(name, *given)

    def present(self) -> None:
        self._since = BootClock().now()

    def gone(self) -> None:
        if self._since is not None:
            self.presences.append((self._since, BootClock().now()))
            self._since = None

    def enter(self, context: AbstractContextManager[Any]) -> Any:
        """Begin something that lasts until `leave`, or until the play ends."""
        stack = ExitStack()
        made = stack.enter_context(context)
        self.entered.append((stack, made))
        return made

    def leave(self) -> None:
        """End what was begun last."""
        self.entered.pop()[0].close()

    def leave_all(self) -> None:
        """The play has ended: the next one has the first browser alone."""
        with ExitStack() as rest:
            for stack, _ in self.entered:
                rest.push(stack)
            self.entered.clear()
            self.second = None

    def until_loaded(self, tab: Which = FIRST, address: Address | None = None) -> None:
        """Until the tab has loaded its page, or this one."""
        url = None if address is None else self.site.url(address)

        def has_loaded() -> bool:
            now = self.call("tabs.get", tab)
            return now["status"] == "complete" and url in (None, now["url"])

        until(has_loaded, "a page")


Act = Callable[[Scene], object]
Step: TypeAlias = "Act | Sequence[Step]"


def do(scene: Scene, step: Step) -> None:
    if callable(step):
        step(scene)
    else:
        for one in step:
            do(scene, one)


@dataclass(frozen=True, slots=True)
class Transition:
    """`first`: done before the first clean seconds. `stages`: where it is played (plain X11, there with a clock that
    ticks, under picom, with two monitors). `quick`: the browsers that play it also in --quick. `least`: nothing
    sensitive is in it, and this share of its first step has to be kept.
    """

    name: str
    steps: Sequence[Step]
    browsers: Sequence[str] = BOTH
    stages: Sequence[str] = (PLAIN, TICKING, PICOM)
    quick: Sequence[str] = ()
    least: float | None = None
    first: Step = ()


def row(name: str, *steps: Step, **more: Any) -> Transition:
    return Transition(name, steps, **more)
