"""How many sealed chunks the store makes durable in a second, as the agents of a whole floor send them.

    scripts/bench ingest [--quick] [--json] [--rounds N] [--small N] [--add FILE]
    scripts/bench ingest --table FILE

    scripts/bench ingest --add runs.jsonl && scripts/bench ingest --table runs.jsonl

1,000 enrolled agents, each with a recording open, send to the real `eyelid-store serve` over TLS on the loopback, one
chunk each at a time and 32 together. In turn with it the same bytes go to an application that only reads them, on the
same server with the same certificate (bench/ingest_bare.py). Then every agent sends a chunk every four seconds, as
shipped; then 100,000 small ones show whether the store's memory grows. Everything shares this machine's cores.

Each receipt is checked, each chunk looked for on disk and in the catalog, and then deleted. It fails when one is
missing or wrong, and never because of a figure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console

from bench import harness
from bench.ingest_fleet import Agent, Item, chunks, enrolled, recipients
from bench.ingest_load import Volley, line
from bench.ingest_table import markdown, table, total
from protocol.claims import parse_object
from protocol.errors import SignatureError
from protocol.receipt import Receipt
from store.admin.home import Home
from store.catalog import queries
from store.catalog.blobs import sealed_name
from testkit import fleet
from testkit.interrupts import in_order
from testkit.stage import Running, StageError, running

SIZE: Final = 200_000  # bytes of a sealed chunk
SMALL: Final = 2_000
AT_ONCE: Final = 32  # requests under way
SECONDS_A_CHUNK: Final = 4.0  # of an agent, as shipped
NAMES: Final = 200  # of the catalog, asked at once


@dataclass(frozen=True, slots=True)
class Plan:
    """`chunks`: in a window of one server. `paced`: seconds of sending at the agents' own pace. `small`: chunks of 2 KB
    in all, in so many `parts`. `patience`: seconds that a window may take."""

    agents: int
    rounds: int
    chunks: int
    servers: tuple[str, ...]
    paced: float
    small: int
    parts: int
    patience: float


FULL: Final = Plan(1000, 5, 1000, ("bare", "store", "bare http", "store http"), 20.0, 100_000, 10, 600.0)
QUICK: Final = Plan(60, 1, 120, ("bare", "store"), 0.0, 400, 2, 100.0)


@dataclass(frozen=True, slots=True)
class Window:
    """One volley at one server. Times to the whole answer, ms; CPU ms a chunk of the server and of this load."""

    server: str
    chunks: int
    size: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    load_cpu_ms: float
    rss_mb: float
    load_average: float


@dataclass(frozen=True, slots=True)
class Run:
    """`faults`: in words, what was missing or wrong."""

    agents: int
    windows: list[Window] = field(default_factory=list)
    paced: list[Window] = field(default_factory=list)
    small: list[Window] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Server:
    """`ca`: file that its certificate is checked against. Connected to anew for each window: idle ones are closed."""

    process: Running
    address: str
    ca: str
    connections: int

    def send(self, name: str, items: Sequence[Item], size: int, at_once: int, patience: float) -> tuple[Window, Volley]:
        measured = psutil.Process(self.process.pid)
        with line(self.address, self.ca, self.connections) as connected:
            before = measured.cpu_times()
            volley = connected.volley((item.request for item in items), at_once=at_once, patience=patience)
            after = measured.cpu_times()
        cpu = after.user + after.system - before.user - before.system
        times = sorted(answer.seconds * 1000 for answer in volley.answers)
        window = Window(
            server=name,
            chunks=len(items),
            size=size,
            seconds=round(volley.seconds, 3),
            p50_ms=round(statistics.median(times), 1),
            p99_ms=round(times[len(times) * 99 // 100], 1),
            cpu_ms=round(cpu / len(items) * 1000, 3),
            load_cpu_ms=round(volley.cpu / len(items) * 1000, 3),
            rss_mb=round(measured.memory_info().rss / 1e6, 1),
            load_average=round(os.getloadavg()[0], 1),
        )
        return window, volley


class Bench:
    """One run: its servers, its agents, and what it found."""

    def __init__(self, plan: Plan, home: Home, agents: Sequence[Agent], servers: dict[str, Server]) -> None:
        self.run = Run(plan.agents)
        self._plan = plan
        self._home = home
        self._agents = agents
        self._servers = servers
        self._readers = recipients(home)
        self._key = home.store_key().public_key()

    def open_recordings(self) -> None:
        """A new recording for every agent."""
        packets = [agent.open(self._readers) for agent in self._agents]
        _, volley = self._servers["store"].send("store", packets, 0, AT_ONCE, self._plan.patience)
        self.run.faults.extend(check(self._home, self._key, packets, volley))

    def rounds(self, say: Callable[[str], None]) -> None:
        for number in range(self._plan.rounds):
            sent: list[Item] = []
            for name in self._plan.servers:
                say(f"round {number + 1} of {self._plan.rounds}: {name}")
                # What the bare application reads is what the store gets next.
                sent = sent or list(chunks(self._agents, self._plan.chunks, SIZE))
                window, volley = self._servers[name].send(name, sent, SIZE, AT_ONCE, self._plan.patience)
                self.run.windows.append(window)
                if name.startswith("store"):
                    self.run.faults.extend(check(self._home, self._key, sent, volley))
                    sent = []

    def paced(self) -> None:
        count = int(len(self._agents) * self._plan.paced / SECONDS_A_CHUNK)
        if count:
            items = list(chunks(self._agents, count, SIZE, self._plan.paced))
            store = self._servers["store"]
            window, volley = store.send("store", items, SIZE, len(self._agents), self._plan.patience)
            self.run.paced.append(window)
            self.run.faults.extend(check(self._home, self._key, items, volley))

    def small(self, say: Callable[[str], None]) -> None:
        """Each part in recordings of its own: a store that remembers each of them for ever would grow."""
        for part in range(self._plan.parts):
            say(f"small chunks: part {part + 1} of {self._plan.parts}")
            self.open_recordings()
            items = list(chunks(self._agents, self._plan.small // self._plan.parts, SMALL))
            window, volley = self._servers["store"].send("store", items, SMALL, AT_ONCE, self._plan.patience)
            self.run.small.append(window)
            self.run.faults.extend(check(self._home, self._key, items, volley))


def check(home: Home, key: Ed25519PublicKey, items: Sequence[Item], volley: Volley) -> list[str]:
    """What is not as the receipts must say, in words; deletes the bytes of what was sent."""
    faults = []
    kept = _rows(home, items)
    answers = {id(answer.request): answer for answer in volley.answers}
    blobs = home.folder / "blobs"
    for item in items:
        where = f"stream {item.stream}, sequence {item.sequence}"
        answer = answers.get(id(item.request))
        if answer is None or answer.status != 200:
            faults.append(f"{where}: no receipt ({answer.status if answer else 'no answer'})")
            continue
        if not _names(answer.body, key, item):
            faults.append(f"{where}: the receipt names another chunk, or is not signed by the store")
        if item.sha256 not in kept.get((str(item.recording), item.stream, item.sequence), {}):
            faults.append(f"{where}: it has a receipt and no row in the catalog")
        path = blobs / sealed_name(item.recording, item.stream, item.sequence, item.sha256)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != item.sha256:
            faults.append(f"{where}: it has a receipt and does not lie whole on disk")
        path.unlink(missing_ok=True)
    return faults


def _names(answer: bytes, key: Ed25519PublicKey, item: Item) -> bool:
    try:
        receipt = Receipt.verify(str(parse_object(answer)["receipt"]), key)
    except (SignatureError, ValueError, KeyError):
        return False
    said = (receipt.recording, receipt.stream, receipt.sequence, receipt.sha256)
    return said == (item.recording, item.stream, item.sequence, item.sha256)


def _rows(home: Home, items: Sequence[Item]) -> dict[queries.Name, dict[str, int]]:
    """Asked through another process than the one that wrote them, so that only what is committed is seen."""
    found: dict[queries.Name, dict[str, int]] = {}
    names = [(str(item.recording), item.stream, item.sequence) for item in items]
    with closing(home.database()) as database, database.reading() as connection:
        for place in range(0, len(names), NAMES):
            found |= queries.bodies(connection, names[place : place + NAMES])
    return found


@contextmanager
def servers(home: Home, folder: Path, plan: Plan) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        made = {}
        for name in plan.servers:
            command = fleet.installed("eyelid-store", "serve", "--home", str(home.folder), "--host", "127.0.0.1")
            command += ["--port", "0", "--json"]
            if name.startswith("bare"):
                command = [sys.executable, "-P", "-m", "bench.ingest_bare", str(home.folder)]
            if name.endswith("http"):
                command.append("--http")
            process = stack.enter_context(running(name, command, folder / f"{name}.log", os.environ))
            address = process.until(lambda log=process.log: fleet.announced(log), "it said where it listens")  # type: ignore[misc]
            made[name] = Server(process, address, str(home.ca_certificate), plan.agents)
        yield made


def perform(plan: Plan, folder: Path, say: Callable[[str], None]) -> Run:
    """Raises StageError when something does not start, or a request has no answer."""
    say(f"enrolling {plan.agents} agents")
    path = folder / "store"
    init = ["init", "--home", str(path), "--address", "127.0.0.1", "--key-file", str(folder / "operator.key")]
    fleet.answer("eyelid-store init", fleet.run(fleet.installed("eyelid-store", *init), os.environ))
    home = Home.open(path)
    agents = enrolled(home, plan.agents)
    with servers(home, folder, plan) as made:
        bench = Bench(plan, home, agents, made)
        bench.open_recordings()
        bench.rounds(say)
        say("every agent a chunk every four seconds")
        bench.paced()
        bench.small(say)
    return bench.run


def main() -> int:
    arguments = _parser().parse_args()
    console = Console(stderr=True)
    if arguments.table is not None:
        print(markdown(harness.runs_in(arguments.table)))
        return 0
    began = time.monotonic()
    with harness.folder() as folder:
        try:
            with console.status("starting") as status:
                plan = QUICK if arguments.quick else replace(FULL, rounds=arguments.rounds, small=arguments.small)
                run = perform(plan, folder, status.update)
        except StageError as failure:
            console.print(str(failure), markup=False)
            return 1
    harness.keep(arguments.add, [asdict(run)])
    runs = [asdict(run)] if arguments.add is None else harness.runs_in(arguments.add)
    if arguments.json:
        print(json.dumps(total(runs)))
    else:
        Console().print(table(runs))
        console.print(f"{time.monotonic() - began:.0f} s")
    return harness.tell(run.faults[:20], console)


def _parser() -> argparse.ArgumentParser:
    parser = harness.parser("ingest", __doc__, "60 agents and few chunks, at most 30 seconds")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, metavar="N", help="of all servers (%(default)s)")
    parser.add_argument(
        "--small", type=int, default=FULL.small, metavar="N", help="chunks of 2 KB, in ten parts (%(default)s)"
    )
    harness.add_runs(parser)
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
