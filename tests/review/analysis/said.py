"""Calls for tests out of lines of text: a word lasts 0.3 s, lines follow each other in time."""

from __future__ import annotations

from review.analysis.personal.find import find
from review.analysis.personal.spans import Span, mask
from review.analysis.words import SECOND, Call, Channel, Heard, Word

WORD = 3 * SECOND // 10
PAUSE = 6 * SECOND // 10


def call(*lines: str) -> Call:
    """Lines such as "agent: Ihre Kartennummer bitte?"."""
    channels: dict[Channel, list[Word]] = {channel: [] for channel in Channel}
    at = SECOND
    for line in lines:
        who, _, text = line.partition(": ")
        for word in text.split():
            channels[Channel(who)].append(Word(word, at, at + WORD))
            at += WORD
        at += PAUSE
    return Call({channel: Heard(words, at + SECOND) for channel, words in channels.items()})


def hidden(said: Call, channel: Channel = Channel.CUSTOMER) -> str:
    """The words that are masked whole."""
    covered = mask(said, find(said))[channel]
    return " ".join(
        word.text
        for word in said.words(channel)
        if any(one.start <= word.start and word.end <= one.end for one in covered)
    )


def spans(*lines: str) -> tuple[Span, ...]:
    return find(call(*lines))
