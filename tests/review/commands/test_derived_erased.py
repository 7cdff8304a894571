"""What was made of a recording goes when the recording is erased, and what belongs to no job goes at a start."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from review.analysis.job_states import JobState, Kind, versions, with_what_follows
from review.analysis.jobs import Jobs, Lease, Offer
from review.analysis.lending import Lent
from review.commands.analyse import shelf, table
from testkit.lifecycle import RULES
from testkit.reading_room import ReadingRoom, furnish
from testkit.waits import until

MODELS = versions({Kind.SPEECH: "base.1"})
LENT = Lent({}, "speech/original", b"k" * 32)


@pytest.fixture
def room(tmp_path: Path) -> ReadingRoom:
    return furnish(tmp_path / "room")


def take(jobs: Jobs, recording: str) -> Lease:
    jobs.offer([Offer(recording, time.time_ns(), time.time_ns(), with_what_follows([Kind.SPEECH]))], MODELS)
    lease = jobs.lease("pc-1", {Kind.SPEECH: MODELS[Kind.SPEECH]})
    assert lease is not None
    assert lease.recording == recording
    return lease


@pytest.mark.slow(reason="a store is furnished, and a console started")
def test_an_erasure_takes_what_was_made_and_a_start_sweeps_what_belongs_to_nothing(room: ReadingRoom) -> None:
    own = shelf(room.home, Ed25519PrivateKey.generate())
    erased, kept = room.recordings["carl"][0], room.recordings["anna"][-1]

    def there(recording: str) -> list[str]:
        return sorted(one.name for one in (own.folder / recording).glob("*"))

    with closing(Jobs(table(room.home))) as jobs:
        leases = [take(jobs, one) for one in (erased, kept)]
        for one in leases:
            jobs.finish(one.job, one.fence, own.put(one, LENT, b"what was said"))
        own.put(replace(leases[1], fence=99), LENT, b"made for no lease of the table")
        with room.up():
            until(lambda: there(kept) == [f"speech.original.{leases[1].fence}"], "what belongs to no job is swept")
            assert there(erased) == [f"speech.original.{leases[0].fence}"]
            room.world.mirror()
            with room.world.opened() as (database, lifecycle):
                lifecycle.clock_is_right = True  # no PC confirms it here
                facts = room.world.facts(database)
                assert erased in lifecycle.erase(facts, RULES, [erased], "DSR-7").erased
            until(lambda: not (own.folder / erased).exists(), "what was made of an erased recording goes")
            assert {one.state for one in jobs.of(erased)} == {JobState.WITHDRAWN}
            assert there(kept) == [f"speech.original.{leases[1].fence}"]
