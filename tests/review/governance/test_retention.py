"""When is what deleted: a table of what wins, and random worlds against an oracle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.governance.model import AllOf, Channel, Consent, Fact, Governance, Length, Recording, RetentionClass
from review.governance.retention import NO_CLASS, Because, disposal, retention_of, takes_from_rest
from review.governance.times import DAY, FOR_EVER, NONE, Period
from tests.review.governance.rules import rules as written
from tests.review.governance.worlds import analyses, governances, longest_keep, longest_minimum, recordings, times

RULES = Governance(
    retention=(
        RetentionClass("cards", (Fact("closed_by", frozenset({"card-forms"})),), Period(ns=20 * DAY), where="a:1:1"),
        RetentionClass(
            "advice",
            (Fact("category", frozenset({"advice"})),),
            Period(ns=70 * DAY),
            Period(ns=50 * DAY),
            "MiFID",
            True,
            "a:2:1",
        ),
        RetentionClass("rest", None, Period(ns=40 * DAY), where="a:3:1"),
    )
)
ADVICE = Recording(categories=frozenset({"advice"}))

# Hold, then minimum, then erasure request, then period: (held, age in days, erasure asked) -> deleted, why, when
ORDER = [
    ((True, 10, False), (False, Because.HOLD, None)),
    ((True, 10, True), (False, Because.HOLD, None)),
    ((True, 60, True), (False, Because.HOLD, None)),
    ((True, 99, False), (False, Because.HOLD, None)),
    ((True, 99, True), (False, Because.HOLD, None)),
    ((False, 10, False), (False, Because.MINIMUM, 70)),
    ((False, 10, True), (False, Because.MINIMUM, 50)),
    ((False, 49, True), (False, Because.MINIMUM, 50)),
    ((False, 50, True), (True, Because.ERASURE, 50)),
    ((False, 60, False), (False, Because.PERIOD, 70)),
    ((False, 60, True), (True, Because.ERASURE, 60)),
    ((False, 69, False), (False, Because.PERIOD, 70)),
    ((False, 70, False), (True, Because.PERIOD, 70)),
    ((False, 99, False), (True, Because.PERIOD, 70)),
    ((False, 99, True), (True, Because.ERASURE, 99)),
]


@pytest.mark.parametrize(("facts", "expected"), ORDER)
def test_what_wins(facts: tuple[bool, int, bool], expected: tuple[bool, Because, int | None]) -> None:
    held, age, erasure = facts
    found = disposal(RULES, replace(ADVICE, held=held, erasure_asked=erasure), age * DAY)
    at = None if found.at is None else found.at // DAY
    assert (found.deletes, found.because, at) == expected


def test_words_of_the_order() -> None:
    assert [why.value for why in Because] == ["legal hold", "legal minimum", "erasure request", "period"]


@pytest.mark.parametrize(
    ("recording", "name", "days", "minimum", "waits"),
    [
        (Recording(categories=frozenset()), "rest", 40, None, False),
        (Recording(), "advice", 70, "advice", True),  # not analysed: it may be advice
        (ADVICE, "advice", 70, "advice", False),
        (Recording(categories=frozenset(), closed_by=frozenset({"card-forms", "x"})), "cards", 20, None, False),
        (Recording(closed_by=frozenset({"card-forms"})), "advice", 70, "advice", True),
    ],
)
def test_the_class(recording: Recording, name: str, days: int, minimum: str | None, waits: bool) -> None:
    found = retention_of(RULES, replace(recording, end=DAY))
    assert (found.keeps.name, found.ends) == (name, (days + 1) * DAY)
    assert (found.minimum_of.name if found.minimum_of else None) == minimum
    assert found.minimum_ends == DAY + (50 * DAY if minimum else 0)
    assert found.waits_for_analysis is waits


@pytest.mark.parametrize(("keep", "minimum", "waits"), [(1, 0, False), (1, 1, True), (41, 0, True), (41, 41, True)])
def test_a_class_that_may_fit_counts_only_where_it_lengthens(keep: int, minimum: int, waits: bool) -> None:
    may = RetentionClass("may", (Fact("category", frozenset({"x"})),), Period(ns=keep * DAY), Period(ns=minimum * DAY))
    found = retention_of(replace(RULES, retention=(may, RULES.retention[-1])), Recording())
    assert found.waits_for_analysis is waits
    assert (found.keeps.name, found.ends) == (("may", 41 * DAY) if keep > 40 else ("rest", 40 * DAY))


def test_a_category_never_shortens() -> None:
    """A class that a category makes fit does not take the place of the rest."""
    short = RetentionClass("short", (Fact("category", frozenset({"spam"})),), Period(ns=DAY))
    rules = replace(RULES, retention=(short, *RULES.retention))
    assert retention_of(rules, Recording(categories=frozenset({"spam"}))).keeps.name == "rest"


def test_a_class_that_also_fits_without_a_category_takes_the_place_of_the_rest() -> None:
    spam, group = Fact("category", frozenset({"spam"})), Fact("group", frozenset({"g"}))
    for conditions, name in (
        ((spam, group), "short"),
        ((AllOf((spam, group)),), "rest"),
        ((AllOf((group,)),), "short"),
    ):
        rules = Governance(retention=(RetentionClass("short", conditions, Period(ns=DAY)), RULES.retention[-1]))
        seen = Recording(group="g", categories=frozenset({"spam"}))
        assert retention_of(rules, seen).keeps.name == name


def test_without_a_class_nothing_is_deleted() -> None:
    found = disposal(Governance(), Recording(), FOR_EVER - 1)
    assert not found.deletes
    assert found.retention.keeps is NO_CLASS
    assert (NO_CLASS.name, NO_CLASS.any, NO_CLASS.minimum) == ("none", None, NONE)
    assert found.at == FOR_EVER


def test_a_minimum_of_another_class_lengthens_the_period() -> None:
    minimum = RetentionClass("law", (Fact("group", frozenset({"g"})),), Period(ns=1), Period(ns=90 * DAY))
    rules = replace(RULES, retention=(minimum, *RULES.retention))
    found = retention_of(rules, Recording(group="g", categories=frozenset({"advice"})))
    assert (found.keeps.name, found.ends, found.minimum_ends) == ("advice", 90 * DAY, 90 * DAY)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Length(True, 4), True),
        (Length(True, 5), False),
        (Length(False, 6), True),
        (Length(False, 5), False),
        (Fact("group", frozenset({"g"})), True),
        (Fact("group", frozenset({"h"})), False),
        (Fact("team", frozenset({"north"})), True),
        (Fact("team", frozenset({"south"})), False),
        (Fact("channel", frozenset({Channel.VOICE})), True),
        (Fact("channel", frozenset({Channel.MAIL})), False),
        (Fact("closed_by", frozenset({"card"})), True),
        (Fact("closed_by", frozenset({"other"})), False),
        (Fact("category", frozenset({"x"})), True),
        (Fact("category", frozenset({"y"})), False),
        (AllOf((Length(True, 4), Fact("category", frozenset({"x"})))), True),
        (AllOf((Length(True, 5), Fact("category", frozenset({"x"})))), False),
    ],
)
def test_conditions(condition: Fact | Length | AllOf, holds: bool) -> None:
    seen = Recording(
        group="g",
        teams=frozenset({"north"}),
        start=1,
        end=6,
        consent={Channel.VOICE: Consent.MISSING},
        closed_by=frozenset({"card"}),
        categories=frozenset({"x"}),
    )
    rules = Governance(
        retention=(RetentionClass("one", (condition,), Period(ns=DAY)), RetentionClass("rest", None, NONE))
    )
    assert retention_of(rules, seen).keeps.name == ("one" if holds else "rest")


@given(governances(), recordings, st.integers(0, 40))
def test_periods_are_the_oracles(rules: Governance, seen: Recording, now: int) -> None:
    found = disposal(rules, seen, now)
    assert found.retention.ends == seen.end + longest_keep(rules, seen)
    assert found.retention.minimum_ends == seen.end + longest_minimum(rules, seen)
    assert (found.retention.minimum_of is None) is (longest_minimum(rules, seen) == 0)
    assert not (found.deletes and seen.held)
    assert not (found.deletes and now < found.retention.minimum_ends)
    due = now >= found.retention.ends or (seen.erasure_asked and now >= found.retention.minimum_ends)
    assert found.deletes is (due and not seen.held)
    assert found.deletes is (found.at is not None and found.at <= now)


@given(governances(), recordings, times)
def test_what_was_not_analysed_outlives_whatever_analysis_could_find(
    rules: Governance, seen: Recording, now: int
) -> None:
    unknown = replace(seen, categories=None)
    for known in analyses(unknown):
        assert retention_of(rules, unknown).ends >= retention_of(rules, known).ends
        assert not disposal(rules, unknown, now).deletes or disposal(rules, known, now).deletes


@given(governances(), recordings, st.frozensets(st.sampled_from(("x", "y"))))
def test_categories_only_lengthen(rules: Governance, seen: Recording, more: frozenset[str]) -> None:
    some = seen.categories or frozenset()
    fewer, found = replace(seen, categories=some), replace(seen, categories=some | more)
    assert retention_of(rules, found).ends >= retention_of(rules, fewer).ends
    assert retention_of(rules, found).minimum_ends >= retention_of(rules, fewer).minimum_ends


@pytest.mark.parametrize(
    ("conditions", "takes"),
    [
        ("{ category: [health] }, { group: [desks] }", True),  # one condition that needs no analysis is enough
        ("{ category: [health] }", False),
        ("{ all: [{ category: [health] }, { length: over 1h }] }", False),
    ],
)
def test_what_takes_recordings_from_the_rest_before_they_are_analysed(conditions: str, takes: bool) -> None:
    text = f"""
roles: {{ clerk: {{ may: [list], of: own }} }}
retention:
  - {{ class: seen, any: [{conditions}], keep: 1y }}
  - {{ class: rest, keep: 1y }}
"""
    assert takes_from_rest(written(text).retention[0]) is takes
