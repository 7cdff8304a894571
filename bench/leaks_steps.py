"""The acts that transitions of bench/leaks are written in: what a page, a browser, a person and the bench do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec

import psutil

from bench.leaks_pages import HOME
from bench.leaks_scene import BOX, CORNER, Act, Scene, Step, do
from bench.leaks_server import FIRST, OTHER, Address, Which
from testkit.browser_processes import Whose, kill, renderer, stopped
from testkit.desktop_settings import Windows
from testkit.stage import StageError

MIDDLE: Final = (500, 500)  # within the page
FROZEN: Final = 2.5  # seconds that something is held up: longer than a recorder waits for an answer
BURN: Final = 600  # ms of work by which a page's process is known
REPEATED: Final = 4.5  # seconds in which the control takes a picture also of what stands still


P = ParamSpec("P")


def act(done: Callable[Concatenate[Scene, P], object]) -> Callable[P, Act]:
    """Makes an act of a function: what it is given now, it does to a scene later."""
    return lambda *given, **named: lambda scene: done(scene, *given, **named)


def shop(more: str = "", host: str = HOME) -> Address:
    return Address(f"/shop{more}", host)


def pay(more: str = "", host: str = HOME) -> Address:
    """Sensitive: the policy names these addresses."""
    return Address(f"/pay{more}", host)


present: Final = Scene.present
gone: Final = Scene.gone
leave: Final = Scene.leave
run: Final = act(Scene.run)
call: Final = act(Scene.call)
wait: Final = act(lambda _, seconds: time.sleep(seconds))


@act
def by_browser(scene: Scene, chromium: Step, firefox: Step) -> None:
    do(scene, chromium if scene.browser.name == "chromium" else firefox)


# -- pages and tabs ---------------------------------------------------------------------------------------------------


def go(address: Address | str) -> Act:
    """By the page itself, as where a link is followed."""
    return run("go", address)


def to_shop(seconds: float) -> Step:
    return wait(seconds), go(shop())


@act
def require(scene: Scene, name: str, fault: str) -> None:
    """That the page says so of itself, or the play was another one than it should be."""
    if not scene.run(name):
        raise StageError(f"{fault}: the transition was a plain navigation")


@act
def new_tab(scene: Scene, address: Address, *, active: bool = True) -> None:
    where = {"url": address, "active": active, "windowId": scene.browser_windows[FIRST]}
    scene.hand.tabs[OTHER] = scene.call("tabs.create", where)["id"]


loaded: Final = act(Scene.until_loaded)
close_tab: Final = call("tabs.remove", OTHER)


def show(tab: Which) -> Act:
    return call("tabs.update", tab, {"active": True})


def load(tab: Which, address: Address) -> Act:
    """By the person: an address is typed."""
    return call("tabs.update", tab, {"url": address})


# -- windows and browsers ---------------------------------------------------------------------------------------------


def _of_window(done: Callable[..., object]) -> Callable[..., Act]:
    return act(lambda scene, which, *given: done(scene.desk, scene.windows[which], *given))


activate: Final = _of_window(Windows.activate)
minimise: Final = _of_window(Windows.minimise)
place: Final = _of_window(Windows.place)
close_window: Final = _of_window(Windows.close_window)
press: Final = _of_window(Windows.press)
point: Final = act(lambda scene, left, top: scene.desk.point(left, top))
REST: Final = point(*CORNER)  # the mouse, out of the way
click: Final = act(lambda scene, left, top, button=1: scene.desk.click(left, top, button))


@act
def inside(scene: Scene, done: Callable[[int, int], Step], left: int, top: int) -> None:
    """So far from the upper left corner of the first window."""
    x, y = scene.desk.corner(scene.windows[FIRST])
    do(scene, done(x + left, y + top))


@act
def opening(scene: Scene, *acts: Step) -> None:
    """They open a window, of whatever program."""
    before = scene.desk.all()
    do(scene, acts)
    scene.windows[OTHER] = scene.desk.new(before)


@act
def open_window(scene: Scene, address: Address) -> None:
    """Of the browser, in front, where its first one is."""
    before = scene.desk.of(scene.browser.pid)
    shape = dict(zip(("left", "top", "width", "height"), BOX, strict=True))
    scene.browser_windows[OTHER] = scene.call("windows.create", {"url": address, **shape})["id"]
    scene.windows[OTHER] = scene.desk.new_of(scene.browser.pid, before)
    scene.desk.place(scene.windows[OTHER], *BOX)


def remove_window(scene: Scene) -> None:
    scene.call("windows.remove", scene.browser_windows[OTHER])


@act
def start(
    scene: Scene,
    address: Address,
    *flags: str,
    seen: bool = True,
    extensions: Sequence[Path] = (),
    settings: Mapping[str, Any] | None = None,
) -> None:
    """A second browser with a window of its own, until `leave`. `settings`: of its new profile."""
    before = scene.desk.all()
    scene.second = scene.enter(scene.another(address, *flags, seen=seen, extensions=extensions, settings=settings))
    scene.windows[OTHER] = scene.desk.new_of(scene.latest.pid, before)


# -- what lasts until `leave` -----------------------------------------------------------------------------------------


def enter(context: Callable[[Scene], AbstractContextManager[Any]]) -> Act:
    return lambda scene: scene.enter(context(scene))


def stop(whose: Whose) -> Act:
    return enter(lambda scene: stopped(whose(scene.latest)))


def end(whose: Whose) -> Act:
    """Kill them."""
    return lambda scene: kill(whose(scene.latest))


def page_process(scene: Scene) -> Sequence[psutil.Process]:
    """What draws the other tab."""

    def work() -> None:
        scene.run("burn", BURN, tab=OTHER)
        time.sleep(BURN / 1000)

    return renderer(scene.latest, work)
