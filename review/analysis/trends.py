"""Figures of groups over weeks, from at least five persons, so that no combination of them is about fewer.

There is one table a week: each team, each category, all calls, of each measure. No other groups can be asked for, above
all not a team's calls of one category. Hiding small groups alone would not do: of six persons, five of whom have a
category, the team's sum minus the category's is the sixth's. Nor would it do to look at one measure at a time: talk
time is known where talk ratio is not, and the difference is of the calls without a channel. So a week's calls are taken
apart by the set of shown figures that they are in. A figure is shown only while each such part has five persons, and no
person more than half of the weight of any measure. Every sum, difference or combination of what is shown is then one
of whole parts (docs/decisions/0090-trends-are-of-five-persons-in-every-part.md).

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


class _Alike(NamedTuple):
    """Calls of one person in the same cells, together. `weights`: by measure."""

    person: str
    weights: Counter[str]


def _shown(calls: Sequence[Observed], cells: Sequence[Cell]) -> set[Cell]:
    """Cell by cell in this order: each cuts the parts that there are, and is taken if all pieces are large enough.

    Calls in no cell that is shown are in no part.
    """
    together: defaultdict[tuple[str, frozenset[Cell]], Counter[str]] = defaultdict(Counter)
    for call in calls:
        weights = {measure: amount.weight for measure, amount in call.amounts.items()}
        together[call.person, call.cells].update(weights)
    alike = [_Alike(person, weights) for (person, _), weights in together.items()]
    within: defaultdict[Cell, set[int]] = defaultdict(set)
    for number, (_, of) in enumerate(together):
        for cell in of:
            within[cell].add(number)
    part_of = [0] * len(alike)  # 0: none
    parts: dict[int, set[int]] = {}
    shown = set()
    for cell in cells:
        cut: defaultdict[int, set[int]] = defaultdict(set)
        for number in within[cell]:
            cut[part_of[number]].add(number)
        left = {part: parts[part] - those for part, those in cut.items() if part}
        if not all(_large([alike[number] for number in piece]) for piece in (*cut.values(), *left.values()) if piece):
            continue
        shown.add(cell)
        for part, those in cut.items():
            new = len(parts) + 1
            parts[new] = those
            if part:
                parts[part] = left[part]
            for number in those:
                part_of[number] = new
    return shown


def _large(piece: Sequence[_Alike]) -> bool:
    by_measure: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in piece:
        for measure, weight in one.weights.items():
            by_measure[measure][one.person] += weight
    return len({one.person for one in piece}) >= FEWEST and all(
        2 * max(persons.values()) <= persons.total() for persons in by_measure.values()
    )


def _figure(measure: str, calls: Sequence[Observed]) -> Figure:
    amounts = [call.amounts[measure] for call in calls]
    return Figure(sum(one.amount for one in amounts), sum(one.weight for one in amounts), len(amounts))
