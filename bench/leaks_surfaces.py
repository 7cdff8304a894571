"""What a browser shows of its own over or in place of a clean page, and how much of that time is kept."""

from __future__ import annotations

import time
from typing import Final

from bench.leaks_pages import HOME, refusing
from bench.leaks_scene import CHROMIUM, FIREFOX, Play, Scene, transition

STAYS: Final = 8.0  # seconds that a dialog is left open, or a page busy
QUIET: Final = 6.0  # seconds; Chromium's words at full screen stay for 4.6


@transition(CHROMIUM, least=0.5)
def clean_full_screen(scene: Scene) -> Play:
    """Into full screen over a clean page: the browser says how to leave it, Firefox inside its own window."""
    yield
    scene.windows.press(scene.window, "F11")
    time.sleep(QUIET)
    yield
    scene.windows.press(scene.window, "F11")
    time.sleep(1)


@transition(CHROMIUM, least=0.5)
def clean_error_page(scene: Scene) -> Play:
    """To an address that does not answer, from a clean page. Firefox has an empty page in between, which no
    script reads and which counts until a page has shown its mark: there it is mostly closed."""
    yield
    scene.run("go", refusing(HOME))
    time.sleep(QUIET)
    yield
    scene.call("tabs.update", scene.tab, {"url": scene.shop()})
    scene.until_loaded(scene.tab)


@transition(FIREFOX, least=0)
def clean_error_page_of_firefox(scene: Scene) -> Play:
    yield from clean_error_page(scene)


@transition(least=0)
def clean_permission_prompt(scene: Scene) -> Play:
    """A page asks for the place. In Firefox the prompt is a window like an extension's popup."""
    yield
    scene.windows.activate(scene.window)
    scene.run("askPlace")
    time.sleep(STAYS)
    yield
    scene.windows.press(scene.window, "Escape")
    scene.run("go", scene.shop())


@transition(least=0)
def clean_alert(scene: Scene) -> Play:
    """While it is up the page does not answer, and the script that raised it may have changed the page before."""
    yield
    scene.run("alert")
    time.sleep(STAYS)
    yield
    scene.windows.press(scene.window, "Return")
    time.sleep(0.5)
    scene.run("go", scene.shop())


@transition(least=0)
def clean_long_tasks(scene: Scene) -> Play:
    """A page that works half a second at a time: it answers between two tasks."""
    yield
    scene.run("work", 500, int(2 * STAYS))
    yield
    scene.run("go", scene.shop())


@transition(CHROMIUM, least=0)
def clean_left_behind_a_tab(scene: Scene) -> Play:
    """A payment page behind another tab goes on to the shop, and is not visited. In Firefox that stays closed."""
    tab = scene.new_tab(scene.pay(), active=True)
    scene.until_loaded(tab)
    scene.call("tabs.update", scene.tab, {"active": True})
    scene.call("tabs.update", tab, {"url": scene.shop("?behind")})
    scene.until_loaded(tab)
    yield
    time.sleep(STAYS)
    yield
    scene.call("tabs.remove", tab)
