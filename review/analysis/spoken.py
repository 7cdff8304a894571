"""A call as the analysis sees it: two parties, when each spoke, which words, and which times are closed.

Times are integer ns on the recording's clock. A channel that is missing is None and not empty: silence is something
that was heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from review.analysis.spans import Span, Spans, common, joined, without


class Party(StrEnum):
    """Who speaks; each has a channel."""

    AGENT = "agent"
    CUSTOMER = "customer"

    @property
    def other(self) -> Party:
        return Party.CUSTOMER if self is Party.AGENT else Party.AGENT


class SpokenWord(Protocol):
    """What is needed of a word of a transcript: how it is written, and from when till when it was said."""

    @property
    def text(self) -> str: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...


Words = Sequence[SpokenWord]


@dataclass(frozen=True, slots=True)
class Speech:
    """When each party spoke; None: their channel is missing. Raises ValueError where it ends before it begins.

    `closed`: times of which nothing is kept. `hold_music`: found by something else; None: it was not looked for.
    """

    start_ns: int
    end_ns: int
    agent: Spans | None
    customer: Spans | None
    closed: Spans = ()
    hold_music: Spans | None = None

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise ValueError("a call ends before it begins")

    @property
    def closed_in(self) -> Spans:
        """What is closed between its start and its end."""
        return common([(self.start_ns, self.end_ns)], self.closed)

    @property
    def kept(self) -> Spans:
        return without([(self.start_ns, self.end_ns)], self.closed)

    def of(self, party: Party) -> Spans | None:
        """The party's speech in the time that is kept, joined where spans touch."""
        spans = self.agent if party is Party.AGENT else self.customer
        return None if spans is None else common(spans, self.kept)

    def part(self, span: Span) -> Speech:
        """A part of the call, such as its first 30 s: what is measured of it is of that time alone."""
        start, end = max(span.start_ns, self.start_ns), min(span.end_ns, self.end_ns)
        return Speech(start, max(start, end), self.agent, self.customer, self.closed, self.hold_music)


@dataclass(frozen=True, slots=True)
class Call:
    """`words`: of each party in the order of time; a party that is not there has no transcript.

    `masked`: where personal data is hidden; a word that lies in it even in part matches nothing. `closed_by`: the rules
    of the pause policy that closed something.
    """

    speech: Speech
    words: Mapping[Party, Words] = field(default_factory=dict)
    masked: Mapping[Party, Spans] = field(default_factory=dict)
    closed_by: frozenset[str] = frozenset()

    @property
    def span(self) -> Span:
        return Span(self.speech.start_ns, self.speech.end_ns)


def with_masks(words: Words, masked: Spans) -> Iterator[tuple[SpokenWord, bool]]:
    """Each word, and whether it is masked. A word without a length is masked inside of a span."""
    hidden = joined(masked)
    at = 0
    for word in sorted(words, key=lambda one: one.start_ns):
        while at < len(hidden) and hidden[at].end_ns <= word.start_ns:
            at += 1
        yield word, at < len(hidden) and hidden[at].start_ns < max(word.end_ns, word.start_ns + 1)
