"""The analyst's loop: takes a job, has a reader do it, says what became of it. It has no key and reads nothing.

What reads a recording comes as a `Reader`: `review.transcripts` has the one of sound.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from review.analysis.job_states import SECOND, Failure, Kind
from review.analysis.jobs import LASTS, JobRefused, Jobs, JobsUnusable, Lease

IDLE: Final = 5.0  # s until it is asked again whether there is something to do
Progress = Callable[[float], None]


class ReadError(Exception):
    """A reader's own word on why it made nothing."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class LeaseOver(Exception):
    """Out of `Progress`: what is being made is for nothing, as another has the job, or it was withdrawn."""


class Ending(Exception):
    """Out of `Progress`: this worker is to end, and gives the job back."""


class Reader(Protocol):
    """`model`: as `versions` gives it."""

    @property
    def kind(self) -> Kind: ...

    @property
    def model(self) -> str: ...

    def read(self, lease: Lease, progress: Progress) -> str:
        """SHA-256, in hex, of what it sealed, durable. It says how far it is, 0 to 1, at least each second, and lets
        what that raises pass. What it wrote for a lease that did not finish is named by the fence, and removed.

        Raises ReadError.
        """


@dataclass(frozen=True, slots=True)
class Worker:
    """`failed` gets the kind of an error that no code covers. `lasts`: ns of a lease. `beat`: s from one renewal to the
    next. `idle`: s until it is asked again whether there is something to do. `may`: the kinds that it is allowed to
    make now; a job of another one would fail for good with the custodian's refusal.
    """

    jobs: Jobs
    readers: Sequence[Reader]
    name: str
    failed: Callable[[Kind, str], None]
    lasts: int = LASTS
    beat: float = LASTS / SECOND / 3
    idle: float = IDLE
    may: Callable[[], Collection[Kind]] = lambda: frozenset(Kind)

    def work(self, stop: threading.Event) -> None:
        """Until `stop`. A table that cannot be used for a while is tried again."""
        by_kind = {one.kind: one for one in self.readers}
        while not stop.is_set():
            lease, may = None, self.may()
            versions = {kind: one.model for kind, one in by_kind.items() if kind in may}
            with suppress(JobsUnusable):
                lease = self.jobs.lease(self.name, versions, self.lasts)
            if lease is None:
                stop.wait(self.idle)
            else:
                self._one(by_kind[lease.kind], lease, stop)

    def _one(self, reader: Reader, lease: Lease, stop: threading.Event) -> None:
        """What cannot be said to the table is lost with the lease, and the job is another's."""
        with suppress(JobRefused, JobsUnusable):
            try:
                with self._renewing(lease, stop) as progress:
                    result = reader.read(lease, progress)
                self.jobs.finish(lease.job, lease.fence, result)
            except LeaseOver:
                return
            except Ending:
                self.jobs.give_back(lease.job, lease.fence)
            except ReadError as error:
                self.jobs.fail(lease.job, lease.fence, error.failure)
            except (JobRefused, JobsUnusable):
                raise
            except Exception as error:  # noqa: BLE001 - a reader that fails on one recording goes on with the next
                self.failed(lease.kind, type(error).__name__)
                self.jobs.fail(lease.job, lease.fence, Failure.BROKEN)

    @contextmanager
    def _renewing(self, lease: Lease, stop: threading.Event) -> Iterator[Progress]:
        """A thread renews the lease while the reader reads, however long one step of it takes."""
        over, lost, done = threading.Event(), threading.Event(), 0.0

        def renew() -> None:
            while not over.wait(self.beat):
                try:
                    self.jobs.renew(lease.job, lease.fence, done, self.lasts)
                except JobRefused:
                    lost.set()
                    return
                except JobsUnusable:
                    continue

        def progress(share: float) -> None:
            nonlocal done
            done = share
            if lost.is_set():
                raise LeaseOver
            if stop.is_set():
                raise Ending

        thread = threading.Thread(target=renew, name="lease")
        thread.start()
        try:
            yield progress
        finally:
            over.set()
            thread.join()
