"""What the person in front may ask for, in the words they get, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.holding import OWN_REASONS, UserHold, grant, reasons_of, under
from agent.core.model.rules import HoldTerms, Policy
from agent.core.model.times import SECOND
from agent.errors import UserError

POLICY = Policy("hash-1", 1, "test", ())
MINUTE = 60 * SECOND


def policy(**terms: object) -> Policy:
    return replace(POLICY, user_hold=HoldTerms(**terms))  # type: ignore[arg-type]


@pytest.mark.parametrize("in_force", [None, POLICY], ids=["no policy", "one that says nothing of it"])
def test_without_a_word_of_the_policy_they_may_and_as_long_as_they_like(in_force: Policy | None) -> None:
    said = "" if in_force is None else "hash-1"
    assert grant(in_force, None, "", 7, None) == UserHold(7, None, "", said)
    assert grant(in_force, MINUTE, "Private", 7, None) == UserHold(7, 7 + MINUTE, "private", said)
    assert reasons_of(in_force) == OWN_REASONS


def test_a_policy_may_forbid() -> None:
    with pytest.raises(UserError, match="does not allow holding"):
        grant(policy(allowed=False), MINUTE, "", 7, None)
    assert under(policy(allowed=False), UserHold(7)) is None


@pytest.mark.parametrize(("longest", "words"), [(10 * MINUTE, "10 min"), (90 * SECOND, "90 s")])
def test_a_policy_may_bound(longest: int, words: str) -> None:
    with pytest.raises(UserError, match=f"allows {words} at most"):
        grant(policy(longest=longest), longest + SECOND, "", 7, None)
    assert grant(policy(longest=longest), longest, "", 7, None).until == 7 + longest
    assert grant(policy(longest=longest), None, "", 7, None).until == 7 + longest
    assert under(policy(longest=longest), UserHold(7)) == UserHold(7, 7 + longest)
    assert under(policy(), UserHold(7)) == UserHold(7)


def test_asked_for_again_and_again_it_still_ends_at_the_longest_after_its_beginning() -> None:
    bounded = policy(longest=10 * MINUTE)
    hold = grant(bounded, 5 * MINUTE, "", 0, None)
    for now in range(4):
        hold = grant(bounded, 5 * MINUTE, "", now * 3 * MINUTE, hold)
    assert hold.until == 10 * MINUTE
    assert grant(bounded, MINUTE, "", MINUTE, hold).until == 2 * MINUTE  # a shorter one is what was asked for


def test_a_reason_is_one_of_the_policys() -> None:
    named = policy(reasons=("Break", "Private call"))
    assert reasons_of(named) == ("Break", "Private call")
    assert grant(named, None, "private  CALL", 7, None).reason == 1
    with pytest.raises(UserError, match="a reason is one of these: Break, Private call"):
        grant(named, None, "Mrs Smith", 7, None)
    with pytest.raises(UserError, match="wants a reason for a hold; one of these: Break, Private call"):
        grant(named, None, "", 7, None)


def test_or_one_of_eyelids_own_where_it_names_none() -> None:
    with pytest.raises(UserError, match="a reason is one of these: break, private, other"):
        grant(POLICY, None, "Mrs Smith", 7, None)


@pytest.mark.parametrize(
    ("hold", "told"),
    [
        (UserHold(5), {}),
        (UserHold(5, 5 + MINUTE, "break", "hash-1"), {"reason": "break", "for_ms": 60_000}),
        (UserHold(5, None, 0, "hash-1"), {"reason": 0, "policy": "hash-1"}),
    ],
)
def test_what_the_ledger_is_told(hold: UserHold, told: dict[str, object]) -> None:
    assert hold.as_fields() == told
