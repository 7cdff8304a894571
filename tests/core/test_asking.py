"""When a witness is asked, and what its proof needs under a policy."""

from __future__ import annotations

from agent.core.asking import WINDOW_HINDSIGHT, WINDOW_SETTLE, fresh, next_look, window_timing
from agent.core.clearance import Timing
from agent.core.model import MILLISECOND, SECOND, Attribute, Effect, Extent, Lane, LaneEffect, Matcher, Policy, Rule

TIMING = Timing(settle=0, hindsight=300, max_gap=1000)


def policy(*attributes: Attribute, lead: int = 0) -> Policy:
    rules = tuple(
        Rule(
            number,
            attribute,
            "",
            (Matcher(attribute, ("x",)),),
            lanes={Lane.AUDIO: LaneEffect(Effect.PAUSE, Extent.SHOWN, lead)},
        )
        for number, attribute in enumerate(attributes)
    )
    return Policy("hash", 1, "name", rules)


def test_pixels_outlive_their_window_and_the_truth_may_come_a_second_late() -> None:
    timing = window_timing(policy(Attribute.APP), Lane.SCREEN)
    assert timing == Timing(settle=1 * SECOND, hindsight=1 * SECOND, max_gap=250 * MILLISECOND)
    assert (timing.settle, timing.hindsight) == (WINDOW_SETTLE, WINDOW_HINDSIGHT)


def test_sound_reaches_back_by_the_longest_lead_of_any_rule() -> None:
    timing = window_timing(policy(Attribute.APP, lead=3 * SECOND), Lane.AUDIO)
    assert timing == Timing(1 * SECOND, 3 * SECOND, 1 * SECOND)


def test_a_grab_needs_a_look_younger_than_two_fifths_of_the_gap() -> None:
    assert fresh(0, 399, TIMING)
    assert not fresh(0, 400, TIMING)


def test_a_closed_lane_is_looked_at_often_and_a_quiet_open_one_rarely() -> None:
    assert next_look(5, TIMING, closed=True) == 5 + 100 * MILLISECOND
    assert next_look(5, TIMING, closed=False) == 5 + 1 * SECOND


def test_a_wanted_grab_is_asked_for_when_the_last_look_is_no_longer_fresh() -> None:
    assert next_look(5, TIMING, closed=False, grab_wanted=True) == 405


def test_a_waiting_item_is_looked_at_after_its_hindsight_and_never_too_rarely() -> None:
    assert next_look(100, TIMING, closed=False, newest=200) == 501
    assert next_look(100, TIMING, closed=False, newest=900) == 700
    assert next_look(500, TIMING, closed=False, newest=200) == 501
    assert next_look(501, TIMING, closed=False, newest=200) == 501 + SECOND  # it has been looked at
