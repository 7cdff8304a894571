"""The acts that transitions of bench/leaks are written in: what a page, a browser, a person and the bench do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from bench.leaks_pages import HOME
from bench.leaks_processes import Whose, kill, stopped
from bench.leaks_scene import BOX, FIRST, OTHER, Act, Scene, Step, Which, do
from bench.leaks_server import Address
from bench.leaks_windows import Windows
from testkit.stage import StageError

MIDDLE: Final = (500, 500)  # within the page
FROZEN: Final = 2.5  # seconds that something is held up: longer than anybody waits for an answer
REPEATED: Final = 4.5  # seconds in which the control takes a picture also of what stands still


def shop(more: str = "", host: str = HOME) -> Address:
    return Address(f"/shop{more}", host)


def pay(more: str = "", host: str = HOME) -> Address:
    """Sensitive: the policy names these addresses."""
    return Address(f"/pay{more}", host)


present: Final = Scene.present
gone: Final = Scene.gone
leave: Final = Scene.leave


def wait(seconds: float) -> Act:
    return lambda _: time.sleep(seconds)


# -- pages and tabs -------------------------------------------------------------------------------------------------


def run(name: str, *given: object, tab: Which = FIRST) -> Act:
    """A function of leaks_site/scene.js in the page."""
    return lambda scene: scene.run(name, *given, tab=tab)


def call(name: str, *given: object) -> Act:
    """A function of the browser's extension API."""
    return lambda scene: scene.call(name, *given)


def go(address: Address | str) -> Act:
    """By the page itself, as where a link is followed."""
    return run("go", address)


def to_shop(seconds: float) -> Step:
    return wait(seconds), go(shop())


def require(name: str, fault: str) -> Act:
    """That the page says so of itself, or the play was another one than it should be."""

    def ask(scene: Scene) -> None:
        if not scene.run(name):
            raise StageError(f"{fault}: the transition was a plain navigation")

    return ask


def new_tab(address: Address, *, active: bool = True) -> Act:
    def open_it(scene: Scene) -> None:
        where = {"url": address, "active": active, "windowId": scene.browser_windows[FIRST]}
        scene.tabs[OTHER] = scene.call("tabs.create", where)["id"]

    return open_it


def loaded(tab: Which = FIRST) -> Act:
    return lambda scene: scene.until_loaded(tab)


def show(tab: Which) -> Act:
    return call("tabs.update", tab, {"active": True})


def load(tab: Which, address: Address) -> Act:
    """By the person: an address is typed."""
    return call("tabs.update", tab, {"url": address})


close_tab: Final = call("tabs.remove", OTHER)

# -- windows and browsers -------------------------------------------------------------------------------------------


def _of_window(act: Callable[..., object]) -> Callable[..., Act]:
    return lambda which, *given: lambda scene: act(scene.desk, scene.windows[which], *given)


activate: Final = _of_window(Windows.activate)
minimise: Final = _of_window(Windows.minimise)
place: Final = _of_window(Windows.place)
close_window: Final = _of_window(Windows.close_window)
press: Final = _of_window(Windows.press)


def point(left: int, top: int) -> Act:
    return lambda scene: scene.desk.point(left, top)


def click(left: int, top: int, button: int = 1) -> Act:
    return lambda scene: scene.desk.click(left, top, button)


def inside(act: Callable[[int, int], Step], left: int, top: int) -> Act:
    """So far from the upper left corner of the first window."""

    def there(scene: Scene) -> None:
        x, y = scene.desk.corner(scene.windows[FIRST])
        do(scene, act(x + left, y + top))

    return there


def opening(*acts: Step) -> Act:
    """They open a window, of whatever program."""

    def wait_for_it(scene: Scene) -> None:
        before = scene.desk.all()
        do(scene, acts)
        scene.windows[OTHER] = scene.desk.new(before)

    return wait_for_it


def open_window(address: Address) -> Act:
    """Of the browser, in front, where its first one is."""

    def open_it(scene: Scene) -> None:
        before = scene.desk.of(scene.browser.pid)
        shape = dict(zip(("left", "top", "width", "height"), BOX, strict=True))
        scene.browser_windows[OTHER] = scene.call("windows.create", {"url": address, **shape})["id"]
        scene.windows[OTHER] = scene.desk.new_of(scene.browser.pid, before)
        scene.desk.place(scene.windows[OTHER], *BOX)

    return open_it


def remove_window(scene: Scene) -> None:
    scene.call("windows.remove", scene.browser_windows[OTHER])


def start(
    address: Address,
    *flags: str,
    seen: bool = True,
    extensions: Sequence[Path] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Act:
    """A second browser with a window of its own, until `leave`. `settings`: of each browser's new profile."""

    def begin(scene: Scene) -> None:
        before = scene.desk.all()
        chosen = None if settings is None else settings[scene.browser.name]
        context = scene.another(address, *flags, seen=seen, extensions=extensions, settings=chosen)
        scene.second = scene.enter(context)
        scene.windows[OTHER] = scene.desk.new_of(scene.second.pid, before)

    return begin


# -- what lasts until `leave` ---------------------------------------------------------------------------------------


def enter(context: Callable[[Scene], AbstractContextManager[Any]]) -> Act:
    return lambda scene: scene.enter(context(scene))


def unpainted(left: int, top: int, width: int, height: int, *, managed: bool = True) -> Act:
    return enter(lambda scene: scene.desk.unpainted(left, top, width, height, managed=managed))


def moved(left: int, top: int) -> Act:
    """The unpainted window."""
    return lambda scene: scene.entered[-1][1](left, top)


def stop(whose: Whose) -> Act:
    return enter(lambda scene: stopped(whose(scene)))


def end(whose: Whose) -> Act:
    """Kill them."""
    return lambda scene: kill(whose(scene))
