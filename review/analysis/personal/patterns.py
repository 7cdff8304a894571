"""Data that has a pattern of its own, whatever was asked: spelled names, e-mail addresses, streets, dates of birth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from review.analysis.personal import lexicon
from review.analysis.personal.lexicon import Kind
from review.analysis.personal.tokens import Token
from review.analysis.words import SECOND

_PAUSE: Final = 3 * SECOND  # within one datum
_LETTERS: Final = re.compile(r"(?:[^\W\d_][-.]){2,}[^\W\d_]")
_WRITTEN: Final = re.compile(r"\S*@\S+|[\w.-]+[.](?:de|com|net|org|info|eu|uk|at|ch|io)|\w+[.-]\w+[.](?:co)")
_BIRTH_YEAR: Final = re.compile(r"(?:19\d\d|200\d|201\d)")
_NUMERIC_DATE: Final = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:19\d\d|200\d|201[0-7])")
_SPOKEN_YEAR: Final = re.compile(r"neunzehn-?hundert\w*")
_HOUSE: Final = 4  # words between an English house number and "Street"
_BACK: Final = 7  # words before the host of an e-mail address


@dataclass(frozen=True, slots=True)
class Found:
    """Places of the first and the last word."""

    kind: Kind
    first: int
    last: int
    detector: str
    confidence: float


def patterned(tokens: Sequence[Token]) -> Iterator[Found]:
    for finder in FINDERS:
        yield from finder(tokens)


def _together(tokens: Sequence[Token], place: int) -> bool:
    """Whether a word follows the one before it without a long pause."""
    return 0 < place < len(tokens) and tokens[place].start - tokens[place - 1].end <= _PAUSE


def spelled(tokens: Sequence[Token]) -> Iterator[Found]:
    """Three letters in a row, or two of them with words for them: "H wie Heinrich", "HW Heinrich", "B as in Bravo"."""
    at = 0
    while at < len(tokens):
        units, last, place, misses = 0, at, at, 0
        while place < len(tokens) and misses <= 1 and (place == at or _together(tokens, place)):
            size, weight = _unit(tokens, place)
            if size:
                units, last, misses = units + weight, place + size - 1, 0
                place += size
            elif units:
                misses += tokens[place].plain not in lexicon.FILLERS | lexicon.CORRECTIONS | lexicon.CONNECTORS
                place += 1
            else:
                break
        if units >= 3:
            yield Found(Kind.SPELLING, at, last, "spelled", 0.9)
        at = max(last, at) + 1


def _unit(tokens: Sequence[Token], place: int) -> tuple[int, int]:
    """How many words are one letter here, and what it weighs; (0, 0) for none."""
    plain = tokens[place].plain
    following = [token.plain for token in tokens[place + 1 : place + 4]]
    alone = len(plain) == 1 and plain.isalpha()
    size, weight = (1, 1) if alone else (0, 0)
    if _LETTERS.fullmatch(plain):
        size, weight = 1, 3
    elif len(plain) <= 2 and plain.isalpha() and len(following) > 2 and following[:2] == ["as", "in"]:
        size, weight = 4, 2
    elif len(plain) <= 2 and plain.isalpha() and len(following) > 1 and _stands_for(following[1], plain, following[0]):
        size, weight = 3, 2
    elif len(plain) <= 2 and plain.isalpha() and following and _stands_for(following[0], plain):
        size, weight = 2, 2
    elif plain in lexicon.PHONETIC and place and tokens[place - 1].plain in lexicon.AS_IN | lexicon.PHONETIC:
        size, weight = 1, 1
    elif plain[1:] == "wie" and following and following[0][:1] == plain[0]:
        size, weight = 2, 2
    return size, weight


def _stands_for(word: str, letter: str, between: str | None = None) -> bool:
    """Whether a word says which letter is meant: any with that letter after "wie", or one of the tables."""
    if between is not None:
        return between in lexicon.AS_IN and word[:1] == letter[:1]
    return word in lexicon.PHONETIC and word[0] == letter[0]


def emails(tokens: Sequence[Token]) -> Iterator[Found]:
    """Around "punkt de", "dot com" or what is written as a host; back to where an address can begin."""
    for token in tokens:
        place = token.place
        host = token.plain in lexicon.DOMAINS and place and tokens[place - 1].plain in lexicon.DOTS
        if not host and not _WRITTEN.fullmatch(token.plain):
            continue
        first, last = place - bool(host), place
        while first > 0 and place - first < _BACK and _together(tokens, first):
            if tokens[first - 1].plain in lexicon.EMAIL_BEGINS:
                break
            first -= 1
        while (
            last + 2 < len(tokens)
            and tokens[last + 1].plain in lexicon.DOTS
            and tokens[last + 2].plain in lexicon.DOMAINS
        ):
            last += 2
        yield Found(Kind.EMAIL, first, last, "email", 0.85)


def streets(tokens: Sequence[Token]) -> Iterator[Found]:
    for token in tokens:
        place = token.place
        if token.plain.endswith(lexicon.STREETS) and _digits(tokens, place + 1, place + 3):
            first = place
            while first > 0 and tokens[first - 1].plain in lexicon.BEFORE_A_STREET:
                first -= 1
            yield Found(Kind.ADDRESS, first, _town(tokens, place), "street", 0.85)
        if token.plain in lexicon.STREETS_AFTER:
            numbers = [at for at in range(max(place - _HOUSE, 0), place) if tokens[at].digits]
            if numbers:
                yield Found(Kind.ADDRESS, numbers[0], _town(tokens, place), "street", 0.85)


def _digits(tokens: Sequence[Token], first: int, end: int) -> bool:
    return any(token.digits for token in tokens[first:end])


def _town(tokens: Sequence[Token], last: int) -> int:
    """Where an address ends that has its street here: a house number, a postal code, a town."""
    words = 0
    while last + 1 < len(tokens) and _together(tokens, last + 1):
        token = tokens[last + 1]
        if token.digits or token.plain in {"in", "a", "b", "c"} | lexicon.FILLERS:
            last += 1
        elif token.capital and token.plain != "i" and words < 2:
            words += 1
            last += 1
        else:
            break
    return last


def birth_dates(tokens: Sequence[Token]) -> Iterator[Found]:
    """A day with a year in which grown people were born."""
    for token in tokens:
        place = token.place
        if _NUMERIC_DATE.search(token.plain):
            yield Found(Kind.BIRTH, place, place, "birth-date", 0.9)
        elif token.plain in lexicon.MONTHS:
            first = place - 1 if place and tokens[place - 1].digits in (1, 2) else place
            last = place
            while last + 1 < len(tokens) and last - place < 4 and tokens[last + 1].digits:
                last += 1
            said = sum(one.digits for one in tokens[first : last + 1])
            year = any(_BIRTH_YEAR.fullmatch(one.plain) for one in tokens[place : last + 1])
            if year or (said >= 4 and not any(one.plain.startswith("20") for one in tokens[place : last + 1])):
                yield Found(Kind.BIRTH, first, last, "birth-date", 0.8)
        elif _SPOKEN_YEAR.fullmatch(token.plain):
            yield Found(Kind.BIRTH, max(place - 2, 0), place, "birth-date", 0.8)


FINDERS: Final[tuple[Callable[[Sequence[Token]], Iterator[Found]], ...]] = (spelled, emails, streets, birth_dates)
