"""Trends: what is shown of a group, and that nothing that is shown can be combined to something of fewer than five.

The oracle is an attack: it knows who is in which group, adds and subtracts all sums that are shown with any factors,
and asks whether some combination is of the calls of at most four persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.analysis.trends import Amount, Cell, Figure, Observed, Of, Table, TooFew, table_of, trends, week_of
from review.governance.times import DAY, start_of

MONDAY = start_of(date(2026, 11, 30))
HIDDEN = TooFew.TOO_FEW
ALL = Cell(Of.ALL, "", "m")


def team(name: str, measure: str = "m") -> Cell:
    return Cell(Of.TEAM, name, measure)


def category(name: str, measure: str = "m") -> Cell:
    return Cell(Of.CATEGORY, name, measure)


def calls(
    persons: Iterable[int], of: str, *categories: str, amount: int = 6, weight: int = 2, at: int = MONDAY
) -> list[Observed]:
    amounts = {"m": Amount(amount, weight)}
    return [Observed(f"p{one}", of, frozenset(categories), at, amounts) for one in persons]


# -- the attack -----------------------------------------------------------------------------------------------------


def rank(rows: Sequence[Sequence[int]]) -> int:
    left = [[Fraction(value) for value in row] for row in rows]
    found = 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in range(found, len(left)) if left[row][column]), None)
        if pivot is None:
            continue
        left[found], left[pivot] = left[pivot], left[found]
        for row in range(found + 1, len(left)):
            factor = left[row][column] / left[found][column]
            left[row] = [a - factor * b for a, b in zip(left[row], left[found], strict=True)]
        found += 1
    return found


def attacked(observed: Sequence[Observed], shown: Iterable[Cell]) -> frozenset[str] | None:
    """At most four persons of whom alone some combination of the shown sums is; None where there are none.

    A combination that is zero on all others' calls, but not on theirs, is there if their calls add to the rank.
    """
    rows = sorted(shown)
    signatures = [(one.person, tuple(int(cell in one.cells) for cell in rows)) for one in observed]
    persons = sorted({one.person for one in observed})
    known: dict[frozenset[tuple[int, ...]], int] = {}

    def rank_of(columns: frozenset[tuple[int, ...]]) -> int:
        if columns not in known:
            known[columns] = rank(sorted(columns))
        return known[columns]

    whole = rank_of(frozenset(signature for _, signature in signatures))
    for few in combinations(persons, min(4, len(persons))):
        if rank_of(frozenset(signature for person, signature in signatures if person not in few)) < whole:
            return frozenset(few)
    return None


def shown_in(table: Table) -> set[Cell]:
    return {cell for cell, figure in table.items() if isinstance(figure, Figure)}


somebodys = st.builds(
    Observed,
    person=st.integers(0, 13).map("p{}".format),
    team=st.sampled_from("ab"),
    categories=st.frozensets(st.sampled_from("xyz"), max_size=2),
    at_ns=st.just(MONDAY),
    amounts=st.dictionaries(
        st.sampled_from("mn"), st.builds(Amount, st.integers(-9, 9), st.integers(1, 3)), min_size=1
    ),
)


@st.composite
def weeks(draw: st.DrawFn) -> list[Observed]:
    """Groups of about five, and a few calls more that may tell them apart."""
    found: list[Observed] = []
    for _ in range(draw(st.integers(1, 4))):
        first, count = draw(st.integers(0, 8)), draw(st.integers(4, 7))
        some = draw(st.frozensets(st.sampled_from("xyz"), max_size=2))
        found += calls(range(first, first + count), draw(st.sampled_from("ab")), *some)
    if draw(st.booleans()):
        found += [replace(one, amounts={"n": Amount(1), **one.amounts}) for one in found[draw(st.integers(0, 7)) :]]
    return found + draw(st.lists(somebodys, max_size=3))


@given(weeks())
def test_no_combination_of_what_is_shown_is_of_fewer_than_five(observed: list[Observed]) -> None:
    assert attacked(observed, shown_in(table_of(observed))) is None


@given(weeks())
def test_what_is_shown_are_the_sums(observed: list[Observed]) -> None:
    for cell, figure in table_of(observed).items():
        if isinstance(figure, Figure):
            inside = [one for one in observed if cell in one.cells]
            amounts = [one.amounts[cell.measure] for one in inside]
            assert figure.amount == sum(one.amount for one in amounts)
            assert (figure.weight, figure.calls) == (sum(one.weight for one in amounts), len(inside))
            assert len({one.person for one in inside}) >= 5


def test_the_attack_succeeds_where_small_groups_alone_are_hidden() -> None:
    """Of six persons in a team, five have a category: each group is large enough, their difference is one person's."""
    observed = [*calls(range(5), "a", "x"), *calls([5], "a", amount=99)]
    both = {team("a"), category("x")}
    assert "p5" in (attacked(observed, both) or ())
    assert table_of(observed) == {team("a"): Figure(129, 12, 6), category("x"): HIDDEN, ALL: Figure(129, 12, 6)}


def test_the_total_minus_the_others_is_no_small_group() -> None:
    observed = [*calls(range(5), "a"), *calls(range(10, 14), "b")]
    assert table_of(observed) == {team("a"): Figure(30, 10, 5), team("b"): HIDDEN, ALL: HIDDEN}
    five = [*observed, *calls([14], "b")]
    assert shown_in(table_of(five)) == {team("a"), team("b"), ALL}


def test_a_measure_that_is_unknown_of_one_persons_calls_is_hidden() -> None:
    """The ratio's sum of talk is of the calls with both channels: less than all talk by one person's calls."""
    both = {"talk": Amount(6), "ratio": Amount(6, 9)}
    observed = [Observed(f"p{one}", "a", frozenset(), MONDAY, both) for one in range(6)]
    alone = Observed("p6", "a", frozenset(), MONDAY, {"talk": Amount(99)})
    assert shown_in(table_of(observed)) >= {team("a", "ratio"), team("a", "talk")}
    assert "p6" in (attacked([*observed, alone], {team("a", "ratio"), team("a", "talk")}) or ())
    assert {team("a", "ratio"), team("a", "talk")} - shown_in(table_of([*observed, alone])) == {team("a", "talk")}


def test_a_category_that_cuts_teams_into_large_parts_is_shown() -> None:
    """Also where it cuts another team into small ones: what they say is not to be had without the large ones."""
    observed = [*calls(range(6), "a"), *calls(range(6), "a", "x"), *calls(range(10, 16), "b"), *calls([12], "b", "x")]
    assert shown_in(table_of(observed)) == {team("a"), team("b"), category("x"), ALL}
    assert attacked(observed, shown_in(table_of(observed))) is None


# -- what is shown --------------------------------------------------------------------------------------------------


def test_five_persons_and_not_five_calls() -> None:
    assert table_of(calls([1, 2, 3, 4, 4], "a")) == {team("a"): HIDDEN, ALL: HIDDEN}
    assert table_of(calls(range(5), "a"))[team("a")] == Figure(30, 10, 5)
    assert Figure(30, 10, 5).mean == 3


def test_a_group_that_is_mostly_one_persons_is_hidden() -> None:
    usual = calls(range(4), "a", weight=1)
    assert table_of([*usual, *calls([4], "a", weight=4)])[team("a")] == Figure(30, 8, 5)
    assert table_of([*usual, *calls([4], "a", weight=5)])[team("a")] is HIDDEN
    assert table_of([*usual, *calls([4] * 5, "a", weight=1)])[team("a")] is HIDDEN


def test_groups_stand_in_the_order_of_names_whatever_their_figures_are() -> None:
    observed = [*calls(range(5), "b", "y", amount=1), *calls(range(5, 10), "a", "x", amount=9)]
    names = [team("a"), team("b"), category("x"), category("y"), ALL]
    assert list(table_of(observed)) == list(table_of(observed[::-1])) == names


def test_weeks_begin_on_monday_and_are_shown_when_they_are_over() -> None:
    sunday = MONDAY + 7 * DAY - 1
    assert (week_of(MONDAY), week_of(sunday), week_of(MONDAY - 1)) == (
        date(2026, 11, 30), date(2026, 11, 30), date(2026, 11, 23),
    )  # fmt: skip
    assert trends(calls(range(5), "a"), sunday, {}) == {}
    assert list(trends(calls(range(5), "a"), sunday + 1, {})) == [date(2026, 11, 30)]


def test_a_week_that_was_shown_is_not_made_again() -> None:
    """After a late call, or an erasure, the difference of both tables would be one person's."""
    first = trends(calls(range(6), "a"), MONDAY + 7 * DAY, {})
    late = [*calls(range(1, 6), "a"), *calls(range(6), "a", at=MONDAY + 7 * DAY)]
    again = trends(late, MONDAY + 14 * DAY, first)
    assert again[date(2026, 11, 30)] == first[date(2026, 11, 30)]
    assert list(again) == [date(2026, 11, 30), date(2026, 12, 7)]


def test_an_observation_has_a_weight() -> None:
    with pytest.raises(ValueError, match="weight"):
        Observed("p", "a", frozenset(), 0, {"m": Amount(1, 0)})
