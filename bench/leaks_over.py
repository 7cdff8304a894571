"""Windows over a page that may go on showing what was in it: the browser's own, and one that paints nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.leaks_scene import CHROMIUM, CORNER, FIREFOX, PLAIN, Play, Scene, transition

LONGER_THAN_NEEDED: Final = 13.0  # seconds; a doubt about a window's pixels is over after ten
STAYS: Final = 4.0  # seconds that such a window is left where it is
LIST: Final = (400, 275)  # of the window's corner: a select list of scene.js, in either browser
HELD: Final = (350, 400)  # of the window's corner: what can be dragged there
FAR: Final = (480, 530)  # where it is dragged to
HARMLESS: Final = "rgb(200,220,200)"


@transition(FIREFOX)
def dragged(scene: Scene) -> Play:
    """What is dragged is in a window of its own until it is dropped, whatever the page shows by then."""
    yield
    scene.windows.activate(scene.window)
    scene.run("draggable")
    yield
    left, top, _, _ = scene.windows.box(scene.window)
    with scene.windows.dragging((left + HELD[0], top + HELD[1]), (left + FAR[0], top + FAR[1])):
        time.sleep(0.5)
        scene.run("remove")
        time.sleep(STAYS)
    scene.windows.point(*CORNER)
    scene.run("go", scene.shop())


@contextmanager
def _open_list(scene: Scene) -> Iterator[None]:
    left, top, _, _ = scene.windows.box(scene.window)
    scene.windows.click(left + LIST[0], top + LIST[1])
    time.sleep(1)
    yield
    scene.windows.press(scene.window, "Escape")


@transition()
def select_list(scene: Scene) -> Play:
    """A list is open when the form goes, and stays: it has the cards that were in the form. Firefox paints its list in
    colours of its own, so there only the time after it says that it was closed for.
    """
    yield
    scene.windows.activate(scene.window)
    scene.run("selected")
    scene.run("list")
    yield
    with _open_list(scene):
        scene.present()
        scene.run("remove")
        time.sleep(STAYS)
    scene.gone()
    scene.run("go", scene.shop())


@transition(least=0.5)
def clean_select_list(scene: Scene) -> Play:
    yield
    scene.windows.activate(scene.window)
    scene.run("list", HARMLESS)
    with _open_list(scene):
        time.sleep(STAYS)
    yield
    time.sleep(1)
    scene.run("go", scene.shop())


@transition(CHROMIUM, stages=(PLAIN,))
def unpainted_window_moved(scene: Scene) -> Play:
    """A window that paints nothing takes its picture of the form along when it is moved."""
    yield
    scene.run("form")
    yield
    with scene.windows.unpainted(300, 200, 500, 333, managed=False) as move:
        time.sleep(1)
        move(700, 400)
        time.sleep(1)
        scene.run("remove")
        time.sleep(LONGER_THAN_NEEDED)
    scene.run("go", scene.shop())
