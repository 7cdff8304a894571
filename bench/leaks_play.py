"""Plays the transitions before the recorder: waits until each is seen and gone again, with clean seconds in between."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from agent.control.recorder_state import RecorderState
from agent.desktop.clock import BootClock
from bench.leaks_account import SECOND, Phase
from bench.leaks_scene import BOX, CORNER, Scene, Step, Transition, do
from bench.leaks_server import FIRST, Address, Hand, Site, stagehand
from bench.leaks_steps import shop
from testkit import browsers, displays
from testkit.browsers import Browser
from testkit.desktop_settings import Windows
from testkit.fleet import Pc
from testkit.screen_watch import Watcher
from testkit.stage import Stage
from testkit.waits import BEAT, came, until

SEEN: Final = 10.0  # seconds until it must have come
GONE: Final = 30.0  # seconds until it must have gone: what a busy PC draws in its place may take that long
OPEN: Final = 12.0  # seconds until the eye must be open again; then the play goes on, and the account shows it
PROVEN: Final = 3.0  # seconds for it to keep a frame then; a still screen gives none
LOADED: Final = 1.0  # seconds after the eye has opened over a page that has loaded, and before it is left
STANDS: Final = 3.0  # seconds within which it must have opened over a clean one
ASK: Final = 0.1  # seconds between two questions to the recorder


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of nothing sensitive before and after each interval, and that it stays in view, in turn.

    `frames`: also until the recorder has kept one more frame: what a busy PC's recorder cannot prove yet it may still
    have to throw away.
    """

    clean: float
    holds: Sequence[float]
    frames: bool = False


FULL: Final = Pace(3.1, (1.4, 0.4))  # longer than any margin, and shorter
QUICK: Final = Pace(1.2, (0.8,))  # only leaks are asked for, and the over-pause is not read
CASES: Final = Pace(1.6, (0.0,), frames=True)  # they set their own stay: as short as keeps them apart


@dataclass(slots=True)
class Player:
    """`faults`: what did not come or go as it should have."""

    watcher: Watcher
    recorder: Pc
    pace: Pace
    phases: list[Phase] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    played: Counter[str] = field(default_factory=Counter)
    _clean_since: int = 0  # ns; by what was present, not by what was seen

    def begin(self) -> None:
        """A browser has just started: that takes its own time of the eye's."""
        self._clean_since = BootClock().now()

    def play(self, transition: Transition, scene: Scene) -> None:
        """Raises StageError when a browser does not do as it is told."""
        key = f"{scene.browser.name}/{transition.name}"
        start = BootClock().now()
        counted, put_away = None, False
        scene.presences = []
        try:
            do(scene, transition.first)
            if transition.least is None:
                put_away = self._steps(key, transition.steps, scene)
            else:
                counted = self._clean_steps(key, transition.steps, scene)
        finally:
            self.played[key] += 1
            scene.leave_all()
            scene.gone()
            self._clean_since = max((end for _, end in scene.presences), default=self._clean_since)
        if not put_away:
            self._clean(key)
        start, end = counted or (start, BootClock().now())
        self.phases.append(Phase(key, start, end, transition.least, tuple(scene.presences)))

    def _clean_steps(self, key: str, steps: Sequence[Step], scene: Scene) -> tuple[int, int]:
        """The time that counts: of the first step, from a second after the eye opened over what has loaded.

        Loading is another question, and how long it takes is the browser's: `before` and `after` of every interval
        tell what it costs. That the eye does not open at all is a fault here.
        """
        self._await(
            self._eye_open, STANDS, f"{key}: the eye was not open {STANDS:.0f} s after the page had loaded", ASK
        )
        time.sleep(LOADED)
        start = BootClock().now()
        do(scene, steps[0])
        end = BootClock().now()
        time.sleep(LOADED)  # what leaving takes back of the time before belongs to the leaving
        do(scene, steps[1:])
        return start, end

    def _steps(self, key: str, steps: Sequence[Step], scene: Scene) -> bool:
        """Whether all was clean at its last step, so that it has only put away what it had needed."""
        for place, step in enumerate(steps):
            if place % 2:
                time.sleep(self.pace.holds[self.played[key] % len(self.pace.holds)])
                do(scene, step)
            else:
                self._clean(key)
                before = len(self.watcher.edges())
                do(scene, step)
                if place + 1 == len(steps):
                    return True
                self._await(partial(self._seen_since, before), SEEN, f"{key}: nothing was seen")
        self._await(lambda: not self.watcher.shown(), GONE, f"{key}: it did not go")
        return False

    def _seen_since(self, edges: int) -> bool:
        return len(self.watcher.edges()) > edges

    def _clean(self, key: str) -> None:
        before = self._frames() if self.pace.frames else 0
        self._await(lambda: not self.watcher.shown(), GONE, f"{key}: it did not go")
        edges = self.watcher.edges()
        last = max(self._clean_since, edges[-1].at if edges else 0)
        while (left := last + self.pace.clean * SECOND - BootClock().now()) > 0:
            time.sleep(left / SECOND)
        shut = f"{key}: the eye was not open {OPEN + self.pace.clean:.0f} s after all was clean"
        if not self._await(self._eye_open, OPEN, shut, ASK) or not self.pace.frames:
            time.sleep(0.3)
        else:
            self._await(lambda: self._frames() > before, PROVEN, beat=ASK)

    def _eye_open(self) -> bool:
        return self.recorder.state() is RecorderState.RECORDING

    def _frames(self) -> int:
        return int((self.recorder.status() or {"frames": 0})["frames"])

    def _await(self, condition: Callable[[], bool], patience: float, fault: str = "", beat: float = BEAT) -> bool:
        """`fault`: what it is when it does not come."""
        if not (there := came(condition, patience, beat)) and fault:
            self.faults.append(fault)
        return there


@contextmanager
def scene(name: str, stage: Stage, site: Site, folder: Path, *, eyes: Path | None) -> Iterator[Scene]:
    """The named browser on its shop page, at its place, with the stagehand in it."""
    program = browsers.firefox if name == "firefox" else browsers.chromium
    left, top, width, height = BOX
    shape = {
        "chromium": (f"--window-position={left},{top}", f"--window-size={width},{height}"),
        "firefox": ("--width", str(width), "--height", str(height)),
    }[name]
    # A folder of its own each time: a browser's name is used for its orders, and a profile is new.
    place = folder / f"{name}-{BootClock().now()}"
    place.mkdir(parents=True)
    numbers = itertools.count()

    def another(address: Address, *flags: str, seen: bool = True, **more: Any) -> AbstractContextManager[Browser]:
        new = place / f"browser-{next(numbers)}"
        return program(stage, new, site.url(address), eyes=eyes if seen else None, flags=(*shape, *flags), **more)

    hand = Hand(site, place.name)
    helper = stagehand(site, place.name, place)
    with displays.connection(stage.name) as link, another(shop(), extensions=[helper]) as browser:
        desk = Windows(link)
        desk.point(*CORNER)
        hand.wait_until_there()
        window = desk.new_of(browser.pid, [])
        desk.place(window, *BOX)
        tab = _only_tab(hand, site.url(shop()))
        hand.tabs = {FIRST: tab["id"]}
        yield Scene(site, hand, desk, browser, {FIRST: window}, {FIRST: tab["windowId"]}, another)


def _only_tab(hand: Hand, shown: str) -> dict[str, int]:
    """The one with this page; whatever else a new profile opened is closed."""

    def loaded() -> list[dict[str, int]]:
        return [tab for tab in hand.call("tabs.query", {"status": "complete"}) if tab.get("url") == shown]

    mine, *_ = until(loaded, "the browser's first page")
    for tab in hand.call("tabs.query", {}):
        if tab["id"] != mine["id"]:
            hand.call("tabs.remove", tab["id"])
    return mine


def strips(monitors: int) -> Sequence[tuple[int, int, int, int]]:
    """Through the browser's window, its popups, a hover card and both halves of a split view, on each monitor."""
    return [(monitor * 1280 + left, 0, 8, 800) for monitor in range(monitors) for left in (300, 900)]
