"""A recorder's life in a session: alone, only in front, ended by lock and shutdown, and by a network that hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.control.recorder_state import RecorderState
from store.admin.home import Home
from store.catalog.queries import last_health
from testkit.buses import Logind, private_bus
from testkit.fleet import Founded, Pc, Store, entries, found_like, installed, pc, serving
from testkit.stage import Running, Stage, own_display

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

POLICY = {
    "policy.yaml": """schema: 1
revision: 1
name: Life
rules:
  - id: nothing
    why: a policy has a rule
    any:
      - app: [no-such-program]
...
"""
}


def closings(home: Path) -> list[str]:
    return [entry["why"] for entry in entries(home, "recording-closed")]


@pytest.fixture(scope="module")
def logind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logind]:
    """A system bus of our own, with a logind that knows the user's session and not which process is in it."""
    with private_bus(tmp_path_factory.mktemp("bus"), "system") as address, Logind(address, by_process=False) as service:
        yield service


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, logind: Logind) -> Iterator[Stage]:
    with own_display(tmp_path_factory.mktemp("display")) as made:
        made.environment["DBUS_SYSTEM_BUS_ADDRESS"] = logind.address
        made.environment.pop("XDG_SESSION_ID", None)
        with made.program("notes", (100, 100), still=True):  # an empty desktop is blind
            yield made


@pytest.fixture(scope="module")
def served(founded: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Running]]:
    folder = tmp_path_factory.mktemp("store")
    with serving(*found_like(founded, folder), folder, within=True) as both:
        yield both


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="eyelid-") as folder:  # short: a local socket's path may have 107 bytes
        yield Path(folder) / "pc"


@pytest.fixture
def recorder(served: tuple[Store, Running], stage: Stage, home: Path) -> Iterator[Pc]:
    with pc(served[0], stage, home, POLICY) as running_pc:
        running_pc.wait_for(RecorderState.RECORDING)
        yield running_pc


def test_a_second_start_says_so_and_exits(recorder: Pc, stage: Stage) -> None:
    environment = {**stage.environment, "EYELID_CONFIG": str(recorder.home / "agent.yaml")}
    second = subprocess.run(
        installed("eyelid", "run"), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 2
    assert second.stderr == "eyelid: Eyelid is already recording for this user; `eyelid status` shows it\n"
    recorder.wait_for(RecorderState.RECORDING)  # also if a busy machine has kept it from recording for a moment


def test_health_names_how_far_the_recording_and_the_account_go(served: tuple[Store, Running], recorder: Pc) -> None:
    """What the store misses a tail by. The first report is of a start, which has sealed nothing: the second counts."""
    database = Home.open(served[0].home).database()

    def told() -> dict[str, Any] | None:
        with database.reading() as connection:
            kept = last_health(connection, recorder.device)
        found = json.loads(kept[1]) if kept else {}
        return found if found.get("heads") else None

    health = recorder.recorder.until(told, "its health named heads", patience=120)
    database.close()
    (opened,) = entries(recorder.home, "recording-open")
    assert health["recording"] == opened["recording"]
    screen = health["heads"]["0"]
    assert screen["next"] >= 2  # its header and a picture
    assert len(bytes.fromhex(screen["head"])) == 32
    account = entries(recorder.home)
    assert opened["seq"] < health["ledger"]["next"] <= len(account)
    following = [entry for entry in account if entry["seq"] == health["ledger"]["next"]]
    assert all(entry["prev"] == health["ledger"]["head"] for entry in following)


def test_a_session_that_is_not_in_front_holds(recorder: Pc, logind: Logind) -> None:
    logind.set("Active", False)
    recorder.wait_for(RecorderState.HELD)
    assert (recorder.status() or {})["holds"] == ["not-in-front"]
    logind.set("Active", True)
    recorder.wait_for(RecorderState.RECORDING)
    assert closings(recorder.home) == ["not-in-front"]


def test_lock_suspend_and_shutdown_end_recordings_and_each_has_a_key_of_its_own(recorder: Pc, logind: Logind) -> None:
    for begin, end in (
        (lambda: logind.set("LockedHint", True), lambda: logind.set("LockedHint", False)),
        (lambda: logind.sleep(True), lambda: logind.sleep(False)),
        (lambda: logind.shut_down(True), lambda: logind.shut_down(False)),
    ):
        begin()
        recorder.wait_for(RecorderState.HELD)
        end()
        recorder.wait_for(RecorderState.RECORDING)
    logind.shut_down(True)
    recorder.wait_for(RecorderState.HELD)
    recorder.stop()
    logind.shut_down(False)
    assert closings(recorder.home) == ["locked", "suspended", "shutdown", "shutdown"]
    opened = [entry["recording"] for entry in entries(recorder.home, "recording-open")]
    assert len(set(opened)) == len(opened) == 4
    assert entries(recorder.home)[-1]["why"] == "shutdown"


def test_it_ends_in_order_while_the_network_hangs(served: tuple[Store, Running], stage: Stage, home: Path) -> None:
    store, store_process = served
    with pc(store, stage, home, POLICY) as recorded:
        recorded.wait_for(RecorderState.RECORDING)
        os.kill(store_process.pid, signal.SIGSTOP)  # takes connections and bytes, and answers nothing
        try:
            recorded.stop()
        finally:
            os.kill(store_process.pid, signal.SIGCONT)
    assert closings(home) == ["stop"]
    assert entries(home)[-1]["kind"] == "stop"
    environment = {**stage.environment, "EYELID_CONFIG": str(home / "agent.yaml")}
    drained = subprocess.run(
        installed("eyelid", "drain", "--json"), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert json.loads(drained.stdout)["state"] == "drained", drained
    # The store has the account to its last entry, and the recording is whole.
    [recording] = [entry["recording"] for entry in entries(home, "recording-open")]
    assert store.ran("verify", recording).returncode == 0
