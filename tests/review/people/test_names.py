"""Whose name it is, and that nothing that narrows ever widens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.governance.decide import decide
from review.governance.model import Governance, Grant, Person, Question
from review.people.names import Narrowing, narrowed, person_id
from tests.review.governance.worlds import governances, questions


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("ANNA@Example.com", "anna@example.com"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("o'neil+x_1@ex-ample.com", "o'neil+x_1@ex-ample.com"),
        ("владимир", "владимир"),
        ("analyst", "analyst"),
    ],
)
def test_a_name_is_compared_as_the_rules_do(text: str, id: str) -> None:  # noqa: A002 - what it is
    assert person_id(text) == id
    assert Person(id).id == id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 201,
        "anna @example.com",
        " anna@example.com",
        "anna@example.com\n",
        "anna@example.com\x00",
        "\u0430nna@example.com",  # CYRILLIC SMALL LETTER A
        "ann\u03b1@example.com",  # GREEK SMALL LETTER ALPHA
        "\u212aarl@example.com",  # KELVIN SIGN, whose small letter is k
        "\u0130da@example.com",  # I WITH DOT ABOVE, whose small letter is two signs
        "anna\u200b@example.com",  # ZERO WIDTH SPACE
        "ann\uff41@example.com",  # FULLWIDTH SMALL LETTER A
        "ju\u0308rgen@example.com",  # two signs that are one
        "\ufb01n@example.com",  # a ligature
        "anna@example\u2024com",  # ONE DOT LEADER
    ],
)
def test_a_name_that_could_be_taken_for_another_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        person_id(text)


@given(st.text(max_size=12))
def test_a_name_is_read_once_and_for_all(text: str) -> None:
    try:
        known = person_id(text)
    except ValueError:
        return
    assert person_id(known) == known
    assert known.isascii() or not text.isascii()


sets = st.none() | st.frozensets(st.sampled_from(("a", "b", "c", "north", "south")))
narrowings = st.lists(st.builds(Narrowing, roles=sets, teams=sets), max_size=3)


@given(governances(), questions, narrowings)
def test_nothing_that_narrows_ever_widens(rules: Governance, asked: Question, by: list[Narrowing]) -> None:
    """Whatever a claim or the catalog says, in whatever number and order: no grant, no team, no act more."""
    person = asked.person
    less = narrowed(person, *by)
    assert less.id == person.id
    left = {grant.role for grant in less.grants}
    before = [grant for grant in person.grants if grant.role in left]
    for one, was in zip(less.grants, before, strict=True):
        assert one == replace(was, teams=one.teams)
        assert one.teams <= was.teams
    assert less == narrowed(person, *reversed(by))
    assert narrowed(less, *by) == less
    decision = decide(rules, replace(asked, person=less))
    if decision.granted:
        assert decide(rules, asked).granted


@given(questions)
def test_what_says_nothing_takes_nothing(asked: Question) -> None:
    assert narrowed(asked.person) == narrowed(asked.person, Narrowing()) == asked.person


def test_an_empty_list_takes_everything() -> None:
    anna = Person("anna", (Grant("lead", frozenset({"north"})), Grant("agent")))
    assert narrowed(anna, Narrowing(roles=frozenset())) == Person("anna")
    assert narrowed(anna, Narrowing(roles=frozenset({"lead", "owner"}), teams=frozenset({"south"}))) == Person(
        "anna", (Grant("lead"),)
    )
