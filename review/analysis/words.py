"""The words of a call by channel, as speech recognition gives them: times, probabilities, turns, silences.

Times are ns from the call's start. What is heard but has no word (`wordless`) is given by who looked at the sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SECOND: Final = 1_000_000_000
TURN_PAUSE: Final = 2 * SECOND  # a channel that is silent for so long begins a new turn
_BREAK: Final = SECOND // 4  # the other channel's words in a shorter pause interrupt nothing


class Channel(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"

    @property
    def other(self) -> Channel:
        return Channel.CUSTOMER if self is Channel.AGENT else Channel.AGENT


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` to before `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """`probability`: 0 to 1, of the recogniser; it does not separate right digits from wrong ones."""

    text: str
    start: int
    end: int
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One channel. `end`: how long its sound lasts. `wordless`: sound for which the transcript has no word."""

    words: Sequence[Word]
    end: int
    wordless: Sequence[Interval] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one channel says without a long pause and without the other one between. `first`, `last`: its words."""

    channel: Channel
    first: int
    last: int
    start: int
    end: int

    @property
    def places(self) -> range:
        return range(self.first, self.last + 1)


class Call:
    """Both channels with words in the order of their times, none outside of its channel, none that ends before it
    begins. A channel may be missing."""

    def __init__(self, channels: Mapping[Channel, Heard]) -> None:
        self.channels = {channel: _tidy(channels[channel]) for channel in Channel if channel in channels}
        self.turns = tuple(sorted(self._turns(), key=lambda turn: (turn.start, turn.channel)))

    def words(self, channel: Channel) -> Sequence[Word]:
        return self.channels[channel].words if channel in self.channels else ()

    def _sounds(self, channel: Channel) -> Sequence[Interval]:
        heard = self.channels.get(channel)
        if heard is None:
            return ()
        return joined([*(Interval(word.start, word.end) for word in heard.words), *heard.wordless])

    def _turns(self) -> Iterator[Turn]:
        for channel in self.channels:
            words, others = self.words(channel), self._sounds(channel.other)
            first, other = 0, 0
            for place in range(1, len(words) + 1):
                if place < len(words):
                    pause = Interval(words[place - 1].end, words[place].start)
                    while other < len(others) and others[other].end <= pause.start:
                        other += 1
                    within = other < len(others) and others[other].start < pause.end
                    length = pause.end - pause.start
                    if length < TURN_PAUSE and not (within and length >= _BREAK):
                        continue
                yield Turn(channel, first, place - 1, words[first].start, words[place - 1].end)
                first = place


def _tidy(heard: Heard) -> Heard:
    end = max(heard.end, 0)
    words = sorted(heard.words, key=lambda word: (word.start, word.end))
    kept = [Word(word.text, *_within(word.start, word.end, end), word.probability) for word in words]
    return Heard(tuple(kept), end, joined(Interval(*_within(gap.start, gap.end, end)) for gap in heard.wordless))


def _within(start: int, end: int, last: int) -> tuple[int, int]:
    start = min(max(start, 0), last)
    return start, min(max(end, start), last)


def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same time without overlaps, in order; empty ones left out."""
    found: list[Interval] = []
    for one in sorted(intervals, key=lambda one: one.start):
        if one.end <= one.start:
            continue
        if found and one.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return tuple(found)


def silences(heard: Heard, at_least: int = TURN_PAUSE) -> tuple[Interval, ...]:
    """Where a channel has neither a word nor a sound without one for so long."""
    found, at = [], 0
    for one in joined([*(Interval(word.start, word.end) for word in heard.words), *heard.wordless]):
        if one.start - at >= at_least:
            found.append(Interval(at, one.start))
        at = one.end
    if heard.end - at >= at_least:
        found.append(Interval(at, heard.end))
    return tuple(found)
