"""Whether something fits, in three values: what could not be read is neither a yes nor a no (Kleene's strong logic).

What closes the eye takes a doubt for a yes, what opens it takes a doubt for a no. Neither is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Fit(Enum):
    NO = "no"
    DOUBT = "doubt"
    YES = "yes"

    def __bool__(self) -> bool:
        raise TypeError("a fit has three values: compare it with `is`")


def fit(answer: bool) -> Fit:
    return Fit.YES if answer else Fit.NO


def any_fits(fits: Iterable[Fit]) -> Fit:
    """The best of them; NO if there is none. Stops at the first YES."""
    best = Fit.NO
    for one in fits:
        if one is Fit.YES:
            return Fit.YES
        if one is Fit.DOUBT:
            best = Fit.DOUBT
    return best


def all_fit(fits: Iterable[Fit]) -> Fit:
    """The worst of them; YES if there is none. Stops at the first NO."""
    worst = Fit.YES
    for one in fits:
        if one is Fit.NO:
            return Fit.NO
        if one is Fit.DOUBT:
            worst = Fit.DOUBT
    return worst
