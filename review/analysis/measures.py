"""Measures of one call: who spoke how much, over whom, how fast, and what was silent, on hold or closed.

Everything is worked out from spans of speech, one list a channel, as a detector of speech gave them: a pause that it
did not see is speech here. Closed time is no silence and in no figure but `closed_ns`. What cannot be known is a word
of `Unknown` and never 0. Nothing is judged from how a voice sounds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from review.analysis.spans import MILLISECOND, MINUTE, SECOND, Span, Spans, common, joined, total_ns, without
from review.analysis.spoken import Party, Speech, Words

# "mhm", "ja": who says that does not take the floor (Yngve, On getting a word in edgewise, 1970).
BACKCHANNEL: Final = 600 * MILLISECOND  # shorter speech is one
STOPS_WITHIN: Final = 2 * SECOND  # so soon who is interrupted stops
PAUSE: Final = 2 * SECOND  # so long one may breathe within a monologue
HOLD_AFTER: Final = 30 * SECOND  # silence so long counts as hold


class Unknown(StrEnum):
    """Why there is no figure."""

    NO_CHANNEL = "a channel is missing"
    NO_SPEECH = "no speech"
    NO_WORDS = "no transcript"
    NO_MUSIC = "hold music was not looked for"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Monologue:
    """`at_least`: closed time borders on one of the party's monologues, which may have been longer."""

    span: Span
    at_least: bool


@dataclass(frozen=True, slots=True)
class Interruptions:
    """`moments`: each from where one starts to where the other stops. `undecided`: closed time hides how it went on."""

    moments: Spans
    undecided: int


@dataclass(frozen=True, slots=True)
class Measures:
    """Of each call; by party where it is one's own. ns unless it says otherwise.

    `talk_ns`: time with speech of the party.
    `talk_ratio`: the agent's part of the speech of both (overlap counts for each).
    `overlaps`: spans in which both speak. `silences`: spans in which neither does (gaps and pauses as in Heldner and
    Edlund, Pauses, gaps and overlaps in conversations, 2010).
    `hold`: hold music, and silences of at least `HOLD_AFTER`; these are in `silences`, too.
    `monologue`: the longest run of one's speech with pauses of at most `PAUSE`, in which the other says nothing but
    backchannels and nothing is closed.
    `interruptions`: by the party. It starts while the other speaks, for at least `BACKCHANNEL`, and the other stops
    within `STOPS_WITHIN` (interruption as a violation of the other's turn: Zimmerman and West, 1975).
    `words_per_minute`: words that begin in kept time, a minute of one's speech.
    `before_first_ns`, `after_last_ns`: from the call's start to the party's first speech, from the last to its end.
    """

    length_ns: int
    closed_ns: int
    talk_ns: Mapping[Party, int | Unknown]
    talk_ratio: Fraction | Unknown
    overlaps: Spans | Unknown
    silences: Spans | Unknown
    hold: Spans | Unknown
    monologue: Mapping[Party, Monologue | Unknown]
    interruptions: Mapping[Party, Interruptions | Unknown]
    words_per_minute: Mapping[Party, Fraction | Unknown]
    before_first_ns: Mapping[Party, int | Unknown]
    after_last_ns: Mapping[Party, int | Unknown]

    @property
    def overlap_ns(self) -> int | Unknown:
        return _total(self.overlaps)

    @property
    def silence_ns(self) -> int | Unknown:
        return _total(self.silences)

    @property
    def hold_ns(self) -> int | Unknown:
        return _total(self.hold)


def measures_of(speech: Speech, words: Mapping[Party, Words]) -> Measures:
    """`words`: a party that is not there has no transcript."""
    talk = {party: _talk_ns(speech, party) for party in Party}
    silences = silences_of(speech)
    return Measures(
        length_ns=speech.end_ns - speech.start_ns,
        closed_ns=total_ns(speech.closed_in),
        talk_ns=talk,
        talk_ratio=_ratio(talk),
        overlaps=overlaps_of(speech),
        silences=silences,
        hold=_hold(speech, silences),
        monologue={party: _monologue(speech, party) for party in Party},
        interruptions={party: _interruptions(speech, party) for party in Party},
        words_per_minute={party: _rate(speech, talk[party], words.get(party)) for party in Party},
        before_first_ns={party: _before_first_ns(speech, party) for party in Party},
        after_last_ns={party: _after_last_ns(speech, party) for party in Party},
    )


def overlaps_of(speech: Speech) -> Spans | Unknown:
    agent, customer = speech.of(Party.AGENT), speech.of(Party.CUSTOMER)
    return Unknown.NO_CHANNEL if agent is None or customer is None else common(agent, customer)


def silences_of(speech: Speech) -> Spans | Unknown:
    """Hold music is silence here, unless the detector took it for speech."""
    agent, customer = speech.of(Party.AGENT), speech.of(Party.CUSTOMER)
    return Unknown.NO_CHANNEL if agent is None or customer is None else without(speech.kept, (*agent, *customer))


def _total(spans: Spans | Unknown) -> int | Unknown:
    return spans if isinstance(spans, Unknown) else total_ns(spans)


def _talk_ns(speech: Speech, party: Party) -> int | Unknown:
    spans = speech.of(party)
    return Unknown.NO_CHANNEL if spans is None else total_ns(spans)


def _ratio(talk: Mapping[Party, int | Unknown]) -> Fraction | Unknown:
    agent, customer = talk[Party.AGENT], talk[Party.CUSTOMER]
    if isinstance(agent, Unknown) or isinstance(customer, Unknown):
        return Unknown.NO_CHANNEL
    return Fraction(agent, agent + customer) if agent + customer else Unknown.NO_SPEECH


def _hold(speech: Speech, silences: Spans | Unknown) -> Spans | Unknown:
    if isinstance(silences, Unknown):
        return silences
    if speech.hold_music is None:
        return Unknown.NO_MUSIC
    long = [span for span in silences if span.length_ns >= HOLD_AFTER]
    return joined([*common(speech.hold_music, speech.kept), *long])


def _monologue(speech: Speech, party: Party) -> Monologue | Unknown:
    mine, others = speech.of(party), speech.of(party.other)
    if mine is None or others is None:
        return Unknown.NO_CHANNEL
    turns = [span for span in others if span.length_ns >= BACKCHANNEL]
    closed = speech.closed_in
    ends, starts = {span.end_ns for span in closed}, {span.start_ns for span in closed}
    free = without(speech.kept, turns)
    pieces = common(mine, free)
    longest, at_least, at = None, False, 0
    for room in free:
        inside = []
        while at < len(pieces) and pieces[at].start_ns < room.end_ns:
            inside.append(pieces[at])
            at += 1
        runs = joined(inside, PAUSE)
        for run in runs:
            if longest is None or run.length_ns > longest.length_ns:
                longest = run
        if runs:
            at_least |= room.start_ns in ends and runs[0].start_ns - room.start_ns <= PAUSE
            at_least |= room.end_ns in starts and room.end_ns - runs[-1].end_ns <= PAUSE
    return Unknown.NO_SPEECH if longest is None else Monologue(longest, at_least)


def _interruptions(speech: Speech, party: Party) -> Interruptions | Unknown:
    mine, others = speech.of(party), speech.of(party.other)
    if mine is None or others is None:
        return Unknown.NO_CHANNEL
    closed_from = {span.start_ns for span in speech.closed_in}
    moments, undecided = [], 0
    for span in mine:
        at = bisect_left(others, span.start_ns, key=lambda one: one.start_ns) - 1  # the last that began before
        if at < 0 or not span.start_ns < others[at].end_ns <= span.start_ns + STOPS_WITHIN:
            continue
        stops = others[at].end_ns
        brief = span.length_ns < BACKCHANNEL
        if brief and span.end_ns not in closed_from:
            continue
        if brief or stops in closed_from:
            undecided += 1
        else:
            moments.append(Span(span.start_ns, stops))
    return Interruptions(tuple(moments), undecided)


def _rate(speech: Speech, talk: int | Unknown, words: Words | None) -> Fraction | Unknown:
    if isinstance(talk, Unknown):
        return talk
    if words is None:
        return Unknown.NO_WORDS
    kept = speech.kept
    starts = [span.start_ns for span in kept]
    said = sum(
        at > 0 and word.start_ns < kept[at - 1].end_ns
        for word in words
        for at in [bisect_left(starts, word.start_ns + 1)]
    )
    return Fraction(said * MINUTE, talk) if talk else Unknown.NO_SPEECH


def _before_first_ns(speech: Speech, party: Party) -> int | Unknown:
    spans = speech.of(party)
    if not spans:
        return Unknown.NO_CHANNEL if spans is None else Unknown.NO_SPEECH
    before = Span(speech.start_ns, spans[0].start_ns)
    return Unknown.CLOSED if common([before], speech.closed) else before.length_ns


def _after_last_ns(speech: Speech, party: Party) -> int | Unknown:
    spans = speech.of(party)
    if not spans:
        return Unknown.NO_CHANNEL if spans is None else Unknown.NO_SPEECH
    after = Span(spans[-1].end_ns, speech.end_ns)
    return Unknown.CLOSED if common([after], speech.closed) else after.length_ns
