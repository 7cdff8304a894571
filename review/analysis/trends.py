"""Figures of groups over weeks, from at least five persons, so that no combination of them is about fewer.

There is one table a week: each team, each category, all calls, of each measure. No other groups can be asked for, above
all not a team's calls of one category. Hiding small groups alone would not do: of six persons, five of whom have a
category, the team's sum minus the category's is the sixth's. Nor would it do to look at one measure at a time: talk
time is known where talk ratio is not, and the difference is of the calls without a channel. So a week's calls are taken
apart by the set of shown figures that they are in. A part is large if it has five persons, and no person more than
half of the weight of any measure. What is shown is such that every sum, difference or other combination of it has a
large part in it (docs/decisions/0089-trends-are-of-five-persons-in-every-combination.md).

A week's table is made once, when the week is over, and kept: made anew after a late call or an erasure, the difference
of both would be one person's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from math import gcd
from typing import Final, NamedTuple

from review.governance.times import day_of, start_of

FEWEST: Final = 5  # persons


class Of(StrEnum):
    TEAM = "team"
    CATEGORY = "category"
    ALL = "all"


class TooFew(StrEnum):
    """Instead of a figure."""

    TOO_FEW = "too few"


class Cell(NamedTuple):
    """A measure of a group's calls. `name`: of the team or category; empty for all calls."""

    of: Of
    name: str
    measure: str


class Amount(NamedTuple):
    """Such as ns of silence; `weight`: 1, or the call's length."""

    amount: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Observed:
    """One call. `person`: whose it is; `at_ns`: wall clock. `amounts`: by measure; one that is unknown is not there.

    Raises ValueError for an amount without weight.
    """

    person: str
    team: str
    categories: frozenset[str]
    at_ns: int
    amounts: Mapping[str, Amount]

    def __post_init__(self) -> None:
        if any(amount.weight <= 0 for amount in self.amounts.values()):
            raise ValueError("what is observed has a weight")

    @property
    def cells(self) -> frozenset[Cell]:
        groups = [(Of.TEAM, self.team), (Of.ALL, ""), *((Of.CATEGORY, name) for name in self.categories)]
        return frozenset(Cell(*group, measure) for group in groups for measure in self.amounts)


@dataclass(frozen=True, slots=True)
class Figure:
    """Sums over the group's calls of the week of which the measure is known."""

    amount: int
    weight: int
    calls: int

    @property
    def mean(self) -> Fraction:
        return Fraction(self.amount, self.weight)


Table = Mapping[Cell, Figure | TooFew]
Vector = dict[int, int]  # number of a cell -> factor; what is not there is 0
Alike = defaultdict[tuple[str, frozenset[Cell]], Counter[str]]  # a person's calls in the same cells: weight by measure


def week_of(at_ns: int) -> date:
    """The Monday (UTC) of the week."""
    day = day_of(at_ns)
    return day - timedelta(days=day.weekday())


def trends(observed: Iterable[Observed], now_ns: int, kept: Mapping[date, Table]) -> dict[date, Table]:
    """The tables of the weeks that are over. `kept`: those made before, which stay as they are. The caller keeps what
    is returned, and hands in a week's calls when all of them are analysed that will be.
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
    """Of one week: every cell that has calls, in the order of names, with its figure or without."""
    inside: defaultdict[Cell, list[Observed]] = defaultdict(list)
    for call in calls:
        for cell in call.cells:
            inside[cell].append(call)
    cells = sorted(inside, key=_by_name)
    shown = _shown(calls, cells)
    return {cell: _figure(cell.measure, inside[cell]) if cell in shown else TooFew.TOO_FEW for cell in cells}


def _by_name(cell: Cell) -> tuple[int, str, str]:
    """Teams first and all calls last: where not everything can be shown, the total is left out, not a team."""
    return list(Of).index(cell.of), cell.name, cell.measure


def _shown(calls: Sequence[Observed], cells: Sequence[Cell]) -> set[Cell]:
    """Those left when every cell has gone that only small parts tell from the others.

    A combination of shown sums gives each part a factor. Factors of all parts follow from those of the large ones while
    the small parts' sets of cells are combinations of the large parts'; then none but the empty one leaves all large
    parts out.
    """
    place = {cell: number for number, cell in enumerate(cells)}
    alike: Alike = defaultdict(Counter)
    for call in calls:
        alike[call.person, call.cells].update({measure: amount.weight for measure, amount in call.amounts.items()})
    shown = set(cells)
    while True:
        large, small = _parts(alike, shown)
        basis: dict[int, Vector] = {}
        for part in large:
            if rest := _rest(part, basis, place):
                basis[min(rest)] = rest
        hidden = {max(rest) for part in small if (rest := _rest(part, basis, place))}
        if not hidden:
            return shown
        shown -= {cells[number] for number in hidden}


def _parts(alike: Alike, shown: set[Cell]) -> tuple[list[frozenset[Cell]], list[frozenset[Cell]]]:
    """(large, small), each as the shown cells that its calls are in."""
    weights: defaultdict[frozenset[Cell], defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (person, cells), by_person in alike.items():
        by_measure = weights[cells & shown]
        for measure, weight in by_person.items():
            by_measure[measure][person] += weight
    large: list[frozenset[Cell]] = []
    small: list[frozenset[Cell]] = []
    for part, by_measure in weights.items():
        good = len({person for persons in by_measure.values() for person in persons}) >= FEWEST and all(
            2 * max(persons.values()) <= persons.total() for persons in by_measure.values()
        )
        (large if good else small).append(part)
    return large, small


def _rest(part: frozenset[Cell], basis: Mapping[int, Vector], place: Mapping[Cell, int]) -> Vector:
    """What of it is no combination of the basis, whose vectors stand at their first place. In whole numbers."""
    vector = {place[cell]: 1 for cell in part}
    while (first := min(vector.keys() & basis.keys(), default=None)) is not None:
        factor, other = vector[first], basis[first]
        times = other[first]
        added = {at: vector.get(at, 0) * times - other.get(at, 0) * factor for at in vector.keys() | other.keys()}
        vector = {at: value for at, value in added.items() if value}
    shared = gcd(*vector.values())
    return {at: value // shared for at, value in vector.items()}


def _figure(measure: str, calls: Sequence[Observed]) -> Figure:
    amounts = [call.amounts[measure] for call in calls]
    return Figure(sum(one.amount for one in amounts), sum(one.weight for one in amounts), len(amounts))
