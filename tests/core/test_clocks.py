"""Three clocks read together: a wall clock that was set, a sleep that nobody told of, and what is neither."""

from __future__ import annotations

from agent.core.clocks import JUMP, TOGETHER, Clocks, Reading
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.session import Slept, WallJumped

WALL = 1_800_000_000 * SECOND
HOUR = 3600 * SECOND


def read(now: int, *, wall: int = WALL, slept: int = 0, took: int = 0) -> Reading:
    """`wall`: its offset."""
    return Reading(now, now + wall, now - slept, now + took)


START = Clocks.of(read(0))


def test_time_that_only_passes_is_no_news() -> None:
    assert START.note(read(10 * HOUR)) == (START, ())


def test_a_wall_clock_that_was_set_is_told_once_with_both_offsets() -> None:
    clocks, events = START.note(read(SECOND, wall=WALL - HOUR))
    assert events == (WallJumped(WALL, WALL - HOUR),)
    assert clocks.note(read(2 * SECOND, wall=WALL - HOUR)) == (clocks, ())
    assert clocks.note(read(3 * SECOND))[1] == (WallJumped(WALL - HOUR, WALL),)


def test_what_a_time_server_mends_is_told_when_it_has_come_to_a_jump() -> None:
    clocks, told = START, []
    for step in range(1, 31):
        clocks, events = clocks.note(read(step * SECOND, wall=WALL + step * 50 * MILLISECOND))
        told += events
    assert told == [WallJumped(WALL, WALL + JUMP + 50 * MILLISECOND)]


def test_a_sleep_is_as_long_as_the_clock_that_stands_still_stood() -> None:
    clocks, events = START.note(read(700 * SECOND, slept=600 * SECOND))
    assert events == (Slept(100 * SECOND, 700 * SECOND),)
    assert clocks.note(read(701 * SECOND, slept=600 * SECOND)) == (clocks, ())


def test_readings_that_do_not_belong_together_say_nothing_and_the_next_does() -> None:
    torn = read(SECOND, wall=WALL + HOUR, took=TOGETHER + 1)
    assert START.note(torn) == (START, ())
    assert START.note(read(2 * SECOND, wall=WALL + HOUR))[1] == (WallJumped(WALL, WALL + HOUR),)
