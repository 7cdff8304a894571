"""What an extension that the policy does not name shows over or beside pages: no tab has it, and no script of ours.

It runs in a browser of its own: as long as it is switched on, that browser's window closes whenever it has no focus.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from bench.leaks_attacks import REPEATED
from bench.leaks_scene import Play, Scene, transition
from testkit.browsers import PANEL, POPUP, STRANGER

PLACE: Final = (200, 40, 1000, 700)  # so that the watcher's strips go through popup and panel in both browsers
SETTLED: Final = 2.0  # seconds for a new window to be done with starting


@transition()
def extension_popup(scene: Scene) -> Play:
    """A card form in the popup: Chromium draws it inside the browser's own window."""
    yield from _shown(scene, POPUP, ("Escape",))


@transition()
def extension_panel(scene: Scene) -> Play:
    """The same in the panel beside the page, which stays open while the page is used."""
    yield from _shown(scene, PANEL, PANEL)


def _shown(scene: Scene, come: Sequence[str], go: Sequence[str]) -> Play:
    before = scene.windows.all()
    with scene.another(scene.shop(), extensions=[STRANGER]) as other:
        window = scene.windows.new_of(other.pid, before)
        scene.windows.place(window, *PLACE)
        scene.windows.activate(window)
        time.sleep(SETTLED)
        scene.windows.click(PLACE[0] + 500, PLACE[1] + 600)  # into the page, which then has the focus
        yield
        scene.windows.press(window, *come)
        yield
        time.sleep(REPEATED)
        scene.windows.press(window, *go)
        time.sleep(1)
        scene.present()  # from here on the browser ends
    scene.gone()
