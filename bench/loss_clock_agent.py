"""The recorder as it is shipped, with a clock port that can be made to jump: for the clock's cases of bench/loss.

    python -m bench.loss_clock_agent TOLD OFFSETS

OFFSETS holds two signed 64-bit numbers (ns, little-endian): how far the wall clock is off, and how long the PC has
slept so far. They are added to the real clocks; everything else is as in bench/loss_agent.py. A kernel's time namespace
cannot do it: its offsets stand once a process runs in it, and it has no wall clock of its own.
"""

from __future__ import annotations

import mmap
import struct
import sys
from pathlib import Path

from agent import desktop
from agent.cli.main import main as eyelid
from agent.desktop.clock import BootClock
from bench.loss_agent import listen

OFFSETS = struct.Struct("<qq")


class JumpingClock(BootClock):
    """BootClock, and what OFFSETS says, read anew at every question."""

    def __init__(self, offsets: Path) -> None:
        with offsets.open("rb") as file:
            self._view = mmap.mmap(file.fileno(), OFFSETS.size, access=mmap.ACCESS_READ)

    def _offsets(self) -> tuple[int, int]:
        wall, slept = OFFSETS.unpack(self._view[: OFFSETS.size])
        return wall, slept

    def now(self) -> int:
        return super().now() + self._offsets()[1]

    def wall(self) -> int:
        wall, slept = self._offsets()
        return super().wall() + wall + slept


def jump(offsets: Path, *, wall: int, slept: int) -> None:
    """Written in place, so that a recorder that runs sees it at once."""
    with offsets.open("r+b" if offsets.exists() else "wb") as file:
        file.write(OFFSETS.pack(wall, slept))


if __name__ == "__main__":
    listen(Path(sys.argv[1]))
    clock = JumpingClock(Path(sys.argv[2]))
    desktop.current_clock = lambda: clock
    sys.exit(eyelid(["run"]))
