"""The world in which bench/loss plays: a screen with something moving, a store and an enrolled recorder as processes.

Every case gets one, breaks something in it, mends it, and asks for the `verdict`: everything that the recorder was
promised since the last one, beside what the store's own commands say that it has.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from agent.control import control
from agent.desktop.clock import BootClock
from agent.errors import EyelidError
from bench.loss_account import PATIENCE, Round
from bench.loss_evidence import Journal, Judge, Kept, read_journal
from protocol.envelope import KEY_PACKET_STREAM, SCENE_STREAM, SCREEN
from testkit import fleet
from testkit.fleet import Store
from testkit.stage import Running, Stage, StageError

RULES: Final = {
    "schema": 1,
    "revision": 1,
    "name": "Bench of losses",
    "record_when": "always",
    "unlisted": "record",
    "rules": [{"id": "nothing", "why": "a policy needs a rule", "any": [{"app": ["no-such-program"]}]}],
}
POLICY: Final = {"losses.yaml": yaml.safe_dump(RULES, sort_keys=False) + "...\n"}
SECOND: Final = 1_000_000_000
BEAT: Final = 0.02
LONG: Final = 120.0  # seconds for anything to mend: after failures the recorder waits up to minutes before it tries
JUDGING: Final = 600.0  # seconds that `verify --all` and `gaps` may take over all that a long run has kept
RETRIES: Final = 3  # orderly ends after which whatever the recorder has must be in the store

Command = Callable[[Path], Sequence[str]]
"""From the file that the recorder tells its promises to, to the command line that starts it."""
Model = Callable[[], tuple[Path, Path]]
"""A store that never serves, as `fleet.found` has it."""


def shipped(told: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "bench.loss_agent", str(told)]


def expect(condition: Callable[[], bool], what: str, patience: float = LONG) -> None:
    """Returns when it is so. Raises StageError when it does not come about within `patience` (s)."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise StageError(f"{what} did not come within {patience:.0f} s")
        time.sleep(BEAT)


@dataclass
class Party:
    """A process that is started, killed and started again; each life has a log of its own."""

    name: str
    folder: Path
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    lives: int = 0
    process: Running | None = None
    settled: Callable[[Running], None] = lambda _: None  # waits until it does its work

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive()

    def begin(self) -> Running:
        """Start it and return at once."""
        assert not self.alive, f"{self.name} runs already"
        self.lives += 1
        log = self.folder / f"{self.name}-{self.lives:04d}.log"
        self.process = Running(self.name, self.command(), log, self.environment)
        return self.process

    def start(self) -> None:
        """Start it unless it runs; returns when it does its work."""
        if not self.alive:
            self.begin()
        assert self.process is not None
        self.settled(self.process)

    def kill(self) -> int:
        """kill -9. Returns the moment, ns of CLOCK_BOOTTIME. Raises StageError if it was not alive then."""
        assert self.process is not None, f"{self.name} was never started"
        moment = BootClock().now()
        status = self.process.kill()
        if status != -9:
            raise StageError(f"{self.name} had ended by itself ({status}) before it was killed:\n{self.process.tail()}")
        return moment

    def end(self) -> None:
        """Ask it to end in order, and wait. Raises StageError if it failed at that."""
        if self.process is not None and self.alive:
            status = self.process.end(grace=60)
            if status:
                raise StageError(f"{self.name} ended with {status}:\n{self.process.tail()}")

    def sweep(self) -> None:
        if self.process is not None:
            self.process.end()


@dataclass
class World:
    """`folder`: logs and what is told; `home`: the PC's; `services`: the store, also while it is down."""

    folder: Path
    stage: Stage
    chunk: float  # seconds
    home: Path
    services: Store
    device: str
    agent: Party
    store: Party
    dice: random.Random
    judge: Judge = field(default_factory=Judge)
    kills: list[int] = field(default_factory=list)  # of the recorder while an eye was open; not judged yet

    # -- what the recorder tells ----------------------------------------------------------------------------------

    @property
    def told_file(self) -> Path:
        return self.folder / "told"

    def told(self) -> Journal:
        """All promises of all lives so far."""
        return read_journal(self.told_file)

    def told_size(self) -> int:
        """Grows with every line that is told: what to compare with `told_since`."""
        return self.told_file.stat().st_size if self.told_file.exists() else 0

    def told_since(self, size: int, word: str) -> bool:
        """Whether a line that begins with `word` (putting, put, receipt, aside) came after the file had that size."""
        with self.told_file.open("rb") as file:
            file.seek(size)
            return any(line.startswith(word.encode() + b" ") for line in file)

    def kept_since(self, size: int) -> bool:
        """Whether anything but headers and key packets was promised since then."""
        return bool(self.streams_since(size))

    def streams_since(self, size: int) -> set[int]:
        """Of which more than a header was promised since then."""
        with self.told_file.open("rb") as file:
            file.seek(size)
            names = [line.split()[1].decode("ascii") for line in file if line.startswith(b"put ")]
        return {stream for name in names if (stream := stream_of(name)) is not None}

    def await_told(self, word: str, patience: float = LONG, beat: float = 0.001) -> None:
        """Returns within about a millisecond of the recorder's telling `word` next."""
        size, deadline = self.told_size(), time.monotonic() + patience
        while not self.told_since(size, word):
            if time.monotonic() > deadline:
                raise StageError(f"the recorder did not tell of any {word!r} within {patience:.0f} s")
            time.sleep(beat)

    def status(self) -> dict[str, Any] | None:
        """What `eyelid status --json` says; None while the recorder does not answer."""
        try:
            return dict(control.request(self.home, "status"))
        except EyelidError:
            return None

    # -- breaking and mending -------------------------------------------------------------------------------------

    def kill(self, who: str, *, eye_open: bool = True) -> int:
        """kill -9 of "agent" or "store"; the moment in ns of CLOCK_BOOTTIME.

        `eye_open`: something was being kept until then, so that the verdict may measure the open end.
        """
        if who == "store":
            return self.store.kill()
        moment = self.agent.kill()
        if eye_open:
            self.kills.append(moment)
        return moment

    def restart(self, who: str) -> None:
        """Start it again; returns when the store serves, or the recorder answers."""
        (self.agent if who == "agent" else self.store).start()

    def ready(self) -> None:
        """Both run, and the recorder has kept a piece of the screen since this was called."""
        self.store.start()
        size = self.told_size()
        self.agent.start()
        expect(lambda: self.kept_since(size), "a chunk of the screen in the spool")

    def drain(self, patience: float = LONG) -> None:
        """Both run; returns when what the spool held has gone to the store (chunks that come meanwhile may wait)."""
        self.store.start()
        self.agent.start()
        waiting = self.told().waiting()
        expect(lambda: not waiting & self.told().waiting(), "the store's receipts for all that waited", patience)

    def quiet(self) -> None:
        """Drained, and the recorder has ended in order with nothing left to send, its account included."""
        for _ in range(RETRIES):
            self.drain()
            self.agent.end()
            if not self.told().waiting() and self._account_sent():
                return
            # What it sealed at the very end found no time to travel: the next life sends it.
            self.agent.start()
            expect(self._account_sent, "the store's word for the account", LONG)
        raise StageError("the recorder never came to an end with nothing left to send")

    def _account_sent(self) -> bool:
        ledger = self.home / "ledger"
        sent = int((ledger / "sent").read_text("ascii")) if (ledger / "sent").exists() else 0
        with closing(self._catalog()) as catalog:
            stored = catalog.execute("SELECT max(seq) FROM ledger_lines WHERE device = ?", (self.device,)).fetchone()[0]
        written = self.entries()
        return bool(written) and stored == written[-1]["seq"] and sent == written[-1]["seq"] + 1

    # -- the verdict ----------------------------------------------------------------------------------------------

    def verdict(self, rounds: int = 0) -> Iterator[Round]:
        """What became of everything since the last verdict: first a round with all of it, then each open end.

        Mends, drains and ends the recorder first; `ready` starts it again. `rounds`: how many faults it answers for,
        if those were not yielded one by one.
        """
        try:
            self.quiet()
        except StageError as failure:
            yield Round(rounds=0, faults=(f"not mended: {failure}",))
        kept = self.kept()
        swept, gaps = self.asked_at_once(
            ("verify", "--all", *self.services.opened_by_recipient), ("gaps", "--device", self.device)
        )
        yield self.judge.judge(self.told(), kept, swept, gaps, self.home / "spool", rounds=rounds)
        for moment in self.kills:
            yield self._open_end(kept, moment)
        self.kills.clear()

    def kept(self) -> Kept:
        """What the store's catalog lists of this PC."""
        zeros = fleet.zeros(self.home)
        with closing(self._catalog()) as catalog:
            rows = catalog.execute(
                'SELECT s.recording, stream, sequence, sha256, kind, s.start, "end" FROM sealed s'
                " JOIN recordings r ON r.id = s.recording WHERE r.device = ?",
                (self.device,),
            ).fetchall()
        return Kept.of(rows, zeros)

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        """Of the PC's own ledger; by default all."""
        return fleet.entries(self.home, *kinds)

    def asked(self, command: str, *arguments: str) -> dict[str, Any]:
        """The JSON answer of an `eyelid-store` command that may also find something wrong (exit 1)."""
        ran = self.services.ran(command, *arguments, "--json", patience=JUDGING)
        if ran.returncode not in (0, 1) or not ran.stdout:
            raise StageError(f"eyelid-store {command} could not judge: {ran.stderr.strip()}")
        return dict(json.loads(ran.stdout))

    def asked_at_once(self, *questions: Sequence[str]) -> list[dict[str, Any]]:
        """As `asked`, side by side: most of what a command takes is its start."""
        with ThreadPoolExecutor(len(questions)) as pool:
            return list(pool.map(lambda words: self.asked(*words), questions))

    def _open_end(self, kept: Kept, moment: int) -> Round:
        last = kept.last_before(moment, SCREEN)
        if last is None:
            return Round(rounds=0, faults=("nothing was kept before a kill, so its open end is unknown",))
        return Round(rounds=0, open_end_s=(moment - last) / SECOND)

    def _catalog(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.services.home / 'store.db'}?mode=ro", uri=True, timeout=30)


@contextmanager
def world(
    stage: Stage,
    folder: Path,
    *,
    chunk: float = 1.0,
    pc_home: Path | None = None,
    store_home: Path | None = None,
    model: Model | None = None,
    address: Callable[[str], str] = lambda address: address,
    policy: Mapping[str, str] = POLICY,
    settings: Mapping[str, object] | None = None,
    command: Command = shipped,
    seed: int | None = None,
) -> Iterator[World]:
    """A new store and a newly enrolled PC whose recorder records `stage`, where something should move.

    `folder`: short, because a local socket's path may have 107 bytes. `pc_home`, `store_home`: elsewhere, such as on a
    disk of the case's own. `model`: makes the store that this one is a copy of, or has made it. `address`: from the
    store's to the one that the PC is told, for a proxy in between. `policy`: file name -> text. `settings`: for the
    PC's agent.yaml, above what every world has. `command`: what is started as the recorder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = pc_home or folder / "pc"
    if model is None:
        store_folder, secret = fleet.found(folder, store_home)
    else:
        store_folder, secret = fleet.found_like(model(), folder, store_home)
    port = [0]
    store = Party("store", folder, lambda: fleet.serve(store_folder, port[0]), os.environ)
    store.settled = _served
    store.start()
    try:
        assert store.process is not None
        served = fleet.announced(store.process.log)
        port[0] = urlsplit(served).port or 0
        services = Store(store_folder, address(served), secret)
        above = {"chunk_seconds": chunk, **(settings or {})}
        device, environment = fleet.enrol(services, stage, home, policy, above)
        agent = Party("agent", folder, lambda: command(folder / "told"), environment)
        made = World(folder, stage, chunk, home, services, device, agent, store, random.Random(seed))
        agent.settled = lambda process: _answers(process, made)
        try:
            agent.start()
            yield made
        finally:
            agent.sweep()
    finally:
        store.sweep()


def stream_of(name: str) -> int | None:
    """Of a chunk's name; None where it is a key packet or a header, which has number 0 and which no scenes have."""
    stream, sequence = map(int, name.rpartition("/")[2].split("-"))
    return stream if stream != KEY_PACKET_STREAM and (sequence or stream == SCENE_STREAM) else None


def _served(process: Running) -> None:
    process.until(lambda: fleet.announced(process.log), "it said where it listens", LONG)


def _answers(process: Running, made: World) -> None:
    process.until(made.status, "it answered", LONG)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a case may put its world: a display with something moving, and a folder of its own.

    `model`: for a store that need not be made from nothing.
    """

    stage: Stage
    folder: Path
    chunk: float
    model: Model | None = None


def everyday(ground: Ground) -> AbstractContextManager[World]:
    """The world of a case that wants nothing special; one run of the bench shares it among such cases."""
    return world(ground.stage, ground.folder, chunk=ground.chunk, model=ground.model)


@dataclass(frozen=True)
class Case:
    """`run` is given a world that runs, breaks it `rounds` times, and ends with its verdict.

    `world`: how it is made; a case that names its own gets one for itself. `needs`: why it cannot be played on this
    machine, "" where it can.
    """

    name: str
    title: str
    rounds: int
    quick_rounds: int
    run: Callable[[World, int], Iterator[Round]]
    world: Callable[[Ground], AbstractContextManager[World]] = everyday
    needs: Callable[[], str] = lambda: ""


__all__ = ["PATIENCE", "SECOND", "Case", "Ground", "Round", "World", "everyday", "expect", "world"]
