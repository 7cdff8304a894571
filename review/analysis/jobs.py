"""The job table of the analysis: what is to be made of which recording, who is at it, and what became of it.

One SQLite file that processes of one machine and user share (docs/decisions/0090). What was acknowledged survives a
kill and a power cut. There is no content in it: a result is the hash of what was sealed, a failure a code.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.errors import ProtocolError
from review.analysis.job_states import (
    DAY,
    HOUR,
    LIVE,
    LONGEST_WAIT,
    MADE_OF,
    MINUTE,
    NEXT,
    NO_READER,
    SECOND,
    Event,
    Failure,
    JobState,
    Kind,
    Turn,
    Withdrawn,
    counts,
    wait,
)

VERSION: Final = 1
LASTS: Final = 2 * MINUTE  # of a lease, until it is renewed
LONGEST: Final = HOUR
BUSY: Final = 10.0  # s that a process waits for another's write
NEW_FOR: Final = DAY  # so long a recording is ahead of the backlog
_AT_ONCE: Final = 500
_RESULT: Final = re.compile("[0-9a-f]{64}")
_WORKER: Final = re.compile("[A-Za-z0-9_.@:/-]{1,100}")
_TABLES: Final = """
create table jobs (
    id integer primary key,
    recording text not null, kind text not null, model text not null, state text not null,
    why text,                           -- of a failure or a withdrawal: its code
    turn integer not null, place integer not null,
    blocked integer not null default 1, -- what it is made of is not all done
    offered_at integer not null, ready_at integer not null,
    tries integer not null default 0,   -- failures that count
    waits integer not null default 0,   -- and the others
    fence integer not null default 0, worker text, leased_at integer, deadline integer,
    progress real,                      -- 0 to 1, as the worker says
    ended_at integer, result text,
    unique (recording, kind, model)
) strict;
create unique index one_done on jobs (recording, kind) where state = 'done';
create unique index one_wanted on jobs (recording, kind) where state in ('waiting', 'leased', 'failed');
create index of_whom on jobs (kind, model, turn, place, id) where state = 'waiting' and blocked = 0;
create index deadlines on jobs (deadline) where state = 'leased';
create index ends on jobs (ended_at) where state = 'done';
create index states on jobs (kind, state, why);
create table gone (recording text primary key) strict, without rowid;
create table fences (last integer not null) strict;
insert into fences values (0);
"""


class JobRefused(ProtocolError):
    """`code`: late, withdrawn, bad-result, bad-worker."""


class JobsUnusable(ProtocolError):
    """The file is damaged, locked, full or another version's."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A recording to be analysed. `start`, `opened_at`: ns. `kinds`: as `with_what_follows` gives them."""

    recording: str
    start: int
    opened_at: int
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """`fence`: greater than that of every lease before it. `deadline`: from then on its result is refused."""

    job: int
    fence: int
    deadline: int
    recording: str
    kind: Kind
    model: str


@dataclass(frozen=True, slots=True)
class Job:
    """As it stands in the table. `why`: a code of Failure or Withdrawn."""

    id: int
    recording: str
    kind: Kind
    model: str
    state: JobState
    why: str | None
    turn: Turn
    blocked: bool
    tries: int
    fence: int
    worker: str | None
    deadline: int | None
    progress: float | None
    ready_at: int
    result: str | None


_COLUMNS: Final = (
    "id, recording, kind, model, state, why, turn, blocked, tries, fence, worker, deadline, progress, ready_at, result"
)


class Jobs:
    """For several threads. Raises JobsUnusable where the file cannot be used.

    `clock`: ns since 1970. Workers and table share the machine's, and a step of it costs time alone: a lease that would
    end later than any can is over, a wait longer than any can be, too.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        """Makes file and folder, for this user alone, where they are missing."""
        self._clock, self._lock, self._path = clock, threading.RLock(), path
        with self._explained():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.touch(0o600)
            self._connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            try:
                for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on", "foreign_keys = on"):
                    self._connection.execute(f"pragma {pragma}")
                with self._writing() as connection:
                    self._prepare(connection)
            except BaseException:  # whatever it was, raised again: no file stays open that has no owner
                self._connection.close()
                raise

    def _prepare(self, connection: sqlite3.Connection) -> None:
        ((found,),) = connection.execute("pragma user_version")
        if found == VERSION:
            return
        if found or connection.execute("select 1 from sqlite_master").fetchone():
            raise JobsUnusable("other-version", f"{self._path} is of another version, or another program's")
        for statement in _TABLES.split(";\n"):  # executescript would end the transaction
            connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # -- what is to be done -------------------------------------------------------------------------------------------

    def offer(self, offers: Sequence[Offer], models: Mapping[Kind, str]) -> int:
        """How many jobs are new, or were withdrawn and are not. What is done by this version stays; of another version
        what is done stays until this one is.
        """
        made = 0
        with self._writing() as connection:
            now = self._clock()
            for one in offers:
                if connection.execute("select 1 from gone where recording = ?", (one.recording,)).fetchone():
                    continue
                made += sum(self._offer(connection, one, kind, models[kind], now) for kind in one.kinds)
                _unblock(connection, one.recording)
        return made

    def _offer(self, connection: sqlite3.Connection, one: Offer, kind: Kind, model: str, now: int) -> bool:
        new = now - NEW_FOR <= one.opened_at
        turn, place = (Turn.NEW if new else Turn.BACKFILL), -one.start
        others = _jobs(connection, "recording = ? and kind = ? and model <> ?", one.recording, kind, model)
        for other in others:
            if other.state in LIVE:
                turn, place = (Turn.ASKED, now) if other.turn is Turn.ASKED else (turn, place)
                if other.fence:
                    _withdraw(connection, other, Withdrawn.SUPERSEDED, now)
                else:
                    connection.execute("delete from jobs where id = ?", (other.id,))
        for job in _jobs(connection, "recording = ? and kind = ? and model = ?", one.recording, kind, model):
            state = NEXT[job.state, Event.OFFER]
            if state is not job.state:
                connection.execute(
                    "update jobs set state = ?, why = null, turn = ?, place = ?, ready_at = ?, offered_at = ?,"
                    " tries = 0, waits = 0, ended_at = null, result = null where id = ?",
                    (state, turn, place, now, now, job.id),
                )
            return state is not job.state
        connection.execute(
            "insert into jobs (recording, kind, model, state, turn, place, offered_at, ready_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (one.recording, kind, model, JobState.WAITING, turn, place, now, now),
        )
        return True

    def ask(self, recording: str) -> int:
        """A person's request: before all others, and what failed for good is tried again. How many jobs are left."""
        with self._writing() as connection:
            now = self._clock()
            for job in _jobs(connection, "recording = ? and state in ('waiting', 'leased', 'failed')", recording):
                connection.execute(
                    "update jobs set state = ?, why = null, turn = ?, place = ?, ready_at = ?, tries = 0, waits = 0"
                    " where id = ?",
                    (NEXT[job.state, Event.ASK], Turn.ASKED, now, now, job.id),
                )
            left = "recording = ? and state in ('waiting', 'leased')"
            return len(_jobs(connection, left, recording))

    def known(self, recordings: Collection[str], models: Mapping[Kind, str]) -> dict[str, set[Kind]]:
        """Which kinds of these versions are offered already, and not withdrawn."""
        found: dict[str, set[Kind]] = {}
        with self._reading() as connection:
            for one in recordings:
                rows = _jobs(connection, "recording = ? and state <> 'withdrawn'", one)
                found[one] = {job.kind for job in rows if models.get(job.kind) == job.model}
        return found

    def withdraw(self, recordings: Iterable[str] | None = None, kinds: Collection[Kind] = frozenset(Kind)) -> int:
        """What is not done of these, or of all: the rules no longer allow it. How many jobs."""
        with self._writing() as connection:
            now = self._clock()
            every = "state in ('waiting', 'leased', 'failed')"
            if recordings is None:
                jobs = _jobs(connection, every)
            else:
                jobs = [job for one in recordings for job in _jobs(connection, f"recording = ? and {every}", one)]
            against = [job for job in jobs if job.kind in kinds]
            for job in against:
                _withdraw(connection, job, Withdrawn.NOT_ALLOWED, now)
        return len(against)

    def forget(self, recordings: Iterable[str]) -> None:
        """They are erased: jobs and results go at once, and none comes back."""
        new = []
        for some in _some(recordings):
            with self._writing() as connection:
                now = self._clock()
                for one in some:
                    if connection.execute("insert or ignore into gone values (?)", (one,)).rowcount:
                        new.append(one)
                        for job in _jobs(connection, "recording = ?", one):
                            _withdraw(connection, job, Withdrawn.ERASED, now)
        if new:
            with self._lock, suppress(sqlite3.Error):  # what was overwritten leaves the log, too; a reader may delay it
                self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()

    # -- what workers do ----------------------------------------------------------------------------------------------

    def lease(self, worker: str, readers: Mapping[Kind, str], lasts: int = LASTS) -> Lease | None:
        """The next job of what this worker reads, in the version that it reads it in. `lasts`: ns, up to LONGEST.

        Raises JobRefused for a name that is none.
        """
        if not _WORKER.fullmatch(worker):
            raise JobRefused("bad-worker", "a worker's name is up to 100 letters, digits and _.@:/-")
        with self._writing() as connection:
            now = self._clock()
            _take_back(connection, now)
            found = [row for kind, model in readers.items() if (row := connection.execute(
                "select turn, place, id from jobs where state = 'waiting' and blocked = 0 and kind = ? and model = ?"
                " and (ready_at <= ? or ready_at > ?) order by turn, place, id limit 1",
                (kind, model, now, now + LONGEST_WAIT)).fetchone())]  # fmt: skip
            if not found:
                return None
            number = min(found)[2]
            ((fence,),) = connection.execute("update fences set last = last + 1 returning last").fetchall()
            (job,) = _jobs(connection, "id = ?", number)
            deadline = now + max(SECOND, min(lasts, LONGEST))
            connection.execute(
                "update jobs set state = ?, why = null, fence = ?, worker = ?, leased_at = ?, deadline = ?,"
                " progress = 0 where id = ?",
                (NEXT[job.state, Event.LEASE], fence, worker, now, deadline, number),
            )
        return Lease(number, fence, deadline, job.recording, job.kind, job.model)

    def renew(self, job: int, fence: int, progress: float | None = None, lasts: int = LASTS) -> int:
        """The new deadline. Raises JobRefused where the lease is over: the worker stops, and throws away what it made.

        `progress`: 0 to 1.
        """
        with self._writing() as connection:
            now = self._clock()
            held = _held(connection, job, fence, now, Event.RENEW)
            deadline = now + max(SECOND, min(lasts, LONGEST))
            said = held.progress if progress is None else max(0.0, min(progress, 1.0))
            connection.execute("update jobs set deadline = ?, progress = ? where id = ?", (deadline, said, job))
        return deadline

    def finish(self, job: int, fence: int, result: str) -> None:
        """`result`: SHA-256 of what was sealed, in hex. To say the same again changes nothing. Raises JobRefused."""
        if not _RESULT.fullmatch(result):
            raise JobRefused("bad-result", "a result is a SHA-256 in hex")
        with self._writing() as connection:
            now = self._clock()
            for known in _jobs(connection, "id = ? and fence = ? and state = 'done'", job, fence):
                if known.result == result:
                    return
            held = _held(connection, job, fence, now, Event.FINISH)
            of_it = "recording = ? and kind = ? and state = 'done'"
            for old in _jobs(connection, of_it, held.recording, held.kind):
                _withdraw(connection, old, Withdrawn.REPLACED, now)
            connection.execute(
                "update jobs set state = ?, why = null, deadline = null, progress = 1, ended_at = ?, result = ?"
                " where id = ?",
                (NEXT[held.state, Event.FINISH], now, result, job),
            )
            _unblock(connection, held.recording)

    def fail(self, job: int, fence: int, failure: Failure) -> JobState:
        """What became of it: waiting, or failed for good. Raises JobRefused."""
        with self._writing() as connection:
            now = self._clock()
            return _fail(connection, _held(connection, job, fence, now, Event.FAIL), failure, now)

    def give_back(self, job: int, fence: int) -> None:
        """Unread, as its worker ends: that is no try. Raises JobRefused."""
        with self._writing() as connection:
            held = _held(connection, job, fence, self._clock(), Event.GIVE_BACK)
            connection.execute(
                "update jobs set state = ?, worker = null, deadline = null, progress = null where id = ?",
                (NEXT[held.state, Event.GIVE_BACK], job),
            )

    # -- what there is ------------------------------------------------------------------------------------------------

    def of(self, recording: str) -> list[Job]:
        """In the order in which they were offered."""
        with self._reading() as connection:
            return _jobs(connection, "recording = ?", recording)

    def status(self) -> Status:
        with self._reading() as connection:
            now = self._clock()
            states = {
                (Kind(kind), JobState(state), why or ""): number
                for kind, state, why, number in connection.execute(
                    "select kind, state, why, count(*) from jobs group by kind, state, why"
                )
            }
            speed = {
                Kind(kind): (number, seconds)
                for kind, number, seconds in connection.execute(
                    "select kind, count(*), avg(ended_at - leased_at) / 1e9 from jobs"
                    " where state = 'done' and ended_at > ? group by kind",
                    (now - HOUR,),
                )
            }
            oldest = {
                Kind(kind): at
                for kind, at in connection.execute(
                    "select kind, min(offered_at) from jobs where state = 'waiting' group by kind"
                )
            }
            return Status(now, states, speed, oldest, _jobs(connection, "state = 'leased'"))

    # -- the file -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("begin immediate") as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("begin") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:  # also Ctrl-C, raised again: half of a change is none
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JobsUnusable("no-jobs", f"{self._path} cannot be used: {error}") from None


@dataclass(frozen=True, slots=True)
class Status:
    """`states`: how many jobs by kind, state and code. `speed`: of the last hour, by kind: how many were done, and the
    mean of their seconds. `oldest`: when the one that waits longest was offered, ns.
    """

    at: int
    states: Mapping[tuple[Kind, JobState, str], int]
    speed: Mapping[Kind, tuple[int, float]]
    oldest: Mapping[Kind, int]
    leased: Sequence[Job]

    def count(self, kind: Kind, state: JobState) -> int:
        return sum(number for (one, there, _), number in self.states.items() if (one, there) == (kind, state))


# -- rows -------------------------------------------------------------------------------------------------------------


def _jobs(connection: sqlite3.Connection, where: str, *values: object) -> list[Job]:
    """`where`: of this module."""
    rows = connection.execute(f"select {_COLUMNS} from jobs where {where} order by id", values)  # noqa: S608
    return [
        Job(row[0], row[1], Kind(row[2]), row[3], JobState(row[4]), row[5], Turn(row[6]), bool(row[7]), *row[8:])
        for row in rows
    ]


def _held(connection: sqlite3.Connection, job: int, fence: int, now: int, event: Event) -> Job:
    """The job, if this lease of it still holds. Raises JobRefused."""
    for known in _jobs(connection, "id = ? and fence = ?", job, fence):
        if known.state is JobState.WITHDRAWN:
            raise JobRefused("withdrawn", f"the job was withdrawn ({known.why}): what was made of it is thrown away")
        if (known.state, event) in NEXT and known.deadline is not None and not _over(known.deadline, now):
            return known
    raise JobRefused("late", "the lease of this job is over: what was made of it is thrown away")


def _over(deadline: int, now: int) -> bool:
    return not now < deadline <= now + LONGEST


def _take_back(connection: sqlite3.Connection, now: int) -> None:
    """From workers that were not heard of in time."""
    for job in _jobs(connection, "state = 'leased' and (deadline <= ? or deadline > ?)", now, now + LONGEST):
        _fail(connection, job, Failure.LOST, now)


def _fail(connection: sqlite3.Connection, job: Job, failure: Failure, now: int) -> JobState:
    number = "tries" if counts(failure) else "waits"
    counted = f"update jobs set {number} = {number} + 1 where id = ? returning {number}"  # noqa: S608 - one of two
    ((times,),) = connection.execute(counted, (job.id,)).fetchall()
    until = wait(failure, times)
    state = NEXT[job.state, Event.FAIL if until is None else Event.RETRY]
    connection.execute(
        "update jobs set state = ?, why = ?, worker = null, deadline = null, progress = null, ready_at = ?"
        " where id = ?",
        (state, failure, now + (until or 0), job.id),
    )
    return state


def _withdraw(connection: sqlite3.Connection, job: Job, why: Withdrawn, now: int) -> None:
    """An erased one says so, whatever it was withdrawn for before."""
    state = JobState.WITHDRAWN if job.state is JobState.WITHDRAWN else NEXT[job.state, Event.WITHDRAW]
    connection.execute(
        "update jobs set state = ?, why = ?, worker = null, deadline = null, progress = null, result = null,"
        " ended_at = ?, blocked = 1 where id = ?",
        (state, why, now, job.id),
    )
    _unblock(connection, job.recording)


def _unblock(connection: sqlite3.Connection, recording: str) -> None:
    """A job is blocked while something that it is made of is not done, or nothing of it is.

    What nothing here reads is not waited for: with a reader comes another version of all that is made of it.
    """
    jobs = _jobs(connection, "recording = ? and state <> 'withdrawn'", recording)
    for job in jobs:
        of = [one.state for one in jobs if one.kind in MADE_OF[job.kind] and one.model != NO_READER]
        ready = not MADE_OF[job.kind] or (JobState.DONE in of and not LIVE.intersection(of))
        if job.blocked == ready:
            connection.execute("update jobs set blocked = ? where id = ?", (not ready, job.id))


def _some(recordings: Iterable[str]) -> Iterator[list[str]]:
    every = list(recordings)
    return (every[at : at + _AT_ONCE] for at in range(0, len(every), _AT_ONCE))
