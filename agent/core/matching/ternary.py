"""Whether something fits, in three values: what could not be read is neither a yes nor a no (Kleene's strong logic).

What closes the eye takes a doubt for a yes, what opens it takes a doubt for a no. Neither is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto


class Ternary(Enum):
    NO = auto()
    DOUBT = auto()
    YES = auto()

    def __bool__(self) -> bool:
        raise TypeError("a fit has three values: compare it with `is`")


def ternary(answer: bool) -> Ternary:
    return Ternary.YES if answer else Ternary.NO


def any_true(fits: Iterable[Ternary]) -> Ternary:
    """The best of them; NO if there is none. Stops at the first YES."""
    best = Ternary.NO
    for one in fits:
        if one is Ternary.YES:
            return Ternary.YES
        if one is Ternary.DOUBT:
            best = Ternary.DOUBT
    return best


def all_true(fits: Iterable[Ternary]) -> Ternary:
    """The worst of them; YES if there is none. Stops at the first NO."""
    worst = Ternary.YES
    for one in fits:
        if one is Ternary.NO:
            return Ternary.NO
        if one is Ternary.DOUBT:
            worst = Ternary.DOUBT
    return worst
