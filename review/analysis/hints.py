"""Moments of a call that are worth listening to, with the time of each: for a talk about the call, not for a figure of
a person. They stand in the order of a call's measures and carry no value that calls or people could be sorted by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from review.analysis.measures import Measures, Unknown
from review.analysis.spans import MINUTE, SECOND, Spans
from review.analysis.spoken import Party


class Kind(StrEnum):
    INTERRUPTIONS = "interruptions"
    MONOLOGUE = "long monologue"
    SILENCES = "long silences"
    OVERLAPS = "long overlaps"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on it is a hint: so many interruptions, ns for the others."""

    interruptions: int = 5
    monologue: int = 2 * MINUTE
    silence: int = 20 * SECOND
    overlap: int = 3 * SECOND


USUAL: Final = Limits()


@dataclass(frozen=True, slots=True)
class Hint:
    """`by`: whose; None: of both. `moments`: what to play, in the order of time."""

    call: str
    kind: Kind
    by: Party | None
    moments: Spans

    def in_words(self, start_ns: int) -> str:
        """As in "9 interruptions by the agent in call X, at 0:41, 2:07". `start_ns`: of the call."""
        of = f" by the {self.by}" if self.by else ""
        number = len(self.moments)
        what = self.kind.value.removesuffix("s") if number == 1 else self.kind.value
        times = ", ".join(clock(one.start_ns - start_ns) for one in self.moments)
        return f"{number} {what}{of} in call {self.call}, at {times}"


def hints_of(call: str, measures: Measures, limits: Limits = USUAL) -> tuple[Hint, ...]:
    """What is unknown gives no hint."""
    return tuple(hint for hint in _all(call, measures, limits) if hint.moments)


def _all(call: str, measures: Measures, limits: Limits) -> Iterator[Hint]:
    for party in Party:
        interruptions = measures.interruptions[party]
        if not isinstance(interruptions, Unknown) and len(interruptions.moments) >= limits.interruptions:
            yield Hint(call, Kind.INTERRUPTIONS, party, interruptions.moments)
    for party in Party:
        monologue = measures.monologue[party]
        if not isinstance(monologue, Unknown):
            yield Hint(call, Kind.MONOLOGUE, party, _from((monologue.span,), limits.monologue))
    yield Hint(call, Kind.SILENCES, None, _from(measures.silences, limits.silence))
    yield Hint(call, Kind.OVERLAPS, None, _from(measures.overlaps, limits.overlap))


def _from(spans: Spans | Unknown, shortest: int) -> Spans:
    return () if isinstance(spans, Unknown) else tuple(span for span in spans if span.length_ns >= shortest)


def clock(ns: int) -> str:
    """Since the call's start, as in 2:07."""
    minutes, seconds = divmod(ns // SECOND, 60)
    return f"{minutes}:{seconds:02}"
