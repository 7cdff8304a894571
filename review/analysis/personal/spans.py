"""What is masked: spans of a channel with why, padded, merged, and their share."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from review.analysis.personal.lexicon import Kind
from review.analysis.words import SECOND, Call, Channel, Heard, Interval, joined

VERSION: Final = "1"  # of the rules: raise it with every change that moves a span
LANGUAGES: Final = ("de", "en")  # that they know
PAD: Final = 2 * SECOND // 5  # a recogniser's word begins late and ends early
_SURE: Final = SECOND // 4  # a word after so long a silence is another one: the pad ends before it


@dataclass(frozen=True, slots=True)
class Span:
    """`confidence`: how sure the rule is, 0 to 1, as its author set it. `because`: why, never the datum itself."""

    channel: Channel
    start: int
    end: int
    kind: Kind
    detector: str
    confidence: float
    because: str
    version: str = VERSION


def padded(spans: Iterable[Span], heard: Heard) -> Iterator[Span]:
    """With `PAD` on both sides, but not over a word that a silence keeps apart from it: that silence is clear."""
    starts, ends = sorted(word.start for word in heard.words), sorted(word.end for word in heard.words)
    for span in spans:
        before, after = bisect_right(ends, span.start - _SURE), bisect_left(starts, span.end + _SURE)
        start = max([span.start - PAD, 0, *ends[max(before - 1, 0) : before]])
        end = min([span.end + PAD, *starts[after : after + 1]])
        yield replace(span, start=start, end=min(max(end, span.start), heard.end))


def merged(spans: Iterable[Span]) -> list[Span]:
    """Those of one channel and kind that touch become one, with the reason of the surest. In order of their starts."""
    found: list[Span] = []
    open_spans: dict[tuple[Channel, Kind], int] = {}
    for span in sorted(spans, key=lambda span: (span.start, span.channel, span.kind, -span.confidence)):
        place = open_spans.get((span.channel, span.kind))
        if place is not None and span.start <= found[place].end:
            last = found[place]
            surest = max(last, span, key=lambda one: one.confidence)
            found[place] = replace(surest, start=last.start, end=max(last.end, span.end))
        else:
            open_spans[span.channel, span.kind] = len(found)
            found.append(span)
    return found


def mask(call: Call, spans: Sequence[Span]) -> Mapping[Channel, tuple[Interval, ...]]:
    """What of each channel is silenced: the spans without kinds and overlaps."""
    return {
        channel: joined(Interval(span.start, span.end) for span in spans if span.channel is channel)
        for channel in call.channels
    }


def shares(call: Call, spans: Sequence[Span]) -> Mapping[Channel, float]:
    """How much of each channel's time is masked, 0 to 1."""
    return {
        channel: sum(one.end - one.start for one in intervals) / max(call.channels[channel].end, 1)
        for channel, intervals in mask(call, spans).items()
    }
