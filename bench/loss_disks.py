"""Power that goes in mid-write, disks that are full, file systems without inodes, flushes that fail. Cases 2 and 3.

Each case has a disk of its own (testkit/disks.py) under the recorder's home or under the store's. Power goes as in
bench/loss_kills.py: half of the cuts are aimed at a write, a request or a start. "busy" is bench/loss_sealer.py: a
recorder without a screen, that writes without a pause.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.loss_account import Round
from bench.loss_kills import struck
from bench.loss_world import Case, Ground, World, in_batches, sealer, shipped, world
from testkit.disks import BTRFS, EXT4, FILE_SYSTEMS, MEGABYTE, XFS, Disk, disk
from testkit.fleet import status
from testkit.stage import Running, running
from testkit.waits import until

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

Play = Callable[[World, int], Round]


def needs(*tools: str) -> Callable[[], str]:
    def why_not() -> str:
        if os.geteuid() != 0:
            return "it needs root, to mount a disk that it may break"
        missing = [tool for tool in ("mount", "umount", *tools) if shutil.which(tool) is None]
        return f"{', '.join(missing)} is not on this machine; scripts/setup installs it" if missing else ""

    return why_not


def _on_disk(
    who: str, kind: str, *, busy: bool = False, **limits: int | None
) -> Callable[[Ground], AbstractContextManager[World]]:
    """A world whose `who` ("agent" or "store") lives on a disk of its own, the world's rig."""

    @contextmanager
    def made(ground: Ground) -> Iterator[World]:
        with (
            disk(kind, **limits) as under,
            world(
                ground,
                pc_home=under.home if who == "agent" else None,
                store_home=under.home if who == "store" else None,
                settings={"spool": {"keep_free": 0}},
                command=sealer if busy else shipped,
                rig=under,
            ) as there,
        ):
            os.sync()  # the policy's files were put there by the bench, which promises nothing
            yield there

    return made


# -- power --------------------------------------------------------------------------------------------------------


def _cut(who: str, made: World, *, eye_open: bool = True) -> None:
    """The process outlives its disk for a moment, which with real power it could not."""
    with made.promising_nothing(who):
        made.rig.cut_power()
        made.kill(who, eye_open=eye_open)
    made.rig.bring_back()


def _power(who: str, made: World, _turn: int) -> Round:
    """The power goes from under a process, it dies, and both come back."""
    return Round(notes=struck(made, who, partial(_cut, who), partial(_cut, who, eye_open=False)))


# -- room ---------------------------------------------------------------------------------------------------------


def _full_spool(take: Callable[[Disk], None], made: World, turn: int) -> Round:
    """No room under the recorder: it must hold, say so in its ledger, and go on when there is room.

    Every other time without the store, so that nothing leaves the spool meanwhile.
    """
    made.ready()
    if turn % 2:
        made.kill("store")
    before = len(made.entries("hold"))
    take(made.rig)
    try:
        until(lambda: _is_full(made), "a hold because the spool is full", 30)
        time.sleep(HELD)
    finally:
        made.rig.make_room()
    made.store.start()
    made.await_kept(60, when=lambda: not _is_full(made))
    said = any(entry["hold"] == FULL for entry in made.entries("hold")[before:])
    return Round(faults=[] if said else ["the ledger does not say that the spool was full"])


def _full_store(take: Callable[[Disk], None], made: World, _turn: int) -> Round:
    """No room under the store: it must say so and live, and the recorder must go on and keep everything."""
    made.ready()
    log = made.store.process.log
    read = log.stat().st_size
    take(made.rig)
    try:
        until(lambda: bool(_refused(log, read)), "the store's word that it is full", 60)
        made.await_kept(30)
        living = made.store.alive
    finally:
        made.rig.make_room()
    made.drain(COME_BACK)
    faults = [] if living else ["the store has died of a full disk"]
    return Round(faults=faults, notes={f"answered {code}": 1 for code in _refused(log, read)})


def _is_full(made: World) -> bool:
    return FULL in (status(made.home) or {}).get("holds", ())


def _refused(log: Path, since: int) -> set[str]:
    """The answers of a store that could not write, which its log has from there on."""
    text = log.read_bytes()[since:].decode("utf-8", "replace")
    return {code for code in ("507", "503") if re.search(rf'"status": ?{code}\b', text)}


# -- flushes ------------------------------------------------------------------------------------------------------


def _flushes(who: str, made: World, turn: int) -> Round:
    """Flushes fail for a while, and then the power goes: what was acknowledged must have been flushed all the same."""
    made.ready()
    party = made.party(who)
    with failing_flushes(party.process.pid, FLUSHES[turn % len(FLUSHES)], made.folder) as log:
        until(lambda: bool(_injected(log)), "a flush that failed", 30)
        time.sleep(FAILING)
        ended = not party.alive
    notes = {"flushes failed": _injected(log), **({"ended by itself": 1} if ended else {})}
    with made.promising_nothing(who):
        made.rig.cut_power()
        if party.alive:
            made.kill(who, eye_open=False)
    made.rig.bring_back()
    made.ready()
    made.drain(COME_BACK)
    return Round(notes=notes)


@contextmanager
def failing_flushes(pid: int, when: str, folder: Path) -> Iterator[Path]:
    """fsync and fdatasync of a running process answer EIO, as `when` says; strace's log of them."""
    number = len(list(folder.glob("strace-*")))
    log = folder / f"strace-{number:03d}"
    calls = "fsync,fdatasync"
    command = ["strace", "-f", "-o", str(log), "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO:when={when}"]
    with running("strace", [*command, "-p", str(pid)], folder / "strace.log", os.environ) as tracer:
        tracer.until(lambda: _attached(pid, tracer), "it had attached itself")
        yield log


def _attached(pid: int, tracer: Running) -> bool:
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    return all(f"TracerPid:\t{tracer.pid}" in (one / "status").read_text("ascii") for one in threads)


def _injected(log: Path) -> int:
    return log.read_text("utf-8", "replace").count("(INJECTED)") if log.exists() else 0


# -- the cases ----------------------------------------------------------------------------------------------------


def _case(
    name: str, title: str, rounds: int, play: Play, there: Any, *tools: str, quick: int = 0, each: int = 0
) -> Case:
    """`each`: rounds between two verdicts; 0: one at the end."""

    def run(made: World, rounds: int) -> Iterator[Round]:
        return in_batches(made, rounds, play, each=each or rounds)

    return Case(name, title, rounds, quick, run, there, needs(*tools))


def _power_case(who: str, kind: str, *, busy: bool, quick: int = 0) -> Case:
    under = "the recorder" if who == "agent" else "the store"
    busily = (" that writes without a pause" if who == "agent" else ", written to without a pause") if busy else ""
    there = _on_disk(who, kind, busy=busy, size=ROOM if who == "store" else None)
    name, title = f"power-{who}-{kind}{'-busy' if busy else ''}", f"power loss under {under}{busily}, {kind}"
    return _case(name, title, 50, partial(_power, who), there, f"mkfs.{kind}", quick=quick, each=BATCH)


FILLED, NO_INODES = (partial(_full_spool, take) for take in (Disk.fill, Disk.take_inodes))
STORE_FILLED, STORE_NO_INODES = (partial(_full_store, take) for take in (Disk.fill, Disk.take_inodes))

# fmt: off
CASES: Final = (
    *(_power_case(who, kind, busy=False) for who in ("agent", "store") for kind in FILE_SYSTEMS),
    _power_case("agent", EXT4, busy=True),
    _power_case("agent", XFS, busy=True, quick=1),
    _power_case("store", EXT4, busy=True, quick=1),
    _power_case("store", XFS, busy=True),
    _case("full-spool", "disk full under the recorder", 10, FILLED, _on_disk("agent", "tmpfs", size=SMALL)),
    _case("full-spool-btrfs", "disk full under the recorder, and copied on write (btrfs)", 10, FILLED,
          _on_disk("agent", BTRFS, size=COPYING), "mkfs.btrfs"),
    _case("inodes-spool", "no inode left under the recorder", 10, NO_INODES,
          _on_disk("agent", EXT4, size=SMALL, inodes=512), "mkfs.ext4"),
    _case("full-store", "disk full under the store", 3, STORE_FILLED, _on_disk("store", "tmpfs", size=SMALL)),
    _case("inodes-store", "no inode left under the store", 3, STORE_NO_INODES,
          _on_disk("store", EXT4, size=SMALL, inodes=4096), "mkfs.ext4"),
    _case("flush-agent", "flushes of the recorder fail", 12, partial(_flushes, "agent"),
          _on_disk("agent", EXT4), "mkfs.ext4", "strace"),
    _case("flush-store", "flushes of the store fail", 12, partial(_flushes, "store"),
          _on_disk("store", EXT4, size=ROOM), "mkfs.ext4", "strace"),
)
# fmt: on
