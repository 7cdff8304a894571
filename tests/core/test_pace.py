"""When a witness is asked."""

from __future__ import annotations

from agent.core.model.media import Lane
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.pace import LONGEST_BEAT, fresh, next_look
from agent.core.proof.clearance import Timing
from agent.core.proof.timing import MAX_GAP, PAGE_HINDSIGHT

TIMING = Timing(settle=0, hindsight=300, max_gap=1000)


def test_a_grab_needs_a_look_younger_than_three_fifths_of_the_gap() -> None:
    assert fresh(0, 599, TIMING)
    assert not fresh(0, 600, TIMING)


def test_a_closed_lane_is_looked_at_often_and_a_quiet_open_one_rarely() -> None:
    assert next_look(5, TIMING, closed=True) == 5 + 100 * MILLISECOND
    assert next_look(5, TIMING, closed=False) == 5 + 1 * SECOND


def test_a_picture_that_is_taken_or_waits_is_looked_at_in_a_beat_until_one_look_is_past_its_hindsight() -> None:
    assert next_look(100, TIMING, closed=False, grab_wanted=True) == 900
    assert next_look(100, TIMING, closed=False, newest=200) == 900
    assert next_look(500, TIMING, closed=False, newest=200) == 1300
    assert next_look(501, TIMING, closed=False, newest=200) == 501 + SECOND  # it has been looked at
    assert next_look(501, TIMING, closed=False, newest=200, grab_wanted=True) == 1301


def test_sound_waits_for_a_look_no_longer_than_the_longest_beat() -> None:
    timing = Timing(hindsight=PAGE_HINDSIGHT, max_gap=MAX_GAP[Lane.AUDIO])
    assert next_look(0, timing, closed=False, newest=100 * MILLISECOND) == LONGEST_BEAT
    assert timing.max_gap // 2 > LONGEST_BEAT  # also where the next answer is late the proof goes on


def test_a_slow_witness_is_asked_sooner_so_that_its_answer_still_comes_within_the_gap() -> None:
    assert next_look(100, TIMING, closed=False, newest=900, slowest=62) == 100 + 800
    assert next_look(100, TIMING, closed=False, newest=900, slowest=63) == 100 + 600
    assert next_look(100, TIMING, closed=False, newest=900, took=100) == 100 + 800
    assert next_look(100, TIMING, closed=False, newest=900, took=101) == 100 + 1000 - 202
    assert next_look(100, TIMING, closed=False, newest=900, took=600) == 100 - 200
    assert next_look(100, TIMING, closed=False, took=600) == 100 + SECOND  # nothing waits
