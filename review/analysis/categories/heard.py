"""One channel's words as sets of positions, so that a phrase is found by a few operations on whole numbers.

Bit n of a number is the n-th piece of a word. A masked word has positions and matches nothing, so that a phrase does
not reach across it; a closed time between two words is one such position. The cost of a phrase grows with its words
and not with how often these are said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from review.analysis.categories.model import Phrase, Phrases, Window
from review.analysis.categories.plain import Term, pieces_of
from review.analysis.spans import Span, Spans, joined
from review.analysis.spoken import SpokenWord, Words, with_masks


@dataclass(frozen=True, slots=True)
class Quote:
    """Words as they are written in the transcript, and when they are said."""

    text: str
    start_ns: int
    end_ns: int


class Heard:
    """`call`: its span, for its first and last seconds."""

    def __init__(self, words: Words, masked: Spans, closed: Spans, call: Span) -> None:
        self._call = call
        self._words: list[SpokenWord | None] = []  # of each position
        self._starts: list[int] = []
        at: defaultdict[str, list[int]] = defaultdict(list)
        for start, word, pieces in _in_order(words, masked, closed):
            for piece in pieces:
                if word is not None:
                    at[piece].append(len(self._words))
                self._words.append(word)
                self._starts.append(start)
        self._bits = {piece: _number(places, len(self._words)) for piece, places in at.items()}
        self._terms: dict[Term, int] = {}
        self._all = (1 << len(self._words)) - 1

    def starts_of(self, phrase: Phrase) -> int:
        """Where it begins."""
        found = self._all if phrase else 0
        for number, term in enumerate(phrase):
            found &= self._places(term) >> number
            if not found:
                break
        return found

    def _places(self, term: Term) -> int:
        if not (term.starts_open or term.ends_open):
            return self._bits.get(term.text, 0)
        if term not in self._terms:
            found = 0
            for piece, bits in self._bits.items():
                if term.fits(piece):
                    found |= bits
            self._terms[term] = found
        return self._terms[term]

    def within(self, window: Window | None) -> int:
        """The positions whose word begins in it."""
        if window is None:
            return self._all
        if window.first:
            return (1 << bisect_left(self._starts, self._call.start_ns + window.ns)) - 1
        return self._all & ~((1 << bisect_left(self._starts, self._call.end_ns - window.ns)) - 1)

    def by_length(self, phrases: Phrases) -> dict[int, int]:
        """Number of words -> where a phrase of so many begins."""
        found: dict[int, int] = {}
        for phrase in phrases:
            found[len(phrase)] = found.get(len(phrase), 0) | self.starts_of(phrase)
        return found

    def quote(self, start: int, length: int) -> Quote:
        """The words from a position on. None of them is masked where a phrase was found."""
        said = [word for word in self._words[start : start + length] if word is not None]
        written = [word for number, word in enumerate(said) if number == 0 or word is not said[number - 1]]
        text = " ".join(word.text.strip() for word in written)
        return Quote(text, min(word.start_ns for word in written), max(word.end_ns for word in written))


def near(others: dict[int, int], within: int, length: int) -> int:
    """Where a phrase of this length may begin, so that one of the others stands before or after it, with at most
    `within` words between them. `others`: as of `by_length`.
    """
    found = 0
    for other, starts in others.items():
        found |= _spread(starts, within, left=False) >> length
        found |= _spread(starts << other, within, left=True)
    return found


def nearest(others: dict[int, int], within: int, start: int, length: int) -> tuple[int, int] | None:
    """(where the other one begins, its length): with the fewest words between, the earlier of two."""
    closest: tuple[int, int, int] | None = None
    for other, starts in others.items():
        last = start - other  # where one begins that ends just before
        if last >= 0:
            lowest = max(last - within, 0)
            if bits := (starts >> lowest) & ((1 << (last - lowest + 1)) - 1):
                found = lowest + bits.bit_length() - 1
                closest = min(closest or (within + 1, 0, 0), (last - found, found, other))
        if bits := (starts >> (start + length)) & ((1 << (within + 1)) - 1):
            away = (bits & -bits).bit_length() - 1
            closest = min(closest or (within + 1, 0, 0), (away, start + length + away, other))
    return None if closest is None else closest[1:]


def places_in(bits: int, most: int) -> Iterator[int]:
    """The lowest positions of a set, in order."""
    for _ in range(most):
        if not bits:
            return
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _spread(bits: int, by: int, *, left: bool) -> int:
    """With every position up to `by` further to the left (higher) or right."""
    reached = 0
    while reached < by:
        step = min(reached + 1, by - reached)
        bits |= bits << step if left else bits >> step
        reached += step
    return bits


def _number(places: list[int], length: int) -> int:
    octets = bytearray(length // 8 + 1)
    for place in places:
        octets[place // 8] |= 1 << place % 8
    return int.from_bytes(octets, "little")


def _in_order(words: Words, masked: Spans, closed: Spans) -> Iterator[tuple[int, SpokenWord | None, tuple[str, ...]]]:
    """(when it begins, the word or None where it matches nothing, its pieces)"""
    gaps = list(joined(closed))
    for word, hidden in with_masks(words, (*masked, *closed)):
        while gaps and gaps[0].start_ns <= word.start_ns:
            yield gaps.pop(0).start_ns, None, ("",)
        yield word.start_ns, None if hidden else word, pieces_of(word.text)
    for gap in gaps:
        yield gap.start_ns, None, ("",)
