"""The tables of requests: every pair of state and step, who may take it, and when an answer is due."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.governance.model import Act
from review.requests.states import (
    BY_ASKER,
    CASE_NEXT,
    NEXT,
    SUBJECTS,
    CaseState,
    CaseStep,
    RequestState,
    Step,
    due,
    extended,
)


@pytest.mark.parametrize(("state", "step"), list(product(RequestState, Step)))
def test_what_was_ended_stays_as_it_ended(state: RequestState, step: Step) -> None:
    after = NEXT.get((state, step))
    assert (after is None) == (state is not RequestState.ASKED)
    assert after is not RequestState.ASKED


def test_who_asks_answers_nothing() -> None:
    assert frozenset({Step.WITHDRAW}) == BY_ASKER
    for subject in SUBJECTS.values():
        assert subject.asks not in subject.answers


def test_a_right_of_the_person_is_answered_in_a_month_and_a_hold_is_none() -> None:
    assert {name for name, one in SUBJECTS.items() if one.due} == {"erasure", "correction"}
    assert {name for name, one in SUBJECTS.items() if one.own} == {"erasure", "correction"}
    assert SUBJECTS["legal-hold"].answers == {Act.LEGAL_HOLD}


def test_a_case_is_exported_only_once_it_was_asked_for_and_every_state_leads_back() -> None:
    assert [of for (of, step), to in CASE_NEXT.items() if to is CaseState.EXPORTED] == [CaseState.ASKED]
    assert {step for (of, step) in CASE_NEXT if of is CaseState.ASKED} >= {CaseStep.REFUSE, CaseStep.WITHDRAW}
    assert {step for _, step in CASE_NEXT} == set(CaseStep)
    reached = {CaseState.OPEN}
    for _ in CaseState:
        reached |= {of for (of, _), to in CASE_NEXT.items() if to in reached}
    assert reached == set(CaseState)


def month_of(day: date) -> int:
    return day.year * 12 + day.month


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.integers(1, 24))
def test_so_many_months_later_is_the_same_day_or_the_months_last(day: date, months: int) -> None:
    found = due(day, months)
    assert month_of(found) - month_of(day) == months
    assert found.day == day.day or (month_of(found + timedelta(days=1)) > month_of(found) and found.day < day.day)


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.dates(date(1970, 1, 1), date(2200, 1, 1)))
def test_more_time_is_two_months_and_never_more_than_three_in_all(came: date, other: date) -> None:
    first, last = due(came), extended(came)
    assert month_of(last) - month_of(first) == 2
    assert first < last <= due(came, 3)
    assert (came <= other) <= (due(came) <= due(other))  # who came first is not due after who came later
    assert (came <= other) <= (extended(came) <= extended(other))


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)))
def test_a_month_ends_on_the_same_day_or_on_the_months_last(day: date) -> None:
    found = due(day)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == 1
    same = found.day == day.day
    last = (found + timedelta(days=1)).month != found.month
    assert same or (last and found.day < day.day)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [((2027, 1, 31), (2027, 2, 28)), ((2028, 1, 31), (2028, 2, 29)), ((2026, 12, 5), (2027, 1, 5))],
)
def test_days_that_the_next_month_has_not(asked: tuple[int, int, int], wanted: tuple[int, int, int]) -> None:
    assert due(date(*asked)) == date(*wanted)


def test_days_that_a_month_has_not_are_its_last_when_more_time_is_taken() -> None:
    assert extended(date(2027, 1, 31)) == date(2027, 4, 28)
    assert extended(date(2026, 11, 30)) == date(2027, 2, 28)
    assert extended(date(2026, 12, 5)) == date(2027, 3, 5)
