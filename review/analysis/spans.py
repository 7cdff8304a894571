"""Spans of time and what is done with them: join, cut, take away, add up. Integer ns, from start to before end.

Every function takes spans in any order, overlapping or empty, and returns them in order, joined where they touch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MILLISECOND: Final = 1_000_000
SECOND: Final = 1000 * MILLISECOND
MINUTE: Final = 60 * SECOND


class Span(NamedTuple):
    """From `start_ns` to before `end_ns`; empty where it ends before it begins."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        return max(self.end_ns - self.start_ns, 0)


Spans = tuple[Span, ...]


def joined(spans: Iterable[tuple[int, int]], within_ns: int = 0) -> Spans:
    """Those that overlap or touch as one, also across a gap of up to `within_ns`."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1].end_ns + within_ns:
            found[-1] = Span(found[-1].start_ns, max(found[-1].end_ns, end))
        else:
            found.append(Span(start, end))
    return tuple(found)


def without(spans: Iterable[tuple[int, int]], taken: Iterable[tuple[int, int]]) -> Spans:
    """What of the spans lies in none of those that are taken away."""
    found: list[Span] = []
    away = joined(taken)
    at = 0
    for start, end in joined(spans):
        while at < len(away) and away[at].end_ns <= start:
            at += 1
        begin, following = start, at
        while following < len(away) and away[following].start_ns < end:
            if begin < away[following].start_ns:
                found.append(Span(begin, away[following].start_ns))
            begin = away[following].end_ns
            following += 1
        if begin < end:
            found.append(Span(begin, end))
    return tuple(found)


def common(spans: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Spans:
    """What lies in both."""
    all_of_them = joined(spans)
    return without(all_of_them, without(all_of_them, others))


def total_ns(spans: Iterable[tuple[int, int]]) -> int:
    return sum(span.length_ns for span in joined(spans))
