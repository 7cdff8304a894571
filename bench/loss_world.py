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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from agent.desktop.clock import BootClock
from bench.harness import LONG
from bench.loss_account import SECOND, Journal, Judge, Kept, Round, read_journal
from protocol.envelope import KEY_PACKET_STREAM, SCENE_STREAM, SCREEN
from testkit import fleet
from testkit.fleet import Store
from testkit.stage import Running, Stage, StageError
from testkit.waits import until

RULES: Final = {
    "schema": 1,
    "revision": 1,
    "name": "Bench of losses",
    "record_when": "always",
    "unlisted": "record",
    "rules": [{"id": "nothing", "why": "a policy needs a rule", "any": [{"app": ["no-such-program"]}]}],
}
JUDGING: Final = 600.0  # seconds that `verify --all` and `gaps` may take over all that a long run has kept
TOLD: Final = "told"  # the file in a world's folder
RETRIES: Final = 3  # orderly ends after which whatever the recorder has must be in the store


def shipped(told: Path, *more: str) -> list[str]:
    """The command line of the recorder, which says in `told` what its spool promises."""
    return [sys.executable, "-P", "-m", "bench.loss_agent", str(told), *more]


def sealer(told: Path, *more: str) -> list[str]:
    """Of one without a screen, which writes without a pause."""
    return [sys.executable, "-P", "-m", "bench.loss_sealer", str(told), *more]


@dataclass
class Party:
    """A process that is started, killed and started again; each life has a log of its own. It begins when made.

    `works`: true once it does its work.
    """

    name: str
    folder: Path
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    works: Callable[[Running], object]
    lives: int = 0
    process: Running = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    @property
    def alive(self) -> bool:
        return self.process.alive()

    def begin(self) -> None:
        """Start it and return at once."""
        self.lives += 1
        log = self.folder / f"{self.name}-{self.lives:04d}.log"
        self.process = Running(self.name, self.command(), log, self.environment)

    def start(self) -> None:
        """Start it unless it runs; returns when it does its work."""
        if not self.alive:
            self.begin()
        self.process.until(lambda: self.works(self.process), "it did its work", LONG)

    def kill(self) -> int:
        """kill -9. Returns the moment, ns of CLOCK_BOOTTIME. Raises StageError if it was not alive then."""
        moment = BootClock().now()
        status = self.process.kill()
        if status != -9:
            raise StageError(f"{self.name} had ended by itself ({status}) before it was killed:\n{self.process.tail()}")
        return moment

    def end(self) -> None:
        """Ask it to end in order, and wait. Raises StageError if it failed at that."""
        if self.alive and (status := self.process.end(grace=60)):
            raise StageError(f"{self.name} ended with {status}:\n{self.process.tail()}")

    def sweep(self) -> None:
        self.process.end()


@dataclass
class World:
    """`folder`: logs and what is told; `home`: the PC's; `services`: the store, also while it is down.

    `rig`: what the case breaks: its disk, its line, its clocks.
    """

    folder: Path
    chunk: float  # seconds
    home: Path
    services: Store
    device: str
    agent: Party
    store: Party
    rig: Any = None
    dice: random.Random = field(default_factory=random.Random)
    judge: Judge = field(default_factory=Judge)
    kills: list[int] = field(default_factory=list)  # of the recorder while an eye was open; not judged yet

    # -- what the recorder tells ----------------------------------------------------------------------------------

    def told(self) -> Journal:
        """All promises of all lives so far."""
        return read_journal(self.folder / TOLD)

    def told_size(self) -> int:
        """Grows with every line that is told: what to compare with `told_since`."""
        return (self.folder / TOLD).stat().st_size if (self.folder / TOLD).exists() else 0

    def told_since(self, size: int, word: str) -> list[str]:
        """The names of chunks in lines that begin with `word` (see bench/loss_agent.py), since that size."""
        with (self.folder / TOLD).open("rb") as file:
            file.seek(size)
            lines = [line.decode("ascii").split() for line in file]
        return [name for first, name, *_ in lines if first == word]

    def kept_since(self, size: int) -> set[int]:
        """The streams of which more than headers and key packets was promised since then."""
        return {stream for name in self.told_since(size, "put") if (stream := stream_of(name)) is not None}

    def await_told(self, word: str, patience: float = LONG, beat: float = 0.001) -> None:
        """Returns within about a millisecond of the recorder's telling `word` next."""
        size = self.told_size()
        until(lambda: self.told_since(size, word), f"a {word!r} of the recorder's", patience, beat)

    def await_kept(self, patience: float = LONG, when: Callable[[], bool] = lambda: True) -> None:
        """Returns when something of a lane has been promised from now on, and it is so."""
        size = self.told_size()
        until(lambda: when() and self.kept_since(size), "a chunk in the spool", patience)

    # -- breaking and mending -------------------------------------------------------------------------------------

    def party(self, who: str) -> Party:
        return self.agent if who == "agent" else self.store

    def kill(self, who: str, *, eye_open: bool = True) -> None:
        """kill -9 of "agent" or "store". `eye_open`: something was being kept until then, so that the verdict may
        measure the open end."""
        moment = self.party(who).kill()
        if who == "agent" and eye_open:
            self.kills.append(moment)

    @contextmanager
    def promising_nothing(self, who: str) -> Iterator[None]:
        """While the power goes, and until the process is dead: what its spool promises then does not count.

        A flush that is under way while XFS is shut down may answer that all is well (in 13 of 400 cuts one did; none
        that had answered before). With real power no process is left to hear it.
        """
        size = self.told_size()
        yield
        if who == "agent":
            void = "".join(f"void {name}\n" for name in self.told_since(size, "put"))
            with (self.folder / TOLD).open("a", encoding="ascii") as file:
                file.write(void)

    def ready(self, streams: Collection[int] = ()) -> None:
        """Both run, and the recorder has kept something since this was called, of all these streams."""
        self.store.start()
        size = self.told_size()
        self.agent.start()
        until(lambda: (kept := self.kept_since(size)) and kept.issuperset(streams), "chunks in the spool", LONG)

    def drain(self, patience: float = LONG) -> None:
        """Both run; returns when what the spool held has gone to the store (chunks that come meanwhile may wait)."""
        self.store.start()
        self.agent.start()
        waiting = self.told().waiting()
        until(lambda: not waiting & self.told().waiting(), "the store's receipts for all that waited", patience)

    def quiet(self) -> None:
        """Drained, and the recorder has ended in order with nothing left to send, its account included."""
        for _ in range(RETRIES):
            self.drain()
            self.agent.end()
            if not self.told().waiting() and self._account_sent():
                return
            # What it sealed at the very end found no time to travel: the next life sends it.
            self.agent.start()
            until(self._account_sent, "the store's word for the account", LONG)
        raise StageError("the recorder never came to an end with nothing left to send")

    def sweep(self) -> None:
        self.store.sweep()
        self.agent.sweep()

    def _account_sent(self) -> bool:
        file = self.home / "ledger" / "sent"
        sent = int(file.read_text("ascii")) if file.exists() else 0
        [(stored,)] = self._catalog("SELECT max(seq) FROM ledger_lines WHERE device = ?")
        written = self.entries()
        return bool(written) and stored == written[-1]["seq"] and sent == written[-1]["seq"] + 1

    # -- the verdict ----------------------------------------------------------------------------------------------

    def verdict(self) -> Iterator[Round]:
        """What became of everything since the last verdict: first all of it, then each open end. They count no rounds.

        Mends, drains and ends the recorder first; `ready` starts it again.
        """
        try:
            self.quiet()
        except StageError as failure:
            yield Round(rounds=0, faults=[f"not mended: {failure}"])
            self.agent.sweep()  # what it would promise meanwhile is not judged yet
        kept = self.kept()
        gaps = ("gaps", "--device", self.device)
        swept, found = self.asked(("verify", "--all", *self.services.opened_by_recipient), gaps)
        yield self.judge.judge(self.told(), kept, swept, found, self.home / "spool")
        for moment in self.kills:
            last = kept.last_before(moment, SCREEN)
            if last is None:
                yield Round(rounds=0, faults=["nothing was kept before a kill, so its open end is unknown"])
            else:
                yield Round(rounds=0, open_ends=[(moment - last) / SECOND])
        self.kills.clear()

    def kept(self) -> Kept:
        """What the store's catalog lists of this PC."""
        zeros = fleet.zeros(self.home)
        query = 'SELECT s.recording, stream, sequence, sha256, kind, s.start, "end" FROM sealed s'
        return Kept.of(self._catalog(f"{query} JOIN recordings r ON r.id = s.recording WHERE r.device = ?"), zeros)

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        """Of the PC's own ledger; by default all."""
        return fleet.entries(self.home, *kinds)

    def asked(self, *questions: Sequence[str]) -> list[dict[str, Any]]:
        """The JSON answers of `eyelid-store` commands, which may also find something wrong (exit 1). They are asked
        side by side: most of what one takes is its start."""

        def ask(words: Sequence[str]) -> dict[str, Any]:
            ran = self.services.ran(*words, "--json", patience=JUDGING)
            if ran.returncode not in (0, 1) or not ran.stdout:
                raise StageError(f"eyelid-store {words[0]} could not judge: {ran.stderr.strip()}")
            return dict(json.loads(ran.stdout))

        with ThreadPoolExecutor(len(questions)) as pool:
            return list(pool.map(ask, questions))

    def _catalog(self, query: str) -> list[tuple[Any, ...]]:
        """`query`: with this PC's id."""
        file = self.services.home / "store.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as catalog:
            return catalog.execute(query, (self.device,)).fetchall()


def stream_of(name: str) -> int | None:
    """Of a chunk's name; None where it is a key packet or a header, which has number 0 and which no scenes have."""
    stream, sequence = map(int, name.rpartition("/")[2].split("-"))
    return stream if stream != KEY_PACKET_STREAM and (sequence or stream == SCENE_STREAM) else None


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a case may put its world: a display with something moving, and a folder of its own, whose name is short: a
    local socket's path may have 107 bytes.

    `model`: makes the store that the world's is a copy of, as `fleet.found` has it, or has made it.
    """

    stage: Stage
    folder: Path
    chunk: float = 1.0  # seconds
    model: Callable[[], tuple[Path, Path]] | None = None


@contextmanager
def world(
    ground: Ground,
    *,
    pc_home: Path | None = None,
    store_home: Path | None = None,
    address: Callable[[Store], str] = lambda store: store.address,
    rules: Mapping[str, object] = RULES,
    settings: Mapping[str, object] | None = None,
    more: Mapping[str, str] | None = None,
    command: Callable[[Path], Sequence[str]] = shipped,
    rig: Any = None,
) -> Iterator[World]:
    """A new store and a newly enrolled PC whose recorder records the stage, where something should move.

    `pc_home`, `store_home`: elsewhere, such as on a disk of the case's own. `address`: the one that the PC is told, for
    a proxy in between. `settings`: for the PC's agent.yaml, above what every world has. `more`: of the recorder's
    environment. `command`: what is started as the recorder, from the file that it tells its promises to.
    """
    folder, home = ground.folder, pc_home or ground.folder / "pc"
    folder.mkdir(parents=True, exist_ok=True)
    found = ground.model and ground.model()
    place, secret = fleet.found_like(found, folder, store_home) if found else fleet.found(folder, store_home)
    port = 0
    with ExitStack() as stack:
        store = Party("store", folder, lambda: fleet.serve(place, port), os.environ, lambda it: fleet.announced(it.log))
        stack.callback(store.sweep)
        store.start()
        services = Store(place, fleet.announced(store.process.log), secret)
        port = urlsplit(services.address).port or 0
        services = Store(place, address(services), secret)
        policy = {"losses.yaml": yaml.safe_dump(dict(rules), sort_keys=False) + "...\n"}
        above = {"chunk_seconds": ground.chunk, **(settings or {})}
        device, environment = fleet.enrol(services, ground.stage, home, policy, above)
        environment |= more or {}
        agent = Party("agent", folder, lambda: command(folder / TOLD), environment, lambda _: fleet.status(home))
        stack.callback(agent.sweep)
        agent.start()
        yield World(folder, ground.chunk, home, services, device, agent, store, rig)


def everyday(ground: Ground) -> AbstractContextManager[World]:
    """The world of a case that wants nothing special; one run of the bench shares it among such cases."""
    return world(ground)


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


def in_batches(
    made: World,
    rounds: int,
    do: Callable[[World, int], Round],
    *,
    each: int,
    mend: Callable[[World], object] | None = None,
    verdict: Callable[[World], Iterator[Round]] = World.verdict,
) -> Iterator[Round]:
    """`do` with the number of each round, and the verdict after every `each` and at the end: it reads everything again.

    `mend`: what makes it possible to go on after a round that failed; without it the case ends there.
    """
    for turn in range(rounds):
        try:
            yield do(made, turn)
        except StageError as failure:
            if mend is None:
                raise
            yield Round(rounds=0, faults=[f"round {turn + 1}: {failure}"])
            mend(made)
        if (turn + 1) % each == 0 or turn + 1 == rounds:
            yield from verdict(made)
