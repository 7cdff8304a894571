"""Reports that are made for people of the console: one at a time, beside the pages, and kept in memory alone.

A report names people and recordings, so that no copy stays on the console's disk: who asked for it downloads it, and it
is forgotten an hour later, or when they ask for another (docs/decisions/0070).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.report.document import Document, document
from review.report.gather import Period, Sources, amount, gather
from review.report.logs import Source
from review.report.model import LogRead
from review.report.signing import Signed, signed
from review.search.log_index import LogIndex
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.clock import MINUTE, Clock, wall
from store.errors import Refusal
from store.server.log import say

LASTS: Final = 60 * MINUTE
MOST: Final = 4  # reports that are kept, each of a person
_UNREAD: Final = "it is the custodian's own, and the console has no key to it"
Names = Callable[[LogIndex], Mapping[str, str]]  # of the pseudonyms in a log


class _Stopped(Exception):
    """The console ends."""


@dataclass(slots=True)
class Job:
    """`state`: running, made or failed. `ended`: ns."""

    person: str
    period: Period
    done: int = 0
    total: int = 1
    state: str = "running"
    ended: int = 0
    signed: Signed | None = None
    shown: Document | None = None

    @property
    def progress(self) -> dict[str, Any]:
        return {"state": self.state, "done": min(self.done, self.total), "total": self.total}


class Reports:
    """`compliance`: fingerprint of the key that signs bundles. `openings`: of a copy of the custodian's log."""

    def __init__(
        self, catalog: Database, blobs: BlobStore, compliance: str, log: AuditLog, entries: LogIndex, *,
        openings: LogIndex | None = None, clock: Clock = wall,
    ) -> None:  # fmt: skip
        self._catalog, self._blobs, self._compliance = catalog, blobs, compliance
        self._log, self._entries, self._openings, self._clock = log, entries, openings, clock
        self._jobs: dict[str, Job] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def of(self, person: str) -> Job | None:
        """The newest of theirs."""
        with self._lock:
            self._forget()
            return self._jobs.get(person)

    def start(
        self, person: str, origin: str, period: Period, *, verify: bool, language: str, names: Names,
    ) -> Job:  # fmt: skip
        """Its entry is in the log before anything is read. Refusals: 409 report-running. Raises AuditError."""
        with self._lock:
            self._forget()
            if any(one.state == "running" for one in self._jobs.values()):
                raise Refusal(409, "report-running", "a report is being made: one at a time")
            self._log.append(Act("read-log", person, origin, ["console"], {"first": 0, "end": self._log.size}))
            job = Job(person, period)
            self._jobs.pop(person, None)
            self._jobs[person] = job
            arguments = (job, origin, verify, language, names)
            self._thread = threading.Thread(target=self._run, args=arguments, name="report")
            self._thread.start()
            return job

    def _forget(self) -> None:
        now = self._clock()
        over = [name for name, one in self._jobs.items() if one.state != "running" and now >= one.ended + LASTS]
        ended = [name for name, one in self._jobs.items() if one.state != "running" and name not in over]
        for name in [*over, *ended[: max(0, len(self._jobs) - len(over) - MOST)]]:
            del self._jobs[name]

    def _run(self, job: Job, origin: str, verify: bool, language: str, names: Names) -> None:
        try:
            read = {"console": self._entries} | ({"custodian": self._openings} if self._openings else {})
            logs = [Source(log, one.folder, one.log, one.key, names(one)) for log, one in read.items()]
            absent = [] if self._openings else [LogRead("custodian", why_not=_UNREAD)]
            sources = Sources(self._catalog, self._blobs, self._compliance, self._log.verifier, logs, absent)
            job.total = amount(sources, job.period)

            def advance(done: int) -> None:
                job.done += done

            def check() -> None:
                if self._stop.is_set():
                    raise _Stopped  # noqa: TRY301 - out of what reads

            model = gather(
                sources, job.period, job.person, verify=verify, language=language, named=True, advance=advance,
                check=check, clock=self._clock,
            )  # fmt: skip
            made = signed(model, self._log, job.person, origin)
            job.signed, job.shown = made, document(model)
            job.ended, job.state = self._clock(), "made"
        except Exception as error:  # noqa: BLE001 - whatever it was, the page says that it failed
            job.ended, job.state = self._clock(), "failed"
            if not isinstance(error, _Stopped):
                say("report-failed", logging.ERROR, kind=type(error).__name__)

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
