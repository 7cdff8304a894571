"""Whatever the order of hold, release, request, period, kill and restored backup: nothing that is held or too young
goes, and nothing that went comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.erasure import Erasure
from store.catalog import erasure
from testkit.lifecycle import PRIVATE, RULES, World
from testkit.played_lifecycle import killed_at, played

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="Windows cannot fork a child to kill")


@pytest.mark.slow(reason="a store lives through thirty random acts, each of which is killed somewhere")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_life_of_a_store_loses_or_brings_back_what_it_must_not(tmp_path: Path, seed: int) -> None:
    counts = played(World.found(tmp_path), seed, turns=25)
    assert counts.faults == []
    assert (counts.resurrected, counts.held_deleted) == (0, 0)
    assert counts.kills
    assert counts.certificates_verified


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
                stone = erasure.tombstone(connection, name)
            stood.add(stone.step if stone else "")
            if stone is None:
                assert len(world.files(name)) == 6  # nothing was ordered, so nothing was touched
                continue
            assert stone.explained
            lifecycle.finish()
            with database.reading() as connection:
                done = erasure.tombstone(connection, name)
        assert done is not None
        assert Erasure.verify(done.token, PRIVATE.public_key()).recording == name
        assert world.files(name) == []
        if not killed:
            break
    else:
        pytest.fail("sixty steps did not end it")
    assert stood == {"", "ordered", "shredded", "removed", "erased"}
