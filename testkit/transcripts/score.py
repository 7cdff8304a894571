"""How much of what was really spoken the spans cover, by kind and language, and what they cost of harmless calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from review.analysis.words import Call, Channel, Interval, joined
from testkit.transcripts.calls import Spoken

ENOUGH: Final = 0.95  # of a datum's sound: then it is found
Mask = Mapping[Channel, tuple[Interval, ...]]
Masked = Callable[[Call], Mask]


@dataclass
class Count:
    found: int = 0
    of: int = 0

    @property
    def share(self) -> float:
        return self.found / self.of if self.of else 1.0


@dataclass
class Row:
    """Of one kind and language: what the customer said when asked, of their own, and what the agent repeated."""

    asked: Count
    unasked: Count
    repeated: Count

    @property
    def recall(self) -> float:
        """Of all that was said, by whomever."""
        counts = (self.asked, self.unasked, self.repeated)
        return sum(count.found for count in counts) / max(sum(count.of for count in counts), 1)


def covered(mask: Iterable[Interval], at: Interval) -> float:
    """The share of a time that a mask without overlaps covers."""
    found = sum(max(0, min(one.end, at.end) - max(one.start, at.start)) for one in mask)
    return found / max(at.end - at.start, 1)


def rows(calls: Iterable[Spoken], masked: Masked) -> dict[tuple[str, str], Row]:
    """(kind, language) -> its row."""
    found: dict[tuple[str, str], Row] = defaultdict(lambda: Row(Count(), Count(), Count()))
    for spoken in calls:
        mask = masked(spoken.call())
        for datum in spoken.data:
            row = found[datum.kind, spoken.language]
            count = row.repeated if datum.by_agent else row.asked if datum.asked else row.unasked
            count.of += 1
            count.found += covered(mask[datum.channel], datum.at) >= ENOUGH
    return found


def misses(calls: Iterable[Spoken], masked: Masked) -> Iterator[tuple[Spoken, int]]:
    """Calls of the tuning family with the number of the datum that is not covered: to be read."""
    for spoken in calls:
        mask = masked(spoken.call())
        for number, datum in enumerate(spoken.data):
            if covered(mask[datum.channel], datum.at) < ENOUGH:
                yield spoken, number


def share(calls: Iterable[Spoken], masked: Masked, *, of_words: bool = False) -> float:
    """Of both channels' time, or of the words' time, what is masked."""
    lost = whole = 0
    for spoken in calls:
        call = spoken.call()
        mask = masked(call)
        for channel, heard in call.channels.items():
            words = joined(Interval(word.start, word.end) for word in heard.words)
            for one in words if of_words else (Interval(0, heard.end),):
                whole += one.end - one.start
                lost += round(covered(mask[channel], one) * (one.end - one.start))
    return lost / max(whole, 1)


def beside(calls: Iterable[Spoken], masked: Masked) -> float:
    """Of the words of calls with a datum, all that are not the datum: the share of their time that is masked, too."""
    lost = whole = 0
    for spoken in calls:
        call = spoken.call()
        mask = masked(call)
        for channel, heard in call.channels.items():
            data = joined(datum.at for datum in spoken.data if datum.channel is channel)
            for word in heard.words:
                at = Interval(word.start, word.end)
                if not covered(data, at):
                    whole += at.end - at.start
                    lost += round(covered(mask[channel], at) * (at.end - at.start))
    return lost / max(whole, 1)
