"""A store's clock that leaps ahead makes every period end: what the PCs sign of the time tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.audit.kinds import Act
from review.governance.times import DAY
from review.lifecycle import lifecycle as lifecycle_module
from review.lifecycle.clock import OFF, SILENT, check_by_pcs
from store.clock import MINUTE, SECOND
from store.errors import StoreError
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import RULES, World

LEAP = 2000 * DAY


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.found(tmp_path)


def heard(world: World, *off: int) -> None:
    """A PC for each, whose clock is by so much before the store's (ns)."""
    with world.serving() as pcs:
        for one in off:
            pc = pcs.pc()
            assert pc.put_health(pc.report(wall=world.days() - one)).is_success


def made(world: World) -> FakeRecording:
    with world.serving() as pcs:
        pc = pcs.pc()
        recording, _ = pcs.record(pc, "cards")
        assert pc.put_health(pc.report(wall=world.days())).is_success
    world.mirror()
    return recording


def acts(world: World) -> None:
    """As the console writes an entry, without a person who has looked at the clock."""
    with world.opened() as (_, lifecycle):
        lifecycle.log.append(Act("read-log", "anna@example.com", "desk", ["console"], {"first": 0, "end": 1}))


@pytest.mark.parametrize("acted", [False, True])
def test_a_clock_that_leaps_ahead_erases_nothing_whatever_is_written_meanwhile(world: World, acted: bool) -> None:
    recording = made(world)
    world.days.now += LEAP
    if acted:
        acts(world)
    with world.opened() as (database, lifecycle), pytest.raises(StoreError, match="no PC has reported"):
        lifecycle.erase(world.facts(database), RULES, [str(recording.id)])
    heard(world, LEAP, LEAP)  # they go on, and their clocks are right
    with world.opened() as (database, lifecycle), pytest.raises(StoreError, match="2000 days ahead"):
        lifecycle.erase(world.facts(database), RULES, [str(recording.id)])
    assert len(world.files(recording.id)) == 6


def test_a_person_who_has_looked_may_say_that_it_is_right(world: World) -> None:
    recording = made(world)
    world.days.now += LEAP
    acts(world)
    with world.opened() as (database, lifecycle):
        lifecycle.clock_is_right = True
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)])
    assert list(done.erased) == [str(recording.id)]


def test_one_pc_whose_clock_is_late_stops_no_erasure(world: World) -> None:
    recording = made(world)
    world.days.now += 61 * DAY
    heard(world, 0, 0, 400 * DAY)
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database), RULES, [str(recording.id)])
    assert list(done.erased) == [str(recording.id)]


def test_the_pcs_are_asked_once_a_run_and_where_the_clock_has_moved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(world)
    asked: list[int] = []
    monkeypatch.setattr(lifecycle_module, "check_by_pcs", lambda _, now: asked.append(now))  # counts
    with world.opened() as (_, lifecycle):
        for on in (0, MINUTE, 60 * MINUTE, -MINUTE):
            world.days.now += on
            lifecycle.erasing_clock()
    assert len(asked) == 3


def refused(world: World) -> bool:
    with world.opened() as (database, _), database.reading() as connection:
        try:
            check_by_pcs(connection, world.days())
        except StoreError:
            return True
    return False


@pytest.mark.parametrize(
    ("off", "expected"),
    [
        ((), False),  # nothing is known
        ((OFF,), False),
        ((OFF + SECOND,), True),
        ((-LEAP,), False),  # a PC's clock that is ahead makes nothing die sooner
        ((0, LEAP), False),
        ((LEAP, LEAP, 0), True),
    ],
)
def test_most_of_those_that_were_heard_must_agree_within_a_day(
    world: World, off: tuple[int, ...], expected: bool
) -> None:
    heard(world, *off)
    assert refused(world) == expected


def test_how_long_they_may_be_silent_and_that_a_time_to_come_counts_as_silence(world: World) -> None:
    heard(world, 0)
    world.days.now += SILENT
    assert not refused(world)
    world.days.now += 1
    assert refused(world)
    world.days.now -= SILENT + MINUTE  # it was heard while the clock was ahead
    assert refused(world)


@pytest.mark.parametrize("damage", ["update devices set evidence_key = 'no key'", "update health set body = '{'"])
def test_what_is_not_signed_says_nothing(world: World, damage: str) -> None:
    heard(world, LEAP)
    assert refused(world)
    with world.opened() as (database, _), database.writing() as connection:
        connection.exec_driver_sql(damage)
    assert not refused(world)


def test_pcs_that_were_revoked_are_not_waited_for(world: World) -> None:
    with world.serving() as pcs:
        pc = pcs.pc()
        assert pc.put_health(pc.report(wall=world.days())).is_success
    world.days.now += LEAP
    assert refused(world)
    with world.opened() as (database, _), database.writing() as connection:
        connection.exec_driver_sql("update devices set revoked_at = 1")
    assert not refused(world)
