"""Figures of groups over weeks, from at least five persons, so that no combination of them is about fewer.

There is one table a week: each team, each category, all calls. No other groups can be asked for, above all not a
team's calls of one category. Hiding small groups alone would not do: of six persons, five of whom have a category, the
team's sum minus the category's is the sixth's. So the calls of a week are taken apart by the set of shown groups that
they are in, and a group is shown only while each such part that is not empty has five persons, and no person more than
half of its weight. Every sum, difference or combination of shown sums is then one of whole parts
(docs/decisions/0090-trends-are-of-five-persons-in-every-part.md).

A week's table is made once, when the week is over, and kept: made anew after a late call or an erasure, the difference
of both would be one person's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final

from review.governance.times import day_of, start_of

FEWEST: Final = 5  # persons


class Of(StrEnum):
    TEAM = "team"
    CATEGORY = "category"
    ALL = "all"


class TooFew(StrEnum):
    """Instead of a figure."""

    TOO_FEW = "too few"


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """`name`: of the team or category; empty for all calls."""

    of: Of
    name: str = ""


ALL: Final = Group(Of.ALL)


@dataclass(frozen=True, slots=True)
class Observed:
    """One measure of one call, such as ns of silence: `amount` of `weight` (1, or the call's length).

    `person`: whose call it is; `at_ns`: wall clock. What is unknown of a call is not observed, and no 0.
    """

    person: str
    team: str
    categories: frozenset[str]
    at_ns: int
    amount: int
    weight: int = 1

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError("an observation has a weight")

    @property
    def groups(self) -> frozenset[Group]:
        return frozenset({Group(Of.TEAM, self.team), ALL, *(Group(Of.CATEGORY, name) for name in self.categories)})


@dataclass(frozen=True, slots=True)
class Figure:
    """Sums over the group's calls of the week."""

    amount: int
    weight: int
    calls: int

    @property
    def mean(self) -> Fraction:
        return Fraction(self.amount, self.weight)


Table = Mapping[Group, Figure | TooFew]


def week_of(at_ns: int) -> date:
    """The Monday (UTC) of the week."""
    day = day_of(at_ns)
    return day - timedelta(days=day.weekday())


def trends(observed: Iterable[Observed], now_ns: int, kept: Mapping[date, Table]) -> dict[date, Table]:
    """The tables of the weeks that are over. `kept`: those made before, which stay as they are. The caller keeps what
    is returned, for each measure by itself.
    """
    by_week: defaultdict[date, list[Observed]] = defaultdict(list)
    for one in observed:
        by_week[week_of(one.at_ns)].append(one)
    fresh = {
        week: table_of(calls)
        for week, calls in by_week.items()
        if week not in kept and start_of(week + timedelta(days=7)) <= now_ns
    }
    return dict(sorted({**fresh, **kept}.items()))


def table_of(calls: Sequence[Observed]) -> Table:
    """Of one week and one measure: every group that has calls, in the order of names, with its figure or without."""
    groups = sorted({group for call in calls for group in call.groups}, key=_by_name)
    shown: set[Group] = set()
    for group in groups:
        if _all_large(_parts(calls, shown | {group})):
            shown.add(group)
    return {group: _figure(calls, group) if group in shown else TooFew.TOO_FEW for group in groups}


def _by_name(group: Group) -> tuple[int, str]:
    """Teams first and all calls last: where not everything can be shown, the total is left out, not a team."""
    return list(Of).index(group.of), group.name


def _parts(calls: Sequence[Observed], shown: set[Group]) -> Iterator[Counter[str]]:
    """For each set of shown groups that some calls are in: the weight of each person's calls there."""
    parts: defaultdict[frozenset[Group], Counter[str]] = defaultdict(Counter)
    for call in calls:
        inside = call.groups & shown
        if inside:
            parts[inside][call.person] += call.weight
    yield from parts.values()


def _all_large(parts: Iterable[Counter[str]]) -> bool:
    return all(len(persons) >= FEWEST and 2 * max(persons.values()) <= persons.total() for persons in parts)


def _figure(calls: Sequence[Observed], group: Group) -> Figure:
    inside = [call for call in calls if group in call.groups]
    return Figure(sum(call.amount for call in inside), sum(call.weight for call in inside), len(inside))
