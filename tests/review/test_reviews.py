"""Which months a review is of, and until when: no month is left out, none is there twice, and none is due too soon."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from review.governance.model import Governance, Grant, Person, Reach, Review, Role
from review.governance.times import DAY, day_of
from review.reviews import does, due, months
from review.samples import GRACE, Month

TIMES = st.integers(0, 9_000_000_000).map(lambda seconds: seconds * 10**9)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def rule(since: int = 0, within: int = 20) -> Review:
    return Review("mifid", "compliance", since, within * DAY, "law")


@given(since=TIMES, now=TIMES, within=st.integers(5, 92))
def test_every_month_that_is_over_and_none_else(since: int, now: int, within: int) -> None:
    found = list(months(rule(since, within), now, 10_000))
    for one in found:
        assert since <= one.start < one.end <= now
        assert due(rule(since, within), one) == one.end + within * DAY
        assert due(rule(since, within), one) > one.end + GRACE  # it can be drawn before it is late
    for later, one in itertools.pairwise(found):
        assert later.start == one.end
    if found:
        assert Month.of(found[0].end).end > now  # the next one goes on
        assert Month.of(found[-1].start - 1).start < since  # the one before is not demanded
    else:
        assert Month.of(Month.of(now).start - 1).start < since
    assert list(months(rule(since, within), now, 3)) == found[:3]


def test_the_months_of_a_day() -> None:
    found = list(months(rule(at("2026-09-02")), at("2026-12-01T00:00")))
    assert [one.name for one in found] == ["2026-11", "2026-10"]
    assert day_of(due(rule(), found[0]) - 1).isoformat() == "2026-12-20"
    assert list(months(rule(at("2026-11-01")), at("2026-11-30T23:59:59"))) == []
    assert [one.name for one in months(rule(at("2026-11-01")), at("2026-12-01"))] == ["2026-11"]


def test_who_does_it_has_the_role_now() -> None:
    role = Role("compliance", frozenset(), Reach(everything=True), until=at("2027-01-01"))
    rules = Governance(roles={"compliance": role, "other": Role("other", frozenset(), Reach())}, reviews=(rule(),))
    now = at("2026-12-10")
    for grant, can in (
        (Grant("compliance"), True), (Grant("other"), False), (Grant("compliance", since=now + 1), False),
        (Grant("compliance", since=now), True), (Grant("compliance", until=now), False),
    ):  # fmt: skip
        assert does(rules, rule(), Person("a@x.org", (grant,)), now) == can
    assert not does(rules, rule(), Person("a@x.org", (Grant("compliance"),)), at("2027-01-01"))
    assert not does(rules, rule(), Person("a@x.org"), now)
