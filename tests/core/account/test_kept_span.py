"""How far an unchanged picture stands for the time after it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.account.kept_span import ANSWERS_WITHIN, KeptSpan
from agent.core.model.times import Span

NOW = 1000


def at(*starts: int) -> list[Span]:
    """Pictures that were dropped and began to differ when they were taken."""
    return [Span(start, start) for start in starts]


def kept_span(**reach: int) -> KeptSpan:
    made = KeptSpan(tuple(reach))
    for witness, until in reach.items():
        made.proven(witness, until)
    return made


def test_nothing_kept_ends_nowhere() -> None:
    made = kept_span(w=100)
    assert not made.is_over(NOW)
    assert not made.ended_before(500)
    assert made.end(None) is None


def test_it_goes_as_far_as_the_slowest_witness_has_proven() -> None:
    made = kept_span(w=100, b=70)
    made.keep(Span(10, 20))
    assert not made.is_over(NOW)
    assert made.end(None) == 70


def test_it_never_ends_before_the_end_of_what_was_kept() -> None:
    made = kept_span(w=100)
    made.keep(Span(10, 20))
    made.keep(Span(30, 130))
    assert made.end(None) == 130


def test_a_later_picture_may_end_before_an_earlier_one_of_another_monitor() -> None:
    made = kept_span(w=10)
    made.keep(Span(10, 60))
    made.keep(Span(20, 30))
    assert made.end(None) == 60


def test_it_ends_where_the_first_dropped_picture_begins() -> None:
    made = kept_span(w=100)
    made.keep(Span(10, 20))
    made.changed(at(80, 50))
    assert made.is_over(NOW)
    assert made.ended_before(51)
    assert not made.ended_before(50)
    assert made.end(None) == 50


def test_what_was_dropped_before_it_is_no_end_of_it() -> None:
    made = kept_span(w=100)
    made.changed(at(5))
    made.keep(Span(10, 20))
    assert not made.is_over(NOW)
    assert made.end(None) == 100


def test_it_ends_with_the_run_that_proved_it_once_the_others_have_come_as_far() -> None:
    made = kept_span(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("b", NOW)
    assert not made.is_over(NOW)
    made.proven("w", 59)
    assert not made.is_over(NOW)
    made.proven("w", 60)
    assert made.is_over(NOW)
    made.proven("b", 900)  # its next run
    assert made.end(None) == 60


def test_it_is_over_when_the_slower_run_has_ended_too() -> None:
    made = kept_span(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("b", NOW)
    made.broken("w", NOW)
    assert made.is_over(NOW)
    assert made.end(None) == 40


def test_a_run_that_ended_before_what_is_kept_ends_nothing() -> None:
    made = kept_span(w=15)
    made.broken("w", NOW)
    made.proven("w", 100)
    made.keep(Span(18, 20))
    assert made.end(None) == 100


def test_the_next_begins_anew() -> None:
    made = kept_span(w=100)
    made.keep(Span(10, 20))
    made.changed(at(50))
    made.broken("w", NOW)
    assert made.end(None) == 50
    made.proven("w", 300)
    made.keep(Span(200, 210))
    assert made.end(None) == 300


def test_what_ends_the_next_is_remembered_while_its_first_picture_waits() -> None:
    made = kept_span(w=100)
    made.keep(Span(10, 20))
    made.changed(at(50, 90))
    made.broken("w", NOW)
    assert made.end(70) == 50
    made.proven("w", 300)
    made.keep(Span(70, 80))
    assert made.ended_before(95)
    assert made.end(None) == 90
    made.keep(Span(120, 130))
    assert made.end(None) == 300


def test_at_rest_what_ended_before_is_forgotten_unless_something_is_being_kept() -> None:
    made = kept_span(w=100)
    made.changed(at(50))
    made.broken("w", NOW)
    made.rest()
    made.proven("w", 300)
    made.keep(Span(40, 45))
    assert made.end(None) == 300
    made.keep(Span(60, 70))
    made.changed(at(80))
    made.rest()
    assert made.end(None) == 80


def standing(**reach: int) -> KeptSpan:
    made = KeptSpan(tuple(reach), stands=True)
    for witness, until in reach.items():
        made.proven(witness, until)
    return made


def test_a_still_screen_stands_until_something_was_drawn() -> None:
    made = standing(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("b", 100)
    made.broken("w", 105)
    assert not made.is_over(101)  # it is not told yet
    made.still(90)
    assert made.is_over(101)
    assert made.end(None) == 90


def test_it_stands_no_longer_than_until_the_first_run_ended() -> None:
    made = standing(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("w", 100)
    made.broken("b", 80)
    made.still(120)
    assert made.end(None) == 80


def test_a_slower_witness_is_waited_for_before_it_is_over() -> None:
    """What still waits at the gate may yet be let go, and begins before that end."""
    made = standing(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("b", 100)
    made.still(90)
    assert not made.is_over(101)
    made.proven("w", 60)
    assert made.is_over(102)
    assert made.end(None) == 90


def test_who_does_not_tell_is_waited_for_a_second() -> None:
    made = standing(w=40)
    made.keep(Span(10, 20))
    made.broken("w", 100)
    assert not made.is_over(100 + ANSWERS_WITHIN)
    assert made.is_over(101 + ANSWERS_WITHIN)
    assert made.end(None) == 40


def test_a_change_ends_it_however_still_it_was_after_that() -> None:
    made = standing(w=90)
    made.keep(Span(10, 20))
    made.changed([Span(30, 35)])
    made.broken("w", 100)
    made.still(95)
    assert made.end(None) == 30


def test_a_change_from_before_the_last_picture_on_another_monitor_ends_it_too() -> None:
    made = standing(w=90)
    made.keep(Span(40, 45))
    made.changed([Span(38, 41)])
    assert made.ended_before(50)
    assert made.end(None) == 45  # what was let go was let go for its whole span


def test_a_dropped_repeat_ends_it_unless_the_screen_is_known_to_have_been_still() -> None:
    made = standing(w=90)
    made.keep(Span(10, 20))
    made.repeated([50])
    assert made.is_over(95)
    assert made.end(None) == 50
    made.keep(Span(60, 70))
    made.repeated([80])
    made.broken("w", 100)
    made.still(99)
    assert made.end(None) == 99


def test_a_repeat_from_before_what_is_kept_ends_nothing() -> None:
    made = standing(w=90)
    made.repeated([5])
    made.keep(Span(10, 20))
    assert not made.is_over(95)
    assert made.end(60) == 90
    made.repeated([55, 70])
    made.keep(Span(60, 65))
    assert made.end(None) == 70


def test_a_word_of_stillness_without_a_break_says_nothing() -> None:
    made = standing(w=40)
    made.keep(Span(10, 20))
    made.still(500)
    made.broken("w", 600)
    assert not made.is_over(601)
    assert made.end(None) == 40


def test_the_word_of_one_stretch_is_not_that_of_the_next() -> None:
    made = standing(w=40)
    made.keep(Span(10, 20))
    made.broken("w", 100)
    made.still(90)
    assert made.end(None) == 90
    made.proven("w", 240)
    made.keep(Span(200, 210))
    made.broken("w", 300)
    assert not made.is_over(301)
    assert made.end(None) == 240


@given(st.lists(st.tuples(st.sampled_from(["proven", "broken", "changed", "keep"]), st.integers(1, 30)), max_size=30))
def test_the_end_lies_within_proven_time_and_not_beyond_a_change(acts: list[tuple[str, int]]) -> None:
    made, now, kept, changes, proven = KeptSpan(("w",)), 0, None, [], 0
    for act, later in acts:
        now += later
        match act:
            case "proven":
                proven = now
                made.proven("w", now)
            case "broken":
                made.broken("w", NOW)
            case "changed":
                changes.append(now)
                made.changed(at(now))
            case _:
                if not made.ended_before(now):
                    kept = Span(now, now)
                    made.keep(kept)
    until = made.end(None)
    assert (until is None) is (kept is None)
    if until is not None and kept is not None:
        assert kept.end <= until <= max(kept.end, proven)
        assert all(until <= max(change, kept.end) for change in changes if change >= kept.start)


def test_a_witness_that_has_proven_nothing_has_proven_nothing() -> None:
    made = KeptSpan(("w",))
    made.keep(Span(-9, -5))
    assert made.end(None) == 0


def test_what_begins_at_the_very_moment_of_the_picture_that_is_kept_next_ends_that_one() -> None:
    made = kept_span(w=300)
    made.changed([Span(40, 70), Span(30, 69)])
    assert made.end(70) is None
    made.keep(Span(70, 75))
    assert made.ended_before(76)
    assert made.end(None) == 75
    made.repeated([170, 169])
    assert made.end(170) is None
    made.keep(Span(170, 171))
    assert made.is_over(NOW)
    assert made.end(None) == 171


def test_a_run_that_had_come_just_as_far_as_the_picture_is_the_one_that_proved_it() -> None:
    made = kept_span(w=80)
    made.keep(Span(10, 20))
    made.broken("w", NOW)
    assert made.end(80) == 80
    made.proven("w", 300)
    made.broken("w", NOW)
    made.keep(Span(75, 80))
    assert made.ended_before(81)
    assert made.end(None) == 80


def test_what_is_from_before_the_picture_that_is_kept_next_is_forgotten() -> None:
    made = kept_span(w=60)
    made.broken("w", NOW)
    made.repeated([65])
    assert made.end(66) is None
    made.proven("w", 300)
    made.keep(Span(50, 55))  # older than was told, which never happens: what was forgotten does not end it
    assert made.end(None) == 300


ACTS = st.sampled_from(["draw", "let go", "drop", "look", "alarm"])


@given(st.lists(st.tuples(ACTS, st.integers(1, 30)), max_size=40))
def test_beyond_what_is_proven_no_moment_counts_as_kept_at_which_the_screen_was_another(
    acts: list[tuple[str, int]],
) -> None:
    """A screen that is drawn on and pictured; a picture of it is let go or dropped."""
    made, now, reach = standing(w=0), 0, 0
    ungrabbed: int | None = None  # the first that was drawn since the last picture
    draws: list[int] = []
    last: Span | None = None
    for act, later in acts:
        now += later
        match act:
            case "draw":
                draws.append(now)
                ungrabbed = now if ungrabbed is None else ungrabbed
            case "let go":
                if last is not None and made.ended_before(now):
                    made.end(now)
                last, ungrabbed, reach = Span(now, now), None, max(reach, now)
                made.proven("w", reach)
                made.keep(last)
            case "drop" if ungrabbed is None:
                made.repeated([now])
            case "drop":
                made.changed([Span(ungrabbed, now)])
                ungrabbed = None
            case "look":
                reach = max(reach, now - 10)
                made.proven("w", reach)
            case _:
                made.broken("w", now)
                made.still(now if ungrabbed is None else ungrabbed)
                until = made.end(None)
                assert (until is None) is (last is None)
                if last is not None and until is not None:
                    assert until <= now
                    assert until <= reach or not any(last.start < at < until for at in draws)
                last = None


def test_it_stands_where_all_have_proven_that_it_does() -> None:
    made = kept_span(w=100, b=70)
    assert not made.holds_until(50)
    made.keep(Span(10, 20))
    assert made.holds_until(70)
    assert not made.holds_until(71)
    made.broken("b", 80)
    assert not made.holds_until(70)
