"""Which policy may follow which: revisions only rise."""

from __future__ import annotations

from dataclasses import replace

from agent.core.language.change import InForce, disarmed, refusals, vanished
from tests.core.policies import HEAD, RULE, parsed

BEFORE = parsed(HEAD + RULE + RULE.removeprefix("rules:\n").replace("any\n", "two\n", 1))
LAST = InForce.of(BEFORE)


def test_what_is_remembered() -> None:
    assert InForce(12, "hash", ("any", "two")) == LAST


def test_a_higher_revision_follows() -> None:
    assert refusals(LAST, replace(BEFORE, revision=13, hash="other")) == ()


def test_the_same_policy_follows_itself() -> None:
    assert refusals(LAST, BEFORE) == ()


def test_an_older_one_does_not() -> None:
    assert refusals(LAST, replace(BEFORE, revision=11, hash="other")) == (
        "a.yaml:2:1 revision 11 is older than 12, which is in force, write 13 if this policy is meant to replace it",
    )


def test_a_change_needs_a_new_revision() -> None:
    assert refusals(LAST, replace(BEFORE, hash="other")) == (
        "a.yaml:2:1 the policy has changed, but its revision is still 12, write 13 to put it in force",
    )


def test_a_lost_rule_is_named() -> None:
    less = replace(BEFORE, hash="other", rules=BEFORE.rules[:1])
    assert vanished(LAST, less) == ("two",)
    assert refusals(LAST, less) == (
        "a.yaml:2:1 the policy has changed and lost two, but its revision is still 12, write 13 to put it in force",
    )
    assert refusals(LAST, replace(less, revision=13)) == ()


def test_a_rule_that_is_only_tried_from_now_on_is_named() -> None:
    tried = replace(BEFORE, hash="other", rules=(BEFORE.rules[0], replace(BEFORE.rules[1], dry_run=True)))
    assert (vanished(LAST, tried), disarmed(LAST, tried)) == ((), ("two",))
    assert refusals(LAST, tried) == (
        (
            "a.yaml:2:1 the policy has changed and closes no more for two (dry_run), but its revision is still 12, "
            "write 13 to put it in force"
        ),
    )
    assert refusals(LAST, replace(tried, revision=13)) == ()
    # It was told of once: what is remembered are the rules that close.
    assert disarmed(InForce.of(tried), tried) == ()
    assert vanished(InForce.of(tried), replace(tried, rules=tried.rules[:1])) == ()
