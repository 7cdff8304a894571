"""Where bench/leaks plays: a plain display, one with a ticking clock, one whose compositor fades windows, one with two
monitors; busy or idle.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from testkit import displays
from testkit.stage import Stage, own_display, running

SIZE: Final = (1280, 800)
SETTINGS: Final = {"plain": 1, "ticking": 1, "picom": 1, "monitors": 2}
"""Name -> how many monitors of SIZE it has, side by side."""

SPIN: Final = "while True: pass"


@contextmanager
def setting(name: str, folder: Path) -> Iterator[Stage]:
    width, height = SIZE
    monitors = SETTINGS[name]
    with ExitStack() as stack:
        stage = stack.enter_context(own_display(folder, (width * monitors, height)))
        if name == "picom":
            stack.enter_context(displays.picom(stage.name, folder))
        elif name == "ticking":
            # The time of the call in its upper right corner, below and beside the browser, changes every second.
            stack.enter_context(stage.program("orders", (530, 700), focus=False))
        elif name == "monitors":
            for place in range(monitors):
                geometry = f"{width}/338x{height}/211+{place * width}+0"
                output = "none" if place else "screen"
                stack.enter_context(displays.monitor(stage.name, f"monitor-{place}", geometry, output))
        yield stage


@contextmanager
def busy_cores(count: int = 2) -> Iterator[None]:
    """So many processes that do nothing but work, as every other one does here: at the usual priority."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(running("work", [sys.executable, "-c", SPIN], Path(os.devnull), os.environ))
        yield
