"""Clocks that are set, and a PC that sleeps. Case 5 of bench/loss.

The recorder's parts are all real; its clock port is the bench's (bench/loss_clock_agent.py), because the machine's own
clocks are everybody's. A sleep is what the kernel makes of it for a process: nothing of it runs (SIGSTOP), the boot's
and the wall clock go on, CLOCK_MONOTONIC does not; logind says so on a private bus, or does not.
"""

from __future__ import annotations

import copy
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.loss_account import Round
from bench.loss_clock_agent import jump
from bench.loss_world import SECOND, Case, Ground, World, expect, world
from testkit.buses import SESSION, Logind, private_bus
from testkit.stage import StageError

BATCH: Final = 10
HOUR: Final = 3600 * SECOND
YEAR: Final = 366 * 24 * HOUR
ASLEEP: Final = 600 * SECOND
DELAYED: Final = 5.0  # seconds after which logind sleeps all the same, as shipped
NOTICED: Final = 15.0  # seconds within which the account must tell
SETTINGS: Final = (-HOUR, 0, YEAR, 0)  # of the wall clock, in turn; the next from 0 begins anew
EVERY_OTHER: Final = 2  # after so many settings the recorder starts anew under a wrong clock, and needs a new token


class Clocked:
    """A world whose recorder's clocks can be moved. One case's, for one run."""

    def __init__(self) -> None:
        self._offsets = Path()
        self._wall = 0
        self._slept = 0
        self._logind: Logind | None = None

    @contextmanager
    def world(self, ground: Ground) -> Iterator[World]:
        self._offsets, self._wall, self._slept = ground.folder / "offsets", 0, 0
        jump(self._offsets, wall=0, slept=0)
        with private_bus(ground.folder, "system-bus") as address, Logind(address, by_process=False) as self._logind:
            stage = copy.copy(ground.stage)
            stage.environment = {**stage.environment, "DBUS_SYSTEM_BUS_ADDRESS": address, "XDG_SESSION_ID": SESSION}
            with world(stage, ground.folder, chunk=ground.chunk, model=ground.model, command=self._command) as made:
                yield made

    def _command(self, told: Path) -> list[str]:
        return [sys.executable, "-P", "-m", "bench.loss_clock_agent", str(told), str(self._offsets)]

    def _move(self) -> None:
        jump(self._offsets, wall=self._wall, slept=self._slept)

    # -- the wall clock -------------------------------------------------------------------------------------------

    def set(self, made: World, rounds: int) -> Iterator[Round]:
        for turn in range(rounds):
            yield self._attempt(made, lambda turn=turn: self._set_to(made, turn))
            if (turn + 1) % BATCH == 0 or turn + 1 == rounds:
                yield from made.verdict()

    def _set_to(self, made: World, turn: int) -> Round:
        made.ready()
        before = len(made.entries("wall-jumped"))
        was, self._wall = self._wall, SETTINGS[turn % len(SETTINGS)]
        self._move()
        entry = _next_entry(made, "wall-jumped", before)
        moved = int(entry["after"]) - int(entry["before"])
        if abs(moved - (self._wall - was)) > SECOND:
            raise StageError(f"the account tells of a jump of {moved / SECOND:.1f} s and not of the one that was made")
        _await_receipt(made)
        if turn % EVERY_OTHER == 0:
            made.agent.end()
            made.agent.start()  # it has no token, and must get one under this clock
            _await_receipt(made)
            return Round(notes={"set, and begun anew": 1})
        return Round(notes={"set": 1})

    # -- sleep ----------------------------------------------------------------------------------------------------

    def sleep(self, made: World, rounds: int) -> Iterator[Round]:
        for turn in range(rounds):
            yield self._attempt(made, lambda turn=turn: self._ten_minutes(made, told_of=turn % 2 == 0))
            if (turn + 1) % BATCH == 0 or turn + 1 == rounds:
                yield from made.verdict()

    def _ten_minutes(self, made: World, *, told_of: bool) -> Round:
        made.ready()
        assert self._logind is not None
        assert made.agent.process is not None
        before = len(made.entries("slept"))
        closed = len(made.entries("recording-closed"))
        if told_of:
            self._logind.sleep(True)
            expect(lambda: _suspended(made), "the hold of a PC that is about to sleep", NOTICED)
            expect(self._logind.may_sleep, "the recorder's leave to sleep", DELAYED)
            if len(made.entries("recording-closed")) == closed:
                raise StageError("the PC may sleep, and the recording is still open")
        process = made.agent.process.pid
        os.kill(process, signal.SIGSTOP)
        try:
            time.sleep(0.1)
            self._slept += ASLEEP
            self._move()
        finally:
            os.kill(process, signal.SIGCONT)
        if told_of:
            self._logind.sleep(False)
        entry = _next_entry(made, "slept", before)
        length = int(entry["to"]) - int(entry["from"])
        if abs(length - ASLEEP) > SECOND:
            raise StageError(f"the account tells of {length / SECOND:.1f} s of sleep, and it was 600")
        expect(lambda: len(made.entries("recording-closed")) > closed, "the end of the recording", NOTICED)
        if (why := made.entries("recording-closed")[closed]["why"]) != "suspended":
            raise StageError(f"the recording was closed for {why!r}")
        size = made.told_size()
        expect(lambda: made.kept_since(size), "pictures of the time after it")
        _await_receipt(made)
        return Round(notes={"logind said so" if told_of else "nobody said so": 1})

    def _attempt(self, made: World, do: Any) -> Round:
        try:
            round_: Round = do()
        except StageError as failure:
            return Round(faults=(f"{failure}",))
        del made
        return round_


def _suspended(made: World) -> bool:
    told = made.entries("hold", "release")
    return bool(told) and (told[-1]["kind"], told[-1]["hold"]) == ("hold", "suspended")


def _next_entry(made: World, kind: str, before: int) -> dict[str, Any]:
    expect(lambda: len(made.entries(kind)) > before, f"an entry {kind!r} in the account", NOTICED)
    return made.entries(kind)[before]


def _await_receipt(made: World) -> None:
    size = made.told_size()
    expect(lambda: made.told_since(size, "receipt"), "a receipt after it")


_SET, _SLEEP = Clocked(), Clocked()

CASES: Final = (
    Case("clock-set", "the wall clock set back an hour, forward a year", 40, 0, _SET.set, _SET.world),
    Case("sleep", "ten minutes asleep, told of or not", 40, 1, _SLEEP.sleep, _SLEEP.world),
)
