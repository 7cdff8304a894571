"""When the sensitive colour came and went, by a process that looks at strips of the screen some 300 times a second.

It is what bench/leaks takes for the truth: it knows nothing of browsers and agents, has its own connection to the X
server, and stamps with the agent's clock. A line of JSON for each change, and one at the end: how often it looked.

    python -P -m testkit.screen_watch :7 FILE '[[300, 0, 8, 800], [800, 0, 8, 800]]'
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mss
import numpy as np

from agent.desktop.clock import BootClock
from testkit.stage import running

REST: Final = 0.0025  # seconds between two looks; a look takes about 0.2 ms
THIRD: Final = 85  # of 255: as testkit/detector, a third of the way from grey to magenta is seen
SPOT: Final = 24  # pixels of a strip
MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Edge:
    """The colour came or went: seen by a look that began at `at` and took `took`, and not yet `gap` before it; ns."""

    shown: bool
    at: int
    gap: int
    took: int = 0


def sensitive(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bool:
    """`pixels`: (height, width, 4) as BGRA."""
    blue, green, red = (pixels[:, :, channel].astype(np.int16) for channel in range(3))
    return int(np.count_nonzero(np.minimum(blue, red) - green > THIRD)) >= SPOT


@dataclass(frozen=True, slots=True)
class Watcher:
    """The running watcher, from outside. `out`: what it writes."""

    out: Path

    def edges(self) -> list[Edge]:
        return [Edge(**line["edge"]) for line in self._lines() if "edge" in line]

    def shown(self) -> bool:
        edges = self.edges()
        return bool(edges) and edges[-1].shown

    def looks(self) -> dict[str, float]:
        """How well the screen was watched, when it has ended: ms between the starts of two looks."""
        return next(line["looks"] for line in self._lines() if "looks" in line)

    def ready(self) -> bool:
        return self.out.exists() and bool(self._lines())

    def _lines(self) -> list[dict[str, dict[str, Any]]]:
        text = self.out.read_text("ascii")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


@contextmanager
def watcher(display: str, strips: Sequence[Sequence[int]], folder: Path) -> Iterator[Watcher]:
    """Watches until the context ends. `strips`: left, top, width, height in pixels of the screen."""
    out = folder / "truth.jsonl"
    command = [sys.executable, "-P", "-m", "testkit.screen_watch", display, str(out), json.dumps(strips)]
    with running("the watcher", command, folder / "watcher.log", os.environ) as process:
        watching = Watcher(out)
        process.until(watching.ready, "it looked")
        yield watching


def watch(display: str, strips: Sequence[Sequence[int]], out: Path) -> None:
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    clock = BootClock()
    areas = [dict(zip(("left", "top", "width", "height"), strip, strict=True)) for strip in strips]
    gaps: list[int] = []
    with out.open("w", encoding="ascii", buffering=1) as file, mss.MSS(display=display) as screen:
        shown, last = False, clock.now()
        print(json.dumps({"began": {"at": last}}), file=file)
        while not ending:
            at = clock.now()
            shots = [screen.grab(area) for area in areas]
            now = any(
                sensitive(np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)) for shot in shots
            )
            took = clock.now() - at
            gaps.append(at - last)
            if now != shown:
                # What came was there by the end of the look, what went was gone by its end too; the start is as near.
                print(json.dumps({"edge": {"shown": now, "at": at, "gap": at - last, "took": took}}), file=file)
            shown, last = now, at
            time.sleep(REST)
        p50, p99 = (float(np.percentile(gaps, share)) / MS for share in (50, 99))
        looks = {"count": len(gaps), "gap_p50": p50, "gap_p99": p99, "gap_max": max(gaps) / MS}
        print(json.dumps({"looks": looks}), file=file)


def _prefer() -> None:
    """Ahead of everybody else where this user may: a watcher that waits for a busy core sees late."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        print("no right to a real-time priority: under load the watcher's gaps are longer", file=sys.stderr)


if __name__ == "__main__":
    _prefer()
    watch(sys.argv[1], json.loads(sys.argv[3]), Path(sys.argv[2]))
