"""The tray of Windows and macOS as far as it runs on Linux: the real pystray and its backend for X11, in a real panel.

What that backend has not (menus drawn by the system, notices) is read off what pystray was given; how Windows and macOS
draw it was not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.tray.drawing import COLOURS
from agent.tray.icon_state import Lid
from testkit.panel import Pointer, box_of, desktop, missing, panel
from testkit.played import Played, held, status
from testkit.stage import own_display

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.timeout(180),
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
]

ICON, HEIGHT = 24, 500
DEADLINE = 30.0  # seconds


class Tray:
    """The program, the recorder that it follows, and the eye of whoever sits before it."""

    def __init__(self, program: subprocess.Popen[str], recorder: Played, pointer: Pointer) -> None:
        self.program, self.recorder, self._pointer = program, recorder, pointer
        assert program.stdin
        assert program.stdout
        self._to, self._from = program.stdin, program.stdout

    def seen(self, colour: tuple[int, int, int]) -> None:
        deadline = time.monotonic() + DEADLINE
        while box_of(self._pointer.picture((800, ICON + 8)), colour) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{colour} was not seen within {DEADLINE} s")
            time.sleep(0.05)

    def told(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line from now on that fits. The test's own time limit ends a wait for one that never comes."""
        for line in self._from:
            if fits(said := json.loads(line)):
                return dict(said)
        raise AssertionError(f"the tray ended with {self.program.wait()}")

    def click(self, *labels: str) -> None:
        print(json.dumps(labels), file=self._to, flush=True)


@pytest.fixture
def tray() -> Iterator[Tray]:
    with (
        TemporaryDirectory(prefix="eye-") as name,
        own_display(Path(name) / "stage", (800, HEIGHT)) as stage,
        desktop(stage, Path(name)) as around,
        panel(Path(name), around, icon=ICON),
    ):
        home = Path(name) / "pc"
        recorder, pointer = Played(home), Pointer(stage.name)
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.tray.pystray_tray", str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**around, "PYSTRAY_BACKEND": "xorg"},
        )
        with program:
            yield Tray(program, recorder, pointer)
            program.terminate()
        recorder.close()
        pointer.close()
    assert program.returncode == 0, "told to end, it ends by itself"


def labels(menu: list[dict[str, Any]]) -> list[str]:
    return [entry["label"] for entry in menu]


def test_every_state_is_drawn(tray: Tray) -> None:
    for lid, said in (
        (Lid.OPEN, status()),
        (Lid.SHUT, status("closed", rules=("card-forms",))),
        (Lid.HELD, held(240.0)),
        (Lid.FAULT, status("stalled")),
    ):
        tray.recorder.say(said)
        tray.seen(COLOURS[lid])
    tray.recorder.close()
    tray.seen(COLOURS[Lid.GONE])


def test_its_menu_says_what_is_and_holds_by_a_click(tray: Tray) -> None:
    said = tray.told(lambda line: "recording" in line.get("title", "") and len(line["menu"]) > 4)
    hold = next(entry for entry in said["menu"] if entry["children"] and "5 min" in entry["label"])
    assert not said["menu"][0]["enabled"], "the sentence only says something"
    tray.click(hold["label"], hold["children"][0]["label"])
    deadline = time.monotonic() + DEADLINE
    while not tray.recorder.asked:
        if time.monotonic() > deadline:
            raise TimeoutError("the recorder was not asked")
        time.sleep(0.05)
    assert tray.recorder.asked == [("hold", {"seconds": 300.0, "reason": "break"})]


def test_a_refusal_is_told(tray: Tray) -> None:
    tray.recorder.refusal = "the policy in force allows 2 min at most"
    said = tray.told(lambda line: any("5 min" in label for label in labels(line.get("menu", []))))
    hold = next(entry for entry in said["menu"] if "5 min" in entry["label"])
    tray.click(hold["label"], hold["children"][0]["label"])
    tray.told(lambda line: "2 min at most" in line.get("notice", ""))
