"""Every transition done before a browser and a desktop that are only played: what it orders can be done."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from bench import leaks_acts, leaks_steps
from bench.leaks_pages import SITE
from bench.leaks_scene import Scene, Transition, do
from bench.leaks_server import FIRST, Address, Hand, Site
from bench.leaks_transitions import TRANSITIONS
from testkit import browser_processes
from testkit.desktop_settings import Windows

FUNCTION = re.compile(r"^  (?:async )?(\w+)(?:\(|:)", re.MULTILINE)
PAGES = {name for file in ("scene.js", "lingering.js") for name in FUNCTION.findall(SITE.joinpath(file).read_text())}
ORDERS = {*PAGES, "order", "closeShadow"}  # of part.js, and made by `shadowPan`
PLAYED = [(browser, one) for one in TRANSITIONS for browser in one.browsers]


class PlayedHand(Hand):
    """Does everything at once. `asked`: what it was asked for."""

    def __init__(self) -> None:
        super().__init__(Site(), "played")
        self.asked: list[dict[str, Any]] = []
        self.tabs[FIRST] = 1
        self._url = ""

    def _ask(self, order: dict[str, Any]) -> Any:
        self.asked.append(order)
        for given in order["given"]:
            if isinstance(given, dict) and isinstance(given.get("url"), Address):
                self._url = Site().url(given["url"])
        return {"id": 2, "status": "complete", "url": self._url}


class PlayedDesk(Windows):
    """Window 1 is the browser's first one, 2 another program's, 3 whatever is opened."""

    def __init__(self) -> None:
        self._focus = 0
        self._root = SimpleNamespace(query_pointer=lambda: SimpleNamespace(root_x=0, root_y=0))

    def all(self) -> list[int]:
        return [1, 2]

    def of(self, pid: int) -> list[int]:
        return [1] if pid == 7 else []

    def new_of(self, pid: int, *_: Any) -> int:
        assert pid in (7, 8)
        return 3

    def new(self, *_: Any) -> int:
        return 3

    def active(self) -> int:
        return self._focus

    def ask(self, number: int, *_: Any) -> None:
        self._focus = number

    def corner(self, *_: Any) -> tuple[int, int]:
        return 20, 40

    def chord(self, *keys: str, **_: Any) -> None:
        assert keys

    @contextmanager
    def unpainted(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield lambda *_: None

    def _do(self, *_: Any, **__: Any) -> None:
        pass


class PlayedProcess(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]

    def name(self) -> str:
        return str(self.called)

    def cmdline(self) -> list[str]:
        return [str(self.line)]

    def cpu_times(self) -> tuple[float, float]:
        return 1.0, 0.0

    def suspend(self) -> None:
        self.log.append("stopped")

    def resume(self) -> None:
        self.log.append("goes on")

    def kill(self) -> None:
        self.log.append("killed")


LINES = {
    "chromium": ("native_host.py", "--type=renderer --extension-process", "--type=renderer", "--type=gpu-process"),
    "firefox": ("native_host.py", "-contentproc -isForBrowser"),
}


@pytest.mark.parametrize(("browser", "transition"), PLAYED, ids=[f"{browser}-{one.name}" for browser, one in PLAYED])
def test_what_a_transition_orders_can_be_done(
    browser: str, transition: Transition, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    running: list[int] = []
    processes = [PlayedProcess(called="chrome", line=line, log=log) for line in LINES[browser]]
    if browser == "firefox":
        processes += [PlayedProcess(called=name, line="", log=log) for name in ("WebExtensions", "Web Content")]

    def started(pid: int) -> SimpleNamespace:
        return SimpleNamespace(name=browser, pid=pid, tree=lambda: processes, open_private=str, open_second_profile=str)

    @contextmanager
    def another(address: Address, *_: str, **__: object) -> Iterator[SimpleNamespace]:
        assert isinstance(address, Address)
        running.append(8)
        yield started(8)
        running.remove(8)

    at_once = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})  # what is played needs no time
    for module in (leaks_acts, leaks_steps):
        monkeypatch.setattr(module, "time", at_once)
    played = SimpleNamespace(**{**vars(psutil), "Process": lambda pid: PlayedProcess(pid=pid, log=log)})
    monkeypatch.setattr(browser_processes, "psutil", played)  # by number a stranger's would be stopped
    monkeypatch.setattr(leaks_acts, "busy_cores", lambda _: nullcontext())
    hand = PlayedHand()
    scene = Scene(*cast("Any", (Site(), hand, PlayedDesk(), started(7), {FIRST: 1}, {FIRST: 1}, another)))

    do(scene, transition.first)
    do(scene, transition.steps)

    assert scene.entered == []
    assert running == []
    assert log.count("stopped") == log.count("goes on")
    assert {order["run"] for order in hand.asked if "run" in order} <= ORDERS
    assert all(re.fullmatch(r"(tabs|windows)\.\w+", order["call"]) for order in hand.asked if "call" in order)
