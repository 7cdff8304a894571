"""How many recordings the custodian releases a second on one busy core, each after a durable entry in its log."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench import harness, tables
from bench.harness import Said, Say
from protocol import local_socket
from review.audit.log import AuditLog
from review.audit.verify import VerifyOptions, verify_log
from review.custodian.service import Service
from review.exchange import ask
from testkit.custody import House
from testkit.interrupts import in_order

GOAL: Final = 50.0  # releases a second
ASKING: Final = 8  # at once, as browsers do: their entries share a wait for the disk
PERSON: Final = "ann@example.com"


def measure(folder: Path, releases: int) -> dict[str, Any]:
    """In a process with one core, which makes the requests too; signing them is not counted."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    house = House(folder / "custodian", cap=10 * releases)
    custodian = house.ready()
    before = len(house.entries())
    log = AuditLog(house.folder / "audit", house.signer, house.reading, clock=house.clock.wall)
    path = Path(tempfile.mkdtemp()) / "s"
    with local_socket.listen(path) as listening, ThreadPoolExecutor(ASKING) as people:
        threading.Thread(target=Service(custodian, log, listening).run, daemon=True).start()
        recordings = [house.recording() for _ in range(16)]
        asked = [recordings[number % len(recordings)] for number in range(releases)]
        signed = [(kept, house.request(custodian.nonce(), PERSON, kept.id)) for kept in asked]

        def release(one: tuple[Any, str]) -> tuple[float, bool]:
            kept, request = one
            began = time.perf_counter()
            answer = ask(path, "open", request=request, papers=kept.papers)
            took = time.perf_counter() - began
            return took, house.received(PERSON, kept, house.released(answer)) == kept.stream_key(0)

        began = time.perf_counter()
        done = list(people.map(release, signed))
        took = time.perf_counter() - began
        listening.shutdown(2)
    shutil.rmtree(path.parent)
    copy = shutil.copytree(house.folder / "audit", folder / "copy")
    report = verify_log(copy, VerifyOptions(house.signer.key, house.reading))
    slowest = sorted(seconds for seconds, _ in done)[int(0.99 * len(done))]
    return {
        "releases_per_s": round(releases / took, 1),
        "p99_ms": round(1000 * slowest, 1),
        "log_entries": report.entries - before,
        "log_verified": not report.findings and report.entries - before == sum(opened for _, opened in done),
    }


def main() -> int:
    asked = harness.parser("custodian", __doc__, "300 releases in place of 2,000").parse_args()

    def part(folder: Path, _: Say) -> Said:
        facts = measure(folder, 300 if asked.quick else 2000)
        wrong = [] if facts["log_verified"] else ["the log is not what was released"]
        short = [] if facts["releases_per_s"] >= GOAL else [f"fewer than {GOAL:g} releases a second"]
        return Said(facts, tables.facts("The custodian", facts), wrong, short)

    return harness.play_alone(part, asked)


if __name__ == "__main__":
    sys.exit(in_order(main))
