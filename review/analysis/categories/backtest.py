"""What a changed file of categories would do to calls that there are: how many each category has, which are new in it
and which no longer are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from review.analysis.categories.match import find
from review.analysis.categories.model import Categories
from review.analysis.spoken import Call


@dataclass(slots=True)
class Tried:
    """Ids of calls. `new_in`, `no_longer_in`: against the file before; where that did not know, a call is in neither.

    `unknown`: a channel that would decide is missing.
    """

    having: int = 0
    unknown: int = 0
    new_in: tuple[str, ...] = ()
    no_longer_in: tuple[str, ...] = ()


def backtest(after: Categories, before: Categories, calls: Iterable[tuple[str, Call]]) -> dict[str, Tried]:
    """By category, of both files, in the order of names. `before`: empty where there was no file."""
    names = sorted({category.name for one in (after, before) for category in one.categories})
    tried = {name: Tried() for name in names}
    for id_, call in calls:
        now = {one.category: one.holds for one in find(after, call)}
        was = {one.category: one.holds for one in find(before, call)}
        for name, found in tried.items():
            holds, held = now.get(name, False), was.get(name, False)
            found.having += holds is True
            found.unknown += holds is None
            if holds and held is False:
                found.new_in = (*found.new_in, id_)
            elif holds is False and held:
                found.no_longer_in = (*found.no_longer_in, id_)
    return tried
