"""Every way in which something sensitive comes into view and goes again, each as a short play.

A play yields where time has to pass: first when all is clean and stays so for seconds, then when the sensitive thing
has been told to come, then clean again, and so on; it ends by telling the sensitive thing to go. Who drives it waits
for the watcher in between, so nothing here waits for pixels.

`scene.present()` says that from now on something sensitive is there without being seen (a hidden frame, a parked tab):
the eye has to close for it, so what is given up meanwhile is no over-pause. It lasts until the play's end.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from agent.desktop.clock import BootClock
from bench.browsers import Browser
from bench.leaks_pages import AWAY, HOME, Hand, Site
from bench.leaks_windows import Windows
from bench.stage import Stage, StageError

BOTH: Final = ("chromium", "firefox")
CHROMIUM: Final = ("chromium",)
FIREFOX: Final = ("firefox",)
PLAIN, PICOM, MONITORS = "plain", "picom", "monitors"  # bench/leaks_settings.py

BOX: Final = (20, 40, 1000, 700)  # of the browser's window: the watcher's strips go through it
SECOND_MONITOR: Final = 1280  # pixels from the left
POPUP: Final = "popup,left=150,top=160,width=640,height=420"
QUIET: Final = 5.0  # seconds that a clean page is left alone
BURN: Final = 600  # ms of work by which a page's process is known
CORNER: Final = (1270, 790)  # where the mouse rests
FLASHES: Final = (30, 60, 100)  # ms

Play = Generator[None]


@dataclass(slots=True)
class Scene:
    """The browser that is played with; `tab` and `window` are its first ones, on a clean page whenever a play begins.

    `another`: starts a second browser of the kind with this address, our extension and these flags.
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
    """`stages`: where it is played (plain X11, under picom, with two monitors).
    `least`: nothing sensitive is in it, and this share of its time has to be kept.
    """

    name: str
    play: Callable[[Scene], Play]
    browsers: Sequence[str]
    stages: Sequence[str]
    quick: bool
    least: float | None


TRANSITIONS: list[Transition] = []


def transition(
    browsers: Sequence[str] = BOTH,
    stages: Sequence[str] = (PLAIN, PICOM),
    *,
    quick: Sequence[str] = (),
    least: float | None = None,
) -> Callable[[Callable[[Scene], Play]], Callable[[Scene], Play]]:
    """Enter a play into TRANSITIONS under its function's name; `quick`: the browsers that play it also in --quick."""

    def enter(play: Callable[[Scene], Play]) -> Callable[[Scene], Play]:
        TRANSITIONS.extend(
            Transition(play.__name__, play, (browser,), stages, browser in quick, least) for browser in browsers
        )
        return play

    return enter


# -- addresses ----------------------------------------------------------------------------------------------------


@transition(quick=BOTH)
def navigation(scene: Scene) -> Play:
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("go", scene.shop())


@transition()
def cross_site(scene: Scene) -> Play:
    yield
    scene.run("go", scene.pay(host=AWAY))
    yield
    scene.run("go", scene.shop())


@transition(quick=CHROMIUM)
def slow_css(scene: Scene) -> Play:
    """The browser holds the page before on screen until the style sheet is there, 1.2 s after the address changed."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("go", scene.shop("?slow=1.2"))


@transition()
def slow_css_entered(scene: Scene) -> Play:
    """The payment page is the slow one: its address counts from when it is there, its picture comes 1.2 s later."""
    yield
    scene.present()
    scene.run("go", scene.pay("?slow=1.2"))
    yield
    scene.run("go", scene.shop())


@transition()
def slower_css(scene: Scene) -> Play:
    """As slow_css with 3.2 s: longer than anybody waits for a page's first picture before he takes it for drawn."""
    yield
    scene.run("go", scene.pay())
    yield
    scene.run("go", scene.shop("?slow=3.2"))
    time.sleep(2)


@transition()
def slow_css_cross_site(scene: Scene) -> Play:
    yield
    scene.run("go", scene.pay(host=AWAY))
    yield
    scene.run("go", scene.shop("?slow=1.2"))


@transition(quick=CHROMIUM)
def push_before_painting(scene: Scene) -> Play:
    yield
    scene.run("pushThenPaint", "/pay/now")
    yield
    scene.run("pushThenClear", "/shop")


@transition()
def push_after_painting(scene: Scene) -> Play:
    yield
    scene.run("paintThenPush", "/pay/now")
    yield
    scene.run("clearThenPush", "/shop", 0)


@transition()
def push_200_ms_late(scene: Scene) -> Play:
    yield
    scene.run("paintThenPushLater", "/pay/late", 200)
    yield
    scene.run("clearThenPush", "/shop", 200)


@transition()
def hash_change(scene: Scene) -> Play:
    yield
    scene.run("hashThenPaint", "pay")
    yield
    scene.run("clearThenHash", "shop")


@transition(CHROMIUM)
def prerender(scene: Scene) -> Play:
    """The payment page is loaded and drawn before anybody goes there; from then on it is present."""
    yield
    scene.present()
    scene.run("prerender", scene.pay("/prerendered"))
    time.sleep(1)
    scene.run("go", scene.pay("/prerendered"))
    yield
    if not scene.run("prerendered"):
        raise StageError("the browser did not prerender: the transition was a plain navigation")
    scene.run("go", scene.shop())


@transition(quick=FIREFOX)
def back_forward_cache(scene: Scene) -> Play:
    """To the payment page, away, and back to it as it was."""
    yield
    scene.run("go", scene.pay("/cached"))
    yield
    scene.run("go", scene.shop("/cached"))
    yield
    scene.run("back")
    yield
    if not scene.run("restored"):
        raise StageError("the browser did not keep the page: the transition was a plain navigation")
    scene.run("forward")


@transition()
def flash(scene: Scene) -> Play:
    """A form that is there for 30, 60 or 100 ms."""
    yield
    scene.run("flash", FLASHES[scene.turn % len(FLASHES)])


# -- frames and fields --------------------------------------------------------------------------------------------


@transition(quick=CHROMIUM)
def frame_inserted(scene: Scene) -> Play:
    yield
    scene.run("frame", scene.pay(host=AWAY))
    yield
    scene.run("remove")


@transition()
def frame_navigated(scene: Scene) -> Play:
    scene.run("frame", scene.shop(host=AWAY))
    yield
    scene.run("turnFrame", scene.pay(host=AWAY))
    yield
    scene.run("turnFrame", scene.shop(host=AWAY))
    time.sleep(1)
    scene.run("remove")


@transition(quick=CHROMIUM)
def hidden_frame_shown(scene: Scene) -> Play:
    """A payment frame that is there and hidden, shown later: no event tells of it, so its presence has to count."""
    yield
    scene.present()
    scene.run("frame", scene.pay(host=AWAY), "display:none")
    time.sleep(1)
    scene.run("show")
    yield
    scene.run("remove")


@transition()
def srcdoc(scene: Scene) -> Play:
    yield
    scene.run("srcdocForm")
    yield
    scene.run("remove")


@transition(quick=BOTH)
def card_form_inserted(scene: Scene) -> Play:
    yield
    scene.run("form")
    yield
    scene.run("remove")


@transition()
def selector_inserted(scene: Scene) -> Play:
    """Something that only a selector of the policy tells from the rest of the page."""
    yield
    scene.run("selected")
    yield
    scene.run("remove")


@transition()
def card_form_revealed(scene: Scene) -> Play:
    """A form that style sheets hide and reveal: present from when it is in the page."""
    yield
    scene.present()
    scene.run("hiddenForm")
    time.sleep(1)
    scene.run("reveal")
    yield
    scene.run("remove")


@transition(quick=CHROMIUM)
def closed_shadow_root(scene: Scene) -> Play:
    yield
    scene.run("shadowForm")
    yield
    scene.run("remove")


# -- tabs and windows of the browser ------------------------------------------------------------------------------


@transition(quick=CHROMIUM)
def popup(scene: Scene) -> Play:
    yield
    scene.run("popup", scene.pay("/popup"), POPUP)
    yield
    scene.run("closePopup")


@transition()
def blank_popup(scene: Scene) -> Play:
    """about:blank, written by its opener: it has no address that anybody could judge."""
    yield
    scene.run("blankPopup", POPUP)
    yield
    scene.run("closePopup")


@transition()
def new_tab(scene: Scene) -> Play:
    yield
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    scene.call("tabs.remove", tab)


@transition(quick=FIREFOX)
def tab_switch(scene: Scene) -> Play:
    """To a payment page that was loaded behind, and back; it is present from its loading to its closing."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=False)
    scene.until_loaded(tab)
    scene.call("tabs.update", tab, {"active": True})
    yield
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(1)
    scene.call("tabs.remove", tab)


@transition()
def tab_cleaned_while_hidden(scene: Scene) -> Play:
    """A tab whose last picture was sensitive goes to a clean page while hidden; its old picture may come back."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    scene.call("tabs.update", scene.tab, {"active": True})
    scene.call("tabs.update", tab, {"url": scene.shop()})
    scene.until_loaded(tab)
    time.sleep(1)
    scene.call("tabs.update", tab, {"active": True})
    scene.gone()
    time.sleep(1)
    scene.call("tabs.remove", tab)


@transition(CHROMIUM)
def hover_card(scene: Scene) -> Play:
    """The mouse rests on the tab of a parked payment page: the browser shows its last picture, small."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(1.5)
    left, top, _, _ = scene.windows.box(scene.window)
    scene.windows.point(left + 330, top + 20)
    time.sleep(2)
    scene.windows.point(*CORNER)
    time.sleep(1)
    scene.call("tabs.remove", tab)


@transition(CHROMIUM)
def split_view(scene: Scene) -> Play:
    """A parked payment page is put beside the page that is shown."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=False)
    scene.until_loaded(tab)
    scene.call("tabs.createSplit", [scene.tab, tab])
    yield
    scene.call("tabs.remove", tab)


@transition()
def private_window(scene: Scene) -> Play:
    """No extension may look into it: it has to close for its own sake."""
    yield
    scene.present()
    if scene.browser.name == "firefox":  # a second start reaches a running Firefox only over a session bus
        with scene.another(scene.pay("/private"), "--private-window"):
            yield
            scene.gone()
        return
    before = scene.windows.all()
    scene.browser.open_private(scene.pay("/private"))
    window = scene.windows.new(before)
    yield
    scene.windows.close_window(window)


# -- windows on the desktop ---------------------------------------------------------------------------------------


def _second_window(scene: Scene) -> tuple[int, int]:
    """(the browser's number, X's number) of a new window with a payment page, in front."""
    before = scene.windows.of(scene.browser.pid)
    left, top, width, height = BOX
    shape = {"left": left, "top": top, "width": width, "height": height}
    made = scene.call("windows.create", {"url": scene.pay("/window"), **shape})
    window = scene.windows.new_of(scene.browser.pid, before)
    scene.windows.place(window, *BOX)
    return int(made["id"]), window


@transition(stages=(PICOM,))
def window_raised_composited(scene: Scene) -> Play:
    """As window_raised; browsers' windows are translucent to a compositor, so the one behind counts as in view."""
    yield
    scene.present()
    number, window = _second_window(scene)
    yield
    for one in (scene.window, window, scene.window):
        scene.windows.activate(one)
        time.sleep(1.2)
    scene.call("windows.remove", number)


@transition(stages=(PLAIN,))
def window_raised(scene: Scene) -> Play:
    """A payment window behind the shop's comes to the front and goes behind again."""
    yield
    number, window = _second_window(scene)
    yield
    scene.windows.activate(scene.window)
    yield
    scene.windows.activate(window)
    yield
    scene.windows.activate(scene.window)
    scene.call("windows.remove", number)


@transition()
def window_unminimised(scene: Scene) -> Play:
    yield
    number, window = _second_window(scene)
    yield
    scene.windows.minimise(window)
    yield
    scene.windows.activate(window)
    yield
    scene.windows.minimise(window)
    time.sleep(1)
    scene.call("windows.remove", number)


@transition(stages=(MONITORS,))
def moved_to_the_second_monitor(scene: Scene) -> Play:
    yield
    number, window = _second_window(scene)
    left, top, width, height = BOX
    time.sleep(0.7)
    scene.windows.place(window, left + SECOND_MONITOR, top, width, height)
    time.sleep(0.7)
    scene.windows.place(window, *BOX)
    yield
    scene.call("windows.remove", number)


# -- starts and ends ----------------------------------------------------------------------------------------------


@transition()
def browser_started(scene: Scene) -> Play:
    """A second browser starts with a payment page; it is asked to end."""
    yield
    scene.present()
    with scene.another(scene.pay("/start")):
        yield
        scene.gone()


@transition()
def browser_killed(scene: Scene) -> Play:
    yield
    scene.present()
    with scene.another(scene.pay("/start")) as other:
        yield
        scene.gone()
        os.kill(other.pid, signal.SIGKILL)


@transition(CHROMIUM)
def extension_killed(scene: Scene) -> Play:
    """The process of our extension dies while a payment page is shown: nobody sees the pages any more."""
    yield
    scene.present()
    with scene.another(scene.pay("/start")) as other:
        yield
        _kill_those(other, "--extension-process")
        time.sleep(1.5)
        scene.gone()


@transition()
def renderer_killed(scene: Scene) -> Play:
    """The page's process dies while it shows a payment: its picture stays until the browser draws its own page."""
    yield
    tab = scene.new_tab(scene.pay("/crash", AWAY), active=True)
    yield
    scene.present()
    _renderer_of(scene, tab).kill()
    time.sleep(1.5)
    scene.call("tabs.remove", tab)


@transition(quick=CHROMIUM)
def relay_killed(scene: Scene) -> Play:
    """The program between extension and agent dies while a payment page is shown; the browser starts it again."""
    yield
    scene.run("go", scene.pay())
    yield
    _kill_those(scene.browser, "native_host.py")
    time.sleep(1)
    scene.run("go", scene.shop())


def _kill_those(browser: Browser, mark: str) -> None:
    found = [process for process in browser.tree() if any(mark in word for word in _words(process))]
    if not found:
        raise StageError(f"{browser.name} has no process with {mark} in its command line")
    for process in found:
        process.kill()


def _renderer_of(scene: Scene, tab: int) -> psutil.Process:
    """The process that draws the tab: the one that works when the page does (browsers keep spare ones, too)."""
    marks = ("--type=renderer", "-isForBrowser", "-contentproc")
    drawing = [process for process in scene.browser.tree() if any(word in marks for word in _words(process))]
    before = {process: sum(process.cpu_times()[:2]) for process in drawing}
    scene.run("burn", BURN, tab=tab)
    time.sleep(BURN / 1000)
    return max(before, key=lambda process: sum(process.cpu_times()[:2]) - before[process])


def _words(process: psutil.Process) -> list[str]:
    try:
        return " ".join(process.cmdline()).split()
    except psutil.Error:
        return []


# -- what must not close ------------------------------------------------------------------------------------------


@transition(least=0.95, quick=CHROMIUM)
def clean_frames_off_screen(scene: Scene) -> Play:
    """A shop full of other sites' frames below the fold, which browsers do not draw: they must not close the eye."""
    scene.run("go", scene.site.url("/frames"))
    scene.until_loaded(scene.tab)
    yield
    time.sleep(QUIET)
    yield
    scene.run("go", scene.shop())


@transition(least=0)
def clean_navigation(scene: Scene) -> Play:
    """From one clean page to another every 3 s: no share of it is promised, but somebody will ask how much is kept."""
    yield
    for page in range(3):
        scene.run("go", scene.shop(f"/{page}"))
        time.sleep(3)
    yield
