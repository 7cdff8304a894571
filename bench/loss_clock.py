"""Clocks that are set, and a PC that sleeps. Case 5 of bench/loss.

The recorder's parts are all real; its clock port is the bench's (bench/loss_agent.py), because the machine's own clocks
are everybody's. A sleep is what the kernel makes of it for a process: nothing of it runs (SIGSTOP), the boot's and the
wall clock go on, CLOCK_MONOTONIC does not; logind says so on a private bus, or does not.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.loss_account import SECOND, Round
from bench.loss_agent import jump
from bench.loss_world import Case, Ground, World, in_batches, shipped, world
from testkit.buses import SESSION, Logind, private_bus
from testkit.stage import StageError
from testkit.waits import until

BATCH: Final = 10
HOUR: Final = 3600 * SECOND
YEAR: Final = 366 * 24 * HOUR
ASLEEP: Final = 600 * SECOND
DELAYED: Final = 5.0  # seconds after which logind sleeps all the same, as shipped
NOTICED: Final = 15.0  # seconds within which the account must tell
SETTINGS: Final = (-HOUR, 0, YEAR, 0)  # of the wall clock, in turn; the next from 0 begins anew
EVERY_OTHER: Final = 2  # after so many settings the recorder starts anew under a wrong clock, and needs a new token


@dataclass
class Clocks:
    """Of the recorder: how far its wall clock is off, and for how long it has slept, ns."""

    file: Path
    logind: Logind
    wall: int = 0
    slept: int = 0

    def move(self) -> None:
        jump(self.file, wall=self.wall, slept=self.slept)


@contextmanager
def _clocked(ground: Ground) -> Iterator[World]:
    with private_bus(ground.folder, "system-bus") as address, Logind(address, by_process=False) as logind:
        clocks = Clocks(ground.folder / "offsets", logind)
        clocks.move()
        bus = {"DBUS_SYSTEM_BUS_ADDRESS": address, "XDG_SESSION_ID": SESSION}
        with world(ground, more=bus, command=lambda told: shipped(told, str(clocks.file)), rig=clocks) as made:
            yield made


def _set(made: World, turn: int) -> Round:
    made.ready()
    clocks: Clocks = made.rig
    before = len(made.entries("wall-jumped"))
    was, clocks.wall = clocks.wall, SETTINGS[turn % len(SETTINGS)]
    clocks.move()
    entry = _next_entry(made, "wall-jumped", before)
    moved = int(entry["after"]) - int(entry["before"])
    if abs(moved - (clocks.wall - was)) > SECOND:
        raise StageError(f"the account tells of a jump of {moved / SECOND:.1f} s and not of the one that was made")
    made.await_told("receipt")
    if turn % EVERY_OTHER:
        return Round(notes={"set": 1})
    made.agent.end()
    made.agent.start()  # it has no token, and must get one under this clock
    made.await_told("receipt")
    return Round(notes={"set, and begun anew": 1})


def _sleep(made: World, turn: int) -> Round:
    """Ten minutes; every other time logind says so."""
    told_of = turn % 2 == 0
    made.ready()
    clocks: Clocks = made.rig
    before = len(made.entries("slept"))
    closed = len(made.entries("recording-closed"))
    if told_of:
        clocks.logind.sleep(True)
        until(lambda: _suspended(made), "the hold of a PC that is about to sleep", NOTICED)
        until(clocks.logind.may_sleep, "the recorder's leave to sleep", DELAYED)
        if len(made.entries("recording-closed")) == closed:
            raise StageError("the PC may sleep, and the recording is still open")
    process = made.agent.process.pid
    os.kill(process, signal.SIGSTOP)
    try:
        time.sleep(0.1)
        clocks.slept += ASLEEP
        clocks.move()
    finally:
        os.kill(process, signal.SIGCONT)
    if told_of:
        clocks.logind.sleep(False)
    entry = _next_entry(made, "slept", before)
    length = int(entry["to"]) - int(entry["from"])
    if abs(length - ASLEEP) > SECOND:
        raise StageError(f"the account tells of {length / SECOND:.1f} s of sleep, and it was 600")
    if (why := _next_entry(made, "recording-closed", closed)["why"]) != "suspended":
        raise StageError(f"the recording was closed for {why!r}")
    made.await_kept()
    made.await_told("receipt")
    return Round(notes={"logind said so" if told_of else "nobody said so": 1})


def _suspended(made: World) -> bool:
    told = made.entries("hold", "release")
    return bool(told) and (told[-1]["kind"], told[-1]["hold"]) == ("hold", "suspended")


def _next_entry(made: World, kind: str, before: int) -> dict[str, Any]:
    until(lambda: len(made.entries(kind)) > before, f"an entry {kind!r} in the account", NOTICED)
    return made.entries(kind)[before]


def _case(name: str, title: str, quick: int, do: Callable[[World, int], Round]) -> Case:
    def run(made: World, rounds: int) -> Iterator[Round]:
        return in_batches(made, rounds, do, each=BATCH, mend=lambda _: None)

    return Case(name, title, 40, quick, run, _clocked)


CASES: Final = (
    _case("clock-set", "the wall clock set back an hour, forward a year", 0, _set),
    _case("sleep", "ten minutes asleep, told of or not", 1, _sleep),
)
