"""The bounds of what governance files may say: the longest and the first of each kind, and the next one."""

from __future__ import annotations

import pytest

from review.governance.times import DAY, Period
from tests.review.governance.rules import REST, rules, wrong

PEOPLE = "roles: { clerk: { may: [list], of: own } }\npeople: { a@x.org: { roles: [clerk], since: %s } }\n"


@pytest.mark.parametrize(
    ("written", "period"),
    [
        ("1d", Period(ns=DAY)),
        ("36600d", Period(ns=36_600 * DAY)),
        ("36601d", None),
        ("99999d", None),
        ("1w", Period(ns=7 * DAY)),
        ("5300w", Period(ns=5300 * 7 * DAY)),
        ("5301w", None),
        ("1y", Period(years=1)),
        ("100y", Period(years=100)),
        ("101y", None),
        ("0d", None),
        ("01d", None),
        ("1D", None),
        ("1h", None),
        (" 1d", None),
    ],
)
def test_periods(written: str, period: Period | None) -> None:
    text = f'retention: [{{ class: rest, keep: "{written}" }}]\n'
    said = f'a.yaml:4:34 keep cannot be "{written}", write days, weeks or years up to 100y, such as 180d, 26w or 2y'
    assert wrong(text) == (() if period else (said,))
    if period:
        assert rules(f"roles: {{ clerk: {{ may: [list], of: own }} }}\n{text}").retention[0].keep == period


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("1m", 1), ("44640m", 44_640), ("44641m", 0), ("744h", 44_640), ("745h", 0), ("31d", 44_640), ("32d", 0),
     ("0h", 0), ("1s", 0)],
)  # fmt: skip
def test_waits(written: str, minutes: int) -> None:
    text = f"approvals: [{{ act: [export], by: [clerk], within: {written} }}]\n"
    said = f'a.yaml:4:51 within cannot be "{written}", write minutes, hours or days up to 31d, such as 30m, 24h or 3d'
    assert wrong(text) == (() if minutes else (said,))
    if minutes:
        read = rules(f"roles: {{ clerk: {{ may: [list], of: own }} }}\n{REST}{text}").approvals[0]
        assert read.within == minutes * DAY // 1440


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ("1970-12-31", False),
        ("1971-01-01", True),
        ("2026-11-30", True),
        ("2261-12-31", True),
        ("2262-01-01", False),
        ("2026-02-30", False),
        ("2026-1-1", False),
        ("20260101", False),
        ("2026-W01-1", False),
    ],
)
def test_days(written: str, there: bool) -> None:
    said = f'a.yaml:5:45 since cannot be "{written}", write a day as year-month-day, such as 2027-01-31'
    assert wrong(PEOPLE % f'"{written}"') == (() if there else (said,))


def test_a_day_is_whole() -> None:
    person = rules(PEOPLE.replace("since: %s", "since: 2026-11-30, until: 2026-11-30") + REST).people[0]
    assert person.until - person.since == DAY


@pytest.mark.parametrize(
    ("key", "entries"),
    [("approvals", "approvals"), ("retention", "classes"), ("os_users", "OS users"), ("tests", "tests")],
)
def test_a_list_is_of_what_it_says(key: str, entries: str) -> None:
    found = wrong(f"{key}: {{ a: b }}\n")
    assert f"{key} is a list of {entries}, not " in " ".join(found)
    assert f"{key} is empty and would never fit, name {entries} or leave {key} out" in " ".join(wrong(f"{key}: []\n"))
