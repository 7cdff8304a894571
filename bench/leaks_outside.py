"""Every way in which a sensitive page comes into view and goes with its tab, its window or its whole browser."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import psutil

from bench.leaks_pages import AWAY
from bench.leaks_scene import BOX, CHROMIUM, CORNER, FIREFOX, MONITORS, PICOM, PLAIN, Play, Scene, transition
from testkit.browsers import Browser
from testkit.stage import StageError

SECOND_MONITOR: Final = 1280  # pixels from the left
POPUP: Final = "popup,left=150,top=160,width=640,height=420"
BURN: Final = 600  # ms of work by which a page's process is known


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


@transition()
def hover_card(scene: Scene) -> Play:
    """The mouse rests on the tab of a parked payment page: the browser shows its last picture, small."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    _park(scene)
    _look_at_card(scene)
    scene.call("tabs.remove", tab)


def _point_at_second_tab(scene: Scene) -> None:
    left, top, _, _ = scene.windows.box(scene.window)
    scene.windows.point(left + 330, top + 20)
    time.sleep(0.4)
    scene.windows.point(left + 332, top + 22)  # Firefox shows nothing to a mouse that has not moved on the tab
    time.sleep(2)


def _leave_tab(scene: Scene) -> None:
    scene.windows.point(*CORNER)
    time.sleep(1)


def _look_at_card(scene: Scene) -> None:
    _point_at_second_tab(scene)
    _leave_tab(scene)


def _park(scene: Scene) -> None:
    """The first tab comes to the front again."""
    scene.call("tabs.update", scene.tab, {"active": True})
    time.sleep(1.5)


@transition(CHROMIUM)
def card_of_another_document(scene: Scene) -> Play:
    """A payment page leaves its tab behind another one, while the mouse rests on the tab, and once more after that.

    Firefox's card is a window of its own, for which the eye is closed whatever it shows.
    """
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=True)
    yield
    _park(scene)
    _point_at_second_tab(scene)
    scene.call("tabs.update", tab, {"url": scene.shop()})
    scene.until_loaded(tab)
    scene.gone()
    yield
    time.sleep(1)
    _leave_tab(scene)
    _look_at_card(scene)
    scene.call("tabs.remove", tab)


@transition(CHROMIUM)
def card_of_an_application(scene: Scene) -> Play:
    """As card_of_another_document, with an application that changes its address and stays the same document."""
    yield
    tab = scene.new_tab(scene.shop(), active=True)
    scene.until_loaded(tab)
    scene.present()
    scene.run("pushThenPaint", "/pay/now", tab=tab)
    yield
    _park(scene)
    _point_at_second_tab(scene)
    scene.run("pushThenClear", "/shop", tab=tab)
    time.sleep(2)
    _leave_tab(scene)
    _look_at_card(scene)
    scene.call("tabs.remove", tab)


@transition(CHROMIUM)
def card_never_in_front(scene: Scene) -> Play:
    """As card_of_an_application, in a tab that was never in front: only the mouse on it has it drawn."""
    yield
    tab = scene.new_tab(scene.shop(), active=False)
    scene.until_loaded(tab)
    time.sleep(1)
    scene.present()
    scene.run("pushThenPaint", "/pay/now", tab=tab)
    time.sleep(1)
    _look_at_card(scene)
    scene.run("pushThenClear", "/shop", tab=tab)
    time.sleep(2)
    _look_at_card(scene)
    scene.call("tabs.remove", tab)


@transition()
def split_view(scene: Scene) -> Play:
    """A parked payment page is put beside the page that is shown."""
    yield
    scene.present()
    tab = scene.new_tab(scene.pay(), active=False)
    scene.until_loaded(tab)
    if scene.browser.name == "chromium":
        scene.call("tabs.createSplit", [scene.tab, tab])
    else:
        _split_by_hand(scene)
    yield
    scene.call("tabs.remove", tab)


def _split_by_hand(scene: Scene) -> None:
    """Firefox lets no extension do it: both tabs are chosen, and in their menu "Open in Split View" (T)."""
    scene.call("tabs.highlight", {"tabs": [0, 1]})
    left, top, _, _ = scene.windows.box(scene.window)
    scene.windows.click(left + 330, top + 20, button=3)
    time.sleep(1)
    scene.windows.press(scene.window, "t")


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
def browser_without_extension(scene: Scene) -> Play:
    """A browser that nobody gave the extension, or a profile of it: no one answers for what is in it."""
    yield
    scene.present()
    with scene.another(scene.pay("/start"), seen=False):
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


@transition()
def extension_killed(scene: Scene) -> Play:
    """The process of our extension dies while a payment page is shown: nobody sees the pages any more."""
    yield
    scene.present()
    with scene.another(scene.pay("/start")) as other:
        yield
        _kill(extension_of(other))
        time.sleep(1.5)
        scene.gone()


@transition()
def renderer_killed(scene: Scene) -> Play:
    """The page's process dies while it shows a payment: its picture stays until the browser draws its own page."""
    yield
    tab = scene.new_tab(scene.pay("/crash", AWAY), active=True)
    yield
    scene.present()
    renderer_of(scene, tab).kill()
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


def those_with(browser: Browser, mark: str) -> list[psutil.Process]:
    """The processes of a browser that have this in their command line. Raises StageError when there is none."""
    found = [process for process in browser.tree() if any(mark in word for word in _words(process))]
    if not found:
        raise StageError(f"{browser.name} has no process with {mark} in its command line")
    return found


def extension_of(browser: Browser) -> list[psutil.Process]:
    """The process in which the browser runs our extension, and no page. Raises StageError when there is none."""
    if browser.name == "chromium":
        return those_with(browser, "--extension-process")
    found = [process for process in browser.tree() if name_of(process) == "WebExtensions"]
    if not found:
        raise StageError("Firefox has no process called WebExtensions")
    return found


def _kill_those(browser: Browser, mark: str) -> None:
    _kill(those_with(browser, mark))


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it went with another of them
            process.kill()


def renderer_of(scene: Scene, tab: int) -> psutil.Process:
    """The process that draws the tab: the one that works when the page does (browsers keep spare ones, too)."""
    marks = ("--type=renderer", "-isForBrowser", "-contentproc")
    drawing = [process for process in scene.browser.tree() if any(word in marks for word in _words(process))]
    before = {process: sum(process.cpu_times()[:2]) for process in drawing}
    scene.run("burn", BURN, tab=tab)
    time.sleep(BURN / 1000)
    return max(before, key=lambda process: sum(process.cpu_times()[:2]) - before[process])


def name_of(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:  # gone in between
        return ""


def _words(process: psutil.Process) -> list[str]:
    try:
        return " ".join(process.cmdline()).split()
    except psutil.Error:
        return []
