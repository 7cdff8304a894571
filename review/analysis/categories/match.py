"""Which categories a call has, and why: each hit with its words and their time, so that it can be played.

Three answers: yes, no, and None where a channel that would decide is missing. What is closed or masked was not said, as
far as a rule can know. `for_retention` makes of all three what may only lengthen how long a recording is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from review.analysis.categories.heard import Heard, near, nearest, places_in
from review.analysis.categories.model import (
    AllOf,
    AnyOf,
    CallLength,
    Categories,
    ClosedBy,
    Condition,
    Lasts,
    Not,
    Said,
    Window,
)
from review.analysis.categories.sentences import in_words, time_in_words
from review.analysis.measures import Unknown, overlaps_of, silences_of
from review.analysis.spans import Span
from review.analysis.spoken import Call, Party

MOST_HITS: Final = 10  # of a condition and party; the earliest
MOST_REASONS: Final = 50  # of a category


@dataclass(frozen=True, slots=True)
class Because:
    """`span`: what to play, and `party` whose words these are; None where it is about the call as a whole.

    `where`: the condition's place, as file:line:column.
    """

    says: str
    where: str
    party: Party | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """`holds`: None where it cannot be known. `because`: of a category that holds, in the order of time."""

    category: str
    holds: bool | None
    because: tuple[Because, ...] = ()


def find(categories: Categories, call: Call) -> tuple[Found, ...]:
    """Every category of the file, in its order."""
    matching = _Matching(call)
    found = []
    for category in categories.categories:
        holds, because = matching.judge(category.condition)
        shown = sorted(set(because), key=_in_time)[:MOST_REASONS] if holds else []
        found.append(Found(category.name, holds, tuple(shown)))
    return tuple(found)


def for_retention(before: frozenset[str], found: Iterable[Found]) -> frozenset[str]:
    """The categories by which a recording is kept: what it has, may have, or had under rules before these."""
    return before | {one.category for one in found if one.holds is not False}


def _in_time(one: Because) -> tuple[int, str, str]:
    return (-1 if one.span is None else one.span.start_ns, one.where, one.says)


Judged = tuple[bool | None, Sequence[Because]]


class _Matching:
    """Of one call; what several conditions need of it is worked out once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._silences = silences_of(call.speech)
        self._overlaps = overlaps_of(call.speech)
        self._heard = {
            party: Heard(words, call.masked.get(party, ()), call.speech.closed_in, call.span)
            for party, words in call.words.items()
        }

    def judge(self, condition: Condition) -> Judged:
        match condition:
            case Said():
                return self._said(condition)
            case Lasts():
                return self._lasts(condition)
            case AnyOf():
                return _joined(any_true, [self.judge(one) for one in condition.conditions])
            case AllOf():
                return _joined(all_true, [self.judge(one) for one in condition.conditions])
            case Not():
                holds, _ = self.judge(condition.condition)
                return None if holds is None else not holds, [Because(in_words(condition), condition.where)]
            case CallLength() | ClosedBy():
                return self._of_call(condition)

    def _of_call(self, condition: CallLength | ClosedBy) -> Judged:
        if isinstance(condition, ClosedBy):
            rules = sorted(condition.rules & self._call.closed_by)
            return bool(rules), [Because(f"closed by {rule}", condition.where) for rule in rules]
        length = self._call.span.length_ns
        holds = length > condition.ns if condition.over else length < condition.ns
        return holds, [Because(in_words(condition), condition.where)]

    def _said(self, said: Said) -> Judged:
        parties = [said.by] if said.by else list(Party)
        return _joined(any_true, [self._said_by(said, party) for party in parties])

    def _said_by(self, said: Said, party: Party) -> Judged:
        heard = self._heard.get(party)
        if heard is None:
            return None, ()
        window = heard.within(said.window)
        others = heard.by_length(said.near)
        hits = []
        for length, starts in heard.by_length(said.phrases).items():
            good = starts & window
            if said.near and good:
                good &= near(others, said.within, length)
            hits += [(start, length) for start in places_in(good, MOST_HITS)]
        because = [self._hit(said, party, heard, others, hit) for hit in sorted(hits)[:MOST_HITS]]
        return bool(hits), because

    def _hit(self, said: Said, party: Party, heard: Heard, others: dict[int, int], hit: tuple[int, int]) -> Because:
        quote = heard.quote(*hit)
        says, start, end = f'{party}: "{quote.text}"', quote.start_ns, quote.end_ns
        other = nearest(others, said.within, *hit) if said.near else None
        if other is not None:
            by = heard.quote(*other)
            says, start, end = f'{says} near "{by.text}"', min(start, by.start_ns), max(end, by.end_ns)
        return Because(says, said.where, party, Span(start, end))

    def _lasts(self, lasts: Lasts) -> Judged:
        spans = self._silences if lasts.silence else self._overlaps
        if isinstance(spans, Unknown):
            return None, ()
        what = "silence" if lasts.silence else "overlap"
        good = [span for span in spans if span.length_ns > lasts.over and self._begins_in(span, lasts.window)]
        because = [
            Because(f"{what} of {time_in_words(span.length_ns)}", lasts.where, None, span) for span in good[:MOST_HITS]
        ]
        return bool(good), because

    def _begins_in(self, span: Span, window: Window | None) -> bool:
        if window is None:
            return True
        call = self._call.span
        if window.first:
            return span.start_ns < call.start_ns + window.ns
        return span.start_ns >= call.end_ns - window.ns


def any_true(truths: Iterable[bool | None]) -> bool | None:
    found = list(truths)
    return True if True in found else None if None in found else False


def all_true(truths: Iterable[bool | None]) -> bool | None:
    found = list(truths)
    return False if False in found else None if None in found else True


def _joined(rule: Callable[[Iterable[bool | None]], bool | None], judged: Sequence[Judged]) -> Judged:
    because = [one for holds, reasons in judged if holds for one in reasons]
    return rule([holds for holds, _ in judged]), because
