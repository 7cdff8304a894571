"""Plays a case of bench/leaks: tells its pages when, and does what else happens while the sensitive thing goes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Final
from urllib.parse import urlencode

import psutil

from bench.leaks_attacks import MIDDLE, stopped
from bench.leaks_cases import Case
from bench.leaks_outside import extension_of, name_of, those_with
from bench.leaks_scene import PICOM, PLAIN, TICKING, Play, Scene, Transition
from bench.leaks_settings import busy_cores
from testkit.browsers import Browser
from testkit.stage import StageError

NOTICE: Final = 0.5  # seconds between the order to go and its going: a browser that hangs takes no order
PUT_AWAY: Final = 1.3  # seconds until a page has removed what it hid (leaks_site/part.js)
HIDDEN: Final = 0.7  # seconds that something is there before it is revealed
LOADS: Final = 20.0  # seconds for a page to load
ZOOM: Final = 1.5
SCROLLS: Final = 0.3  # seconds that it is scrolled on after it has let go
HIDDEN_TAB: Final = 1.5  # seconds that another tab is shown: timers of a hidden one run once a second
FINDING: Final = 0.3  # seconds to find a browser's processes
# What is stopped, and how long before its page lets go (s): a page that is stopped has to have let go.
EARLIER: Final = {"hang_gpu": 0.1, "hang_extension": 0.1, "hang_renderer": -0.05}
FIREFOX_PAGES: Final = ("Isolated Web", "Web Content", "WebCOOP")
# In these the eye has to be closed before or after anything sensitive is seen.
UNSEEN_COMING: Final = frozenset({"reveal", "streamed"})
UNSEEN_MEANWHILE: Final = frozenset({"tab", "window", *EARLIER})


def acted(name: str, case: Case) -> Transition:
    """The case as a transition, so that the bench plays it as any other."""
    return Transition(name, partial(_play, case), (case.browser,), (PLAIN, TICKING, PICOM), quick=False, least=None)


def _play(case: Case, scene: Scene) -> Play:
    _open(case, scene)
    with _beside(case, scene) as happen:
        yield
        with busy_cores(case.load):
            if _is_unseen(case):
                scene.present()
            if case.comes == "reveal":
                scene.run("order", "prepare", 0)
                time.sleep(HIDDEN)
            scene.run("order", "come", 0)
            yield
            time.sleep(case.stays)
            scene.run("order", "leave", 1000 * NOTICE)
            happen(time.monotonic() + NOTICE)
            if case.goes == "hide":
                time.sleep(PUT_AWAY)
            scene.gone()
            yield  # the load stays until it has gone
    scene.call("tabs.update", scene.tab, {"url": scene.shop()})


def _is_unseen(case: Case) -> bool:
    return case.comes in UNSEEN_COMING or case.goes == "hide" or case.meanwhile in UNSEEN_MEANWHILE


def _open(case: Case, scene: Scene) -> None:
    """The case's first page, with all its frames, in the browser's tab."""
    query = urlencode({"case": json.dumps(asdict(case)), "depth": 0, "state": "clean", "turn": time.monotonic_ns()})
    url = scene.site.url(f"/part?{query}")
    scene.call("tabs.update", scene.tab, {"url": url})
    deadline = time.monotonic() + LOADS
    while True:
        tab = scene.call("tabs.get", scene.tab)
        if tab["status"] == "complete" and tab["url"] == url:
            return
        if time.monotonic() > deadline:
            raise StageError(f"the page of a case did not load within {LOADS:.0f} s")
        time.sleep(0.03)


# -- what else happens ----------------------------------------------------------------------------------------------


@contextmanager
def _beside(case: Case, scene: Scene) -> Iterator[Callable[[float], None]]:
    """Gives what is to be done while it goes, which is called with the time (s, monotonic) at which it will."""
    if case.meanwhile == "tab":
        tab = scene.new_tab(scene.shop(), active=False)
        scene.until_loaded(tab)
        try:
            yield partial(_switch_tab, scene, tab)
        finally:
            scene.call("tabs.remove", tab)
    elif case.meanwhile == "zoom":
        try:
            yield partial(_zoom, scene)
        finally:
            scene.call("tabs.setZoom", scene.tab, 1)
    else:
        act = ELSE.get(case.meanwhile)
        yield partial(act, scene) if act else partial(_hang, scene, case)


def _nothing(_scene: Scene, _at: float) -> None:
    pass


def _switch_tab(scene: Scene, tab: int, at: float) -> None:
    _until(at - 0.2)
    scene.call("tabs.update", tab, {"active": True})
    _until(at + HIDDEN_TAB)
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(0.5)


def _zoom(scene: Scene, at: float) -> None:
    _until(at)
    scene.call("tabs.setZoom", scene.tab, ZOOM)


def _raise_window(scene: Scene, at: float) -> None:
    """Another program's window comes before the browser's, and that one again."""
    other = next(one for one in scene.windows.all() if one not in scene.windows.of(scene.browser.pid))
    _until(at - 0.2)
    scene.windows.activate(other)
    _until(at + 0.3)
    scene.windows.activate(scene.window)


def _scroll(scene: Scene, at: float) -> None:
    scene.windows.wheel(*MIDDLE, until=at + SCROLLS)


def _hang(scene: Scene, case: Case, at: float) -> None:
    _until(at - EARLIER[case.meanwhile] - FINDING)
    processes = STOPPED[case.meanwhile](scene.browser)
    _until(at - EARLIER[case.meanwhile])
    with stopped(processes):
        time.sleep(case.hung)


ELSE: Final[dict[str, Callable[[Scene, float], None]]] = {
    "none": _nothing,
    "window": _raise_window,
    "scroll": _scroll,
}


def _until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))


def pages_of(browser: Browser) -> list[psutil.Process]:
    """The processes that draw its pages, not those of extensions."""
    if browser.name == "chromium":
        extensions = extension_of(browser)
        return [one for one in those_with(browser, "--type=renderer") if one not in extensions]
    return [one for one in browser.tree() if name_of(one).startswith(FIREFOX_PAGES)]


def _gpu_of(browser: Browser) -> list[psutil.Process]:
    return those_with(browser, "--type=gpu-process")


STOPPED: Final[dict[str, Callable[[Browser], list[psutil.Process]]]] = {
    "hang_gpu": _gpu_of, "hang_renderer": pages_of, "hang_extension": extension_of,
}  # fmt: skip
