"""Rules that people try in the console over the archive's last days: one trial at a time, kept in memory alone.

It says what `eyelid-review governance try` says, out of the same functions. Nothing that is tried comes into force.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from protocol.bundle import verify
from protocol.carried import read_carried, split
from protocol.errors import ProtocolError
from protocol.language.errors import MistakesError
from protocol.language.folder import LARGEST_FOLDER, MOST_FILES
from review.governance.diff import Change, changes
from review.governance.model import Governance
from review.governance.times import DAY, FOR_EVER
from review.lifecycle import every
from review.lifecycle.facts import Facts, Known
from review.lifecycle.trial import by_both, goes, opens, summed
from review.rules import parse_files
from store.clock import MINUTE, Clock, wall
from store.errors import Refusal
from store.server.log import say

LASTS: Final = 60 * MINUTE
LONGEST: Final = 10 * MINUTE
_SLICE: Final = 0.02  # s of one core, after which it lets the pages have three times as long
AHEAD: Final = 30  # days
LARGEST: Final = 8 * 2**20  # bytes of what is sent: files have 2 MiB at most, and a bundle policies besides

_T = TypeVar("_T")


class _Stopped(Exception):
    """The console ends."""


class _TooLong(Exception):
    """Rules of a megabyte can ask for years."""


@dataclass(slots=True)
class Trial:
    """`state`: running, made, mistaken or failed. `days`: of the archive; 0 for all of it. `opens`, `goes`: as
    review.lifecycle.trial has them. `unread`: recordings that cannot be read, and are kept.
    """

    days: int
    total: int
    done: int = 0
    state: str = "running"
    ended: int = 0
    mistakes: tuple[str, ...] = ()
    name: str = ""
    revision: int = 0
    changes: tuple[Change, ...] = ()
    recordings: int = 0
    unread: int = 0
    opens: list[dict[str, object]] = field(default_factory=list)
    goes: list[tuple[tuple[str, str, str], int]] = field(default_factory=list)
    deleted: int = 0
    sooner: int = 0

    @property
    def progress(self) -> dict[str, Any]:
        return {"state": self.state, "done": min(self.done, self.total), "total": self.total}


def files_in(sent: Mapping[str, str], compliance: str) -> Mapping[str, bytes]:
    """The governance files: as they are, or out of one bundle. `compliance`: fingerprint of the key that signs those.

    Raises MistakesError.
    """
    [first, *others] = sent or {"": ""}
    if not sent or others or first.endswith((".yaml", ".yml")):
        files = {name: text.encode() for name, text in sent.items() if name.endswith(".yaml")}
        if not files or len(files) > MOST_FILES or sum(map(len, files.values())) > LARGEST_FOLDER:
            says = (
                f"send one bundle, or 1 to {MOST_FILES} files whose names end in .yaml, {LARGEST_FOLDER} bytes at most"
            )
            raise MistakesError((says,))
        return files
    token, behind = split(sent[first])
    try:
        made = verify(token, compliance)
        if not made.governance:
            raise MistakesError(("this bundle has no governance: nothing is opened but by a reader's key, offline",))
        return read_carried(behind, made.governance)
    except ProtocolError as error:
        raise MistakesError((f"{first} is not a bundle signed by this archive's compliance key: {error}",)) from None


def came(days: int, now: int) -> range:
    """Of what a trial of so many days is: ns."""
    return range(now - days * DAY if days else 0, FOR_EVER)


class Trials:
    def __init__(self, *, clock: Clock = wall) -> None:
        self._clock = clock
        self._jobs: dict[str, Trial] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._until, self._worked = 0, 0.0

    def of(self, person: str) -> Trial | None:
        """The newest of theirs."""
        with self._lock:
            self._forget()
            return self._jobs.get(person)

    def start(self, person: str, days: int, files: Mapping[str, bytes] | MistakesError, facts: Facts) -> Trial:
        """`facts`: by the rules in force. Refusals: 409 trial-running."""
        with self._lock:
            self._forget()
            if any(one.state == "running" for one in self._jobs.values()):
                raise Refusal(409, "trial-running", "rules are being tried: one trial at a time")
            total = every.amount(facts.database, came(days, self._clock()))
            job = self._jobs[person] = Trial(days, max(total, 1))
            if isinstance(files, MistakesError):
                job.mistakes, job.state, job.ended = files.mistakes, "mistaken", self._clock()
                return job
            self._until, self._worked = self._clock() + LONGEST, 0.0
            self._thread = threading.Thread(target=self._run, args=(job, files, facts), name="trial")
            self._thread.start()
            return job

    def _forget(self) -> None:
        now = self._clock()
        for name in [name for name, one in self._jobs.items() if one.ended and now >= one.ended + LASTS]:
            del self._jobs[name]

    def _run(self, job: Trial, files: Mapping[str, bytes], facts: Facts) -> None:
        state = "failed"
        try:
            new = parse_files(files)
            job.name, job.revision, job.changes = new.name, new.revision, changes(facts.governance, new)
            self._try(job, facts, new)
            state = "made"
        except MistakesError as error:
            job.mistakes, state = error.mistakes, "mistaken"
        except _Stopped:
            pass
        except _TooLong:
            says = f"these rules take longer than {LONGEST // MINUTE} minutes to try here"
            job.mistakes, state = (f"{says}: `eyelid-review governance try` has no such bound",), "mistaken"
        except Exception as error:  # noqa: BLE001 - whatever it was, the page says that it failed
            say("trial-failed", logging.ERROR, kind=type(error).__name__)
        job.ended = self._clock()
        job.state = state

    def _try(self, job: Trial, facts: Facts, new: Governance) -> None:
        now, catalog, old = self._clock(), facts.database, facts.governance

        def advance(done: int) -> None:
            job.done += done
            self._check()

        known: list[Known] = []
        for _, one in every.each_of(
            catalog, Facts(catalog, facts.blobs, new), now, came(job.days, now), advance=advance
        ):
            if isinstance(one, Known):
                known.append(one)
            else:
                job.unread += 1
        both = list(self._going_on(by_both(facts, known, now)))
        gone = list(self._going_on(goes(old, new, both, now, now + AHEAD * DAY)))
        job.opens = list(opens(old, new, both, now, advance=self._check))
        job.goes, job.recordings = summed(gone), len(both)
        job.deleted, job.sooner = (sum(bool(one[name]) for one in gone) for name in ("deleted", "sooner"))

    def _going_on(self, several: Iterable[_T]) -> Iterator[_T]:
        for one in several:
            self._check()
            yield one

    def _check(self) -> None:
        if self._clock() >= self._until:
            raise _TooLong
        if (spent := time.thread_time() - self._worked) >= _SLICE:
            self._stop.wait(3 * min(spent, 1.0))
            self._worked = time.thread_time()
        if self._stop.is_set():
            raise _Stopped

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
