"""What the console does not pass on, as it would count by what narrowing took: roles, teams, and approvals of both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from review.governance.decide import decide
from review.governance.model import Act, Governance, Person, Question, Recording, Rendition
from review.governance.narrowing import approves_by_taken, needs_taken
from review.governance.times import DAY, HOUR, start_of
from review.people.names import Narrowing, narrowed
from tests.review.governance.rules import rules
from tests.review.governance.worlds import governances, questions

RULES = rules("""
    roles:
      lead:
        may: [list, play, comment]
        of: { team: own }
        purposes: [coaching, complaint]
        sample: { coaching: 4 per agent per month }
      chief: { may: [list, play, export], of: all, rendition: original, purposes: [legal] }
      agent: { may: [list, play], of: own, otherwise: original }
    people:
      ann@x.org: { roles: [lead, agent], teams: [north, south], since: 2026-01-01 }
      bob@x.org: { roles: [chief, lead], teams: [north], since: 2026-01-01 }
    teams:
      north: { groups: [desks] }
      south: { users: [sven] }
    approvals:
      - { act: [export], by: [chief], within: 24h }
      - { act: [play-original], by: [lead], within: 24h }
    retention: [{ class: rest, keep: 180d }]
""")
NOW = start_of(date(2026, 6, 15)) + 12 * HOUR
NORTH = Recording(person="kim@x.org", group="desks", teams=frozenset({"north"}), start=NOW - 2 * DAY, end=NOW - DAY)
SOUTH = replace(NORTH, teams=frozenset({"south"}), group="")
ANN, BOB = RULES.person("ann@x.org"), RULES.person("bob@x.org")


def left_to(person: Person, roles: str | None = None, teams: str | None = None) -> Person:
    sets = (None if one is None else frozenset(one.split()) for one in (roles, teams))
    return narrowed(person, Narrowing(*sets))


def needs(left: Person, whole: Person, act: Act, recording: Recording | None, purpose: str) -> bool:
    question = Question(
        left, act, NOW, recording, purpose, Rendition.ORIGINAL if left.id == BOB.id else Rendition.REDACTED
    )
    return needs_taken(RULES, question, whole)


@pytest.mark.parametrize(
    ("left", "whole", "act", "recording", "purpose", "answer"),
    [
        (ANN, ANN, Act.PLAY, NORTH, "complaint", False),  # nothing was taken
        (left_to(ANN, "agent"), ANN, Act.PLAY, None, "complaint", False),  # of no recording
        (left_to(ANN, "lead"), ANN, Act.PLAY, NORTH, "complaint", False),  # what is left suffices
        (left_to(ANN, "agent"), ANN, Act.PLAY, NORTH, "complaint", True),  # the role was taken
        (left_to(ANN, "agent"), ANN, Act.PLAY, NORTH, "coaching", True),  # it may have been drawn
        (left_to(ANN, "agent"), ANN, Act.EXPORT, NORTH, "complaint", False),  # what was taken may not either
        (left_to(ANN, teams="north"), ANN, Act.PLAY, SOUTH, "complaint", True),  # the team was taken
        (left_to(ANN, teams="north"), ANN, Act.PLAY, NORTH, "complaint", False),
        (left_to(BOB, "chief", "south"), BOB, Act.EXPORT, SOUTH, "legal", False),  # only approvals are missing
        (left_to(BOB, "lead"), BOB, Act.EXPORT, SOUTH, "legal", True),  # so they are of what was taken
    ],
)
def test_what_is_left_decides(
    left: Person, whole: Person, act: Act, recording: Recording | None, purpose: str, answer: bool
) -> None:
    assert needs(left, whole, act, recording, purpose) is answer


def test_a_team_that_is_taken_counts_for_roles_that_reach_their_own_teams_alone() -> None:
    less = left_to(BOB, teams="south")
    assert needs(less, BOB, Act.COMMENT, NORTH, "complaint")
    assert not needs(less, BOB, Act.LIST, NORTH, "")


@pytest.mark.parametrize(
    ("left", "act", "answer"),
    [
        (BOB, Act.EXPORT, False),
        (left_to(BOB, "chief"), Act.EXPORT, False),
        (left_to(BOB, "lead"), Act.EXPORT, True),
        (left_to(BOB, "chief"), Act.PLAY, True),  # the original's approval is a lead's
        (left_to(BOB, "lead"), Act.PLAY, False),
        (left_to(BOB, ""), Act.ERASE, False),  # needs no approval
    ],
)
def test_an_approval_counts_as_that_of_a_role_that_was_taken(left: Person, act: Act, answer: bool) -> None:
    assert approves_by_taken(RULES, left, BOB, act) is answer


sets = st.none() | st.frozensets(st.sampled_from(("a", "b", "c", "north", "south")))
narrowings = st.lists(st.builds(Narrowing, roles=sets, teams=sets), max_size=3)


@pytest.mark.slow(reason="400 signed rules, each asked with and without the narrowing")
@settings(max_examples=400)
@given(governances(), questions, narrowings)
def test_what_the_console_passes_on_is_granted_by_what_is_left(
    rules: Governance, asked: Question, by: list[Narrowing]
) -> None:
    """The custodian judges by the signed rules alone, and knows what was drawn, consented to and approved."""
    if asked.recording is None:
        return
    person, recording = asked.person, replace(asked.recording, has_redacted=False)
    assume(all(grant.role in rules.roles for grant in person.grants))
    left = narrowed(person, *by)
    known = Question(left, asked.act, asked.now, replace(recording, consent={}, drawn=frozenset()), asked.purpose,
                     asked.rendition)  # fmt: skip
    whole = replace(asked, recording=recording)
    if not needs_taken(rules, known, person) and decide(rules, whole).granted:
        assert decide(rules, replace(whole, person=left)).granted
    assert not needs_taken(rules, replace(known, person=person), person)
