"""Law 7: the indicator tells the truth. A real recorder, tray and panel; capture, spool, network and recorder stop in
turn, and status and eye say so, from what was really sealed and really receipted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from agent import control
from agent.errors import EyelidError
from agent.tray.drawing import COLOURS, OFFLINE
from agent.tray.sign import Lid
from bench.fleet import Store, announced, enrol, found, installed, serve
from bench.panel import Pointer, box_of, desktop, missing, panel
from bench.stage import Running, own_display, running

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
]

PATIENCE: Final = 30.0  # seconds for a busy machine; what is promised is read from the recorder's own figures
PROMISED: Final = 10.0  # seconds
ICON: Final = 24
POLICY: Final = {
    "policy.yaml": """schema: 1
revision: 1
name: Indicator
rules:
  - id: card-terminal
    why: PCI DSS 3.3.1.2
    any:
      - app: [eyelid-demo-till]
user_hold: { max: 10m, reasons: [Break, Private call] }
...
"""
}


@dataclass
class Desk:
    stage: Any
    home: Path
    wedge: Path
    environment: dict[str, str]
    store: Running
    store_again: Callable[[], Running]  # at the same address: the PCs' token carries it
    pointer: Pointer
    tray: Running
    recorder: Running | None = None

    def status(self) -> dict[str, Any]:
        """{} while nobody answers."""
        try:
            return dict(control.request(self.home, "status"))
        except EyelidError:
            return {}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            installed("eyelid", *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sees(self, colour: tuple[int, int, int]) -> bool:
        return box_of(self.pointer.picture().crop((0, 0, 200, ICON + 8)), colour) is not None

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what}: {json.dumps(self.status())}\n{self.tray.tail()}"
            time.sleep(0.02)
        return found

    def until_state(self, state: str) -> dict[str, Any]:
        """The first status that says so."""
        status: dict[str, Any] = self.until(
            lambda: said if (said := self.status()).get("state") == state else None, f"the recorder said {state}"
        )
        return status

    def until_seen(self, colour: tuple[int, int, int]) -> None:
        self.until(lambda: self.sees(colour), f"{colour} was seen in the panel")

    def until_well(self) -> None:
        self.until(
            lambda: (said := self.status()).get("state") == "recording" and said["offline_s"] is None, "all was well"
        )
        self.until_seen(COLOURS[Lid.OPEN])
        self.until(lambda: not self.sees(OFFLINE), "the mark had gone")


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with TemporaryDirectory(prefix="eye-") as name, ExitStack() as stack:
        folder = Path(name)
        stage = stack.enter_context(own_display(folder / "d", (900, 500)))
        around = stack.enter_context(desktop(stage, folder / "k"))
        store_home, secret = found(folder)
        serving = stack.enter_context(running("the store", serve(store_home), folder / "store.log", os.environ))
        address = serving.until(lambda: announced(serving.log), "it said where it listens")
        port = int(address.rpartition(":")[2])

        def store_again() -> Running:
            return stack.enter_context(
                running("the store", serve(store_home, port), folder / "store-again.log", os.environ)
            )

        home, wedge = folder / "pc", folder / "wedge"
        wedge.mkdir()
        _, environment = enrol(Store(store_home, address, secret), stage, home, POLICY)
        environment |= around | {"EYELID_CONFIG": environment["EYELID_CONFIG"], "PYTHONPATH": str(Path.cwd())}
        stack.enter_context(panel(folder / "k", around, icon=ICON))
        stack.enter_context(stage.program("notes", (100, 150)))
        tray = stack.enter_context(running("the tray", installed("eyelid", "tray"), folder / "tray.log", environment))
        pointer = Pointer(stage.name)
        stack.callback(pointer.close)
        made = Desk(stage, home, wedge, environment, serving, store_again, pointer, tray)
        command = [sys.executable, "-P", "-m", "tests.stage.wedged_recorder", str(wedge)]
        with running("the recorder", command, home / "agent.log", environment) as recorder:
            made.recorder = recorder
            yield made


@pytest.mark.parametrize("what", ["capture", "spool"])
def test_an_eye_whose_capture_or_spool_hangs_is_not_shown_open(desk: Desk, what: str) -> None:
    desk.until_well()
    (desk.wedge / what).touch()
    try:
        said = desk.until_state("stalled")
        assert said["sealed_ago_s"] <= PROMISED  # by the recorder's clock, when it first said so
        desk.until_seen(COLOURS[Lid.FAULT])
        assert not desk.sees(COLOURS[Lid.OPEN])
        shown = desk.command("status")
        assert shown.returncode == 1
        assert "no recording reaches the disk" in shown.stdout
    finally:
        (desk.wedge / what).unlink()
    desk.until_well()


def test_a_store_that_does_not_answer_is_a_mark_of_its_own(desk: Desk) -> None:
    desk.until_well()
    os.kill(desk.store.pid, signal.SIGSTOP)  # takes connections and bytes, and answers nothing
    try:
        said = desk.until(lambda: said if (said := desk.status()).get("offline_s") else None, "the store was missed")
        assert said["state"] == "recording"  # the eye itself is open: what is sealed waits here
        assert said["receipt_ago_s"] <= PROMISED
        desk.until_seen(OFFLINE)
        assert desk.sees(COLOURS[Lid.OPEN])
        shown = desk.command("status")
        assert shown.returncode == 1
        assert "Offline" in shown.stdout
    finally:
        os.kill(desk.store.pid, signal.SIGCONT)
    desk.until_well()


def test_a_store_that_is_gone_turns_the_watched_status_offline_and_one_that_is_back_turns_it_back(desk: Desk) -> None:
    desk.until_well()
    log = desk.home / "watch.log"
    with running("the watch", installed("eyelid", "status", "--watch", "--json"), log, desk.environment) as watch:

        def told() -> dict[str, Any]:
            whole, _, _ = log.read_text("utf-8").rpartition("\n")
            return dict(json.loads(whole.splitlines()[-1])) if whole else {}

        watch.until(
            lambda: told().get("state") == "recording" and told()["offline_s"] is None, "it told that all is well"
        )
        desk.store.kill()  # from here on every connection is refused
        said = watch.until(lambda: last if (last := told())["offline_s"] else None, "it missed the store")
        assert said["state"] == "recording"
        assert said["receipt_ago_s"] <= PROMISED
        desk.until_seen(OFFLINE)
        assert desk.command("status").returncode == 1
        desk.store = desk.store_again()
        watch.until(lambda: told()["offline_s"] is None and not told()["waiting_chunks"], "all had arrived")
        assert told()["state"] == "recording"
    desk.until_well()


def test_the_lid_follows_the_gate_and_a_hold_is_in_the_account_with_its_reason(desk: Desk) -> None:
    desk.until_well()
    desk.until(lambda: desk.command("status").returncode == 0, "status said that all was well")
    with desk.stage.program("till", (400, 150)):
        desk.until_state("closed")
        desk.until_seen(COLOURS[Lid.SHUT])
        closed = desk.command("status")
        assert (closed.returncode, "card-terminal" in closed.stdout) == (0, True)
    desk.until_well()
    missing_reason = desk.command("hold", "--for", "5m")
    assert missing_reason.returncode == 2
    assert "Break, Private call" in missing_reason.stderr
    assert desk.command("hold", "--for", "20m", "--reason", "Break").returncode == 2
    assert desk.command("hold", "--for", "5m", "--reason", "private call").returncode == 0
    desk.until_seen(COLOURS[Lid.HELD])
    assert desk.command("status").returncode == 3
    assert desk.command("release").returncode == 0
    desk.until_well()
    segments = sorted((desk.home / "ledger").glob("segment-*"))
    entries = [json.loads(line) for path in segments for line in path.read_bytes().rstrip(b"\0").splitlines()]
    [hold] = [entry for entry in entries if entry["kind"] == "hold" and entry["hold"] == "user"]
    assert (hold["reason"], hold["for_ms"]) == (1, 300_000)
    [release] = [entry for entry in entries if entry["kind"] == "release" and entry["hold"] == "user"]
    assert release["why"] == "released"


def test_a_recorder_that_hangs_or_dies_is_not_shown_open_and_a_tray_that_dies_harms_nobody(desk: Desk) -> None:
    desk.until_well()
    assert desk.recorder is not None
    os.kill(desk.recorder.pid, signal.SIGSTOP)
    desk.until_seen(COLOURS[Lid.GONE])
    os.kill(desk.recorder.pid, signal.SIGCONT)
    desk.until_well()
    desk.tray.kill()
    chunks = desk.status()["chunks"]
    desk.until(lambda: desk.status()["chunks"] > chunks, "it went on recording")
    with running("the tray", installed("eyelid", "tray"), desk.tray.log, desk.environment):
        desk.until_seen(COLOURS[Lid.OPEN])
        desk.recorder.kill()
        desk.until_seen(COLOURS[Lid.GONE])
        gone = desk.command("status")
        assert (gone.returncode, gone.stdout) == (3, "")
