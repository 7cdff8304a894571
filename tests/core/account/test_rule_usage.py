"""Rules that fit nothing for days: which are watched, what counts as a day, and what begins anew."""

from __future__ import annotations

from dataclasses import replace

from agent.core.account.rule_usage import RuleUsage, Unused, followed, listened, reported, watched_rules
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Effect, LaneEffect, Matcher, Policy, Reason, Rule

RECORD = LaneEffect(Effect.RECORD)
ANY = (Matcher(Attribute.APP, ("x",)),)
CARDS = Rule(0, "cards", "", ANY, never_matched=3)
CHARTS = Rule(1, "charts", "", ANY, never_matched=5, lanes={Lane.SCREEN: RECORD})  # of the sound alone
TRIED = Rule(2, "tried", "", ANY, never_matched=3, dry_run=True)
PACK = Rule(3, "pack", "", ANY)
LISTED = Rule(4, "listed", "", ANY, never_matched=3, lanes=dict.fromkeys(Lane, RECORD))
POLICY = Policy("one", 1, "n", (CARDS, CHARTS, TRIED, PACK, LISTED))


def days(usage: RuleUsage, first: int, last: int, *spoke: str, policy: Policy = POLICY) -> RuleUsage:
    for day in range(first, last + 1):
        usage = listened(usage, policy, spoke, day)
    return usage


def names(usage: RuleUsage, policy: Policy = POLICY) -> list[str]:
    return [reason.id for reason in usage.alarming(policy)]


def test_who_is_watched() -> None:
    """Those of the sound alone and those that are only tried too; what closes nothing cannot be missed."""
    assert [rule.id for rule in watched_rules(POLICY)] == ["cards", "charts", "tried"]


def test_so_many_days_after_a_rule_was_first_looked_for() -> None:
    assert names(days(RuleUsage(), 100, 102)) == []
    usage = days(RuleUsage(), 100, 103)
    assert usage.alarming(POLICY) == (Reason("cards", 0), Reason("tried", 2))
    assert names(days(usage, 104, 105)) == ["cards", "charts", "tried"]


def test_a_rule_that_fits_something_begins_anew() -> None:
    usage = days(days(RuleUsage(), 100, 103), 104, 104, "cards")
    assert names(usage) == ["tried"]
    assert names(days(usage, 105, 106)) == ["charts", "tried"]
    assert names(days(usage, 105, 107)) == ["cards", "charts", "tried"]


def test_days_without_a_look_do_not_count_and_one_counts_once() -> None:
    usage = listened(RuleUsage(), POLICY, (), 100)
    assert listened(usage, POLICY, (), 100) is usage
    usage = listened(usage, POLICY, (), 900)
    assert usage.rules["cards"] == Unused(1, 900)
    assert listened(usage, POLICY, (), 899).rules["cards"] == Unused(2, 899)  # a clock that was set back
    spoken = listened(usage, POLICY, ("cards",), 900)
    assert listened(spoken, POLICY, ("cards",), 900) is spoken


def test_a_policy_that_follows_goes_on_but_for_what_was_changed_or_told() -> None:
    usage = followed(RuleUsage(), POLICY, None)
    usage = reported(days(usage, 100, 103), [Reason("tried", 2)])
    assert followed(usage, POLICY, POLICY) is usage
    assert not usage.all_reported(usage.alarming(POLICY))
    assert usage.all_reported([Reason("tried", 2)])
    moved = replace(CARDS, number=1, never_matched=2, why="other")
    edited = replace(CHARTS, number=0, any=(Matcher(Attribute.APP, ("y",)),))
    new = Policy("two", 2, "n", (edited, moved, TRIED))
    after = followed(usage, new, POLICY)
    assert (after.policy, set(after.rules)) == ("two", {"cards"})
    assert names(after, new) == ["cards"]
    after = followed(usage, new, None)  # across a restart it is not known what was edited
    assert set(after.rules) == {"cards", "charts"}
    assert names(followed(usage, Policy("three", 3, "n", (PACK,)), POLICY), new) == []
