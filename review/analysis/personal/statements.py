"""What a speaker says of their own: a datum after or before the words that name it, without a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from review.analysis.personal import lexicon
from review.analysis.personal.lexicon import Kind
from review.analysis.personal.matching import Hit, Text
from review.analysis.personal.patterns import Found
from review.analysis.personal.tokens import Token
from review.analysis.words import SECOND, Turn

_AFTER: Final = 14  # words in which a number follows
_BEFORE: Final = 7  # "am zwölften dritten geboren"
_FOLLOWS: Final[Mapping[Kind, int]] = {Kind.ADDRESS: 9, Kind.EMAIL: 10, Kind.SPELLING: 40}  # words, not over a turn
_MAY_PRECEDE: Final = frozenset({Kind.BIRTH, Kind.LAST_FOUR, Kind.EXPIRY})
_NAME: Final = 3  # words of a name
_PAUSE: Final = SECOND // 4


def statements(text: Text, turn: Turn, *, customer: bool) -> Iterator[Found]:
    """Of one turn. Of the agent only numbers and names: the others come as repetitions."""
    for kind in Kind:
        for hit in text.tagged(kind, f"{lexicon.SAID} {kind}", turn=turn):
            found = _datum(text.tokens, turn, kind, hit, customer=customer)
            if found is not None:
                yield Found(kind, *found, "said", 0.8)
    for first, last in _names(text, turn):
        yield Found(Kind.NAME, first, last, "name", 0.7)


def _datum(tokens: Sequence[Token], turn: Turn, kind: Kind, hit: Hit, *, customer: bool) -> tuple[int, int] | None:
    if kind in lexicon.NUMERIC:
        earliest = hit.first - _BEFORE if kind in _MAY_PRECEDE else hit.first
        near = range(max(earliest, turn.first), min(hit.last + _AFTER, turn.last) + 1)
        digits = [place for place in near if tokens[place].digits or tokens[place].plain in lexicon.MONTHS]
        if not any(tokens[place].digits for place in digits):
            return None
        first = min(digits)
        if kind in {Kind.IBAN, Kind.HEALTH_INSURANCE} and first > hit.last:
            first = hit.last + 1  # its letters
        return first, max(digits)
    if kind in _FOLLOWS and customer and hit.last < turn.last:
        return hit.last + 1, min(hit.last + _FOLLOWS[kind], turn.last)
    return None


def _names(text: Text, turn: Turn) -> Iterator[tuple[int, int]]:
    tokens = text.tokens
    for hit in text.tagged(lexicon.BEFORE, turn=turn):
        first = last = hit.last + 1
        while last < turn.last and last - first + 1 < _NAME and not tokens[last].ends:
            last += 1
        if first <= turn.last:
            yield first, last
    for hit in text.tagged(lexicon.BEFORE_CAPITAL, turn=turn):
        last = _capitals(tokens, hit.last + 1, turn.last)
        spouse = hit.first > turn.first and tokens[hit.first - 1].plain in lexicon.MY_SPOUSE
        if last > hit.last and not spouse:
            yield hit.last + 1, last
    for hit in text.tagged(lexicon.AFTER, turn=turn):
        first = hit.first
        while first > turn.first and hit.first - first < _NAME - 1 and _capital(tokens[first - 1]):
            first -= 1
        if len(hit.phrase.split()) > 2:
            first = max(min(first, hit.first - 2), turn.first)
        elif hit.first - first < 2 or not _pauses(tokens, hit.last):
            continue
        if first < hit.first:
            yield first, hit.first - 1


def _pauses(tokens: Sequence[Token], place: int) -> bool:
    """Whether a sentence ends with this word."""
    return tokens[place].ends or place + 1 == len(tokens) or tokens[place + 1].start - tokens[place].end >= _PAUSE


def _capital(token: Token) -> bool:
    return token.capital and token.plain not in lexicon.NO_NAME


def _capitals(tokens: Sequence[Token], first: int, latest: int) -> int:
    """The last of the words with capitals that begin here; the place before it where there is none."""
    at = first
    while at <= latest and at - first < _NAME and _capital(tokens[at]) and (at == first or not tokens[at - 1].ends):
        at += 1
    return at - 1
