"""What one hostile client costs the others: attacks against the real store beside an honest fleet.

Enrolled PCs send a chunk each every four seconds, as shipped, to the real `eyelid-store serve` over TLS. Meanwhile one
enrolled PC, or a stranger, does what an attacker would (testkit/hostile.py), from another address than the
loopback where this machine has one. A chunk counts when it has its receipt within four seconds: a PC that waits longer
falls behind. It fails where the fleet loses more than a tenth of its rate, or the store grows by more than 256 MB.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from bench import harness, tables
from bench.harness import Said, Say
from bench.ingest import SIZE, check
from protocol import base64url
from store.admin.home import Home
from testkit import fleet
from testkit.hostile import ATTACKS
from testkit.interrupts import in_order
from testkit.load import connected, sent
from testkit.many_pcs import Agent, chunks, enrolled, recipients
from testkit.stage import Running, StageError, running

EVERY: Final = 4.0  # seconds in which a PC makes a chunk, as shipped
LEAST: Final = 0.9  # of the fleet's rate
MOST: Final = 256.0  # MB that the store may grow by
PATIENCE: Final = 120.0  # seconds that all answers of a window may take


@dataclass(frozen=True, slots=True)
class Window:
    """`rate`: chunks a second with a receipt in time. `rss_mb`: the most. `refused`: times that the attacker was."""

    rate: float
    p99_ms: float
    rss_mb: float
    refused: int = 0
    faults: tuple[str, ...] = ()


@dataclass
class Bench:
    home: Home
    honest: Sequence[Agent]
    store: Running
    address: str
    seconds: float

    def window(self, log: Path | None = None) -> Window:
        """The honest fleet sends for so many seconds. `log`: of the attacker."""
        count = int(len(self.honest) * self.seconds / EVERY)
        items = list(chunks(self.honest, count, SIZE, self.seconds))
        process = Path(f"/proc/{self.store.pid}")
        with connected(self.address, str(self.home.ca_certificate), len(self.honest)) as line:
            (process / "clear_refs").write_text("5")  # the kernel forgets the peak that was (proc_pid_clear_refs(5))
            try:
                volley = sent(line, (item.request for item in items), at_once=count, patience=PATIENCE)
            except (OSError, StageError):  # an honest PC was cut off, or left without an answer
                return Window(0.0, PATIENCE * 1000, 0.0)
        peak = int((process / "status").read_text("ascii").partition("VmHWM:")[2].split()[0]) * 1024
        good = {id(answer.request): answer for answer in volley.answers if answer.status == 200}
        key, taken = self.home.store_key().public_key(), [item for item in items if id(item.request) in good]
        faults = check(self.home, key, taken, volley)
        in_time = sum(answer.seconds <= EVERY for answer in good.values())
        p99 = sorted(answer.seconds * 1000 for answer in volley.answers)[count * 99 // 100]
        refused = int(log.read_text("ascii").split()[-1]) if log else 0
        return Window(in_time / self.seconds, round(p99, 1), round(peak / 1e6, 1), refused, tuple(faults))

    def attacked(self, name: str, target: Path) -> Window:
        log = target.with_name(f"{name}.log")
        command = [sys.executable, "-P", "-m", "testkit.hostile", name, str(target)]
        with running(name, command, log, os.environ) as attacker:
            attacker.until(lambda: log.read_text("ascii").count("\n") > 2, "it had begun")
            return self.window(log)


def said(without: Window, attacks: Mapping[str, Window]) -> Said:
    """For people, for programs, and what is beyond a bound."""
    ratios = {name: round(one.rate / without.rate, 3) if without.rate else 0.0 for name, one in attacks.items()}
    found = {
        n: {"honest_ratio": ratios[n], "rss_mb_max": one.rss_mb, "refused": one.refused} for n, one in attacks.items()
    }
    most = max(one.rss_mb for one in attacks.values())
    facts = {"attacks": found, "worst_honest_ratio": min(ratios.values()), "rss_mb_max": most}
    columns, lines = ("attack", "honest chunks/s", "p99, ms", "RSS, MB", "refused", "honest ratio"), []
    for name, one in {"none": without, **attacks}.items():
        figures = f"{one.rate:.1f}", f"{one.p99_ms:.0f}", f"{one.rss_mb:.0f}", f"{one.refused}"
        lines.append((name, *figures, f"{ratios.get(name, 1):.2f}"))
    short = [f"{name}: the fleet kept {ratio:.2f} of its rate" for name, ratio in ratios.items() if ratio < LEAST]
    large = [name for name, one in attacks.items() if one.rss_mb - without.rss_mb > MOST]
    short += [f"{name}: the store grew to {attacks[name].rss_mb:.0f} MB" for name in large]
    wrong = [fault for one in (without, *attacks.values()) for fault in one.faults]
    return Said(facts, tables.drawn("what one hostile client costs", columns, lines), wrong, short)


def perform(names: Sequence[str], agents: int, seconds: float, folder: Path, say: Say) -> Said:
    say(f"enrolling {agents} PCs")
    home = Home.open(fleet.found(folder)[0])
    *honest, hostile = enrolled(home, agents + 1)
    command = ["0.0.0.0" if word == "127.0.0.1" else word for word in fleet.serve(home.folder)]  # noqa: S104
    with running("the store", command, folder / "store.log", os.environ) as process:
        port = process.until(partial(fleet.announced, process.log), "it said where it listens").rpartition(":")[2]
        bench = Bench(home, honest, process, f"https://127.0.0.1:{port}", seconds)
        with connected(bench.address, str(home.ca_certificate), agents + 1) as line:
            opening = [agent.open(recipients(home)).request for agent in (*honest, hostile)]
            sent(line, opening, at_once=8, patience=PATIENCE)
        own = [at.address for many in psutil.net_if_addrs().values() for at in many if at.family is socket.AF_INET]
        host = next((address for address in own if not address.startswith("127.")), "127.0.0.1")
        told = {"host": host, "port": port, "ca": str(home.ca_certificate), "bearer": hostile.bearer}
        told |= {"device": hostile.pc.device, "recording": str(hostile.recording)}
        for name, key in (("token", hostile.pc.token_key), ("evidence", hostile.pc.evidence_key)):
            told[name] = base64url.encode(key.private_bytes_raw())
        (target := folder / "target.json").write_text(json.dumps(told), "ascii")
        without, attacks = bench.window(), {}
        for name in names:
            say(name)
            attacks[name] = bench.attacked(name, target)
    return said(without, attacks)


def main() -> int:
    parser = harness.parser("hostile", __doc__, "60 PCs, three seconds an attack", "--attack ledger --attack health")
    parser.add_argument("--attack", action="append", choices=ATTACKS, help="this one alone; may be repeated")
    asked = parser.parse_args()
    names, (agents, seconds) = asked.attack or list(ATTACKS), (60, 3.0) if asked.quick else (200, 16.0)
    return harness.play_alone(partial(perform, names, agents, seconds), asked)


if __name__ == "__main__":
    sys.exit(in_order(main))
