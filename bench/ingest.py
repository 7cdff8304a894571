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

import hashlib
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.markdown import Markdown

from bench import harness, tables
from bench.harness import Said, Say
from protocol.claims import parse_object
from protocol.errors import SignatureError
from protocol.receipt import Receipt
from store.admin.home import Home
from store.catalog import queries
from store.catalog.blobs import sealed_name
from testkit import fleet
from testkit.interrupts import in_order
from testkit.load import Volley, connected, sent
from testkit.many_pcs import Agent, Item, chunks, enrolled, recipients
from testkit.stage import Running, running

SIZE: Final = 200_000  # bytes of a sealed chunk
SMALL: Final = 2_000
AT_ONCE: Final = 32  # requests under way
SECONDS_A_CHUNK: Final = 4.0  # of an agent, as shipped
NAMED: Final = 20  # of what is wrong, told one by one
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


@dataclass
class Bench:
    """One run: its servers, each with its address, its agents, and what it found."""

    plan: Plan
    home: Home
    agents: Sequence[Agent]
    servers: dict[str, tuple[Running, str]]
    say: Say
    run: Run

    def send(self, name: str, items: Sequence[Item], size: int, at_once: int = AT_ONCE) -> Window:
        """Over connections made anew, as idle ones are closed; what the store says it has is looked for."""
        process, address = self.servers[name]
        measured = psutil.Process(process.pid)
        with connected(address, str(self.home.ca_certificate), len(self.agents)) as line:
            before = measured.cpu_times()
            volley = sent(line, (item.request for item in items), at_once=at_once, patience=self.plan.patience)
            after = measured.cpu_times()
        if name.startswith("store"):
            self.run.faults.extend(check(self.home, self.home.store_key().public_key(), items, volley))
        cpu = after.user + after.system - before.user - before.system
        times = sorted(answer.seconds * 1000 for answer in volley.answers)
        return Window(
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

    def play(self) -> Run:
        plan, readers = self.plan, recipients(self.home)

        def open_recordings() -> None:
            """A new one for every agent."""
            self.send("store", [agent.open(readers) for agent in self.agents], 0)

        open_recordings()
        for number in range(plan.rounds):
            items: list[Item] = []
            for name in plan.servers:
                self.say(f"round {number + 1} of {plan.rounds}: {name}")
                # What the bare application reads is what the store gets next.
                items = items or list(chunks(self.agents, plan.chunks, SIZE))
                self.run.windows.append(self.send(name, items, SIZE))
                items = [] if name.startswith("store") else items
        if count := int(plan.agents * plan.paced / SECONDS_A_CHUNK):
            self.say("every agent a chunk every four seconds")
            items = list(chunks(self.agents, count, SIZE, plan.paced))
            self.run.paced.append(self.send("store", items, SIZE, plan.agents))
        for part in range(plan.parts):
            self.say(f"small chunks: part {part + 1} of {plan.parts}")
            open_recordings()  # a store that remembers each of them for ever would grow
            items = list(chunks(self.agents, plan.small // plan.parts, SMALL))
            self.run.small.append(self.send("store", items, SMALL))
        return self.run


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
def servers(home: Home, folder: Path, plan: Plan) -> Iterator[dict[str, tuple[Running, str]]]:
    with ExitStack() as stack:
        made = {}
        for name in plan.servers:
            command = [*fleet.serve(home.folder), "--per-address", "5000"]  # all of them come from this machine
            if name.startswith("bare"):
                command = [sys.executable, "-P", "-m", "bench.ingest_bare", str(home.folder)]
            if name.endswith("http"):
                command.append("--http")
            process = stack.enter_context(running(name, command, folder / f"{name}.log", os.environ))
            address = process.until(partial(fleet.announced, process.log), "it said where it listens")
            made[name] = (process, address)
        yield made


def perform(plan: Plan, folder: Path, say: Say) -> Run:
    """Raises StageError when something does not start, or a request has no answer."""
    say(f"enrolling {plan.agents} agents")
    home = Home.open(fleet.found(folder)[0])
    agents = enrolled(home, plan.agents)
    with servers(home, folder, plan) as made:
        return Bench(plan, home, agents, made, say, Run(plan.agents)).play()


# -- figures: medians over the windows of all runs -----------------------------------------------------------------

COLUMNS: Final = ("", "chunks/s", "MB/s", "p50, ms", "p99, ms", "CPU ms a chunk", "of the load")
Windows = Sequence[dict[str, Any]]


def _figures(windows: Windows) -> dict[str, float]:
    rates = [window["chunks"] / window["seconds"] for window in windows]
    rate = statistics.median(rates)
    return {
        "windows": len(windows),
        "chunks_s": round(rate, 1),
        "chunks_s_best": round(max(rates), 1),
        "mb_s": round(rate * windows[0]["size"] / 1e6, 1),
        **{
            name: round(statistics.median(float(window[name]) for window in windows), 3)
            for name in ("p50_ms", "p99_ms", "cpu_ms", "load_cpu_ms")
        },
    }


def slope(windows: Windows) -> float:
    """MB of resident memory for 10,000 chunks more: the line of least squares through the second half of a run.

    The first half fills caches that have a bound.
    """
    half = windows[len(windows) // 2 :]
    if len(half) < 2:
        return 0.0
    fitted = statistics.linear_regression(range(len(half)), [window["rss_mb"] for window in half])
    return round(float(fitted.slope) / float(half[0]["chunks"]) * 10_000, 3)


def total(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of all runs together. `memory`: resident MB of the store after each part of the newest run's small chunks."""
    windows, paced, small = ([one for run in runs for one in run[part]] for part in ("windows", "paced", "small"))
    loads = [one["load_average"] for one in (*windows, *paced, *small)]
    names = dict.fromkeys(one["server"] for one in windows)
    servers = {name: _figures([one for one in windows if one["server"] == name]) for name in names}
    for kind in ("", " http"):
        if f"bare{kind}" in servers and f"store{kind}" in servers:
            ratio = servers[f"store{kind}"]["chunks_s"] / servers[f"bare{kind}"]["chunks_s"]
            servers[f"store{kind}"]["of_bare"] = round(ratio, 3)
    found: dict[str, Any] = {
        "runs": len(runs),
        "agents": runs[-1]["agents"],
        "faults": sum(len(run["faults"]) for run in runs),
        "load_average": [min(loads), statistics.median(loads), max(loads)],
        "servers": servers,
    }
    if paced:
        found["paced"] = _figures(paced)
    if small:
        newest = next(run["small"] for run in reversed(runs) if run["small"])
        found["small"] = _figures(small)
        found["memory"] = {"rss_mb": [window["rss_mb"] for window in newest], "mb_per_10000": slope(newest)}
    return found


def _lines(found: dict[str, Any]) -> list[tuple[str, ...]]:
    words = {"bare": "reads only, TLS", "store": "store, TLS", "bare http": "reads only", "store http": "store"}
    rows = [(words[name], figures) for name, figures in found["servers"].items()]
    rows += [("store, TLS, a chunk of each in 4 s", found["paced"])] if "paced" in found else []
    rows += [("store, TLS, 2 KB", found["small"])] if "small" in found else []
    return [
        (
            name,
            *(f"{figures[one]:.0f}" for one in ("chunks_s", "mb_s", "p50_ms", "p99_ms")),
            *(f"{figures[one]:.2f}" for one in ("cpu_ms", "load_cpu_ms")),
        )
        for name, figures in rows
    ]


def summary(found: dict[str, Any]) -> str:
    least, middle, most = found["load_average"]
    said = (
        f"{found['agents']} agents, {found['runs']} {'run' if found['runs'] == 1 else 'runs'}: "
        f"{found['faults']} receipts or chunks missing or wrong. "
        f"Load average {middle:.1f} (from {least:.1f} to {most:.1f}), this load included."
    )
    best = found["servers"].get("store", {})
    if "of_bare" in best:
        said += f" Store to bare: {best['of_bare']:.2f}; its best window {best['chunks_s_best']:.0f} chunks/s."
    if "memory" in found:
        memory = found["memory"]
        said += (
            f" Resident memory after each part of the small chunks: {', '.join(f'{mb:.0f}' for mb in memory['rss_mb'])}"
            f" MB; {memory['mb_per_10000']:+.2f} MB for 10,000 chunks in the second half."
        )
    return said


def markdown(runs: Sequence[dict[str, Any]]) -> str:
    found = total(runs)
    return f"{summary(found)}\n\n{tables.markdown(COLUMNS, _lines(found))}"


def main() -> int:
    parser = harness.parser("ingest", __doc__, "60 agents and few chunks, at most 30 seconds")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, metavar="N", help="of all servers (%(default)s)")
    parser.add_argument(
        "--small", type=int, default=FULL.small, metavar="N", help="chunks of 2 KB, in ten parts (%(default)s)"
    )
    harness.add_runs(parser)
    asked = parser.parse_args()
    if asked.table is not None:
        print(markdown(harness.runs_in(asked.table)))
        return 0
    plan = QUICK if asked.quick else replace(FULL, rounds=asked.rounds, small=asked.small)

    def played(folder: Path, say: Say) -> Said:
        run = perform(plan, folder, say)
        harness.keep(asked.add, [asdict(run)])
        runs = [asdict(run)] if asked.add is None else harness.runs_in(asked.add)
        return Said(total(runs), Markdown(markdown(runs)), run.faults[:NAMED])

    return harness.play_alone(played, asked)


if __name__ == "__main__":
    sys.exit(in_order(main))
