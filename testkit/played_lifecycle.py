"""A random life of a store, with kill -9 and backups in it, beside an oracle that says what may be gone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, event

from protocol.erasure import Erasure
from protocol.errors import ProtocolError
from review.governance.times import DAY, day_of
from store.catalog import erasure
from store.errors import StoreError
from testkit.fakes.pc import Pc
from testkit.lifecycle import KEPT, PRIVATE, RULES, World

STEPS: Final = (20, 60, 300)  # that acts make durable, one after the other: of a hold, of one erasure, of several


def killed_at(step: int, run: Callable[[], object]) -> bool:
    """Whether a child that runs it was killed right before the disk had its step, from 1 on; or it was through."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            return True
        assert os.WEXITSTATUS(status) == 0, "what was to be killed failed before it was"
        return False
    code = 1
    try:
        _count(step)
        run()
        code = 0
    finally:
        os._exit(code)


def _count(step: int) -> None:
    left = step

    def one(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **options: Any) -> Any:
            one()
            return real(*arguments, **options)

        return counting

    os.fsync, os.unlink = counted(os.fsync), counted(os.unlink)
    os.write = counted(os.write)
    event.listen(Engine, "commit", one)


@dataclass
class Counts:
    """`faults`: in words. `resurrected`: files of erased recordings that were there again; `held_deleted`: of held ones
    that are gone."""

    kills: int = 0
    resumed: int = 0
    resurrected: int = 0
    certificates_verified: int = 0
    held_deleted: int = 0
    restores: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def as_json(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}


@dataclass
class _Model:
    kind: str
    received: int
    pc: Pc
    packet: bytes
    chunk: bytes
    held: set[str] = field(default_factory=set)
    asked: bool = False
    gone: bool = False
    backed_up: bool = False


class Play:
    def __init__(self, world: World, seed: int, *, each: int = 8) -> None:
        self.world, self.dice, self.counts = world, random.Random(seed), Counts()
        self.known: dict[str, _Model] = {}
        self.holds = 0
        self.backup = world.folder / "backup"
        for _ in range(3):
            with world.serving() as pcs:
                pc = pcs.pc()
                for _ in range(each):
                    kind = self.dice.choice(list(KEPT))
                    made, sealed = pcs.record(pc, kind, id=UUID(int=self.dice.getrandbits(128), version=4))
                    self.known[str(made.id)] = _Model(kind, world.days(), pc, made.packet, sealed[0])
            world.days.pass_by(7)
            self._mark()
        world.mirror()
        self._back_up()

    def _mark(self) -> None:
        """Life goes on in the log, so that its clock is believed."""
        with self.world.opened() as (_, lifecycle):
            lifecycle.log.append(lifecycle._act("erase", ["archive"], step="looked", basis="period"))

    def turn(self) -> None:
        often = (self._due, self._due, self._due, self._pass, self._pass, self._hold)
        self.dice.choice((*often, self._release, self._request, self._back_up, self._restore))()
        self.check()

    # -- acts -----------------------------------------------------------------------------------------------------

    def _struck(self, act: Callable[[Any, Any], object], *, put_back: bool = False) -> None:
        """The act, killed somewhere or not; then the next command goes on."""

        def run() -> None:
            with self.world.opened() as (database, lifecycle), contextlib.suppress(StoreError):
                act(database, lifecycle)

        if killed_at(self.dice.randint(1, self.dice.choice(STEPS)), run):
            self.counts.kills += 1
        with self.world.opened() as (database, lifecycle):
            with database.reading() as connection:
                left = len(erasure.unfinished(connection))
            done = lifecycle.restored() if put_back else lifecycle.finish()
            self.counts.resumed += len(done.erased)
            if len(done.erased) < left or done.stuck:
                self.counts.faults.append(f"begun and not ended: {left}, {done}")

    def _some(self, most: int) -> list[str]:
        return self.dice.sample(sorted(self.known), self.dice.randint(1, most))

    def _hold(self, chosen: Sequence[str] = ()) -> None:
        self.holds += 1
        name, some = f"h{self.holds}", [one for one in chosen or self._some(3) if not self.known[one].gone]
        if some:
            day = day_of(self.world.days() + 90 * DAY)
            self._struck(lambda _, lifecycle: lifecycle.hold(name, some, why="w", owner="carla", review=day))
            with self.world.opened() as (database, _), database.reading() as connection:
                placed = {one for one, holds in erasure.held(connection, some).items() if name in holds}
            if placed not in (set(), set(some)):
                self.counts.faults.append("a hold was placed by half")
            for one in placed:
                self.known[one].held.add(name)

    def _release(self) -> None:
        on = sorted({hold for model in self.known.values() for hold in model.held})
        if on:
            name = self.dice.choice(on)
            self._struck(lambda _, lifecycle: lifecycle.release(name, why="w", dies=None))
            with self.world.opened() as (database, _), database.reading() as connection:
                still = {one for one, holds in erasure.held(connection, self.known).items() if name in holds}
            for one, model in self.known.items():
                if one not in still:
                    model.held.discard(name)

    def _due(self) -> None:
        everything = [one for one, model in self.known.items() if not model.gone]
        self._struck(lambda database, lifecycle: lifecycle.erase(self.world.facts(database), RULES, everything))

    def _request(self) -> None:
        some = self._some(4)
        for one in some:
            self.known[one].asked = True  # from now on it may go, whether that was noted or not
        self._struck(lambda database, lifecycle: lifecycle.erase(self.world.facts(database), RULES, some, "DSR-1"))

    def _pass(self) -> None:
        self.world.days.pass_by(self.dice.randint(1, 15))
        self._mark()

    def _back_up(self) -> None:
        for database in self.backup.glob("store.db*"):
            database.unlink()
        # What is gone from the store stays in the backup, as by `cp -u`.
        leave = shutil.ignore_patterns("generation")
        shutil.copytree(self.world.home.folder, self.backup, ignore=leave, dirs_exist_ok=True)

    def _restore(self) -> None:
        shutil.rmtree(self.world.home.folder)
        shutil.copytree(self.backup, self.world.home.folder)
        with self.world.opened() as (database, _):
            try:
                self.world.home.check_not_put_back(database)
                self.counts.faults.append("a catalog that was put back would be served")
            except StoreError:
                pass
        self.counts.restores += 1
        self._struck(lambda _, lifecycle: lifecycle.restored(), put_back=True)
        with self.world.opened() as (database, _):
            self.world.home.check_not_put_back(database)

    def end(self) -> None:
        """Some of what is left is held, all periods pass, and what PCs and the last backup still have comes again."""
        left = sorted(one for one, model in self.known.items() if not model.gone)
        if left:
            self._hold(self.dice.sample(left, (len(left) + 2) // 3))
        self.world.days.pass_by(70)
        self._mark()
        for act in (self._due, self._back_up, self._all_due, self._restore, self._due, self.send_again):
            act()
            self.check()

    def _all_due(self) -> None:
        """Not killed, and nothing is left but what is held."""
        with self.world.opened() as (database, lifecycle):
            lifecycle.erase(self.world.facts(database), RULES, sorted(self.known))
        self.check()
        if any(not model.gone and not model.held for model in self.known.values()):
            self.counts.faults.append("what was due stayed")

    def send_again(self) -> None:
        """What PCs still have of everything."""
        with self.world.serving() as pcs:
            for one, model in self.known.items():
                model.pc.client = pcs.client
                model.pc.ask_token(self.world.days() // 10**9)
                for answer in (model.pc.put(one, 65_535, 0, model.packet), model.pc.put_sealed(model.chunk)):
                    if answer.status_code != 200:
                        self.counts.faults.append(f"a PC was stopped by {answer.status_code}")

    # -- the oracle -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        with self.world.opened() as (database, _), database.reading() as connection:
            stones = {one.recording: one for one in erasure.tombstones(connection)}
        for one, model in self.known.items():
            if one in stones and not model.gone:
                model.gone = True
                self._judge(one, model, stones[one])
            if model.gone and one not in stones:
                self.counts.faults.append("a tombstone is gone")
            files = self.world.files(UUID(one))
            if model.gone:
                self.counts.resurrected += len(files)
            elif len(files) != 2 * (4 if model.kind == "calls" else 3):
                self.counts.faults.append(f"files of {one} are gone, and no tombstone says why")
                self.counts.held_deleted += bool(model.held)

    def _judge(self, one: str, model: _Model, stone: erasure.Tombstone) -> None:
        age = (self.world.days() - model.received) // DAY
        minimum, keep = KEPT[model.kind]
        if model.held:
            self.counts.held_deleted += 1
        if age < minimum or (age < keep and not model.asked):
            self.counts.faults.append(f"{one} of class {model.kind} is gone after {age} days")
        try:
            said = Erasure.verify(stone.token, PRIVATE.public_key())
        except ProtocolError as error:
            self.counts.faults.append(f"the certificate of {one}: {error}")
            return
        packets = (hashlib.sha256(model.packet).hexdigest(),)
        if said.recording == UUID(one) and said.destroyed is not None and said.destroyed.packets == packets:
            self.counts.certificates_verified += 1
        else:
            self.counts.faults.append(f"the certificate of {one} says something else: {said}")


def played(world: World, seed: int, turns: int) -> Counts:
    play = Play(world, seed)
    for _ in range(turns):
        play.turn()
    play.end()
    play.counts.faults[:] = [f"seed {seed}: {fault}" for fault in play.counts.faults]
    return play.counts


def lives(folder: Path, kills: int, say: Callable[[str], None]) -> Counts:
    """One after the other, until there were so many kills: a life ends when there is little left to erase."""
    whole = Counts()
    while whole.kills < kills:
        seed = random.randrange(10**9)
        whole.add(played(World.found(folder / f"{seed}"), seed, turns=60))
        say(f"{whole.kills} kills")
    return whole
