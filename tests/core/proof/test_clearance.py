"""The proof, held against an oracle that knows the law only as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.rules import Reason
from agent.core.model.seen import StalePixels
from agent.core.model.times import Span
from agent.core.proof.clearance import ANSWERS_WITHIN, Clearance, Run, Timing, alarmed, gone_by, looked, with_stale

CARD = (Reason("card-forms", 0),)
TIMING = Timing(settle=5, hindsight=3, max_gap=20)


def clean(run: Run, asked: int, answered: int, timing: Timing = TIMING) -> Run:
    return looked(run, asked, answered, (), timing, display_known=False, lag=0)


# -- one rule, one test -------------------------------------------------------------------------------------------


def test_the_published_constants() -> None:
    assert ANSWERS_WITHIN == 1_000_000_000
    assert Timing() == Timing(settle=0, hindsight=0, max_gap=250_000_000, lingers=0)


def test_a_span_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Span(2, 1)


def test_a_new_run_proves_nothing() -> None:
    run = Run.unproven(10)
    assert not run.clean
    assert not run.clearance.covers(Span(11, 11), 0)


def test_one_look_proves_nothing() -> None:
    run = clean(Run.unproven(0), 10, 11)
    assert run.clean
    assert not any(run.clearance.covers(Span(at, at), 0) for at in range(40))


def test_two_looks_prove_what_lies_between_them() -> None:
    run = clean(clean(Run.unproven(0), 10, 11), 25, 26)
    assert run.clearance == Clearance(after=16, before=25)
    assert [at for at in range(40) if run.clearance.covers(Span(at, at), 0)] == list(range(17, 25))


@pytest.mark.parametrize(
    ("span", "hindsight", "covered"),
    [
        (Span(11, 19), 0, True),
        (Span(10, 19), 0, False),  # equal times prove nothing: at the start
        (Span(11, 20), 0, False),  # and at the end
        (Span(11, 16), 3, True),
        (Span(11, 17), 3, False),  # the hindsight must lie inside too
        (Span(11, 15), 3, True),
    ],
)
def test_all_comparisons_are_strict(span: Span, hindsight: int, covered: bool) -> None:
    assert Clearance(10, 20).covers(span, hindsight) is covered


def test_what_starts_at_or_below_the_lower_end_is_lost() -> None:
    clearance = Clearance(10, 20)
    assert clearance.never_covers(Span(10, 12))
    assert not clearance.never_covers(Span(11, 12))


def test_a_look_asked_at_the_alarm_does_not_count() -> None:
    run = alarmed(Run.unproven(0), 10)
    assert clean(run, 10, 11) is run
    assert clean(run, 9, 30) is run
    assert clean(run, 11, 12).clean


def test_an_alarm_ends_the_run_and_its_clearance() -> None:
    run = alarmed(clean(clean(Run.unproven(0), 10, 11), 25, 26), 27)
    assert not run.clean
    assert not run.clearance.covers(Span(17, 18), 0)


def test_an_alarm_from_the_past_does_not_move_the_barrier_back() -> None:
    run = alarmed(alarmed(Run.unproven(0), 20), 10)
    assert run.barrier == 20
    assert run.after == 20


def test_a_dirty_look_is_an_alarm_at_its_answer() -> None:
    run = looked(Run.unproven(0), 10, 14, CARD, TIMING, display_known=False, lag=0)
    assert (run.barrier, run.after, run.clean) == (14, 14, False)
    assert clean(run, 14, 15) is run


def test_a_dirty_look_counts_even_when_it_was_asked_before_the_alarm() -> None:
    run = looked(alarmed(Run.unproven(0), 10), 9, 14, CARD, TIMING, display_known=False, lag=0)
    assert run.barrier == 14


def test_a_rule_stays_closed_for_its_time() -> None:
    reasons = (Reason("a", 0, stay_closed=3), Reason("b", 1, stay_closed=50))
    run = looked(Run.unproven(0), 10, 14, reasons, TIMING, display_known=False, lag=0)
    assert run.after == 64
    run = clean(clean(run, 15, 16), 30, 31)
    assert run.clearance.after == 64
    for asked in (45, 60, 75):
        run = clean(run, asked, asked + 1)
    assert not run.clearance.covers(Span(64, 66), 3)
    assert run.clearance.covers(Span(65, 66), 3)


def test_settle_is_added_to_the_first_answer_only() -> None:
    run = clean(clean(clean(Run.unproven(0), 10, 11), 20, 21), 30, 31)
    assert run.clearance.after == 16


def test_two_looks_too_far_apart_leave_what_is_between_them_unproven_but_do_not_end_the_run() -> None:
    run = clean(clean(Run.unproven(0), 10, 11), 29, 30)
    assert run.clearance.after == 16  # 30 - 10 is just within max_gap
    run = clean(clean(Run.unproven(0), 10, 11), 29, 31)
    assert run.clean
    assert run.clearance.after == 31  # no settle again: nothing was dirty
    assert not run.clearance.covers(Span(17, 18), 0)


def test_overlapping_looks_do_not_count() -> None:
    run = clean(Run.unproven(0), 10, 15)
    assert clean(run, 15, 16) is run
    assert clean(run, 12, 30) is run
    assert clean(run, 16, 17) is not run


def test_a_witness_whose_clock_runs_backwards_is_an_alarm() -> None:
    run = clean(Run.unproven(0), 10, 11)
    backwards = clean(run, 30, 29)
    assert not backwards.clean
    assert backwards.barrier == 30
    assert clean(Run.unproven(0), 30, 30).clean  # a coarse clock is not a backward one


# -- the law against an oracle ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """A look (asked, answered, dirty) or, without `asked`, an alarm at `answered`."""

    answered: int
    asked: int | None = None
    stay: int | None = None  # None: clean


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events in the order of one witness's queue; equal times are common on purpose (a coarse clock)."""
    events, now = [], 0
    for _ in range(draw(st.integers(0, 14))):
        now += draw(st.integers(0, 12))
        kind = draw(st.sampled_from(["clean"] * 6 + ["dirty", "alarm"]))
        if kind == "alarm":
            events.append(Event(answered=now))
            continue
        asked = now
        now += draw(st.integers(0, 6))
        events.append(Event(now, asked, None if kind == "clean" else draw(st.integers(0, 10))))
    return events


def proven(events: list[Event], span: Span, timing: Timing) -> bool:
    """The law in one sentence: some clean looks in a row, none dirty, no alarm between; the first one's answer and the
    settle lie before the span, the last one's question after span and hindsight, and no two neighbours around any part
    of it lie further apart than `max_gap`; every clean look was asked after whatever came before it was over."""
    start, end = span.start, span.end + timing.hindsight
    row: list[tuple[int, int]] = []
    over, shut = 0, 0  # the latest end of anything before; until when a rule stays closed
    for event in events:
        if event.asked is None:
            row, over, shut = [], max(over, event.answered), max(shut, event.answered)
            continue
        if event.stay is not None:
            row, over = [], max(over, event.answered)
            shut = max(shut, event.answered + event.stay)
            continue
        if event.asked <= over:
            continue
        row.append((event.asked, event.answered))
        over = event.answered
        around = [
            (asked, answered) for (asked, _), (_, answered) in pairwise(row) if answered >= start and asked <= end
        ]
        if (
            row[0][1] + timing.settle < start
            and shut < start
            and end < event.asked
            and all(answered - asked <= timing.max_gap for asked, answered in around)
        ):
            return True
    return False


timings = st.builds(Timing, settle=st.integers(0, 6), hindsight=st.integers(0, 6), max_gap=st.integers(4, 30))


@given(histories(), timings)
def test_what_a_run_covers_is_exactly_what_the_law_proves(events: list[Event], timing: Timing) -> None:
    run = Run.unproven(0)
    covered: set[tuple[int, int]] = set()
    spans = [Span(start, start + length) for start in range(0, 120, 3) for length in (0, 2, 7)]
    for event in events:
        if event.asked is None:
            run = alarmed(run, event.answered)
        else:
            reasons = () if event.stay is None else (Reason("r", 0, event.stay),)
            run = looked(run, event.asked, event.answered, reasons, timing, display_known=False, lag=0)
        for span in spans:
            if run.clearance.covers(span, timing.hindsight):
                covered.add((span.start, span.end))
    for span in spans:
        if (span.start, span.end) in covered:
            assert proven(events, span, timing), span
        else:
            assert not proven(events, span, timing), f"{span} was provable but not kept"


@given(histories(), timings)
def test_the_lower_end_never_falls(events: list[Event], timing: Timing) -> None:
    """So what `never_covers` says once stays true."""
    run = Run.unproven(0)
    for event in events:
        before = run.clearance.after
        if event.asked is None:
            run = alarmed(run, event.answered)
        else:
            reasons = () if event.stay is None else (Reason("r", 0, event.stay),)
            run = looked(run, event.asked, event.answered, reasons, timing, display_known=False, lag=0)
        assert run.clearance.after >= before


@pytest.mark.parametrize(
    ("settle", "told", "after"), [(50, False, 1020), (50, True, 70), (2000, False, 2020)], ids=["no", "yes", "more"]
)
def test_a_look_that_does_not_say_what_is_left_on_the_display_counts_as_the_longest(
    settle: int, told: bool, after: int
) -> None:
    timing = Timing(settle=settle, lingers=1000)
    assert looked(Run.unproven(0), 10, 20, (), timing, display_known=told, lag=0).clearance.after == after


@pytest.mark.parametrize(("lag", "after"), [(0, 25), (5, 25), (6, 26), (300, 320)])
def test_a_display_that_is_behind_takes_longer_to_settle(lag: int, after: int) -> None:
    run = looked(Run.unproven(0), 10, 20, (), TIMING, display_known=True, lag=lag)
    assert run.clearance.after == run.began == after
    later = looked(run, 25, 26, (), TIMING, display_known=True, lag=300)
    assert later.clearance == Clearance(after, 25), "what was clean by the first look was so long before the second"


# -- ghosts -------------------------------------------------------------------------------------------------------


def test_what_left_before_the_run_holds_it_back_until_it_is_gone() -> None:
    run = clean(Run.unproven(0), 10, 11)  # what it saw had settled at 16
    run = with_stale(run, [StalePixels(left=9, until=100)], 11)
    assert run.clearance.after == 100
    assert with_stale(run, [StalePixels(left=9, until=30)], 12).clearance.after == 30  # the latest word counts
    assert with_stale(run, [StalePixels(left=9, until=120)], 12).clearance.after == 120


@pytest.mark.parametrize(("left", "after"), [(16, 100), (17, 16)])
def test_what_left_after_the_run_began_was_clean(left: int, after: int) -> None:
    assert with_stale(clean(Run.unproven(0), 10, 11), [StalePixels(left, until=100)], 20).clearance.after == after


@pytest.mark.parametrize("told", [12, 17, 18], ids=["long before", "just before", "when it was gone"])
def test_what_has_gone_need_not_be_told_again(told: int) -> None:
    run = with_stale(clean(Run.unproven(0), 10, 11), [StalePixels(left=9, until=18)], told)
    assert with_stale(run, (), 18).clearance.after == 18


def test_some_may_go_while_others_stay() -> None:
    run = with_stale(
        clean(Run.unproven(0), 10, 11), [StalePixels(left=9, until=100), StalePixels(left=8, until=30)], 30
    )
    assert with_stale(run, [StalePixels(left=9, until=41)], 45).clearance.after == 41
    assert with_stale(run, [StalePixels(left=9, until=20)], 45).clearance.after == 30


def test_a_run_without_a_clean_look_is_not_haunted() -> None:
    run = alarmed(with_stale(clean(Run.unproven(0), 10, 11), [StalePixels(left=9, until=100)], 11), 30)
    assert with_stale(run, [StalePixels(left=9, until=100)], 31) == run
    assert run.clearance == Clearance(30, 30)


@dataclass(frozen=True)
class Leaving:
    """A window leaves at `left`, its pixels are gone at `gone`; until a look at `known` nobody says so, but `later`."""

    left: int
    gone: int
    known: int
    later: int

    def word(self, answered: int) -> StalePixels:
        return StalePixels(self.left, self.gone if answered >= self.known else max(self.later, self.gone))


leavings = st.builds(
    lambda left, stays, unsaid, later: Leaving(left, left + stays, left + stays + unsaid, left + later),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 30),
    st.integers(0, 90),
)


@given(histories(), timings, st.lists(leavings, max_size=5))
def test_nothing_is_proven_while_the_display_shows_what_left_before_the_run(
    events: list[Event], timing: Timing, left: list[Leaving]
) -> None:
    run = Run.unproven(0)
    told_as_gone: set[Leaving] = set()
    for event in events:
        if event.asked is None:
            run = alarmed(run, event.answered)
            continue
        reasons = () if event.stay is None else (Reason("r", 0, event.stay),)
        run = looked(run, event.asked, event.answered, reasons, timing, display_known=True, lag=0)
        words = {one: one.word(event.answered) for one in left if one.left <= event.answered}
        run = with_stale(run, [word for one, word in words.items() if one not in told_as_gone], event.answered)
        told_as_gone |= {one for one, word in words.items() if word.until <= event.answered}
        for at in range(run.clearance.after + 1, run.clearance.before):
            assert not any(one.left <= run.began and at < one.gone for one in words)


def test_where_nothing_has_left_nothing_is_waited_for() -> None:
    assert gone_by((), began=5) == 0
    assert gone_by((StalePixels(left=6, until=9),), began=5) == 0
    assert gone_by((StalePixels(left=5, until=9), StalePixels(left=4, until=7)), began=5) == 9
