"""When is what deleted: which class a recording has, and what wins of hold, minimum, request and period.

What is not known never shortens: a class whose conditions may hold counts as one that does, so that nothing that was
not analysed dies as the class for the rest. Categories only lengthen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from review.governance.model import AllOf, Condition, Fact, Governance, Length, Recording, RetentionClass
from review.governance.times import FOR_EVER, Period

# Without a class nothing is deleted.
NO_CLASS: Final = RetentionClass("none", None, keep=Period(ns=FOR_EVER))


class Because(StrEnum):
    """Why a recording is kept or deleted. The first that holds, in this order, decides."""

    HOLD = "legal hold"
    MINIMUM = "legal minimum"
    ERASURE = "erasure request"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Retention:
    """`keeps`: the class whose period ends last, `minimum_of`: the one whose minimum does; None: none has one.

    `ends`, `minimum_ends`: wall clock, ns. `waits_for_analysis`: a class counts that analysis may still rule out.
    """

    keeps: RetentionClass
    ends: int
    minimum_of: RetentionClass | None
    minimum_ends: int
    waits_for_analysis: bool


@dataclass(frozen=True, slots=True)
class Disposal:
    """`deletes`: now. Otherwise `at`: the earliest time at which it may be, None while it is held."""

    deletes: bool
    because: Because
    at: int | None
    retention: Retention


def retention_of(governance: Governance, recording: Recording) -> Retention:
    """Counted from the recording's end."""
    certain: list[RetentionClass] = []
    possible: list[RetentionClass] = []
    for one in governance.retention:
        if one.any is not None:
            holds = _any(_holds(condition, recording) for condition in one.any)
            if holds or holds is None:
                (certain if holds else possible).append(one)
    rest = [one for one in governance.retention if one.any is None]
    counts = certain + possible
    if not any(_without_categories(one, recording) for one in certain):
        counts += rest or [NO_CLASS]
    keeps = max(counts, key=lambda one: one.keep.after(recording.end))
    longest = max(counts, key=lambda one: one.minimum.after(recording.end))
    minimum_ends = longest.minimum.after(recording.end)
    minimum_of = longest if minimum_ends > recording.end else None
    return Retention(
        keeps=keeps,
        ends=max(keeps.keep.after(recording.end), minimum_ends),
        minimum_of=minimum_of,
        minimum_ends=minimum_ends,
        waits_for_analysis=keeps in possible or minimum_of in possible,
    )


def disposal(governance: Governance, recording: Recording, now: int) -> Disposal:
    """Hold, then minimum, then request, then period."""
    retention = retention_of(governance, recording)
    if recording.held:
        return Disposal(False, Because.HOLD, None, retention)
    if now < retention.minimum_ends:
        at = retention.minimum_ends if recording.erasure_asked else retention.ends
        return Disposal(False, Because.MINIMUM, at, retention)
    if recording.erasure_asked:
        return Disposal(True, Because.ERASURE, now, retention)
    return Disposal(now >= retention.ends, Because.PERIOD, min(retention.ends, FOR_EVER), retention)


def _without_categories(one: RetentionClass, recording: Recording) -> bool:
    """Whether it would be its class whatever the categories: only then it may take the place of the rest."""
    return any(_names_no_category(condition) and _holds(condition, recording) for condition in one.any or ())


def takes_from_rest(one: RetentionClass) -> bool:
    """Whether something may be of this class instead of the rest."""
    return any(map(_names_no_category, one.any or ()))


def parts_of(condition: Condition) -> tuple[Fact | Length, ...]:
    return condition.conditions if isinstance(condition, AllOf) else (condition,)


def _names_no_category(condition: Condition) -> bool:
    return all(isinstance(part, Length) or part.key != "category" for part in parts_of(condition))


def _holds(condition: Condition, recording: Recording) -> bool | None:
    """None: it cannot be said before the recording was analysed."""
    if isinstance(condition, AllOf):
        parts = [_holds(part, recording) for part in condition.conditions]
        return False if False in parts else None if None in parts else True
    if isinstance(condition, Length):
        length = recording.end - recording.start
        return length > condition.ns if condition.over else length < condition.ns
    return _has(condition, recording)


def _has(fact: Fact, recording: Recording) -> bool | None:
    match fact.key:
        case "category":
            return None if recording.categories is None else bool(fact.words & recording.categories)
        case "team":
            return bool(fact.words & recording.teams)
        case "closed_by":
            return bool(fact.words & recording.closed_by)
        case "channel":
            return bool(fact.words & recording.consent.keys())
        case _:
            return recording.group in fact.words


def _any(truths: Iterable[bool | None]) -> bool | None:
    found = list(truths)
    return True if True in found else None if None in found else False
