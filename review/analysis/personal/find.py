"""Finds personal data in a call: windows that questions open, statements, patterns, runs of digits, repetitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from review.analysis.personal import lexicon
from review.analysis.personal.answer_windows import echo, windows
from review.analysis.personal.lexicon import Kind
from review.analysis.personal.matching import Text
from review.analysis.personal.patterns import Found, patterned
from review.analysis.personal.runs import FEWEST, Run, beside, runs
from review.analysis.personal.spans import Span, merged, padded
from review.analysis.personal.statements import statements
from review.analysis.words import SECOND, Call, Channel, Interval, joined

_CARD: Final = 13  # digits
_NAMED: Final = 14  # words between the name of a datum and its digits
_ECHO: Final = 20 * SECOND  # within this the other end repeats


def find(call: Call) -> tuple[Span, ...]:
    """What to mask, padded and merged, in the order of starts. Spans of different kinds may overlap."""
    said = {channel: Text(call.words(channel)) for channel in call.channels}
    spans = [*_asked(call, said)]
    for channel in call.channels:
        spans += _of_channel(call, said[channel], channel)
    spans += [again for channel in call.channels for again in _repeated(call, said, channel, spans)]
    of = {channel: [span for span in spans if span.channel is channel] for channel in call.channels}
    return tuple(merged(one for channel in of for one in padded(of[channel], call.channels[channel])))


def _asked(call: Call, said: Mapping[Channel, Text]) -> Iterator[Span]:
    for window in windows(call, said):
        because = f"asked: {window.phrase}"
        if window.answer is not None:
            answer = window.answer
            yield Span(Channel.CUSTOMER, answer.start, answer.end, window.kind, "question", 0.9, because)
        for first, last in window.repeats:
            again = Found(window.kind, first, last, "repeated-answer", 0.85)
            yield _span(call, said[Channel.AGENT], again, Channel.AGENT, because)


def _of_channel(call: Call, text: Text, channel: Channel) -> Iterator[Span]:
    named = sorted((hit.last, Kind(hit.tag)) for hit in text.tagged(*lexicon.NUMERIC))
    for run in runs(text, call.channels[channel].wordless):
        if run.digits >= FEWEST and not run.explained:
            kind = _kind(run, named)
            because = f"{run.digits} digits" if kind is Kind.NUMBER else f"{run.digits} digits, {kind}"
            yield Span(channel, run.start, run.end, kind, "digits", 0.95 if run.digits >= _CARD else 0.7, because)
    found = list(patterned(text.tokens))
    for turn in call.turns:
        if turn.channel is channel:
            found += statements(text, turn, customer=channel is Channel.CUSTOMER)
    for one in found:
        yield _span(call, text, one, channel, one.detector)


def _kind(run: Run, named: Sequence[tuple[int, Kind]]) -> Kind:
    near = [kind for place, kind in named if run.first - _NAMED <= place < run.first]
    if near:
        return near[-1]
    return Kind.CARD if run.digits >= _CARD else Kind.NUMBER


def _span(call: Call, text: Text, found: Found, channel: Channel, because: str) -> Span:
    """With the sound beside it that has no word."""
    start = text.tokens[found.first].start
    end = max(token.end for token in text.tokens[found.first : found.last + 1])
    for gap in beside(call.channels[channel].wordless, start, end):
        start, end = min(start, gap.start), max(end, gap.end)
    return Span(channel, start, end, found.kind, found.detector, found.confidence, because)


def _repeated(call: Call, said: Mapping[Channel, Text], channel: Channel, spans: Sequence[Span]) -> Iterator[Span]:
    """What this channel says again of what is masked of the other one."""
    masked = sorted((span for span in spans if span.channel is channel.other), key=lambda span: -span.start)
    text, before = said[channel], list[Span]()
    for turn in call.turns:
        while masked and masked[-1].start <= turn.start:
            before.append(masked.pop())
        before = [span for span in before if turn.start <= span.end + _ECHO]
        if turn.channel is not channel or not before:
            continue
        times = joined(Interval(span.start, span.end) for span in before)
        answer = [token for one in times for token in said[channel.other].between(one.start, one.end)]
        digits = any(span.kind in lexicon.NUMERIC for span in before)
        places = echo(text.of(turn), answer, digits=digits)
        if places is not None:
            yield _span(call, text, Found(Kind.REPEATED, *places, "repeated", 0.7), channel, "said before")
        for hit in text.tagged(lexicon.AGAIN, turn=turn):
            if hit.last < turn.last:
                again = Found(Kind.REPEATED, hit.last + 1, turn.last, "says-again", 0.7)
                yield _span(call, text, again, channel, hit.phrase)
