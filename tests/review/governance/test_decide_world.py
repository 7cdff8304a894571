"""The decision against an oracle, in random worlds, and the laws that hold whatever the rules are."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from review.governance.decide import decide
from review.governance.model import Governance, Grant, Person, Question
from review.governance.times import FOR_EVER
from tests.review.governance.worlds import (
    MOST,
    PEOPLE,
    governances,
    granted_by,
    grants_as_it_goes,
    questions,
    times,
)

LATEST = 2 * MOST  # nothing of a world changes later


def until_of(rules: Governance, asked: Question, grant: Grant) -> int:
    """The first later instant at which the oracle refuses."""
    changes = range(asked.now + 1, LATEST)
    return next((at for at in changes if granted_by(rules, replace(asked, now=at), grant) is None), FOR_EVER)


@settings(max_examples=100)
@given(governances(), questions)
def test_what_is_granted_is_what_one_role_grants(rules: Governance, asked: Question) -> None:
    decision = decide(rules, asked)
    by_grant = [(grant, granted_by(rules, asked, grant)) for grant in asked.person.grants]
    allowing = [(grant, shows) for grant, shows in by_grant if shows is not None]
    assert decision.granted is bool(allowing)
    if not allowing:
        assert decision.reasons
        assert (decision.role, decision.until, decision.rendition) == ("", 0, None)
        return
    best = max(allowing, key=lambda one: (until_of(rules, asked, one[0]), one[0].role))
    assert decision.until == until_of(rules, asked, best[0])
    assert decision.role == best[0].role
    assert (decision.rendition or "nothing to open") in {
        shows for grant, shows in allowing if grant.role == decision.role
    }


@given(governances(), questions, st.lists(grants_as_it_goes, max_size=3))
def test_no_grant_widens_by_another(rules: Governance, asked: Question, more: list[Grant]) -> None:
    """What all roles together give, one of them gives alone; and taking roles away never gives anything."""
    together = replace(asked, person=Person(asked.person.id, (*asked.person.grants, *more)))
    decision = decide(rules, together)
    alone = [decide(rules, replace(asked, person=Person(asked.person.id, (one,)))) for one in together.person.grants]
    assert decision.granted is any(one.granted for one in alone)
    if decision.granted:
        assert decision in alone
    if decide(rules, asked).granted:
        assert decision.granted


@given(governances(), questions, times)
def test_time_only_narrows(rules: Governance, asked: Question, later: int) -> None:
    """What a role grants stays so until its end, and is never granted again to the same request."""
    for grant in asked.person.grants:
        alone = replace(asked, person=Person(asked.person.id, (grant,)))
        decision = decide(rules, alone)
        then = decide(rules, replace(alone, now=min(asked.now + later, LATEST)))
        if decision.granted:
            assert then.granted is (asked.now + later < decision.until)
            assert then.until in {0, decision.until}


@given(governances(), questions)
def test_who_asks_never_approves(rules: Governance, asked: Question) -> None:
    own = tuple(replace(one, person=Person(asked.person.id, one.person.grants)) for one in asked.approvals)
    assert decide(rules, replace(asked, approvals=own)).granted is decide(rules, replace(asked, approvals=())).granted


@given(governances(), questions)
def test_one_approver_counts_for_one_role(rules: Governance, asked: Question) -> None:
    """All approvals by one person are no more than one approval."""
    rules = replace(rules, approvals=tuple(replace(rule, need=2) for rule in rules.approvals))
    other = next(name for name in PEOPLE if name != asked.person.id)
    one = tuple(replace(approval, person=Person(other, approval.person.grants)) for approval in asked.approvals)
    assert decide(rules, replace(asked, approvals=one)).granted is decide(rules, replace(asked, approvals=())).granted


@given(governances(), questions, st.frozensets(st.sampled_from("abc")), st.frozensets(st.sampled_from(("north",))))
def test_a_sign_in_only_narrows(
    rules: Governance, asked: Question, roles: frozenset[str], teams: frozenset[str]
) -> None:
    narrowed = decide(rules, replace(asked, person=asked.person.narrowed(roles, teams)))
    if narrowed.granted:
        assert decide(rules, asked).granted
        assert narrowed.role in roles
