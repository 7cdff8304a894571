"""Where bench/leaks plays: a plain display, one with a ticking clock, one whose compositor fades windows, one with two
monitors; busy or idle.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from Xlib import X, display

from testkit.stage import Running, Stage, StageError, own_display, running

SIZE: Final = (1280, 800)
SETTINGS: Final = {"plain": 1, "ticking": 1, "picom": 1, "monitors": 2}
"""Name -> how many monitors of SIZE it has, side by side."""

SPIN: Final = "while True: pass"


@contextmanager
def setting(name: str, folder: Path) -> Iterator[Stage]:
    width, height = SIZE
    with own_display(folder, (width * SETTINGS[name], height)) as stage:
        if name == "picom":
            with _picom(stage, folder):
                yield stage
        elif name == "ticking":
            # The time of the call in its upper right corner, below and beside the browser, changes every second.
            with stage.program("orders", (530, 700), focus=False):
                yield stage
        elif name == "monitors":
            for place in range(SETTINGS[name]):
                _xrandr(stage, f"monitor-{place}", f"{width}/338x{height}/211+{place * width}+0", first=place == 0)
            yield stage
        else:
            yield stage


@contextmanager
def _picom(stage: Stage, folder: Path) -> Iterator[Running]:
    """Windows fade in and out with its default steps."""
    command = ["picom", "--config", "/dev/null", "--backend", "xrender", "--fading"]
    link = display.Display(stage.name)
    try:
        owner = link.intern_atom("_NET_WM_CM_S0")
        with running("picom", command, folder / "picom.log", stage.environment) as process:
            process.until(lambda: link.get_selection_owner(owner) != X.NONE, "it composited")
            yield process
    finally:
        link.close()


def _xrandr(stage: Stage, name: str, geometry: str, *, first: bool) -> None:
    """A monitor made by hand (RandR 1.5); the first takes the place of the screen's own output."""
    command = ["xrandr", "--setmonitor", name, geometry, "screen" if first else "none"]
    made = subprocess.run(command, env=stage.environment, capture_output=True, text=True, check=False)
    if made.returncode:
        raise StageError(f"no monitor {name}: {made.stderr.strip()}")


@contextmanager
def busy_cores(count: int = 2) -> Iterator[None]:
    """So many processes that do nothing but work, as every other one does here: at the usual priority."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(running("work", [sys.executable, "-c", SPIN], Path(os.devnull), os.environ))
        yield
