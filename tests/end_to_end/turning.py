"""How late a sign came: the ten seconds of law 7, read from the pixels of a real panel and not from the recorder.

A picture tells for certain only that the sign was not there when it was asked for. So what is judged is the last
picture without the sign: asked for later than promised, it proves that the promise was broken. However slow whoever
takes the pictures may be, it never makes a sign late that was not.

A busy machine lets everybody wait for a CPU. The kernel counts these waits thread by thread (`schedstat`:
docs.kernel.org/scheduler/sched-stats.html), and those of the programs between the fault and the sign are allowed for:
by no more can a want of CPU have delayed them. On a quiet machine that is next to nothing.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

PROMISED: Final = 10.0  # seconds
DEADLINE: Final = 60.0  # seconds for a sign that comes too late, to say how late
BETWEEN: Final = 0.02  # seconds between two pictures


@dataclass(frozen=True, slots=True)
class Turning:
    """`late`: seconds from the fault to the last picture without the sign. `waited`: for a CPU, in between."""

    late: float
    waited: float

    @property
    def kept(self) -> bool:
        return self.late - self.waited <= PROMISED


def turning(sign: Callable[[], bool], chain: tuple[int, ...], otherwise: Callable[[], str]) -> Turning:
    """From now, when the fault is there, until `sign` is. `chain`: processes from the fault to the picture.

    `otherwise`: what to say where it never comes.
    """
    waits = Waits(chain)
    fault = last = time.monotonic()
    while True:
        asked = time.monotonic()
        waits.note()
        if sign():
            return Turning(last - fault, waits.seconds)
        last = asked
        assert last - fault < DEADLINE, f"no sign after {last - fault:.0f} s: {otherwise()}"
        time.sleep(BETWEEN)


class Waits:
    """What threads have waited for a CPU since the first look, threads that ended in between included."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        self._pids = pids
        self._first: dict[Path, int] = {}
        self._last: dict[Path, int] = {}
        for path, waited in self._read():
            self._first[path] = waited

    def note(self) -> None:
        self._last |= dict(self._read())

    @property
    def seconds(self) -> float:
        return sum(waited - self._first.get(path, 0) for path, waited in self._last.items()) / 1e9

    def _read(self) -> Iterable[tuple[Path, int]]:
        for pid in self._pids:
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    yield path, int(path.read_text("ascii").split()[1])
                except (OSError, IndexError):  # gone in between
                    continue


def served_by(path: Path) -> int:
    """The process that listens at a local socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


def with_children(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
