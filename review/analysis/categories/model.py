"""What a file of categories says; values only. Times in ns. `where`: the place as file:line:column."""

from __future__ import annotations

from dataclasses import dataclass

from review.analysis.categories.plain import Term
from review.analysis.spoken import Call, Party

Phrase = tuple[Term, ...]
Phrases = tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The first or the last so many ns of a call: what begins in it counts."""

    first: bool
    ns: int


@dataclass(frozen=True, slots=True)
class Said:
    """One of the phrases, by this party (None: by either), with one of `near` at most `within` words away."""

    phrases: Phrases
    by: Party | None = None
    near: Phrases = ()
    within: int = 10
    window: Window | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Lasts:
    """A silence (or an overlap of both parties' speech) of more than `over` ns without a break."""

    silence: bool
    over: int
    window: Window | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class CallLength:
    """Over or under so many ns, closed time included."""

    over: bool
    ns: int
    where: str = ""


@dataclass(frozen=True, slots=True)
class ClosedBy:
    """One of these rules of the pause policy closed something."""

    rules: frozenset[str]
    where: str = ""


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple[Condition, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class AllOf:
    conditions: tuple[Condition, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition
    where: str = ""


Condition = Said | Lasts | CallLength | ClosedBy | AnyOf | AllOf | Not


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    condition: Condition
    why: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class CategoryTest:
    """`expect`: exactly the categories that the call has."""

    name: str
    call: Call
    expect: frozenset[str]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Categories:
    """Of one file, in its order."""

    categories: tuple[Category, ...] = ()
    tests: tuple[CategoryTest, ...] = ()
