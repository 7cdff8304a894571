"""Measures once more, on a raster of 10 ms: a call is lists of truths, and every figure is counted cell by cell.

The oracle of `review.analysis.measures`; it shares no code with it. Also random calls for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from review.analysis.spans import Span
from review.analysis.spoken import Party, Speech

CELL = 10_000_000  # ns
Cells = list[bool]

# Around every bound: a backchannel is under 60 cells, a pause up to 200, hold from 3,000 on.
lengths = st.sampled_from([1, 5, 59, 60, 61, 130, 199, 200, 201, 400, 2999, 3000])


@dataclass(frozen=True)
class Word:
    text: str
    start_ns: int
    end_ns: int


@st.composite
def spans(draw: st.DrawFn, most: int = 8) -> tuple[Span, ...]:
    """In order, some of them touching."""
    found, at = [], draw(st.integers(0, 300))
    for _ in range(draw(st.integers(0, most))):
        end = at + draw(lengths)
        found.append(Span(at * CELL, end * CELL))
        at = end + draw(st.sampled_from([0, 1, 30, 60, 199, 200, 201, 3000]))
    return tuple(found)


@st.composite
def speeches(draw: st.DrawFn) -> Speech:
    start = draw(st.integers(0, 200))
    return Speech(
        start * CELL,
        (start + draw(st.integers(0, 9000))) * CELL,
        draw(st.none() | spans()),
        draw(st.none() | spans()),
        draw(spans(3)),
        draw(st.none() | spans(2)),
    )


def words(starts: Sequence[int]) -> list[Word]:
    return [Word("ja", start * CELL, (start + 20) * CELL) for start in starts]


class Raster:
    """`shown` is what `figures` of the measures must say; a str is the reason why there is no figure."""

    def __init__(self, speech: Speech) -> None:
        self.first = speech.start_ns // CELL
        self.count = (speech.end_ns - speech.start_ns) // CELL
        self.closed = self.cells(speech.closed)
        self.kept = [not closed for closed in self.closed]
        self.talk = {
            party: None if given is None else self.both(self.cells(given), self.kept)
            for party, given in ((Party.AGENT, speech.agent), (Party.CUSTOMER, speech.customer))
        }
        self.music = None if speech.hold_music is None else self.both(self.cells(speech.hold_music), self.kept)

    def cells(self, given: Sequence[Span]) -> Cells:
        found = [False] * self.count
        for span in given:
            for cell in range(span.start_ns // CELL, span.end_ns // CELL):
                if self.first <= cell < self.first + self.count:
                    found[cell - self.first] = True
        return found

    @staticmethod
    def both(one: Cells, other: Cells) -> Cells:
        return [a and b for a, b in zip(one, other, strict=True)]

    def runs(self, cells: Cells) -> list[tuple[int, int]]:
        found, begun = [], None
        for place, cell in enumerate([*cells, False]):
            if cell and begun is None:
                begun = place
            elif not cell and begun is not None:
                found.append((begun, place))
                begun = None
        return found

    def spans(self, cells: Cells) -> tuple[Span, ...]:
        return tuple(self.span(*run) for run in self.runs(cells))

    def span(self, start: int, end: int) -> Span:
        return Span((self.first + start) * CELL, (self.first + end) * CELL)

    def figures(self, said: dict[Party, list[Word]]) -> dict[str, Any]:
        return {
            "length_ns": self.count * CELL,
            "closed_ns": sum(self.closed) * CELL,
            "talk_ns": {party: self.talk_ns(party) for party in Party},
            "talk_ratio": self.ratio(),
            "overlaps": self.pair(lambda a, c: a and c),
            "silences": self.pair(lambda a, c: not a and not c),
            "hold": self.hold(),
            "monologue": {party: self.monologue(party) for party in Party},
            "interruptions": {party: self.interruptions(party) for party in Party},
            "words_per_minute": {party: self.rate(party, said.get(party)) for party in Party},
            "before_first_ns": {party: self.edge(party, 1) for party in Party},
            "after_last_ns": {party: self.edge(party, -1) for party in Party},
        }

    def talk_ns(self, party: Party) -> int | str:
        cells = self.talk[party]
        return "a channel is missing" if cells is None else sum(cells) * CELL

    def ratio(self) -> Fraction | str:
        agent, customer = self.talk.values()
        if agent is None or customer is None:
            return "a channel is missing"
        both = sum(agent) + sum(customer)
        return Fraction(sum(agent), both) if both else "no speech"

    def pair(self, rule: Any) -> tuple[Span, ...] | str:
        agent, customer = self.talk.values()
        if agent is None or customer is None:
            return "a channel is missing"
        return self.spans([kept and rule(a, c) for kept, a, c in zip(self.kept, agent, customer, strict=True)])

    def hold(self) -> tuple[Span, ...] | str:
        silences = self.pair(lambda a, c: not a and not c)
        if isinstance(silences, str):
            return silences
        if self.music is None:
            return "hold music was not looked for"
        held = list(self.music)
        for span in silences:
            if span.end_ns - span.start_ns >= 3000 * CELL:
                for cell in range(span.start_ns // CELL, span.end_ns // CELL):
                    held[cell - self.first] = True
        return self.spans(held)

    def monologue(self, party: Party) -> tuple[Span, bool] | str:
        mine, other = self.talk[party], self.talk[party.other]
        if mine is None or other is None:
            return "a channel is missing"
        stop = list(self.closed)
        for start, end in self.runs(other):
            if end - start >= 60:
                stop[start:end] = [True] * (end - start)
        found: list[tuple[int, int]] = []
        for place in range(self.count):
            if mine[place] and not stop[place]:
                if found and place - found[-1][1] <= 200 and not any(stop[found[-1][1] : place]):
                    found[-1] = (found[-1][0], place + 1)
                else:
                    found.append((place, place + 1))
        if not found:
            return "no speech"
        longest = max(found, key=lambda run: (run[1] - run[0], -run[0]))
        return self.span(*longest), any(self.borders(run, stop) for run in found)

    def borders(self, run: tuple[int, int], stop: Cells) -> bool:
        """Whether the first thing that stops, at most 200 cells away, is closed time."""
        for before in (range(run[0] - 1, run[0] - 202, -1), range(run[1], run[1] + 201)):
            stopped = next((at for at in before if 0 <= at < self.count and stop[at]), None)
            if stopped is not None and self.closed[stopped]:
                return True
        return False

    def interruptions(self, party: Party) -> tuple[tuple[Span, ...], int] | str:
        mine, other = self.talk[party], self.talk[party.other]
        if mine is None or other is None:
            return "a channel is missing"
        moments, undecided = [], 0
        for start, end in self.runs(mine):
            if start == 0 or not other[start - 1] or not other[start]:
                continue
            stops = start
            while stops < self.count and other[stops]:
                stops += 1
            hidden = [place < self.count and self.closed[place] for place in (end, stops)]
            brief = end - start < 60
            if stops - start > 200 or (brief and not hidden[0]):
                continue
            if brief or hidden[1]:
                undecided += 1
            else:
                moments.append(self.span(start, stops))
        return tuple(moments), undecided

    def rate(self, party: Party, said: list[Word] | None) -> Fraction | str:
        cells = self.talk[party]
        if cells is None:
            return "a channel is missing"
        if said is None:
            return "no transcript"
        if not any(cells):
            return "no speech"
        places = [word.start_ns // CELL - self.first for word in said]
        count = sum(0 <= place < self.count and self.kept[place] for place in places)
        return Fraction(count * 6000, sum(cells))

    def edge(self, party: Party, step: int) -> int | str:
        cells = self.talk[party]
        if cells is None:
            return "a channel is missing"
        if not any(cells):
            return "no speech"
        quiet = cells[::step].index(True)
        return "closed" if any(self.closed[::step][:quiet]) else quiet * CELL
