"""What is said of marks: random numbers that documents show as a few pixels, for the display to tell what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Shown = Mapping[int, int]  # document -> the mark that it is to show


class Answer(StrEnum):
    """What a document says about the mark that it was asked to show."""

    SHOWN = "shown"  # it is in the document; whether it is in the picture only the picture says
    EMPTY = "empty"  # the document has no area: its parent shows nothing of it
    OUTSIDE = "outside"  # no part of it is in view; it may be scrolled into view later


@dataclass(frozen=True, slots=True)
class Request:
    """The documents of this tab show these marks from now on, and the others show none."""

    browser: str
    tab: int
    marks: Shown


@dataclass(frozen=True, slots=True)
class Marked:
    """What a document said at `at` of the mark that it was asked to show."""

    browser: str
    tab: int
    mark: int
    how: Answer
    at: int


@dataclass(frozen=True, slots=True)
class Sighted:
    """A picture whose grab began at `at` shows these marks."""

    marks: frozenset[int]
    at: int
