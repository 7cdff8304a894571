"""Whatever the order of hold, release, request, period, kill and restored backup: nothing that is held or too young
goes, and nothing that went comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from protocol.erasure import Erasure
from store.catalog import erasure, schema
from testkit.lifecycle import PRIVATE, RULES, World
from testkit.played_lifecycle import Play, killed_at, played

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="Windows cannot fork a child to kill")


@pytest.mark.slow(reason="a store lives through thirty random acts, each of which is killed somewhere")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_life_of_a_store_loses_or_brings_back_what_it_must_not(tmp_path: Path, seed: int) -> None:
    counts = played(World.found(tmp_path), seed, turns=25)
    assert counts.faults == []
    assert (counts.resurrected, counts.held_deleted) == (0, 0)
    assert counts.kills
    assert counts.certificates_verified


def test_a_certificate_of_another_recording_counts_as_none(tmp_path: Path) -> None:
    """Of the oracle itself."""
    play = Play(World.found(tmp_path), 1, each=1)
    play.world.days.pass_by(100)
    play._mark()
    play._all_due()
    assert play.counts.faults == []
    with play.world.opened() as (database, _), database.reading() as connection:
        one, other = erasure.tombstones(connection)[:2]
    for stone in (replace(one, token=other.token), replace(one, token=one.order.sign(PRIVATE) if one.order else "")):
        verified = play.counts.certificates_verified
        play._judge(one.recording, play.known[one.recording], stone)
        assert play.counts.faults.pop().startswith(f"the certificate of {one.recording}")
        assert play.counts.certificates_verified == verified
    assert play.counts.faults == []


@pytest.mark.slow(reason="one erasure after the other is killed, each a step later than the one before")
def test_an_erasure_that_is_killed_at_any_step_goes_on_or_never_began(tmp_path: Path) -> None:
    world = World.found(tmp_path)
    with world.serving() as pcs:
        pc = pcs.pc()
        names = [pcs.record(pc, "rest")[0].id for _ in range(60)]
    world.mirror()
    stood = set()
    for step, name in enumerate(names, 1):

        def run(one: str = str(name)) -> None:
            with world.opened() as (database, lifecycle):
                lifecycle.erase(world.facts(database), RULES, [one], "DSR-1")

        killed = killed_at(step, run)
        with world.opened() as (database, lifecycle):
            lifecycle.follow()
            with database.reading() as connection:
                stone = next(iter(erasure.tombstones(connection, schema.erasures.c.recording == str(name))), None)
            stood.add(stone.step if stone else "")
            if stone is None:
                assert len(world.files(name)) == 6  # nothing was ordered, so nothing was touched
                continue
            assert stone.explained
            lifecycle.finish()
            with database.reading() as connection:
                [done] = erasure.tombstones(connection, schema.erasures.c.recording == str(name))
        assert Erasure.verify(done.token, PRIVATE.public_key()).recording == name
        assert world.files(name) == []
        if not killed:
            break
    else:
        pytest.fail("sixty steps did not end it")
    assert stood == {"", "ordered", "shredded", "removed", "erased"}
