"""Who could open what, by rules that are tried: the same for every purpose, in few questions."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.governance.decide import decide
from review.governance.model import (
    OPENS,
    Act,
    Governance,
    Person,
    PersonRule,
    Question,
    Reach,
    Recording,
    Rendition,
    Role,
)
from review.lifecycle import trial
from review.lifecycle.facts import Known
from tests.review.governance.worlds import governances, people, recordings, times


@given(governances(), people, recordings, st.sampled_from(sorted(OPENS)), times)
def test_each_kind_of_purpose_is_asked_for_once(
    rules: Governance, of: Person, recording: Recording, act: Act, now: int
) -> None:
    one = replace(recording, drawn=frozenset())  # what was drawn the custodian knows alone
    asked = (Question(of, act, now, one, purpose, wanted) for purpose in ("", *rules.purposes) for wanted in Rendition)
    every = {found.rendition for found in (decide(rules, question) for question in asked) if found.granted}
    assert trial._renditions(rules, Question(of, act, now, one), trial._purposes(rules, of, act)) == every


@pytest.mark.parametrize("many", [2, 2000])
def test_thousands_of_purposes_are_no_more_questions(many: int) -> None:
    role = Role("r", frozenset(OPENS), Reach(everything=True), purposes=frozenset(map(str, range(many))))
    rules = Governance(roles={"r": role}, people=(PersonRule("ann@example.com", frozenset({"r"})),))
    known = Known("id", "pc", "", (), 0, Recording(), 0, ended=True, unsure=(), holds=(), request="")
    began: list[None] = []
    with patch.object(trial, "decide", side_effect=decide) as questions:
        assert not [*trial.opens(rules, rules, [(known, known)], 1, advance=lambda: began.append(None))]
    assert questions.call_count == len(OPENS) * 2 * len(Rendition) * 2  # by old and new rules, without and with one
    assert len(began) == len(OPENS)
