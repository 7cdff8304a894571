"""The recorder as it is shipped, which also says aloud what its spool has promised: what bench/loss judges by.

    python -m bench.loss_agent TOLD [OFFSETS]

It is `eyelid run` with one class replaced by one of its own that appends a line to TOLD around each promise:

    putting NAME SHA256     `put` was called
    put NAME SHA256         it returned: durable
    receipt NAME            the store's signed receipt is believed, and the chunk may go
    aside NAME              it was set aside
    void NAME               of the bench: it was promised while the power went, which counts for nothing

With OFFSETS its clock port can be made to jump, too: the file holds two signed 64-bit numbers (ns, little-endian), how
far the wall clock is off and how long the PC has slept, which are added to the real clocks. A kernel's time namespace
cannot do it: its offsets stand once a process runs in it, and it has no wall clock of its own.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from pathlib import Path
from typing import Final

from agent import desktop, sending
from agent.cli.main import main as eyelid
from agent.desktop.clock import BootClock
from agent.ports import Sealed
from agent.spool import DiskSpool

OFFSETS: Final = struct.Struct("<qq")


def listen(told: Path) -> None:
    """From now on every spool of this process says what it promises."""
    # Appended in one piece and never flushed: a kill leaves it whole, and only this machine's own end could lose it.
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(*words: str) -> None:
        os.write(file, (" ".join(words) + "\n").encode("ascii"))

    class TellingSpool(DiskSpool):
        def put(self, sealed: Sealed) -> None:
            say("putting", sealed.name, sealed.sha256.hex())
            super().put(sealed)
            say("put", sealed.name, sealed.sha256.hex())

        def forget(self, name: str) -> None:
            say("receipt", name)
            super().forget(name)

        def set_aside(self, name: str, why: str) -> None:
            super().set_aside(name, why)
            say("aside", name)

    sending.DiskSpool = TellingSpool  # type: ignore[attr-defined]


class JumpingClock(BootClock):
    """BootClock, and what OFFSETS says, read anew at every question."""

    def __init__(self, offsets: Path) -> None:
        with offsets.open("rb") as file:
            self._view = mmap.mmap(file.fileno(), OFFSETS.size, access=mmap.ACCESS_READ)

    def now(self) -> int:
        return super().now() + int(OFFSETS.unpack(self._view[:])[1])

    def wall(self) -> int:
        return super().wall() + int(sum(OFFSETS.unpack(self._view[:])))


def jump(offsets: Path, *, wall: int, slept: int) -> None:
    """Written in place, so that a recorder that runs sees it at once."""
    with offsets.open("r+b" if offsets.exists() else "wb") as file:
        file.write(OFFSETS.pack(wall, slept))


if __name__ == "__main__":
    listen(Path(sys.argv[1]))
    if sys.argv[2:]:
        clock = JumpingClock(Path(sys.argv[2]))
        desktop.current_clock = lambda: clock
    sys.exit(eyelid(["run"]))
