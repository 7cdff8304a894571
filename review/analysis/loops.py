"""What a recogniser invents in silence and after redaction: a phrase again and again, or one digit without an end.

A loop is marked, and its words are left out of the transcript. The mask is made of all words: one that was invented may
hide what was said there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from review.analysis.personal.tokens import Token, tokens
from review.analysis.words import SECOND, Word

LONGEST: Final = 8  # words of a phrase that repeats
_FASTEST: Final = 8  # more words than anyone says in half a second
_DIGITS: Final = 8  # the same digit so often is a loop: no number that people say has it


class LoopKind(StrEnum):
    PHRASE = "phrase"
    DIGIT = "digit"


@dataclass(frozen=True, slots=True)
class Loop:
    """Places of the first and the last word; a phrase has its first occurrence before `again`."""

    kind: LoopKind
    first: int
    last: int
    again: int


def loops(words: Sequence[Word]) -> tuple[Loop, ...]:
    """In order, without overlaps."""
    said = tokens(words)
    found: list[Loop] = []
    at = 0
    while at < len(said):
        loop = _digit(said, at) or _phrase(said, at)
        if loop is None:
            at += 1
        else:
            found.append(loop)
            at = loop.last + 1
    return tuple(found)


def without_loops(words: Sequence[Word]) -> tuple[Word, ...]:
    """For the transcript: of a phrase its first occurrence stays, of a digit nothing."""
    dropped = {place for loop in loops(words) for place in range(loop.again, loop.last + 1)}
    return tuple(word for place, word in enumerate(words) if place not in dropped)


def too_fast(words: Sequence[Word]) -> set[int]:
    """Places of words of which so many begin in half a second that no one can have said them."""
    found, first = set[int](), 0
    for place, word in enumerate(words):
        while word.start - words[first].start >= SECOND // 2:
            first += 1
        if place - first + 1 >= _FASTEST:
            found.update(range(first, place + 1))
    return found


def _phrase(said: Sequence[Token], at: int) -> Loop | None:
    """The shortest phrase that begins here and follows itself: a word four times, several words three times."""
    for size in range(1, min(LONGEST, (len(said) - at) // 3) + 1):
        phrase = [token.plain for token in said[at : at + size]]
        if any(token.digits for token in said[at : at + size]):
            continue
        end = at + size
        while [token.plain for token in said[end : end + size]] == phrase:
            end += size
        if end - at >= (4 if size == 1 else 3) * size:
            return Loop(LoopKind.PHRASE, at, end - 1, at + size)
    return None


def _digit(said: Sequence[Token], at: int) -> Loop | None:
    """Words of one digit alone that has it eight times, or one word that has so many in a row."""
    if not said[at].digits:
        return None
    digit = _only(said[at].plain)
    last = at
    while digit and last + 1 < len(said) and _only(said[last + 1].plain) == digit:
        last += 1
    many = last - at + 1 >= _DIGITS
    within = any(
        sign.isdigit() and len(list(same)) >= _DIGITS
        for sign, same in groupby(sign for sign in said[at].plain if sign.isdigit())
    )
    if digit and many:
        return Loop(LoopKind.DIGIT, at, last, at)
    return Loop(LoopKind.DIGIT, at, at, at) if within else None


def _only(plain: str) -> str:
    """The one digit of which a word consists; nothing for other words. A word for a digit is that digit."""
    figures = {sign for sign in plain if sign.isdigit()}
    return figures.pop() if len(figures) == 1 else "" if figures else plain
