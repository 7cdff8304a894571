"""Power that goes in mid-write, disks that are full, file systems without inodes, flushes that fail. Cases 2 and 3.

Each case has a disk of its own (testkit/disks.py) under the recorder's home or under the store's. Power goes as in
bench/loss_kills.py: half of the cuts are aimed at a write, a request or a start. "sealer" is bench/loss_sealer.py: a
recorder without a screen, that writes without a pause.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.loss_account import Round
from bench.loss_kills import AGENT, STARTING, STORE, struck
from bench.loss_world import Case, Ground, World, expect, shipped, world
from testkit.disks import BTRFS, EXT4, FILE_SYSTEMS, MEGABYTE, XFS, Disk, disk
from testkit.stage import Running, running

BATCH: Final = 10  # cuts between two verdicts
ROOM: Final = 2048 * MEGABYTE  # under a store that is to hold a whole run
SMALL: Final = 48 * MEGABYTE  # of a disk that is soon full
COPYING: Final = 160 * MEGABYTE  # of one that is copied on write; mkfs.btrfs takes nothing below 110
HELD: Final = 3.0  # seconds that a full disk stays full, once everybody has noticed
FAILING: Final = 4.0  # seconds that flushes fail
COME_BACK: Final = 200.0  # seconds: a full store asks its PCs to come back in a minute
FULL: Final = "spool-full"

# Which flushes of each thread fail (strace's `when`): the third and every fourth after it, every second, all.
FLUSHES: Final = ("3+4", "2+2", "1+1")


def needs(*tools: str) -> Callable[[], str]:
    def why_not() -> str:
        if os.geteuid() != 0:
            return "it needs root, to mount a disk that it may break"
        missing = [tool for tool in ("mount", "umount", *tools) if shutil.which(tool) is None]
        return f"{', '.join(missing)} is not on this machine; scripts/setup installs it" if missing else ""

    return why_not


class OnDisk:
    """A world whose `who` ("agent" or "store") lives on a disk of its own. One case's, for one run."""

    def __init__(
        self, who: str, kind: str, *, size: int | None = None, inodes: int | None = None, sealer: bool = False
    ) -> None:
        self._who = who
        self._kind = kind
        self._size = size
        self._inodes = inodes
        self._sealer = sealer
        self._made: Disk | None = None

    @property
    def disk(self) -> Disk:
        assert self._made is not None, "the case's world is not made yet"
        return self._made

    @contextmanager
    def world(self, ground: Ground) -> Iterator[World]:
        with disk(self._kind, size=self._size, inodes=self._inodes) as made:
            self._made = made
            pc = made.home if self._who == "agent" else ground.folder / "pc"

            def sealer(told: Path) -> list[str]:
                return [sys.executable, "-P", "-m", "bench.loss_sealer", str(pc), str(told)]

            with world(
                ground.stage,
                ground.folder,
                chunk=ground.chunk,
                pc_home=pc,
                store_home=made.home if self._who == "store" else None,
                model=ground.model,
                settings={"spool": {"keep_free": 0}},
                command=sealer if self._sealer else shipped,
            ) as there:
                os.sync()  # the policy's files were put there by the bench and not by anybody who promises anything
                yield there


# -- power --------------------------------------------------------------------------------------------------------


class Power(OnDisk):
    """The power goes from under a process, it dies, and both come back."""

    def play(self, world: World, rounds: int) -> Iterator[Round]:
        for turn in range(rounds):
            yield self._round(world)
            if (turn + 1) % BATCH == 0 or turn + 1 == rounds:
                yield from world.verdict()

    def _round(self, world: World) -> Round:
        party = world.agent if self._who == "agent" else world.store
        starting = world.dice.random() < 0.2
        if starting:
            # A start writes too: whatever it has half done, the next one has to read.
            (world.store if self._who == "agent" else world.agent).start()
            if party.alive:
                self._cut(world, eye_open=False)
            party.begin()
            time.sleep(world.dice.uniform(0, STARTING))
            self._cut(world, eye_open=False)
            return Round(notes={"in a start": 1})
        if self._who == "agent":
            world.ready()
        else:
            world.agent.start()
            world.store.start()
            world.await_told("receipt")
        half_way = world.told().half_way()
        world.dice.choice(AGENT if self._who == "agent" else STORE)(world)
        self._cut(world)
        return Round(notes=struck(world.told(), half_way))

    def _cut(self, world: World, *, eye_open: bool = True) -> None:
        """The process outlives its disk for a moment: whatever it promises then is a promise too, and a broken one."""
        self.disk.cut_power()
        world.kill(self._who, eye_open=eye_open)
        self.disk.bring_back()


# -- room ---------------------------------------------------------------------------------------------------------


class FullSpool(OnDisk):
    """No room under the recorder: it must hold, say so in its ledger, and go on by itself when there is room."""

    def play(self, world: World, rounds: int) -> Iterator[Round]:
        for turn in range(rounds):
            yield self._round(world, offline=turn % 2 == 1)
        yield from world.verdict()

    def _round(self, world: World, *, offline: bool) -> Round:
        """`offline`: without the store, so that nothing leaves the spool meanwhile."""
        world.ready()
        if offline:
            world.kill("store")
        before = len(world.entries("hold"))
        _take_room(self.disk, self._inodes)
        try:
            expect(lambda: FULL in _holds(world), "a hold because the spool is full", 30)
            time.sleep(HELD)
        finally:
            self.disk.make_room()
        world.store.start()
        size = world.told_size()
        expect(lambda: FULL not in _holds(world) and world.kept_since(size), "the end of the hold by itself", 60)
        said = [entry for entry in world.entries("hold")[before:] if entry["hold"] == FULL]
        return Round(faults=() if said else ("the ledger does not say that the spool was full",))


class FullStore(OnDisk):
    """No room under the store: it must say so and live, and the recorder must go on and keep everything."""

    def play(self, world: World, rounds: int) -> Iterator[Round]:
        for _ in range(rounds):
            yield self._round(world)
        yield from world.verdict()

    def _round(self, world: World) -> Round:
        world.ready()
        assert world.store.process is not None
        log = world.store.process.log
        read = log.stat().st_size
        _take_room(self.disk, self._inodes)
        try:
            expect(lambda: bool(_refused(log, read)), "the store's word that it is full", 60)
            size = world.told_size()
            expect(lambda: world.kept_since(size), "a chunk that is kept here while the store is full", 30)
            living = world.store.alive
        finally:
            self.disk.make_room()
        world.drain(COME_BACK)
        return Round(
            faults=() if living else ("the store has died of a full disk",),
            notes={f"answered {status}": 1 for status in _refused(log, read)},
        )


def _take_room(there: Disk, inodes: int | None) -> None:
    if inodes:
        there.take_inodes()
    else:
        there.fill()


def _holds(world: World) -> list[str]:
    status = world.status()
    return [] if status is None else list(status["holds"])


def _refused(log: Path, since: int) -> set[str]:
    """The answers of a store that could not write, which its log has from there on."""
    text = log.read_bytes()[since:].decode("utf-8", "replace")
    return {code for code in ("507", "503") if re.search(rf'"status": ?{code}\b', text)}


# -- flushes ------------------------------------------------------------------------------------------------------


class Flushes(OnDisk):
    """Flushes fail for a while, and then the power goes: what was acknowledged must have been flushed all the same."""

    def play(self, world: World, rounds: int) -> Iterator[Round]:
        for turn in range(rounds):
            world.ready()
            notes = self._fail(world, FLUSHES[turn % len(FLUSHES)])
            self.disk.cut_power()
            party = world.agent if self._who == "agent" else world.store
            if party.alive:
                world.kill(self._who, eye_open=False)
            self.disk.bring_back()
            world.ready()
            world.drain(COME_BACK)
            yield Round(notes=notes)
        yield from world.verdict()

    def _fail(self, world: World, when: str) -> dict[str, int]:
        party = world.agent if self._who == "agent" else world.store
        assert party.process is not None
        with failing_flushes(party.process.pid, when, world.folder) as log:
            expect(lambda: bool(_injected(log)), "a flush that failed", 30)
            time.sleep(FAILING)
            ended = not party.alive
        return {"flushes failed": _injected(log), **({"ended by itself": 1} if ended else {})}


@contextmanager
def failing_flushes(pid: int, when: str, folder: Path) -> Iterator[Path]:
    """fsync and fdatasync of a running process answer EIO, as `when` says; strace's log of them."""
    number = len(list(folder.glob("strace-*")))
    log = folder / f"strace-{number:03d}"
    calls = "fsync,fdatasync"
    command = ["strace", "-f", "-o", str(log), "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO:when={when}"]
    command += ["-p", str(pid)]
    with running("strace", command, folder / "strace.log", os.environ) as tracer:
        tracer.until(lambda: _attached(pid, tracer), "it had attached itself")
        yield log


def _attached(pid: int, tracer: Running) -> bool:
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    return all(f"TracerPid:\t{tracer.pid}" in (one / "status").read_text("ascii") for one in threads)


def _injected(log: Path) -> int:
    return log.read_text("utf-8", "replace").count("(INJECTED)") if log.exists() else 0


# -- the cases ----------------------------------------------------------------------------------------------------


def _power(who: str, kind: str, *, sealer: bool, rounds: int = 50, quick: int = 0) -> Case:
    played = Power(who, kind, size=ROOM if who == "store" else None, sealer=sealer)
    under = "the recorder" if who == "agent" else "the store"
    busy = " that writes without a pause" if sealer and who == "agent" else ""
    busy = ", written to without a pause" if sealer and who == "store" else busy
    name = f"power-{who}-{kind}{'-busy' if sealer else ''}"
    title = f"power loss under {under}{busy}, {kind}"
    return Case(name, title, rounds, quick, played.play, world=played.world, needs=needs(f"mkfs.{kind}"))


def _case(name: str, title: str, there: FullSpool | FullStore | Flushes, rounds: int, *tools: str) -> Case:
    return Case(name, title, rounds, 0, there.play, world=there.world, needs=needs(*tools))


CASES: Final = (
    *(_power(who, kind, sealer=False) for who in ("agent", "store") for kind in FILE_SYSTEMS),
    _power("agent", EXT4, sealer=True),
    _power("agent", XFS, sealer=True, quick=1),
    _power("store", EXT4, sealer=True, quick=1),
    _power("store", XFS, sealer=True),
    _case("full-spool", "disk full under the recorder", FullSpool("agent", "tmpfs", size=SMALL), 10),
    _case(
        "full-spool-btrfs",
        "disk full under the recorder, and copied on write (btrfs)",
        FullSpool("agent", BTRFS, size=COPYING),
        10,
        "mkfs.btrfs",
    ),
    _case(
        "inodes-spool",
        "no inode left under the recorder",
        FullSpool("agent", EXT4, size=SMALL, inodes=512),
        10,
        "mkfs.ext4",
    ),
    _case("full-store", "disk full under the store", FullStore("store", "tmpfs", size=SMALL), 3),
    _case(
        "inodes-store",
        "no inode left under the store",
        FullStore("store", EXT4, size=SMALL, inodes=4096),
        3,
        "mkfs.ext4",
    ),
    _case("flush-agent", "flushes of the recorder fail", Flushes("agent", EXT4), 12, "mkfs.ext4", "strace"),
    _case("flush-store", "flushes of the store fail", Flushes("store", EXT4, size=ROOM), 12, "mkfs.ext4", "strace"),
)
