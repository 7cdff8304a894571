"""Periods end when the calendar says, and one covers another only if it does whenever both begin."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.governance.times import DAY, FOR_EVER, HOUR, NONE, SECOND, Period, day_of, end_of, start_of


def test_units() -> None:
    assert (SECOND, HOUR, DAY, FOR_EVER) == (10**9, 3600 * 10**9, 86400 * 10**9, 2**63)
    assert Period() == NONE == Period(0, 0)


@pytest.mark.parametrize(
    ("start", "years", "ends"),
    [
        (date(2026, 3, 1), 1, date(2027, 3, 1)),
        (date(2026, 3, 1), 2, date(2028, 3, 1)),
        (date(2024, 2, 29), 1, date(2025, 3, 1)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(9000, 5, 5), 9999, date(9999, 5, 5)),
    ],
)
def test_years_end_on_the_same_day_of_the_year(start: date, years: int, ends: date) -> None:
    assert Period(years=years).after(start_of(start) + 5) == start_of(ends) + 5


def test_days_are_exact() -> None:
    assert Period(ns=30 * DAY).after(7) == 30 * DAY + 7
    assert NONE.after(7) == 7


def test_days_of_the_calendar() -> None:
    assert start_of(date(1970, 1, 2)) == DAY
    assert end_of(date(1970, 1, 2)) == 2 * DAY
    assert day_of(2 * DAY) == date(1970, 1, 3)
    assert day_of(2 * DAY - 1) == date(1970, 1, 2)


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        (Period(years=2), Period(years=2), True),
        (Period(years=2), Period(years=3), False),
        (Period(ns=5), Period(ns=5), True),
        (Period(ns=4), Period(ns=5), False),
        (Period(ns=5), NONE, True),
        (Period(years=1), NONE, True),
        (NONE, Period(years=1), False),
        (Period(years=1), Period(ns=365 * DAY), True),
        (Period(years=1), Period(ns=365 * DAY + 1), False),
        (Period(ns=366 * DAY), Period(years=1), True),
        (Period(ns=366 * DAY - 1), Period(years=1), False),
    ],
)
def test_covers(wide: Period, narrow: Period, covers: bool) -> None:
    assert wide.covers(narrow) is covers


PERIODS = st.one_of(
    st.builds(Period, years=st.integers(1, 40)),
    st.builds(Period, ns=st.integers(0, 15_000).map(lambda days: days * DAY)),
)


@given(PERIODS, PERIODS, st.dates(date(1971, 1, 1), date(2200, 1, 1)))
def test_what_covers_another_never_ends_before_it(wide: Period, narrow: Period, start: date) -> None:
    if wide.covers(narrow):
        assert wide.after(start_of(start)) >= narrow.after(start_of(start))


@given(PERIODS, st.integers(0, 2**62), st.integers(0, 10 * 366 * DAY))
def test_a_period_never_ends_before_it_begins(period: Period, start: int, later: int) -> None:
    assert period.after(start) >= start
    if not period.years:
        assert period.after(start) <= period.after(start + later)
