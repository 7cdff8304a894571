"""The jumping clock of bench/loss does what its cases rely on."""

from __future__ import annotations

from pathlib import Path

from agent.core.model.times import SECOND
from agent.desktop.clock import BootClock
from bench.loss_agent import JumpingClock, jump


def test_a_clock_jumps_when_told_to_and_runs_on(tmp_path: Path) -> None:
    jump(tmp_path / "offsets", wall=0, slept=0)
    clock, real = JumpingClock(tmp_path / "offsets"), BootClock()
    assert clock.now() - real.now() < SECOND
    jump(tmp_path / "offsets", wall=-3600 * SECOND, slept=600 * SECOND)
    assert 599 * SECOND < clock.now() - real.now() <= 600 * SECOND
    assert -3000 * SECOND - SECOND < clock.wall() - real.wall() <= -3000 * SECOND
    assert clock.awake() <= real.awake()
