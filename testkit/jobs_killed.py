"""Workers of the job table that are killed and stopped at random instants: python -m testkit.jobs_killed FOLDER

Three processes share one table, read nothing, and write a file for each result. At random instants one of them is
killed, or stopped until its lease is over and then let go on; recordings come and are erased, models change. At the
end the oracle goes over what is there, and one line of JSON says what it found. The clock goes faster, so that a lease
of two minutes takes about a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from review.analysis.job_states import LIVE, MADE_OF, Failure, JobState, Kind, versions, with_what_follows
from review.analysis.jobs import LASTS, JobRefused, Jobs, Lease, Offer
from review.analysis.worker import Progress, Worker

WORKERS: Final = 3
FASTER: Final = 100
BEGAN: Final = 1_790_000_000 * 10**9


def fast_clock() -> int:
    return BEGAN + time.monotonic_ns() * FASTER  # one clock of all processes of a machine


def models(speech: str) -> dict[Kind, str]:
    return versions(dict.fromkeys(Kind, "a") | {Kind.SPEECH: speech})


@dataclass
class Writer:
    """Writes a line for each lease, and a file for each result."""

    jobs: Jobs
    folder: Path
    kind: Kind
    model: str
    says: int

    def read(self, lease: Lease, progress: Progress) -> str:
        os.write(self.says, f"{os.getpid()} {lease.fence} {lease.job}\n".encode())
        of_it = self.jobs.of(lease.recording)
        left = [one for one in of_it if one.kind in MADE_OF[lease.kind] and one.state in LIVE]
        mine = [one for one in of_it if (one.fence, one.state) == (lease.fence, JobState.LEASED)]
        if left and mine:  # else it was withdrawn meanwhile
            os.write(self.says, f"early {lease.recording} {lease.kind}\n".encode())
        for step in range(random.choice((1, 2, 8, 40))):
            progress(step / 40)
            time.sleep(random.uniform(0, 0.004))
        content = f"{lease.recording} {lease.kind} {lease.model} {lease.fence}".encode()
        result = hashlib.sha256(content).hexdigest()
        (self.folder / "results" / result).write_bytes(content)
        return result


def worker(folder: Path, number: int, speech: str) -> None:
    random.seed(number)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    says = os.open(folder / "said", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    jobs = Jobs(folder / "table" / "jobs.db", fast_clock)
    readers = [Writer(jobs, folder, kind, model, says) for kind, model in models(speech).items()]

    def broken(kind: Kind, error: str) -> None:
        os.write(says, f"broken {kind} {error}\n".encode())

    Worker(jobs, readers, f"worker-{number}", broken, beat=LASTS / FASTER / 3 / 10**9, idle=0.02).work(stop)
    jobs.close()


@dataclass
class Run:
    folder: Path
    chance: random.Random
    speech: str = "a"
    offered: dict[str, tuple[Kind, ...]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    running: list[int] = field(default_factory=list)
    started: int = 0
    stopped: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> Jobs:
        return Jobs(self.folder / "table" / "jobs.db", fast_clock)

    def start(self) -> None:
        self.started += 1
        child = os.fork()
        if not child:
            try:
                worker(self.folder, self.started, self.speech)
            except BaseException as error:  # noqa: BLE001 - a child must not go on as its parent
                said = os.open(self.folder / "said", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(said, f"died {type(error).__name__} {error}\n".encode())
            os._exit(0)
        self.running.append(child)

    def end(self, child: int, how: int) -> None:
        os.kill(child, how)
        os.waitpid(child, 0)
        self.running.remove(child)

    def recording(self, jobs: Jobs) -> None:
        id = f"recording-{len(self.offered)}"  # noqa: A001 - what it is
        sources = self.chance.sample((Kind.SPEECH, Kind.SCREEN_TEXT), self.chance.randint(1, 2))
        self.offered[id] = with_what_follows(sources)
        self.offer(jobs, id)

    def offer(self, jobs: Jobs, *recordings: str) -> None:
        now = fast_clock()
        offers = [Offer(one, now, now, self.offered[one]) for one in recordings]
        jobs.offer(offers, models(self.speech))

    def disturb(self) -> None:
        """Kills one, or stops it for a while. SQLite's connections must not live through a fork: none is open here."""
        time.sleep(self.chance.uniform(0, 0.06))  # the instant is the point; nothing is awaited
        child = self.chance.choice(self.running)
        if self.chance.random() < 0.03:
            os.kill(child, signal.SIGSTOP)
            time.sleep(1.6 * LASTS / FASTER / 10**9)  # its lease is over, and another has the job
            os.kill(child, signal.SIGCONT)
            self.stopped += 1
            return
        self.end(child, signal.SIGKILL)
        self.start()

    def change(self, jobs: Jobs) -> None:
        for _ in range(self.chance.randint(0, 1)):
            self.recording(jobs)
        there = sorted(self.offered.keys() - self.erased)
        if there and self.chance.random() < 0.1:
            gone = self.chance.choice(there)
            jobs.forget([gone])
            self.erased.add(gone)
            self.offer(jobs, gone)  # as one that was read before it was erased
        if there and self.chance.random() < 0.1:
            jobs.ask(self.chance.choice(there))

    def come_late(self, jobs: Jobs) -> None:
        """Workers whose job another has, or had since, say something of it: all is to be refused."""
        lines = (line.split() for line in (self.folder / "said").read_text().splitlines())
        leases = sorted((int(words[1]), int(words[2])) for words in lines if words[0].isdigit())[-60:]
        over = [
            (job, fence) for at, (fence, job) in enumerate(leases) if job in {other for _, other in leases[at + 1 :]}
        ]
        for job, fence in over:
            says = self.chance.choice((
                lambda: jobs.finish(job, fence, "00" * 32), lambda: jobs.renew(job, fence),  # noqa: B023 - at once
                lambda: jobs.fail(job, fence, Failure.BROKEN), lambda: jobs.give_back(job, fence),  # noqa: B023
            ))  # fmt: skip
            try:
                says()
            except JobRefused:
                self.refused += 1
            else:
                self.wrong.append(f"fence {fence} of job {job} was over, and was taken")

    def settle(self, jobs: Jobs, within: float) -> bool:
        """Whether nothing is left to do. Those that were killed too often are asked for again. `within`: s without a
        job that is done.
        """
        until, last = time.monotonic() + within, -1
        while time.monotonic() < until:
            found = jobs.status()
            if not any(found.count(kind, state) for kind in Kind for state in LIVE):
                return True
            done = sum(found.count(kind, state) for kind in Kind for state in (JobState.DONE, JobState.WITHDRAWN))
            if done != last:
                until, last = time.monotonic() + within, done
            for one in self.offered:
                if any(job.state is JobState.FAILED for job in jobs.of(one)):
                    jobs.ask(one)
            time.sleep(0.2)
        return False


def judged(run: Run, jobs: Jobs) -> dict[str, object]:
    lost, doubled, wrong = 0, 0, list(run.wrong)
    wanted = models(run.speech)
    done = 0
    for recording, kinds in run.offered.items():
        rows = jobs.of(recording)
        if recording in run.erased:
            wrong += [f"{recording} is erased and has {one.kind} {one.state}" for one in rows
                      if one.state is not JobState.WITHDRAWN or one.result]  # fmt: skip
            continue
        for kind in kinds:
            ended = [one for one in rows if one.kind is kind and one.state is JobState.DONE]
            lost += not any(one.model == wanted[kind] for one in ended)
            doubled += len(ended) > 1
            done += len(ended)
            for one in ended:
                said = (run.folder / "results" / str(one.result)).read_text()
                if said != f"{recording} {kind} {one.model} {one.fence}":
                    wrong.append(f"{recording} {kind}: {said}")
    fences: dict[str, list[int]] = {}
    for line in (run.folder / "said").read_text().splitlines():
        first, _, rest = line.partition(" ")
        if first.isdigit():
            fences.setdefault(first, []).append(int(rest.split()[0]))
        else:
            wrong.append(line)
    every = Counter(number for some in fences.values() for number in some)
    wrong += [f"fence {number} was given out {times} times" for number, times in every.items() if times > 1]
    wrong += [f"fences of {one} do not rise" for one, some in fences.items() if some != sorted(some)]
    return {"jobs": done, "leases": len(every), "jobs_lost": lost, "jobs_doubled": doubled, "wrong": wrong}


def killed(folder: Path, kills: int, seed: int, within: float = 60.0) -> dict[str, object]:
    """`kills`, and how often one was stopped; `settled`: whether all was done in time, which says nothing of the table;
    `wrong`: what must not be, in words.
    """
    (folder / "results").mkdir(parents=True)
    run = Run(folder, random.Random(seed))
    run.table().close()
    (folder / "said").touch()
    for _ in range(WORKERS):
        run.start()
    try:
        for number in range(kills):
            with closing(run.table()) as jobs:
                run.change(jobs)
                if number == kills // 2:  # a new model: workers that go on read the old one until they are killed
                    run.speech = "b"
                    run.offer(jobs, *run.offered)
                run.come_late(jobs)
            run.disturb()
        for child in list(run.running):
            run.end(child, signal.SIGTERM)
        for _ in range(WORKERS):
            run.start()
        with closing(run.table()) as jobs:
            settled = run.settle(jobs, within)
    finally:
        for child in list(run.running):
            run.end(child, signal.SIGTERM)
    with closing(run.table()) as jobs:
        return {
            "kills": kills - run.stopped,
            "stopped": run.stopped,
            "settled": settled,
            "late_refused": run.refused,
        } | judged(run, jobs)


def main() -> int:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    found = killed(asked.folder, asked.kills, asked.seed)
    print(json.dumps(found))
    return 0 if not found["wrong"] and not found["jobs_lost"] and not found["jobs_doubled"] else 1


if __name__ == "__main__":
    sys.exit(main())
