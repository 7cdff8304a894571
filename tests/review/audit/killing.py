"""Writers that are killed at any instant: python -m tests.review.audit.killing FOLDER KILLS append|shred SEED

A process of its own, with one thread, that forks them: starting Python anew for each would take a minute. Prints how
many entries were acknowledged in all, and how often a verification found a write that a kill had cut short.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from review.audit import journal
from review.audit.log import AuditLog
from review.audit.verify import VerifyOptions, verify_log
from tests.review.audit.making import DAY, KEY, SIGNER, START, Clock, opening

YEAR = 366 * DAY // 1_000_000


def write(folder: Path, out: int, begins: int) -> None:
    log = AuditLog(folder, SIGNER, KEY)
    number = begins
    while True:
        some = [opening(number + step) for step in range(random.choice([1, 1, 1, 7, 30]))]
        positions = log.append_all(some)
        os.write(out, "".join(f"{at} {number + step}\n" for step, at in enumerate(positions)).encode())
        number += len(some)


def shred(folder: Path) -> None:
    log = AuditLog(folder, SIGNER, KEY, clock=Clock(START + 400 * DAY))
    log.shred(log.to_shred(YEAR), YEAR)


def killed(run: object, *arguments: object, within: float) -> bytes:
    """What it wrote until it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        run(*arguments[:1], *([writing] if run is write else []), *arguments[1:])  # type: ignore[operator]
        os._exit(0)
    os.close(writing)
    if random.random() < 0.8:
        select.select([reading], [], [])  # it is at work; else it may still be reading where the log ends
    time.sleep(random.uniform(0, within))  # the instant is the point; nothing is awaited
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    said = b""
    while part := os.read(reading, 65536):
        said += part
    os.close(reading)
    return said


def main(folder: Path, kills: int, what: str, seed: int) -> None:
    random.seed(seed)
    acknowledged: dict[int, str] = {}
    noted: list[tuple[str, bytes]] = []
    torn = 0
    for turn in range(kills):
        if what == "append":
            said = killed(write, folder, turn * 100_000, within=0.03)
            for line in said.decode().splitlines():
                at, number = line.split()
                assert int(at) not in acknowledged, f"position {at} was given twice"
                acknowledged[int(at)] = f"0193a1b2-{number}"
        else:
            killed(shred, folder, within=0.03)
        *_, last = journal.groups(folder, SIGNER.key)
        noted.append((f"after kill {turn}", last.note))
        if turn % 5 == 4:  # the checkpoint after each kill is held against what came of the log
            report = verify_log(folder, VerifyOptions(SIGNER.key, noted=noted))
            assert report.findings == [], report.findings
            torn += any(one.code in {"unfinished", "half-shredded"} for one in report.remarks)
    if what == "append":
        AuditLog(folder, SIGNER, KEY).publish()
        from review.audit.entries import Entry  # noqa: PLC0415 - for this check alone

        there = {one.position: one for group in journal.groups(folder, SIGNER.key) for one in group.entries}
        for at, resource in acknowledged.items():
            body, _ = KEY.open(SIGNER.key.name, at, Entry.parse(there[at].raw), there[at].rest)
            assert resource.encode() in body, f"entry {at} is another"
    print(len(acknowledged), torn)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
