"""Five frames a second, and two for changes of most of the monitor: without a clock."""

from __future__ import annotations

from agent.capture.pacing import Pacing
from agent.core.model.times import MILLISECOND, SECOND

T = 1000 * SECOND
LARGE, SMALL = 0.26, 0.25


def test_the_first_change_is_due_at_once() -> None:
    assert Pacing().due(SMALL) == 0
    assert Pacing().due(LARGE) == 0


def test_small_changes_come_five_times_a_second() -> None:
    pacing = Pacing()
    pacing.taken(T, SMALL)
    assert pacing.due(SMALL) == T + 200 * MILLISECOND


def test_large_changes_come_twice_a_second() -> None:
    pacing = Pacing()
    pacing.taken(T, LARGE)
    assert pacing.due(LARGE) == T + 500 * MILLISECOND
    assert pacing.due(SMALL) == T + 200 * MILLISECOND


def test_a_large_change_after_small_ones_waits_no_longer_than_they_do() -> None:
    pacing = Pacing()
    pacing.taken(T, SMALL)
    assert pacing.due(LARGE) == T + 200 * MILLISECOND


def test_small_changes_between_do_not_put_off_a_large_one() -> None:
    pacing = Pacing()
    pacing.taken(T, LARGE)
    pacing.taken(T + 300 * MILLISECOND, SMALL)
    assert pacing.due(LARGE) == T + 500 * MILLISECOND
    pacing.taken(T + 450 * MILLISECOND, SMALL)
    assert pacing.due(LARGE) == T + 650 * MILLISECOND  # five frames a second still holds
