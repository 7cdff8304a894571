"""Under a compositor a new window takes along what lay below it, as the server copies it: held until it has painted."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.core.model.seen import Box, StalePixels
from agent.core.model.times import SECOND
from agent.core.proof.clearance import gone_by
from agent.desktop.x11 import X11Desktop
from agent.desktop.x11.unpainted import UNSURE
from testkit import browsers, displays
from testkit.desktops import X11Stage, is_shown, look_until, x11_stage
from testkit.stage import Stage
from testkit.stale_pixels import ALL, BEHIND, CLOCK, GREY, PLACE, SENSITIVE, WITHIN, Watcher
from testkit.windows import Program, program

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.slow(reason="where painting cannot be watched a window is held for ten seconds"),
]

COMPOSITORS = ("picom", "openbox and picom", "xfwm4")
PAINTS_WITHIN = 2  # seconds that a browser may take for its first picture on two busy cores
FREE_WITHIN = 4 * SECOND
TITLE_BAR = 40  # pixels


@contextlib.contextmanager
def compositor(kind: str, name: str, folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        if kind == "xfwm4":
            stack.enter_context(displays.xfwm4(name, folder))
        elif kind == "openbox and picom":
            stack.enter_context(displays.openbox(name, folder))
        if kind != "xfwm4":
            stack.enter_context(displays.picom(name, folder))
        yield


@pytest.fixture(scope="module", params=COMPOSITORS)
def composed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[X11Stage]:
    with (
        displays.xvfb() as name,
        compositor(request.param, name, tmp_path_factory.mktemp("compositor")),
        x11_stage(name, managed=request.param != "picom") as stage,
    ):
        yield stage


@dataclass
class Form:
    """A window of a colour of its own. `words`: at each look when it was answered, and until when a run is held that
    began when the form had left. Times in ns.
    """

    stage: X11Stage
    window: int
    watcher: Watcher
    came: int
    left: int = 0
    words: list[tuple[int, int]] = field(default_factory=list)

    @property
    def desktop(self) -> X11Desktop:
        return self.stage.desktop

    def look(self) -> int:
        self.desktop.look()
        now = CLOCK.now()
        self.words.append((now, held_until(self.desktop, self.came, self.left or now)))
        return self.words[-1][1]

    def look_while(self, goes_on: Callable[[], bool]) -> None:
        end = CLOCK.now() + WITHIN
        while goes_on():
            assert CLOCK.now() < end
            self.desktop.wait(0.02)
            self.look()

    def later(self, seconds: float, deed: Callable[[], object] = lambda: None) -> None:
        timer = threading.Timer(seconds, deed)
        timer.start()
        self.look_while(timer.is_alive)

    def close(self) -> None:
        """Also waits for the end of what the compositor itself goes on showing."""
        self.stage.destroy(self.window)
        look_until(self.desktop, lambda seen: not is_shown(seen, self.window), "the form's end")
        self.left = CLOCK.now()
        self.later(1)

    def is_held(self) -> None:
        """Whether the form was copied depends on what the compositor had painted by then: it may be on the screen."""
        assert self.look() > self.words[-1][0]

    def until_free(self) -> None:
        """Fails where the form was on the screen after it was said to be gone."""
        self.look()
        self.look_while(lambda: self.words[-1][1] > self.words[-1][0])
        free = max(self.words[-1][1], self.left + SECOND)
        assert not [at for at in self.watcher.seen if at > free]


def held_until(desktop: X11Desktop, since: int, began: int) -> int:
    """By what windows have copied since then."""
    copies: tuple[StalePixels, ...] | None = desktop.stale_pixels()
    assert copies is not None
    return gone_by([one for one in copies if one.copied and one.left > since], began)


@pytest.fixture
def form(composed: X11Stage) -> Iterator[Form]:
    came = CLOCK.now()
    place = {"x": PLACE.x, "y": PLACE.y, "width": PLACE.width, "height": PLACE.height}
    window = composed.open(title="form", color=SENSITIVE, **place)
    with displays.connection(composed.display) as link:
        there = link.screen().root.translate_coords(window, 0, 0)
    place_seen = Box(there.x, there.y, PLACE.width, PLACE.height)
    with Watcher(composed.display, place_seen, pause=0.02) as watcher:
        look_until(composed.desktop, lambda _: not composed.desktop.wait(0.1) and bool(watcher.seen), "its picture")
        yield Form(composed, window, watcher, came)


@pytest.fixture
def other(composed: X11Stage) -> Iterator[Program]:
    with program(composed.display, "new") as new:
        yield new
    look_until(composed.desktop, lambda seen: all(window.app != "new" for window in seen.windows), "the program's end")


def come(form: Form, other: Program, **traits: object) -> int:
    place = {"x": BEHIND.x, "y": BEHIND.y, "width": BEHIND.width, "height": BEHIND.height, "color": None}
    window = int(other.open(**{**place, **traits}))
    look_until(form.desktop, lambda seen: is_shown(seen, window), "the new window")
    form.later(1)  # compositors fade it in
    return window


def paint(other: Program, window: int) -> None:
    other.paint(window=window, color=GREY, place=ALL)


def test_a_window_that_came_over_a_form_and_has_not_painted(form: Form, other: Program) -> None:
    window = come(form, other)
    form.close()
    form.is_held()
    paint(other, window)
    form.until_free()


def test_one_that_no_window_manager_looks_after(form: Form, other: Program) -> None:
    window = come(form, other, override=True)
    form.close()
    form.is_held()
    paint(other, window)
    form.until_free()


def test_one_that_grew_over_it(form: Form, other: Program) -> None:
    window = come(form, other, width=30, height=30)
    paint(other, window)
    other.stack(window=window, above=True)
    other.resize(window=window, width=BEHIND.width, height=BEHIND.height)
    form.later(1)
    form.close()
    form.is_held()
    paint(other, window)
    form.until_free()


def test_one_that_came_over_a_copy_when_the_form_was_long_gone(form: Form, other: Program) -> None:
    first = come(form, other)
    form.close()
    second = come(form, other)
    other.destroy(window=first)
    form.later(1.5)
    form.is_held()
    other.destroy(window=second)
    form.until_free()


def pending(form: Form) -> Mapping[int, Sequence[Any]]:
    return dict(form.desktop._screen.tracker._copied._copies)


@contextlib.contextmanager
def looked_at(desktop: X11Desktop) -> Iterator[None]:
    """As a recorder does, while something else is waited for."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            desktop.wait(0.05)
            desktop.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("browser", [browsers.chromium, browsers.firefox])
def test_a_browser_that_comes_over_a_form_is_free_at_once(
    form: Form, browser: Callable[..., contextlib.AbstractContextManager[browsers.Browser]], tmp_path: Path
) -> None:
    """It paints all of its window as soon as it has one. A frame that was mapped before it could be watched may have
    its title bar for ten seconds.
    """
    stage = Stage(form.stage.display, tmp_path, displays.environment(form.stage.display))
    with contextlib.closing(stage), contextlib.ExitStack() as stack:
        with looked_at(form.desktop):
            stack.enter_context(browser(stage, tmp_path, "about:blank", eyes=None))
            time.sleep(PAINTS_WITHIN)  # no event says that a browser has painted the last of its window
        form.close()
        held = {window: copies for window, copies in pending(form).items() if copies[0].found > form.came}
        form.until_free()
        pieces = [box for copies in held.values() for copy in copies for box in copy.unpainted]
        assert all(box.height < TITLE_BAR for box in pieces)
        assert pieces or CLOCK.now() < form.left + FREE_WITHIN


def test_a_compositor_that_comes_while_a_form_is_there(tmp_path: Path) -> None:
    with displays.xvfb() as name, x11_stage(name, managed=False) as stage:
        stage.open(title="form", color=SENSITIVE)
        stage.desktop.look()
        with displays.picom(name, tmp_path):
            look_until(stage.desktop, lambda _: stage.desktop.composited(), "the compositor")
            now = CLOCK.now()
            assert held_until(stage.desktop, 0, now) == now + UNSURE
