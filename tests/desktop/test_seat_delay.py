"""A sleep waits until the recording's key is forgotten: with python-dbusmock's logind and its real inhibitors."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.core.model.rules import Hold
from agent.desktop import seat as seats
from agent.desktop.seat import NO_DELAY, LinuxSeat
from testkit.buses import private_bus
from testkit.displays import await_true, end

DEBIANS_PYTHON = "/usr/bin/python3"  # dbusmock is Debian's, for Debian's Python
NAME, PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
MOCK = "org.freedesktop.DBus.Mock"


def _is_there() -> bool:
    ran = subprocess.run([DEBIANS_PYTHON, "-c", "import dbusmock"], capture_output=True, check=False)
    return ran.returncode == 0


pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(not _is_there(), reason="no python3-dbusmock on this machine"),
]


class MockLogind:
    """dbusmock's logind, spoken to by busctl: no word of this protocol is ours."""

    def __init__(self, address: str) -> None:
        self._address = address

    def call(self, interface: str, method: str, *words: str) -> str:
        command = [
            "busctl",
            f"--address={self._address}",
            "--json=short",
            "call",
            NAME,
            PATH,
            interface,
            method,
            *words,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def inhibitors(self) -> list[tuple[str, str, str]]:
        """(what, who, mode) of each."""
        (found,) = json.loads(self.call(f"{NAME}.Manager", "ListInhibitors"))["data"]
        return [(what, who, mode) for what, who, _why, mode, _user, _process in found]

    def sleep(self, about_to: bool) -> None:
        said = str(about_to).lower()
        self.call(MOCK, "EmitSignal", "sssav", f"{NAME}.Manager", "PrepareForSleep", "b", "1", "b", said)


OURS = [("sleep", "Eyelid", "delay")]


@pytest.fixture
def logind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockLogind]:
    monkeypatch.setattr(seats, "RETRY", 0.05)
    monkeypatch.setenv("XDG_SESSION_ID", "7")
    with private_bus(tmp_path, "system") as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        command = [DEBIANS_PYTHON, "-m", "dbusmock", "--system", "--template", "logind"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ))
        try:
            made = MockLogind(address)
            await_true(lambda: _answers(made), "the mock's first answer")
            made.call(MOCK, "AddSession", "ssusb", "7", "seat0", str(os.getuid()), "ada", "true")
            yield made
        finally:
            end(process)


def _answers(made: MockLogind) -> bool:
    try:
        return made.inhibitors() == []
    except subprocess.CalledProcessError:
        return False


@contextmanager
def seated(display: str) -> Iterator[LinuxSeat]:
    seat = LinuxSeat(display, system_bus=os.environ["DBUS_SYSTEM_BUS_ADDRESS"], session_bus="unix:path=/nonexistent")
    try:
        yield seat
    finally:
        seat.close()


def test_a_sleep_waits_until_it_may_come_and_so_does_the_next(bare_display: str, logind: MockLogind) -> None:
    with seated(bare_display) as seat:
        assert logind.inhibitors() == OURS
        assert NO_DELAY not in seat.blind_to
        for _ in range(2):
            logind.sleep(True)
            await_true(lambda: Hold.SUSPENDED in seat.holds(), "the hold")
            assert logind.inhibitors() == OURS
            seat.let_sleep()
            await_true(lambda: logind.inhibitors() == [], "the leave to sleep")
            logind.sleep(False)
            await_true(lambda: Hold.SUSPENDED not in seat.holds() and logind.inhibitors() == OURS, "the next delay")


def test_nobody_lets_go_of_a_sleep_that_was_not_announced(bare_display: str, logind: MockLogind) -> None:
    with seated(bare_display) as seat:
        seat.let_sleep()
        logind.sleep(True)
        await_true(lambda: Hold.SUSPENDED in seat.holds(), "the hold")
        assert logind.inhibitors() == OURS


def test_a_recorder_that_ends_delays_nothing(bare_display: str, logind: MockLogind) -> None:
    with seated(bare_display):
        assert logind.inhibitors() == OURS
    await_true(lambda: logind.inhibitors() == [], "the end of the delay")
