"""How far an unchanged picture stands for the time after it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.model import Span
from agent.core.stretch import Stretch


def stretch(**reach: int) -> Stretch:
    made = Stretch(tuple(reach))
    for witness, until in reach.items():
        made.proven(witness, until)
    return made


def test_nothing_kept_ends_nowhere() -> None:
    made = stretch(w=100)
    assert not made.is_over()
    assert not made.ended_before(500)
    assert made.end(None) is None


def test_it_goes_as_far_as_the_slowest_witness_has_proven() -> None:
    made = stretch(w=100, b=70)
    made.keep(Span(10, 20))
    assert not made.is_over()
    assert made.end(None) == 70


def test_it_never_ends_before_the_end_of_what_was_kept() -> None:
    made = stretch(w=100)
    made.keep(Span(10, 20))
    made.keep(Span(30, 130))
    assert made.end(None) == 130


def test_a_later_picture_may_end_before_an_earlier_one_of_another_monitor() -> None:
    made = stretch(w=10)
    made.keep(Span(10, 60))
    made.keep(Span(20, 30))
    assert made.end(None) == 60


def test_it_ends_where_the_first_dropped_picture_begins() -> None:
    made = stretch(w=100)
    made.keep(Span(10, 20))
    made.changed([80, 50])
    assert made.is_over()
    assert made.ended_before(51)
    assert not made.ended_before(50)
    assert made.end(None) == 50


def test_what_was_dropped_before_it_is_no_end_of_it() -> None:
    made = stretch(w=100)
    made.changed([5])
    made.keep(Span(10, 20))
    assert not made.is_over()
    assert made.end(None) == 100


def test_it_ends_with_the_run_that_proved_it_once_the_others_have_come_as_far() -> None:
    made = stretch(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("b")
    assert not made.is_over()
    made.proven("w", 59)
    assert not made.is_over()
    made.proven("w", 60)
    assert made.is_over()
    made.proven("b", 900)  # its next run
    assert made.end(None) == 60


def test_it_is_over_when_the_slower_run_has_ended_too() -> None:
    made = stretch(w=40, b=60)
    made.keep(Span(10, 20))
    made.broken("b")
    made.broken("w")
    assert made.is_over()
    assert made.end(None) == 40


def test_a_run_that_ended_before_what_is_kept_ends_nothing() -> None:
    made = stretch(w=15)
    made.broken("w")
    made.proven("w", 100)
    made.keep(Span(18, 20))
    assert made.end(None) == 100


def test_the_next_begins_anew() -> None:
    made = stretch(w=100)
    made.keep(Span(10, 20))
    made.changed([50])
    made.broken("w")
    assert made.end(None) == 50
    made.proven("w", 300)
    made.keep(Span(200, 210))
    assert made.end(None) == 300


def test_what_ends_the_next_is_remembered_while_its_first_picture_waits() -> None:
    made = stretch(w=100)
    made.keep(Span(10, 20))
    made.changed([50, 90])
    made.broken("w")
    assert made.end(70) == 50
    made.proven("w", 300)
    made.keep(Span(70, 80))
    assert made.ended_before(95)
    assert made.end(None) == 90
    made.keep(Span(120, 130))
    assert made.end(None) == 300


def test_at_rest_what_ended_before_is_forgotten_unless_something_is_being_kept() -> None:
    made = stretch(w=100)
    made.changed([50])
    made.broken("w")
    made.rest()
    made.proven("w", 300)
    made.keep(Span(40, 45))
    assert made.end(None) == 300
    made.keep(Span(60, 70))
    made.changed([80])
    made.rest()
    assert made.end(None) == 80


@given(st.lists(st.tuples(st.sampled_from(["proven", "broken", "changed", "keep"]), st.integers(1, 30)), max_size=30))
def test_the_end_lies_within_proven_time_and_not_beyond_a_change(acts: list[tuple[str, int]]) -> None:
    made, now, kept, changes, proven = Stretch(("w",)), 0, None, [], 0
    for act, later in acts:
        now += later
        match act:
            case "proven":
                proven = now
                made.proven("w", now)
            case "broken":
                made.broken("w")
            case "changed":
                changes.append(now)
                made.changed([now])
            case _:
                if not made.ended_before(now):
                    kept = Span(now, now)
                    made.keep(kept)
    until = made.end(None)
    assert (until is None) is (kept is None)
    if until is not None and kept is not None:
        assert kept.end <= until <= max(kept.end, proven)
        assert all(until <= max(change, kept.end) for change in changes if change >= kept.start)
