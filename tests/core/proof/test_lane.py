"""One lane of the eye, from looks to what is kept: judgement, proof and gate together, and the law over all of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Matcher, Policy
from agent.core.model.seen import Alarm, Blind, Look
from agent.core.model.times import Span
from agent.core.proof.lane import BLIND
from tests.core.proof.lanes import (
    NOTES,
    PATIENCE,
    POLICY,
    TILL,
    TIMING,
    WITH_BOTH,
    WITH_CHART,
    Picture,
    kept,
    look,
    proof,
    seen,
)


def test_a_look_that_knows_the_display_to_be_behind_opens_later() -> None:
    made = proof()
    made.see(replace(look(10), lag=30))
    made.see(look(40))
    made.see(look(60))
    made.proof.push(Picture(Span(41, 42)))
    made.proof.push(Picture(Span(42, 43)))
    assert [item.span.start for item in made.judge(61).released] == [42]


def test_without_a_policy_nothing_counts() -> None:
    made: AccountedProof[Picture] = AccountedProof(Lane.SCREEN, ("w",), PATIENCE, now=0)
    assert not made.proof.counts(look(10))
    assert not made.proof.counts(look(10, policy=""))
    made.see(look(10))
    made.proof.push(Picture(Span(20, 21)))
    made.see(look(30))
    assert made.judge(30).released == ()
    assert made.proof.reasons == BLIND


def test_a_picture_between_two_clean_looks_is_kept() -> None:
    made, picture = proof(), Picture(Span(20, 21))
    made.see(look(10))
    made.proof.push(picture)
    assert made.judge(25).released == ()
    made.see(look(27))
    assert made.judge(27).released == (picture,)
    assert made.proof.reasons == ()
    assert made.proof.asked("w") == 27


def test_while_nothing_changes_one_judgement_serves() -> None:
    made = proof()
    made.see(look(10, WITH_CHART))
    verdict = made.proof.verdicts["w"]
    made.see(look(20, seen("notes", "chart")))
    assert made.proof.verdicts["w"] is verdict
    made.see(look(30))
    assert made.proof.verdicts["w"].ids == frozenset()


def test_a_look_judged_with_another_policy_does_not_count() -> None:
    made = proof()
    assert made.proof.counts(look(10))
    assert not made.proof.counts(look(10, policy="before"))
    made.see(look(10, policy="before"))
    assert made.proof.reasons == BLIND


def test_a_policy_that_comes_into_force_makes_all_looks_worthless() -> None:
    made = proof()
    made.see(look(10))
    made.proof.push(Picture(Span(20, 21)))
    made.put_in_force(Policy("then", 2, "test", ()), {"w": TIMING}, now=25)
    made.see(look(30, policy="then"))
    assert made.judge(30).dropped == (Picture(Span(20, 21)),)
    assert made.proof.timing("w") is TIMING


def test_reasons_are_told_once_and_in_order() -> None:
    made = proof("w", "v")
    made.see(look(10, WITH_BOTH))
    made.see(look(10, WITH_CHART, witness="v"))
    assert [reason.id for reason in made.proof.reasons] == ["charts", "till"]


def test_a_look_that_was_asked_before_the_alarm_changes_nothing() -> None:
    made = proof()
    made.alarm(Alarm("w", 25, "message lost"))
    made.see(look(20))
    assert made.proof.reasons == BLIND


def test_blindness_closes() -> None:
    made = proof()
    made.see(look(10, Blind.UNEXPLAINED))
    assert made.proof.reasons == BLIND
    made.see(look(20))
    assert made.proof.reasons == ()
    made.alarm(Alarm("w", 25, "silence"))
    assert made.proof.reasons == BLIND
    assert made.proof.asked("w") is None


def test_a_witness_whose_clock_runs_backwards_closes() -> None:
    made = proof()
    made.see(look(10))
    made.see(Look("w", 30, 29, "now", NOTES))
    assert made.proof.reasons == BLIND


def test_a_rule_that_stays_closed_delays_the_first_picture() -> None:
    made = proof()
    made.see(look(10, WITH_CHART))
    made.see(look(15))
    assert made.proof.provable_after == 31


def test_with_record_when_only_interactions_are_kept_and_what_comes_shortly_after() -> None:
    calls = Policy("calls", 1, "test", (TILL,), record_when=(Matcher(Attribute.APP, ("phone",)),), keep_recording=30)
    made = proof()
    made.put_in_force(calls, {"w": TIMING}, now=0)
    made.see(look(5, policy="calls"))
    assert [reason.id for reason in made.proof.reasons] == ["not-recorded"]
    made.see(look(10, seen("phone"), policy="calls"))
    assert made.proof.reasons == ()
    made.see(look(41, policy="calls"))
    assert made.proof.reasons == ()
    made.see(look(42, policy="calls"))
    assert [reason.id for reason in made.proof.reasons] == ["not-recorded"]


def test_where_kept_time_ends() -> None:
    made = proof()
    assert made.end_of_kept() is None
    made.see(look(10))
    made.proof.push(Picture(Span(20, 21)))
    for at in (40, 60, 80):
        made.see(look(at))
    kept(made, 80)
    # The last look's question less the hindsight: the unchanged picture stood until there.
    assert made.end_of_kept() == 75
    assert made.end_of_kept() is None


def test_kept_time_never_reaches_past_a_picture_that_was_dropped() -> None:
    made = proof()
    made.see(look(10))
    made.proof.push(Picture(Span(20, 21)))
    for at in (40, 60, 80):
        made.see(look(at))
    kept(made, 80)
    made.lost((Picture(Span(50, 52)),))
    assert made.end_of_kept() == 50


def test_kept_time_never_ends_before_what_was_released() -> None:
    made = proof()
    made.see(look(10))
    made.proof.push(Picture(Span(20, 30)))
    made.see(look(40))
    kept(made, 40)
    made.lost((Picture(Span(25, 26)),))
    assert made.end_of_kept() == 30


def test_once_a_witness_has_closed_the_others_catch_up_with_what_it_had_proven() -> None:
    made = proof("w", "v")
    for witness in ("w", "v"):
        made.see(look(10, witness=witness))
    made.proof.push(Picture(Span(20, 21)))
    for at in (40, 60):
        made.see(look(at))
        made.see(look(at, witness="v"))
    kept(made, 61)
    made.see(look(70, witness="v"))
    made.see(look(72, WITH_CHART, witness="v"))
    made.still(0)
    assert not made.kept_span_is_over(73)  # w has proven until 55 only, v until 65
    made.see(look(90))
    assert made.kept_span_is_over(90)
    assert made.end_of_kept() == 65


def test_a_still_screen_is_kept_until_the_eye_closed() -> None:
    made = proof()
    made.see(look(10))
    made.proof.push(Picture(Span(20, 21)))
    for at in (40, 60):
        made.see(look(at))
    kept(made, 61)
    made.proof.push(Picture(Span(62, 63), repeats=True))
    made.see(look(80, WITH_CHART))
    kept(made, 82)  # drops the repeat, which says nothing new
    assert not made.kept_span_is_over(82)
    made.still(78)
    assert made.kept_span_is_over(82)
    assert made.end_of_kept() == 78


def test_sound_never_stands_still() -> None:
    made: AccountedProof[Picture] = AccountedProof(Lane.AUDIO, ("w",), patience=100, now=0)
    made.put_in_force(POLICY, {"w": TIMING}, now=0)
    for at in (10, 40, 60):
        made.see(look(at))
    made.proof.push(Picture(Span(20, 21)))
    kept(made, 61)
    made.see(look(80, WITH_CHART))
    assert made.kept_span_is_over(82)


def test_nothing_is_kept_from_before_the_account_says_that_the_lane_is_open() -> None:
    made = proof()
    made.see(Look("w", 10, 11, "now", NOTES))
    made.proof.opened(14)
    made.proof.push(Picture(Span(12, 13)))
    made.proof.push(Picture(Span(15, 16)))
    made.see(Look("w", 30, 31, "now", NOTES))
    outcome = made.judge(32)
    assert [one.span for one in outcome.released] == [Span(15, 16)]
    assert [one.span for one in outcome.dropped] == [Span(12, 13)]


def test_what_is_let_go_after_a_break_begins_anew() -> None:
    made = proof("w", "v")
    for witness in ("w", "v"):
        made.see(look(10, witness=witness))
    first, second = Picture(Span(20, 21)), Picture(Span(60, 61))
    made.proof.push(first)
    made.see(look(40, witness="v"))
    made.see(look(24))
    kept(made, 42)  # what v has covered stays covered
    made.see(look(44, seen("till"), witness="v"))
    made.see(look(50, witness="v"))
    made.proof.push(second)
    made.see(look(70, witness="v"))
    made.see(look(71))
    assert made.judge(72).released == (first, second)
    assert not made.begins_anew(first)
    made.kept(first)
    assert made.begins_anew(second)
    assert made.end_of_kept(second) == 35
    made.kept(second)
    assert not made.kept_span_is_over(73)


def test_drop_all() -> None:
    made = proof()
    made.proof.push(Picture(Span(20, 21)))
    assert made.proof.waiting == (Picture(Span(20, 21)),)
    assert made.drop_all().dropped == (Picture(Span(20, 21)),)
    assert made.proof.waiting == ()


@st.composite
def days(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[Look | Alarm | Picture]]:
    """When a chart really was in view, and what a truthful witness and a camera made of it, in order."""
    now, charts, acts = 1, [], []
    for _ in range(draw(st.integers(0, 4))):
        start = now + draw(st.integers(0, 60))
        end = start + draw(st.integers(1, 60))
        charts.append((start, end))
        now = end + 1

    def dirty(start: int, end: int) -> bool:
        """A look covers every moment since the one before."""
        return any(a <= end and start <= b for a, b in charts)

    now, since = 0, 0
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.integers(1, 15))
        match draw(st.sampled_from(["look", "look", "picture", "alarm"])):
            case "look":
                answered = now + draw(st.integers(0, 5))
                acts.append(Look("w", now, answered, "now", WITH_CHART if dirty(since, answered) else NOTES))
                now = since = answered
            case "picture":
                end = now + draw(st.integers(0, 5))
                acts.append(Picture(Span(now, end), whole=draw(st.booleans())))
                now = end
            case _:
                acts.append(Alarm("w", now, "x"))
    return charts, acts


@given(days())
def test_no_released_picture_ever_touches_a_chart(
    day: tuple[list[tuple[int, int]], list[Look | Alarm | Picture]],
) -> None:
    charts, acts = day
    made = proof()
    released: list[Picture] = []
    for act in acts:
        match act:
            case Look():
                made.see(act)
                now = act.answered
            case Alarm():
                made.alarm(act)
                now = act.at
            case Picture():
                made.proof.push(act)
                now = act.span.end
        released += made.judge(now).released
    for picture in released:
        for start, end in charts:
            assert picture.span.end + TIMING.hindsight < start or end < picture.span.start
