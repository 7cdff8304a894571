"""A worker says of each job what became of it, ends in good order, and stops where its lease is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from review.analysis.job_states import SECOND, Failure, JobState, Kind, versions, with_what_follows
from review.analysis.jobs import Jobs, Lease, Offer
from review.analysis.worker import LeaseOver, Progress, ReadError, Worker

DONE = "5e" * 32
NOW = 1_790_000_000 * SECOND


@dataclass
class Reads:
    """`does` is a reader's work; `stop` is set by it or after the last job."""

    does: Callable[[Lease, Progress], str]
    kind: Kind = Kind.SPEECH
    model: str = "base"

    def read(self, lease: Lease, progress: Progress) -> str:
        return self.does(lease, progress)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with closing(Jobs(tmp_path / "jobs.db")) as made:
        made.offer([Offer("r1", NOW, NOW, with_what_follows([Kind.SPEECH]))], versions({Kind.SPEECH: "base"}))
        yield made


def worker(jobs: Jobs, does: Callable[[Lease, Progress], str], said: list[str]) -> Worker:
    return Worker(jobs, [Reads(does)], "pc-1", lambda kind, error: said.append(f"{kind} {error}"), beat=0.01, idle=0.01)


def speech(jobs: Jobs) -> tuple[JobState, str | None, int]:
    one = jobs.of("r1")[0]
    return one.state, one.why, one.tries


def test_what_was_made_is_done(jobs: Jobs) -> None:
    stop = threading.Event()

    def does(_: Lease, progress: Progress) -> str:
        progress(0.5)
        stop.set()
        return DONE

    worker(jobs, does, []).work(stop)
    assert jobs.of("r1")[0].result == DONE


@pytest.mark.parametrize(
    ("error", "known", "said"),
    [
        (ReadError(Failure.NO_ROOM), (JobState.WAITING, "no-room", 0), []),
        (ReadError(Failure.REFUSED), (JobState.FAILED, "refused", 1), []),
        (ZeroDivisionError("what the customer said"), (JobState.WAITING, "broken", 1), ["speech ZeroDivisionError"]),
    ],
)
def test_a_failure_is_a_code(jobs: Jobs, error: Exception, known: tuple[object, ...], said: list[str]) -> None:
    stop, heard = threading.Event(), list[str]()

    def does(_: Lease, __: Progress) -> str:
        stop.set()
        raise error

    worker(jobs, does, heard).work(stop)
    assert (speech(jobs), heard) == (known, said)


def test_what_it_may_not_make_is_not_taken_until_it_may(jobs: Jobs) -> None:
    """Asked anew each time: a job that the custodian refuses would have failed for good."""
    stop, answers = threading.Event(), [frozenset[Kind](), frozenset({Kind.PERSONAL}), frozenset({Kind.SPEECH})]
    left = iter(answers)

    def does(_: Lease, __: Progress) -> str:
        stop.set()
        return DONE

    replace(worker(jobs, does, []), may=lambda: next(left)).work(stop)
    assert jobs.of("r1")[0].result == DONE
    assert list(left) == []


def test_one_that_is_to_end_gives_its_job_back(jobs: Jobs) -> None:
    stop = threading.Event()

    def does(_: Lease, progress: Progress) -> str:
        stop.set()
        progress(0.5)
        return DONE

    worker(jobs, does, []).work(stop)
    assert speech(jobs) == (JobState.WAITING, None, 0)


def test_a_worker_hears_while_it_reads_that_its_job_was_withdrawn(jobs: Jobs) -> None:
    stop, heard = threading.Event(), list[str]()

    def does(_: Lease, progress: Progress) -> str:
        jobs.forget(["r1"])
        try:
            while True:
                progress(0.5)
        except LeaseOver:
            heard.append("over")
            stop.set()
            raise

    worker(jobs, does, []).work(stop)
    assert heard == ["over"]
    assert speech(jobs) == (JobState.WITHDRAWN, "erased", 0)


def test_a_long_read_keeps_its_lease(jobs: Jobs) -> None:
    stop, renewed = threading.Event(), threading.Event()
    renew = jobs.renew

    def counted(*words: object) -> int:
        until = renew(*words)  # type: ignore[arg-type]
        renewed.set()
        return until

    jobs.renew = counted  # type: ignore[method-assign,assignment]

    def does(_: Lease, __: Progress) -> str:
        assert renewed.wait(60)
        stop.set()
        return DONE

    replace(worker(jobs, does, []), lasts=3600 * SECOND).work(stop)
    assert speech(jobs) == (JobState.DONE, None, 0)
