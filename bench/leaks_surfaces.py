"""What a browser shows of its own over or in place of a clean page, and how much of that time is kept."""

from __future__ import annotations

import time
from typing import Final

from bench.leaks_pages import HOME, refusing
from bench.leaks_scene import CHROMIUM, Play, Scene, transition

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
