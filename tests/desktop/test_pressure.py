"""How long programs wait for a core: told by the kernel, else taken from how busy the cores are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from agent.desktop import pressure
from agent.desktop.pressure import PSI, Pressure

MS = 1_000_000


class Kernel:
    """A clock and a count of stalled time that the test moves on."""

    def __init__(self) -> None:
        self.at, self.total = 5_000 * MS, 77_000 * MS

    def now(self) -> int:
        return self.at

    def told(self) -> int:
        return self.total

    def passes(self, ms: int, *, stalled: int) -> None:
        self.at += ms * MS
        self.total += stalled * MS


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def measured(kernel: Kernel) -> Pressure:
    made = Pressure(kernel.now, kernel.told)
    assert made.stalled() == 1.0, "nothing is known yet, so the worst is taken"
    return made


def test_it_is_the_share_of_the_time_that_has_passed(kernel: Kernel, measured: Pressure) -> None:
    kernel.passes(400, stalled=100)
    assert measured.stalled() == 0.25
    kernel.passes(600, stalled=0)
    assert measured.stalled() == 0.1


def test_a_burst_counts_as_much_as_what_lasts(kernel: Kernel, measured: Pressure) -> None:
    for _ in range(9):
        kernel.passes(100, stalled=0)
        measured.stalled()
    kernel.passes(250, stalled=200)
    assert measured.stalled() == 0.8
    for _ in range(4):
        kernel.passes(100, stalled=0)
        assert 0.1 < measured.stalled() < 0.8


def test_what_was_longer_ago_than_a_second_is_forgotten(kernel: Kernel, measured: Pressure) -> None:
    kernel.passes(500, stalled=500)
    assert measured.stalled() == 1.0
    for _ in range(15):
        kernel.passes(100, stalled=0)
        share = measured.stalled()
    assert share == 0.0


def test_it_is_a_share_whatever_is_told(kernel: Kernel, measured: Pressure) -> None:
    assert measured.stalled() == 0.0, "no time has passed"
    kernel.passes(300, stalled=900)
    assert measured.stalled() == 1.0
    kernel.passes(2000, stalled=-5000)
    assert measured.stalled() == 0.0


@pytest.fixture
def spinners() -> Iterator[None]:
    """More programs that compute than there are cores."""
    count = 2 * len(os.sched_getaffinity(0)) + 1
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    yield
    for program in programs:
        program.kill()
        program.wait()


@pytest.mark.usefixtures("spinners")
@pytest.mark.parametrize("source", ["kernel", "cores"])
def test_it_is_much_while_programs_want_more_cores_than_there_are(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "kernel" and not PSI.exists():
        pytest.skip(f"this kernel has no {PSI}")
    if source == "cores":
        monkeypatch.setattr(pressure, "PSI", PSI.with_name("nowhere"))
    measured = Pressure(time.monotonic_ns)
    measured.stalled()
    deadline = time.monotonic() + 30
    while True:
        time.sleep(0.3)  # what is measured is a share of the time since the last call: no event ends it
        if 0.6 < measured.stalled() <= 1.0:
            return
        assert time.monotonic() < deadline


def test_cores_that_rest_keep_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressure, "PSI", PSI.with_name("nowhere"))
    now = pressure.psutil.cpu_times()
    idle = [now._replace(idle=now.idle + 9.0 * turn, user=now.user + turn) for turn in range(9)]
    monkeypatch.setattr(pressure.psutil, "cpu_times", iter(idle).__next__)
    measured = Pressure(time.monotonic_ns)
    measured.stalled()
    time.sleep(0.01)  # as above: a share of no time says nothing
    assert measured.stalled() == 0.0
