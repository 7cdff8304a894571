"""What the extension and the looks cost: a browser with them beside the same browser without, on the same pages.

Both times a recorder records the screen; the one without is allowed to record the browser unseen, so that capture and
encoding are in both and cancel out. Counted are the recorder, the browser with all its processes, and the relay.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final

import psutil

from agent.control.recorder_state import RecorderState
from bench.leaks_play import scene
from bench.leaks_scene import Scene
from bench.leaks_server import site
from bench.leaks_steps import shop
from testkit.desktop_settings import setting
from testkit.fleet import pc, store

WARM_UP: Final = 6.0  # seconds: starting belongs to no case
WINDOW: Final = 20.0  # seconds of one measurement
STEP: Final = 24  # pixels that the page is scrolled by, ten times a second
PARTS: Final = ("static", "scrolling")

Policy = Mapping[str, str]


def measure(with_eyes: Policy, without: Policy, times: int, say: Callable[[str], None]) -> dict[str, float]:
    """% of one core for a static and for a scrolling page: medians of `times` pairs. Raises StageError."""
    pairs = []
    for turn in range(times):
        say(f"what extension and looks cost ({turn + 1} of {times})")
        pairs.append((_use(with_eyes, eyes=True), _use(without, eyes=False)))
    return {part: round(median(seeing[part] - blind[part] for seeing, blind in pairs), 2) for part in PARTS}


def _use(policy: Policy, *, eyes: bool) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory(prefix="eyelid-") as passing,
        setting("plain", Path(passing) / "display") as stage,
        store(Path(passing)) as services,
        pc(services, stage, Path(passing) / "pc", policy) as recorded,
        site() as web,
        scene("chromium", stage, web, Path(passing), eyes=recorded.home if eyes else None) as there,
    ):
        there.run("go", shop("?long"))
        there.until_loaded()
        recorded.wait_for(RecorderState.RECORDING)
        time.sleep(WARM_UP)
        static = _window(there, recorded.recorder.pid)
        there.run("scroll", STEP, 100, int(WINDOW * 10) + 20)
        time.sleep(1)
        return {"static": static, "scrolling": _window(there, recorded.recorder.pid)}


def _window(there: Scene, recorder: int) -> float:
    """% of one core that all of them used while `WINDOW` passed."""
    began, before = time.monotonic(), _used(there, recorder)
    time.sleep(WINDOW)
    after, seconds = _used(there, recorder), time.monotonic() - began
    # What ended meanwhile took its account with it; what began has all of its own in the window.
    return 100 * sum(after[process] - before.get(process, 0.0) for process in after) / seconds


def _used(there: Scene, recorder: int) -> dict[psutil.Process, float]:
    """Seconds of CPU so far."""
    own = psutil.Process(recorder)
    used: dict[psutil.Process, float] = {}
    for process in [own, *own.children(recursive=True), *there.browser.tree()]:
        with suppress(psutil.NoSuchProcess):
            used[process] = sum(process.cpu_times()[:2])
    return used
