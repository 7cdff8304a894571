"""One lane of the eye with several witnesses: every one has to prove, any one closes, and what each last said."""

from __future__ import annotations

from dataclasses import replace

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Effect, LaneEffect, Matcher, Policy, Rule
from agent.core.model.seen import Alarm, Blind, Browsing, Look, Page, PageEvent, Scene
from agent.core.model.times import Span
from agent.core.proof.lane import BLIND
from tests.core.proof.lanes import (
    CHART,
    NOTES,
    PATIENCE,
    POLICY,
    TILL,
    TIMING,
    WITH_BOTH,
    WITH_CHART,
    Picture,
    look,
    proof,
    seen,
)

PAYING = Page(("https://pay.example/",))
SHOPPING = Page(("https://shop.example/",))
CARDS = Policy("now", 1, "test", (Rule(0, "cards", "", (Matcher(Attribute.URL, ("pay.example",)),), stay_closed=20),))


def with_cards() -> AccountedProof[Picture]:
    """Two witnesses, both with a clean look behind them."""
    made = proof("w", "b")
    made.put_in_force(CARDS, {"w": TIMING, "b": TIMING}, now=0)
    for witness in ("w", "b"):
        made.see(look(10, witness=witness))
    return made


def test_a_picture_needs_the_proof_of_every_witness() -> None:
    made, picture = with_cards(), Picture(Span(20, 21))
    made.proof.push(picture)
    made.see(look(40))
    assert made.judge(41).released == ()
    made.see(look(42, witness="b"))
    assert made.judge(43).released == (picture,)


def test_proven_is_what_the_slower_witness_has_proven() -> None:
    made = with_cards()
    made.see(look(40))
    assert made.proof.proven_by == 10
    made.see(look(42, witness="b"))
    assert made.proof.proven_by == 40
    made.alarm(Alarm("b", 50, "silence"))
    assert made.proof.proven_by is None
    assert made.proof.said("w") == ()
    assert made.proof.said("b") == BLIND


def test_what_browsers_say_is_worth_nothing_by_itself() -> None:
    made = with_cards()
    made.see(Look("b", 40, 41, "now", Browsing()))
    assert made.proof.said("b") == BLIND


def test_an_item_waits_for_the_witness_that_can_close_it_last() -> None:
    made = proof("w", "b")
    made.put_in_force(CARDS, {"w": TIMING, "b": replace(TIMING, hindsight=9)}, now=0)
    assert made.proof.hindsight == 9


def test_of_several_rules_the_one_that_stays_closed_longest_counts() -> None:
    made = proof("w", "b")
    rules = (*CARDS.rules, replace(CARDS.rules[0], id="codes", stay_closed=5))
    made.put_in_force(replace(CARDS, rules=rules), {"w": TIMING, "b": TIMING}, now=0)
    made.page_event(PageEvent("b", 24, PAYING))
    assert made.proof.provable_after == 44


def test_an_event_that_a_rule_closes_for_is_an_alarm() -> None:
    made, picture = with_cards(), Picture(Span(20, 21))
    made.proof.push(picture)
    assert made.page_event(PageEvent("b", 24, PAYING))
    assert [reason.id for reason in made.proof.said("b")] == ["cards"]
    assert made.proof.said("w") == ()
    assert made.proof.provable_after == 44
    made.see(look(23, witness="b"))
    assert made.proof.asked("b") is None
    for witness in ("w", "b"):
        made.see(look(30, witness=witness))
    assert made.judge(31).dropped == (picture,)


def test_which_rules_have_spoken_of_whatever_was_seen() -> None:
    """Of the sound alone, of events that have passed, and of rules that are only tried; never Eyelid's own."""
    made = with_cards()
    assert made.spoke() == frozenset()
    made.page_event(PageEvent("b", 24, PAYING))
    assert made.spoke() == {"cards"}
    assert made.spoke() == frozenset()
    sound = {Lane.SCREEN: LaneEffect(Effect.RECORD)}
    rules = (replace(CHART, lanes=sound), replace(TILL, dry_run=True), Rule(2, "other", "", CHART.any[:0]))
    made.put_in_force(Policy("two", 2, "test", rules), dict.fromkeys(("w", "b"), TIMING), now=30)
    made.see(look(40, WITH_BOTH, policy="two"))
    assert made.proof.reasons == BLIND  # of the other witness, which has not looked yet
    for _ in range(2):  # for as long as they are in view
        assert made.spoke() == {"charts", "till"}
    made.see(look(50, Blind.CANNOT_VOUCH, policy="two"))
    assert made.spoke() == frozenset()


def test_a_harmless_event_says_nothing() -> None:
    made = with_cards()
    assert not made.page_event(PageEvent("b", 24, SHOPPING))
    assert made.proof.reasons == ()
    assert made.proof.asked("b") == 10


def test_an_event_counts_only_under_a_policy() -> None:
    made: AccountedProof[Picture] = AccountedProof(Lane.SCREEN, ("b",), PATIENCE, now=0)
    assert not made.page_event(PageEvent("b", 24, PAYING))
    assert made.proof.reasons == BLIND


def test_an_event_is_no_interaction_to_record() -> None:
    calls = Policy("now", 1, "test", CARDS.rules, record_when=(Matcher(Attribute.APP, ("phone",)),))
    made = proof()
    made.put_in_force(calls, {"w": TIMING}, now=0)
    made.see(look(10, seen("phone")))
    made.page_event(PageEvent("w", 20, SHOPPING))
    assert made.proof.reasons == ()


def test_an_interaction_that_any_witness_sees_is_one_for_all() -> None:
    calls = Policy("calls", 1, "test", (), record_when=(Matcher(Attribute.APP, ("phone",)),), keep_recording=30)
    made = proof("w", "b")
    made.put_in_force(calls, {"w": TIMING, "b": TIMING}, now=0)
    nothing_open = Scene(pages_only=True)
    made.see(look(5, nothing_open, "b", "calls"))
    assert [reason.id for reason in made.proof.said("b")] == ["not-recorded"]
    made.see(look(10, seen("phone"), policy="calls"))
    made.see(look(20, nothing_open, "b", "calls"))
    assert made.proof.reasons == ()
    made.see(look(30, seen("phone"), policy="calls"))
    made.see(look(61, nothing_open, "b", "calls"))
    assert made.proof.reasons == ()
    made.see(look(62, seen("notes"), policy="calls"))
    made.see(look(93, nothing_open, "b", "calls"))
    assert [reason.id for reason in made.proof.said("b")] == ["not-recorded"]


def test_a_word_in_doubt_closes_the_lane_until_the_next() -> None:
    made = proof()
    made.see(look(10))
    made.doubt("w", 25)
    assert made.proof.reasons == BLIND
    made.see(look(25))  # asked before anybody doubted
    assert made.proof.reasons == BLIND
    made.see(look(27))
    assert made.proof.reasons == ()


def test_what_was_proven_before_a_doubt_is_kept_and_nothing_of_the_time_in_doubt() -> None:
    made = proof()
    proven, doubtful = Picture(Span(12, 13)), Picture(Span(26, 27))
    made.see(look(10))
    made.proof.push(proven)
    made.see(look(22))
    assert made.judge(23).released == (proven,)
    made.kept(proven)
    made.doubt("w", 25)
    made.proof.push(doubtful)
    made.see(look(28))
    made.see(look(40))
    assert made.judge(41).dropped == (doubtful,)
    assert made.end_of_kept() == 17  # as far as it was proven, its hindsight taken off


def test_a_doubt_says_no_more_than_the_witness_did() -> None:
    made = proof()
    made.see(look(10, WITH_CHART))
    made.doubt("w", 25)
    assert [reason.id for reason in made.proof.reasons] == ["charts"]


def test_what_a_rule_that_is_only_tried_says_is_remembered_from_look_to_look() -> None:
    made = proof("w", "v")
    tried = replace(POLICY, rules=(CHART, replace(TILL, dry_run=True)))
    made.put_in_force(tried, dict.fromkeys(("w", "v"), TIMING), now=0)
    made.see(look(1, seen("till")))
    made.see(look(1, seen("till"), "v"))
    assert [reason.id for reason in made.would] == ["till"]
    assert made.proof.reasons == ()
    made.see(look(5, NOTES))
    assert [reason.id for reason in made.would] == ["till"]
    made.see(look(5, NOTES, "v"))
    assert made.would == ()
    made.see(look(9, seen("till")))
    assert made.would != ()
    made.put_in_force(POLICY, dict.fromkeys(("w", "v"), TIMING), now=10)
    assert made.would == ()


def test_a_witness_that_fell_silent_says_nothing_of_rules_that_are_only_tried() -> None:
    made: AccountedProof[Picture] = AccountedProof(Lane.SCREEN, ("w",), PATIENCE, now=0)
    made.put_in_force(replace(POLICY, rules=(replace(CHART, dry_run=True),)), {"w": TIMING}, now=0)
    made.see(look(10, WITH_CHART))
    assert [reason.id for reason in made.would] == ["charts"]
    made.alarm(Alarm("w", 20, "silence"))
    assert made.would == ()
    made.see(look(30, WITH_CHART))
    assert [reason.id for reason in made.would] == ["charts"]
