"""Plays the transitions before the recorder: waits until each is seen and gone again, with clean seconds in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agent.desktop.clock import BootClock
from bench.leaks_account import Phase
from bench.leaks_pages import Hand, Site, stagehand
from bench.leaks_scene import BOX, CORNER, Scene, Transition
from bench.leaks_watch import Watcher
from bench.leaks_windows import windows
from testkit import browsers
from testkit.browsers import Browser
from testkit.stage import Stage, StageError

CLEAN: Final = 3.1  # seconds of nothing sensitive before and after each interval
HOLDS: Final = (1.4, 0.4)  # seconds that it stays in view, in turn: longer than any margin, and shorter
QUICK: Final = (1.2, (0.8,))  # the two, where only leaks are asked for and nobody reads the over-pause
CASES: Final = (1.6, (0.0,))  # the two for cases, which set their own stay: as short as keeps them apart
SEEN: Final = 10.0  # seconds until it must have come
GONE: Final = 30.0  # seconds until it must have gone: what a busy PC draws in its place may take that long
OPEN: Final = 12.0  # seconds until the eye must be open again; then the play goes on, and the account shows it
PROVEN: Final = 3.0  # seconds for it to keep a frame then; a still screen gives none
LOADED: Final = 1.0  # seconds after the eye has opened over a page that has loaded, and before it is left
STANDS: Final = 3.0  # seconds within which it must have opened over a clean one
BEAT: Final = 0.02
ASK: Final = 0.1  # seconds between two questions to the recorder
SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class Player:
    """`eye_open`: whether the recorder keeps now. `kept`: how many frames it has kept so far; where it is given, one
    more is waited for, for what a busy PC's recorder cannot prove yet it may still have to throw away.
    `faults`: what did not come or go as it should have.
    """

    watcher: Watcher
    eye_open: Callable[[], bool]
    kept: Callable[[], int] | None = None
    clean: float = CLEAN
    holds: Sequence[float] = HOLDS
    phases: list[Phase] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _clean_since: int = 0  # ns; by what was present, not by what was seen

    def begin(self) -> None:
        """A browser has just started: that takes its own time of the eye's."""
        self._clean_since = BootClock().now()

    def play(self, transition: Transition, scene: Scene) -> None:
        """Raises StageError when a browser does not do as it is told."""
        key = f"{scene.browser.name}/{transition.name}"
        if transition.least is not None:
            self._play_clean(key, transition, scene)
            return
        start = BootClock().now()
        scene.presences = []
        try:
            clean = self._steps(key, transition, scene)
        finally:
            scene.gone()
            self._clean_since = max((end for _, end in scene.presences), default=self._clean_since)
        if not clean:
            self._clean(key)
        self.phases.append(Phase(key, start, BootClock().now(), None, tuple(scene.presences)))

    def _play_clean(self, key: str, transition: Transition, scene: Scene) -> None:
        """Counted is the time between its yields, from a second after the eye opened over what has loaded.

        Loading is another question, and how long it takes is the browser's: `before` and `after` of every interval
        tell what it costs. That the eye does not open at all is a fault here.
        """
        steps = transition.play(scene)
        next(steps)
        if not self._until(self.eye_open, STANDS, ASK):
            self.faults.append(f"{key}: the eye was not open {STANDS:.0f} s after the page had loaded")
        time.sleep(LOADED)
        start = BootClock().now()
        next(steps)
        end = BootClock().now()
        time.sleep(LOADED)  # what leaving takes back of the time before belongs to the leaving
        next(steps, None)
        self._clean(key)
        self.phases.append(Phase(key, start, end, transition.least))

    def _steps(self, key: str, transition: Transition, scene: Scene) -> bool:
        """Whether all was clean at its last step, so that it has only put away what it had needed."""
        steps = transition.play(scene)
        next(steps)
        going = True
        while going:
            self._clean(key)
            before = len(self.watcher.edges())
            going = next(steps, self) is not self
            if not going:
                return True
            self._await(lambda before=before: len(self.watcher.edges()) > before, f"{key}: nothing was seen")  # type: ignore[misc]
            if going:
                time.sleep(self.holds[scene.turn % len(self.holds)])
                going = next(steps, self) is not self
        self._await(lambda: not self.watcher.shown(), f"{key}: it did not go", GONE)
        return False

    def _clean(self, key: str) -> None:
        kept = self.kept
        before = kept() if kept is not None else 0
        self._await(lambda: not self.watcher.shown(), f"{key}: it did not go", GONE)
        edges = self.watcher.edges()
        last = max(self._clean_since, edges[-1].at if edges else 0)
        while (left := last + self.clean * SECOND - BootClock().now()) > 0:
            time.sleep(left / SECOND)
        if not self._until(self.eye_open, OPEN, ASK):
            self.faults.append(f"{key}: the eye was not open {OPEN + self.clean:.0f} s after all was clean")
        elif kept is None:
            time.sleep(0.3)
        else:
            self._until(lambda: kept() > before, PROVEN, ASK)

    def _await(self, condition: Callable[[], bool], fault: str, patience: float = SEEN) -> None:
        if not self._until(condition, patience):
            self.faults.append(fault)

    @staticmethod
    def _until(condition: Callable[[], bool], patience: float, beat: float = BEAT) -> bool:
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(beat)
        return True


@contextmanager
def scene(name: str, stage: Stage, site: Site, folder: Path, *, eyes: Path | None, turn: int = 0) -> Iterator[Scene]:
    """The named browser on its shop page, at its place, with the stagehand in it."""
    start = browsers.firefox if name == "firefox" else browsers.chromium
    left, top, width, height = BOX
    shape = {
        "chromium": (f"--window-position={left},{top}", f"--window-size={width},{height}"),
        "firefox": ("--width", str(width), "--height", str(height)),
    }
    flags = shape[name]
    # A folder of its own each time: a browser's name is used for its orders, and a profile is new.
    place = folder / f"{name}-{BootClock().now()}"
    place.mkdir(parents=True)
    helper = stagehand(site, place.name, place)
    others = 0

    def another(url: str, *more: str, seen: bool = True, **settings: Any) -> AbstractContextManager[Browser]:
        nonlocal others
        others += 1
        whose = eyes if seen else None
        return start(stage, place / f"other-{others}", url, eyes=whose, flags=(*flags, *more), **settings)

    hand = Hand(site, place.name)
    with (
        windows(stage.name) as desk,
        start(stage, place / "own", site.url("/shop"), eyes=eyes, extensions=[helper], flags=flags) as browser,
    ):
        desk.point(*CORNER)
        hand.wait_until_there()
        window = desk.new_of(browser.pid, [])
        desk.place(window, *BOX)
        tab = _only_tab(hand, site)
        yield Scene(stage, site, hand, desk, browser, tab["id"], window, tab["windowId"], another, turn=turn)


def _only_tab(hand: Hand, site: Site) -> dict[str, int]:
    """The shop's tab; whatever else a new profile opened is closed."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        tabs = hand.call("tabs.query", {})
        shops = [tab for tab in tabs if str(tab.get("url", "")).startswith(site.url(""))]
        if shops and shops[0]["status"] == "complete":
            for tab in tabs:
                if tab["id"] != shops[0]["id"]:
                    hand.call("tabs.remove", tab["id"])
            return dict(shops[0])
        time.sleep(0.1)
    raise StageError("the browser did not open the shop within 30 s")


def strips(monitors: int) -> Sequence[tuple[int, int, int, int]]:
    """Through the browser's window, its popups, a hover card and both halves of a split view, on each monitor."""
    return [(monitor * 1280 + left, 0, 8, 800) for monitor in range(monitors) for left in (300, 900)]
