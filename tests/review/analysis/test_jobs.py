"""The job table: order, leases, versions, erasure, and a file that is damaged or another's."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from review.analysis import job_report
from review.analysis.job_states import DAY, HOUR, MINUTE, SECOND, Failure, JobState, Kind, versions, with_what_follows
from review.analysis.jobs import LASTS, LONGEST, JobRefused, Jobs, JobsUnusable, Lease, Offer

START = 1_790_000_000 * SECOND
MODELS = versions({Kind.SPEECH: "base"})
READS = {Kind.SPEECH: "base"}
BOTH = with_what_follows([Kind.SPEECH])
DONE = "5e" * 32


class Table:
    def __init__(self, path: Path) -> None:
        self.now = START
        self.path = path
        self.jobs = Jobs(path, lambda: self.now)

    def offer(self, *recordings: str, old: int = 0, models: dict[Kind, str] = MODELS) -> int:
        """`old`: ns ago that they were recorded."""
        at = self.now - old
        return self.jobs.offer([Offer(one, at, at, BOTH) for one in recordings], models)

    def lease(self, **more: int) -> Lease:
        found = self.jobs.lease("pc-1", READS, **more)
        assert found is not None
        return found

    def states(self, recording: str) -> list[str]:
        return [f"{one.kind} {one.model} {one.state} {one.why or ''}".strip() for one in self.jobs.of(recording)]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path / "analysis" / "jobs.db")
    with closing(made.jobs):
        yield made


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_user_can_read_it(table: Table) -> None:
    table.offer("r1")
    assert stat.S_IMODE(table.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in table.path.parent.iterdir()} == {0o600}


def test_requests_come_before_the_newest_and_these_before_the_backlog(table: Table) -> None:
    table.offer("older", old=9 * DAY)
    table.offer("old", old=3 * DAY)
    table.offer("new", old=2 * HOUR)
    table.offer("newest", old=HOUR)
    table.offer("asked", old=30 * DAY)
    assert table.jobs.ask("asked") == len(BOTH)
    assert [table.lease().recording for _ in range(5)] == ["asked", "newest", "new", "old", "older"]
    assert table.jobs.lease("pc-2", READS) is None


def test_nothing_is_made_before_what_it_is_made_of(table: Table) -> None:
    table.offer("r1")
    every = dict(MODELS)
    assert table.jobs.lease("pc-1", {kind: model for kind, model in every.items() if kind is not Kind.SPEECH}) is None
    made = []
    while lease := table.jobs.lease("pc-1", every):
        assert table.jobs.lease("pc-2", every) is None or lease.kind is Kind.RENDITION
        table.jobs.finish(lease.job, lease.fence, DONE)
        made.append(lease.kind)
        table.now += 5 * MINUTE
    assert made[:2] == [Kind.SPEECH, Kind.PERSONAL]


def test_nothing_is_made_of_what_failed(table: Table) -> None:
    """A rendition without the personal data of what was said would let it be heard."""
    table.offer("r1")
    lease = table.lease()
    assert table.jobs.fail(lease.job, lease.fence, Failure.UNSOUND) is JobState.FAILED
    assert table.jobs.lease("pc-1", dict(MODELS)) is None
    assert table.states("r1")[0] == "speech base failed unsound"
    table.now += 100 * DAY
    assert table.offer("r1") == 0
    assert table.jobs.lease("pc-1", dict(MODELS)) is None
    table.jobs.ask("r1")
    assert table.lease().kind is Kind.SPEECH


def test_nothing_is_made_of_one_source_where_another_failed(table: Table) -> None:
    kinds, models = with_what_follows([Kind.SPEECH, Kind.SCREEN_TEXT]), versions({**READS, Kind.SCREEN_TEXT: "ocr"})
    table.jobs.offer([Offer("r1", START, START, kinds)], models)
    speech = table.lease()
    screen = table.jobs.lease("pc-2", {Kind.SCREEN_TEXT: "ocr"})
    assert screen is not None
    table.jobs.finish(screen.job, screen.fence, DONE)
    assert table.jobs.lease("pc-2", models) is None
    table.jobs.fail(speech.job, speech.fence, Failure.UNSOUND)
    assert table.jobs.lease("pc-2", models) is None


def test_what_nothing_reads_is_not_waited_for_until_something_does(table: Table) -> None:
    """Else a console that reads sound alone would look for no personal data in any recording that has a screen."""
    kinds, personal = with_what_follows([Kind.SPEECH, Kind.SCREEN_TEXT]), {Kind.PERSONAL: "rules"}
    now, later = versions(READS | personal), versions(READS | personal | {Kind.SCREEN_TEXT: "ocr"})
    table.jobs.offer([Offer("r1", START, START, kinds)], now)
    assert table.jobs.lease("pc-2", {Kind.PERSONAL: now[Kind.PERSONAL]}) is None
    speech = table.lease()
    table.jobs.finish(speech.job, speech.fence, DONE)
    made = table.jobs.lease("pc-2", {Kind.PERSONAL: now[Kind.PERSONAL]})
    assert made is not None
    table.jobs.finish(made.job, made.fence, DONE)
    table.jobs.offer([Offer("r1", START, START, kinds)], later)
    assert table.jobs.lease("pc-2", {Kind.PERSONAL: later[Kind.PERSONAL]}) is None
    screen = table.jobs.lease("pc-2", {Kind.SCREEN_TEXT: "ocr"})
    assert screen is not None
    table.jobs.finish(screen.job, screen.fence, DONE)
    assert table.jobs.lease("pc-2", {Kind.PERSONAL: later[Kind.PERSONAL]}) is not None


def test_a_late_result_is_refused(table: Table) -> None:
    table.offer("r1")
    slow = table.lease()
    table.now += LASTS
    with pytest.raises(JobRefused, match="the lease of this job is over"):
        table.jobs.finish(slow.job, slow.fence, DONE)
    with pytest.raises(JobRefused, match="is over"):
        table.jobs.renew(slow.job, slow.fence)
    assert table.jobs.lease("pc-2", READS) is None  # it was lost once, and waits a minute
    table.now += MINUTE
    other = table.lease()
    assert (other.job, other.fence > slow.fence) == (slow.job, True)
    with pytest.raises(JobRefused, match="is over"):
        table.jobs.finish(slow.job, slow.fence, DONE)
    with pytest.raises(JobRefused, match="is over"):
        table.jobs.give_back(slow.job, slow.fence)
    table.jobs.finish(other.job, other.fence, DONE)
    table.jobs.finish(other.job, other.fence, DONE)  # who heard no answer says it again
    with pytest.raises(JobRefused, match="is over"):
        table.jobs.finish(other.job, other.fence, "00" * 32)


def test_a_lease_is_renewed_with_the_progress(table: Table) -> None:
    table.offer("r1")
    lease = table.lease()
    for step in range(50):
        table.now += MINUTE
        table.jobs.renew(lease.job, lease.fence, step / 50)
    (at_work,) = table.jobs.status().leased
    assert (at_work.worker, at_work.progress) == ("pc-1", 0.98)
    table.jobs.finish(lease.job, lease.fence, DONE)


def test_it_is_tried_five_times_and_then_for_good(table: Table) -> None:
    table.offer("r1")
    for number in range(5):
        lease = table.lease()
        assert table.jobs.fail(lease.job, lease.fence, Failure.NO_ROOM) is JobState.WAITING  # counts nothing
        table.now += DAY
        lease = table.lease()
        state = table.jobs.fail(lease.job, lease.fence, Failure.BROKEN)
        assert state is (JobState.FAILED if number == 4 else JobState.WAITING)
        table.now += DAY
    assert table.jobs.lease("pc-1", READS) is None


def test_a_worker_that_ends_gives_its_job_back_untried(table: Table) -> None:
    table.offer("r1")
    for _ in range(20):
        lease = table.lease()
        table.jobs.give_back(lease.job, lease.fence)
    assert table.jobs.of("r1")[0].tries == 0


def test_a_new_model_makes_new_jobs_and_the_old_result_stays_until_it_is_replaced(table: Table) -> None:
    table.offer("r1")
    lease = table.lease()
    table.jobs.finish(lease.job, lease.fence, DONE)
    small = versions({Kind.SPEECH: "small"})
    assert table.offer("r1", models=small) == len(BOTH)
    assert table.states("r1")[0] == "speech base done"
    assert table.jobs.of("r1")[0].result == DONE
    assert table.jobs.lease("pc-1", READS) is None
    new = table.jobs.lease("pc-1", {Kind.SPEECH: "small"})
    assert new is not None
    table.jobs.finish(new.job, new.fence, "77" * 32)
    assert table.states("r1")[0] == "speech base withdrawn replaced"
    assert table.jobs.of("r1")[0].result is None
    assert table.offer("r1", models=small) == 0


def test_a_worker_of_the_old_model_hears_that_its_job_was_withdrawn(table: Table) -> None:
    table.offer("r1")
    lease = table.lease()
    table.offer("r1", models=versions({Kind.SPEECH: "small"}))
    with pytest.raises(JobRefused, match=r"withdrawn \(superseded\)"):
        table.jobs.finish(lease.job, lease.fence, DONE)


def test_erasure_takes_jobs_and_results_at_once_and_none_comes_back(table: Table) -> None:
    table.offer("r1", "r2")
    lease = table.lease()
    table.jobs.finish(lease.job, lease.fence, DONE)
    at_work = table.lease()
    table.jobs.forget(["r1", "r2", "never-seen"])
    with pytest.raises(JobRefused, match=r"withdrawn \(erased\)"):
        table.jobs.finish(at_work.job, at_work.fence, DONE)
    assert {one.state for each in ("r1", "r2") for one in table.jobs.of(each)} == {JobState.WITHDRAWN}
    assert table.offer("r1", "r2", "never-seen") == 0
    assert table.jobs.ask("r1") == 0
    assert table.jobs.lease("pc-1", dict(MODELS)) is None
    written = b"".join(one.read_bytes() for one in table.path.parent.iterdir())
    assert DONE.encode() not in written
    table.jobs.forget(["r1"])  # as at each start of the console


def test_what_the_rules_no_longer_allow_is_withdrawn_and_comes_back_with_them(table: Table) -> None:
    table.offer("r1", "r2")
    lease = table.lease()
    table.jobs.finish(lease.job, lease.fence, DONE)
    assert table.jobs.withdraw() == 2 * len(BOTH) - 1  # what is done stays
    assert table.jobs.lease("pc-1", READS) is None
    assert table.offer("r1", "r2") == 2 * len(BOTH) - 1
    assert table.lease().recording != lease.recording


def test_a_clock_that_is_set_back_costs_time_alone(table: Table) -> None:
    table.offer("r1")
    table.now += 365 * DAY
    ahead = table.lease()
    table.jobs.fail(ahead.job, ahead.fence, Failure.BROKEN)
    table.now -= 365 * DAY
    again = table.lease()
    table.now -= 2 * LONGEST
    with pytest.raises(JobRefused, match="is over"):
        table.jobs.finish(again.job, again.fence, DONE)
    assert table.jobs.lease("pc-1", READS) is None  # it is taken back, and waits
    table.now += DAY
    assert table.lease().fence > again.fence


def test_many_at_once_get_different_jobs(table: Table) -> None:
    table.offer(*(f"r{number}" for number in range(24)))
    taken: list[Lease] = []

    def work() -> None:
        with closing(Jobs(table.path, lambda: table.now)) as own:
            while lease := own.lease("pc", READS):
                taken.append(lease)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted({one.recording for one in taken}) == sorted(f"r{number}" for number in range(24))
    assert len({one.fence for one in taken}) == len(taken) == 24


@pytest.mark.parametrize("result", ["", "5E" * 32, "what the customer said"])
def test_a_result_is_a_hash_and_no_content(table: Table, result: str) -> None:
    table.offer("r1")
    lease = table.lease()
    with pytest.raises(JobRefused, match="a result is a SHA-256"):
        table.jobs.finish(lease.job, lease.fence, result)


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 101])
def test_a_worker_has_a_plain_name(table: Table, name: str) -> None:
    with pytest.raises(JobRefused, match="a worker's name"):
        table.jobs.lease(name, READS)


def test_a_file_of_another_program_or_version_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("create table theirs (x)")
    with pytest.raises(JobsUnusable, match="another version, or another program's"):
        Jobs(other)
    torn = tmp_path / "torn.db"
    torn.write_bytes(os.urandom(9000))
    with pytest.raises(JobsUnusable, match="cannot be used"):
        Jobs(torn)


def test_it_says_in_words_how_far_it_is(table: Table) -> None:
    table.offer("r1", "r2", "r3", old=HOUR)
    lease = table.lease()
    table.now += 30 * SECOND
    table.jobs.finish(lease.job, lease.fence, DONE)
    broken = table.lease()
    table.jobs.fail(broken.job, broken.fence, Failure.UNSOUND)
    table.jobs.renew((at_work := table.lease()).job, at_work.fence, 0.25)
    table.now += 10 * MINUTE
    facts = job_report.facts(table.jobs.status(), {Kind.SPEECH}, allowed=True)
    speech = facts["kinds"][Kind.SPEECH]
    assert (speech["leased"], speech["done"], speech["failed"]) == (1, 1, 1)
    assert (speech["done_last_hour"], speech["mean_s"]) == (1, 30.0)
    assert facts["failures"] == {"unsound": {"failed": 1, "waiting": 0}}
    said = job_report.lines(facts)
    assert said[0] == "speech: 1 leased, 1 done, 1 failed for good, 1 done in the last hour, 30.0 s each"
    assert "personal: 3 waiting, the oldest for 10 min" in said
    assert "  no reader is installed: 3 stay waiting until one is" in said
    assert "unsound: it is not what its PC signed (1 for good, 0 are tried again)" in said
    assert f"pc-1 is at speech of {at_work.recording}, 25 %" in said
    assert job_report.lines(job_report.facts(table.jobs.status(), (), allowed=False))[0] == job_report.NOT_ALLOWED
