"""Categories only lengthen how long a recording is kept: by whatever rules, of whatever calls, in whatever order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from review.analysis.categories.match import Found, for_retention
from review.governance.model import Governance, Recording
from review.governance.retention import retention_of
from tests.review.governance.worlds import governances, recordings

names = st.frozensets(st.sampled_from(("x", "y")))
answers = st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in ("x", "y")})


def ends(rules: Governance, seen: Recording, categories: frozenset[str] | None) -> tuple[int, int]:
    found = retention_of(rules, replace(seen, categories=categories))
    return found.ends, found.minimum_ends


def all_at_least(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] >= other[0] and one[1] >= other[1]


@given(governances(), recordings, names, answers)
def test_new_rules_never_shorten(
    rules: Governance, seen: Recording, before: frozenset[str], found: dict[str, bool | None]
) -> None:
    """A call that is in no category any more is kept as long as it was."""
    after = for_retention(before, [Found(name, holds) for name, holds in found.items()])
    assert all_at_least(ends(rules, seen, after), ends(rules, seen, before))


@given(governances(), recordings, answers, names)
def test_what_is_not_known_counts_as_there(
    rules: Governance, seen: Recording, found: dict[str, bool | None], really: frozenset[str]
) -> None:
    """Whatever a missing channel would have said, the recording is kept at least as long."""
    true = frozenset(name for name, holds in found.items() if holds or (holds is None and name in really))
    counted = for_retention(frozenset(), [Found(name, holds) for name, holds in found.items()])
    assert all_at_least(ends(rules, seen, counted), ends(rules, seen, true))


@given(governances(), recordings, names)
def test_no_category_makes_it_shorter_than_none(rules: Governance, seen: Recording, some: frozenset[str]) -> None:
    assert all_at_least(ends(rules, seen, some), ends(rules, seen, frozenset()))
    assert all_at_least(ends(rules, seen, None), ends(rules, seen, some))
