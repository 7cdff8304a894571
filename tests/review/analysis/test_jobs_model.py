"""The job table against a plain model of it, through random lives: the same answers, and the same rows."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from review.analysis.job_states import DAY, HOUR, MINUTE, SOURCES, Failure, Kind
from review.analysis.jobs import JobRefused, Jobs, Lease, Offer

START = 1_790_000_000 * 10**9
RECORDINGS = ("0193a1b2-a", "0193a1b2-b")
KINDS = (Kind.SPEECH, Kind.SCREEN_TEXT, Kind.PERSONAL, Kind.RENDITION)
MODELS = ("m1", "m2")
READERS = dict.fromkeys(KINDS, "m1")
# How often it is tried in all, and until the next try, as docs/analysis.md says; 0: without an end.
TRIES = {Failure.BROKEN: 5, Failure.ERASED: 1, Failure.LOST: 5, Failure.REFUSED: 1, Failure.UNSOUND: 1}
FIRST = {
    Failure.NO_ROOM: 5 * MINUTE, Failure.NOT_YET: HOUR, Failure.WRONG_MODEL: HOUR,
}  # fmt: skip
LONGEST = {Failure.NO_ROOM: HOUR, Failure.NO_ANSWER: HOUR}


@dataclass
class Row:
    state: str = "waiting"
    why: str | None = None
    turn: int = 1
    place: int = 0
    ready: int = 0
    counted: int = 0
    uncounted: int = 0
    fence: int = 0
    deadline: int = 0
    result: str | None = None


Key = tuple[str, Kind, str]


class Model:
    """What the page says of jobs, without a database."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.erased: set[str] = set()
        self.fence = 0

    def offer(self, recording: str, model: str, kinds: tuple[Kind, ...], start: int, now: int) -> None:
        if recording in self.erased:
            return
        for kind in kinds:
            turn, place = 1, -start
            for key in [one for one in self.rows if one[:2] == (recording, kind) and one[2] != model]:
                other = self.rows[key]
                if other.state in {"waiting", "leased", "failed"}:
                    if other.turn == 0:
                        turn, place = 0, now
                    if other.fence:
                        other.state, other.why = "withdrawn", "superseded"
                    else:
                        del self.rows[key]
            old = self.rows.get((recording, kind, model))
            if old is None or old.state == "withdrawn":
                fence = old.fence if old else 0
                self.rows[recording, kind, model] = Row(turn=turn, place=place, ready=now, fence=fence)

    def blocked(self, key: Key) -> bool:
        of = {Kind.PERSONAL: set(SOURCES), Kind.RENDITION: {Kind.PERSONAL}}.get(key[1], set())
        states = [row.state for one, row in self.rows.items() if one[0] == key[0] and one[1] in of]
        return bool(of) and ("done" not in states or any(one in {"waiting", "leased", "failed"} for one in states))

    def sweep(self, now: int) -> None:
        for row in self.rows.values():
            if row.state == "leased" and row.deadline <= now:
                self.fail(row, Failure.LOST, now)

    def fail(self, row: Row, failure: Failure, now: int) -> None:
        most = TRIES.get(failure, 0)
        if most:
            row.counted += 1
        else:
            row.uncounted += 1
        times = row.counted if most else row.uncounted
        row.why = failure
        row.state = "failed" if most and times >= most else "waiting"
        wait = min(FIRST.get(failure, MINUTE) * 4 ** (times - 1), LONGEST.get(failure, DAY))
        row.ready = now + (wait if row.state == "waiting" else 0)

    def next(self, now: int) -> list[Key]:
        """The keys one of which is to be given out: several where their turns and places are the same."""
        ready = [
            key for key, row in self.rows.items()
            if row.state == "waiting" and key[2] == "m1" and not self.blocked(key) and row.ready <= now
        ]  # fmt: skip
        first = min(((self.rows[key].turn, self.rows[key].place) for key in ready), default=None)
        return [key for key in ready if (self.rows[key].turn, self.rows[key].place) == first]


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = START
        self.model = Model()
        self.leases: list[tuple[Lease, Key]] = []
        self.jobs = self.opened()

    def opened(self) -> Jobs:
        return Jobs(Path(self.folder.name) / "jobs.db", lambda: self.now)

    def teardown(self) -> None:
        self.jobs.close()
        self.folder.cleanup()

    @initialize()
    def there_are_jobs(self) -> None:
        for recording in RECORDINGS:
            self.offer(recording, "m1", True)

    @rule(recording=st.sampled_from(RECORDINGS), model=st.sampled_from(MODELS), screen=st.booleans())
    def offer(self, recording: str, model: str, screen: bool) -> None:
        kinds = tuple(kind for kind in KINDS if screen or kind is not Kind.SCREEN_TEXT)
        start = START + RECORDINGS.index(recording)
        self.jobs.offer([Offer(recording, start, self.now, kinds)], dict.fromkeys(KINDS, model))
        self.model.offer(recording, model, kinds, start, self.now)

    @rule(recording=st.sampled_from(RECORDINGS))
    def ask(self, recording: str) -> None:
        self.jobs.ask(recording)
        for (one, _, _), row in self.model.rows.items():
            if one == recording and row.state in {"waiting", "leased", "failed"}:
                row.state = "waiting" if row.state == "failed" else row.state
                row.turn, row.place, row.why, row.ready, row.counted, row.uncounted = 0, self.now, None, self.now, 0, 0

    @rule(seconds=st.sampled_from((1, 119, 300, 86_400)))
    def time_goes_on(self, seconds: int) -> None:
        self.now += seconds * 10**9

    @rule()
    def a_worker_is_lost_and_another_begins(self) -> None:
        self.lease()
        self.now += 2 * MINUTE
        self.lease()
        self.now += HOUR
        self.lease()

    @rule()
    def lease(self) -> None:
        lease = self.jobs.lease("pc-1", READERS)
        self.model.sweep(self.now)
        next_ones = self.model.next(self.now)
        if lease is None:
            assert next_ones == []
            return
        key = lease.recording, lease.kind, lease.model
        assert key in next_ones
        assert lease.fence > self.model.fence
        row = self.model.rows[key]
        self.model.fence = row.fence = lease.fence
        row.state, row.why, row.deadline = "leased", None, lease.deadline
        self.leases.append((lease, key))

    def held(self, lease: Lease, key: Key) -> Row | None:
        row = self.model.rows.get(key)
        holds = row is not None and row.state == "leased" and row.fence == lease.fence and self.now < row.deadline
        return row if holds else None

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), does=st.sampled_from(("finish", "finish", "finish", "renew", "give-back", "fail")))
    def a_worker_says_something(self, data: st.DataObject, does: str) -> None:
        """One that still has its lease, or one whose lease was over long ago."""
        lease, key = data.draw(st.sampled_from(self.leases[-6:]))
        self.now += data.draw(st.sampled_from((0, 0, 0, 2 * MINUTE)))
        row, known = self.held(lease, key), self.model.rows.get(key)
        result = f"{lease.fence:064x}"
        told_before = known is not None and known.state == "done" and known.fence == lease.fence
        holds = row is not None or (does == "finish" and told_before)
        failure = data.draw(st.sampled_from(Failure)) if does == "fail" else Failure.BROKEN
        try:
            match does:
                case "finish":
                    self.jobs.finish(lease.job, lease.fence, result)
                case "renew":
                    deadline = self.jobs.renew(lease.job, lease.fence, 0.5)
                case "give-back":
                    self.jobs.give_back(lease.job, lease.fence)
                case _:
                    self.jobs.fail(lease.job, lease.fence, failure)
            taken = True
        except JobRefused:
            taken = False
        assert taken == holds
        if row is None:
            return
        match does:
            case "finish":
                for one, other in self.model.rows.items():
                    if one[:2] == key[:2] and other.state == "done":
                        other.state, other.why, other.result = "withdrawn", "replaced", None
                row.state, row.result = "done", result
            case "renew":
                row.deadline = deadline
            case "give-back":
                row.state = "waiting"
            case _:
                self.model.fail(row, failure, self.now)

    @rule(recording=st.sampled_from(RECORDINGS))
    def not_allowed(self, recording: str) -> None:
        self.jobs.withdraw([recording])
        for (one, _, _), row in self.model.rows.items():
            if one == recording and row.state in {"waiting", "leased", "failed"}:
                row.state, row.why = "withdrawn", "not-allowed"

    @precondition(lambda self: len(self.leases) > 3)
    @rule(recording=st.sampled_from(RECORDINGS))
    def erased(self, recording: str) -> None:
        self.jobs.forget([recording])
        if recording in self.model.erased:
            return
        self.model.erased.add(recording)
        for (one, _, _), row in self.model.rows.items():
            if one == recording:
                row.state, row.why, row.result = "withdrawn", "erased", None

    @rule()
    def opened_anew(self) -> None:
        self.jobs.close()
        self.jobs = self.opened()

    @invariant()
    def they_are_the_same(self) -> None:
        found = {
            (job.recording, job.kind, job.model): (str(job.state), job.why, job.result)
            for one in RECORDINGS
            for job in self.jobs.of(one)
        }
        assert found == {key: (row.state, row.why, row.result) for key, row in self.model.rows.items()}

    @invariant()
    def a_kind_is_done_once_and_wanted_once(self) -> None:
        for one in RECORDINGS:
            for kind in KINDS:
                states = [str(job.state) for job in self.jobs.of(one) if job.kind is kind]
                assert states.count("done") <= 1
                assert sum(state in {"waiting", "leased", "failed"} for state in states) <= 1


TestLives = pytest.mark.slow(reason="forty lives of forty steps, each step with a durable commit")(Lives.TestCase)
TestLives.settings = settings(stateful_step_count=40)
