"""Runs of digits as they are heard: over fillers, corrections and a word in between, with the sound that has no word.

A run of three digits or more is masked unless something harmless explains it: a unit after it, a time, a date of these
years, or a word such as "Bestellnummer" before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from review.analysis.personal import lexicon
from review.analysis.personal.lexicon import Kind
from review.analysis.personal.matching import Text
from review.analysis.personal.tokens import SCALES, Token
from review.analysis.words import SECOND, Interval

FEWEST: Final = 3  # digits that need an explanation
_PAUSE: Final = 4 * SECOND  # within a run: people look for the rest
BESIDE: Final = SECOND // 2  # sound without a word, or a homophone, this near to a digit is one of its run
_HEARD: Final = SECOND // 5  # shorter sound without a word is no digit
_CONTEXT: Final = 5  # words between a harmless context and the first digit
_BRIDGED: Final = 4  # fillers, letters and corrections in a row that end no run
_TIME: Final = re.compile(r"([01]?\d|2[0-4])[:.h][0-5]\d")
_DATE: Final = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})")
_AMOUNT: Final = re.compile(r"[$€£]\d|\d[$€£%°]")
_BRIDGES: Final = lexicon.FILLERS | lexicon.CORRECTIONS | lexicon.CONNECTORS | lexicon.MONTHS | SCALES


@dataclass(frozen=True, slots=True)
class Run:
    """`first`, `last`: places of its words; `start`, `end`: with the sound around it that has no word."""

    first: int
    last: int
    digits: int
    start: int
    end: int
    explained: bool = False


def explained_places(tokens: Sequence[Token]) -> frozenset[int]:
    """Digits that are an amount, a time, or a date of these years."""
    found: set[int] = set()
    for token in tokens:
        if not token.digits:
            continue
        place, after = token.place, _plain(tokens, token.place + 1)
        if after in lexicon.UNITS or _AMOUNT.search(token.plain):
            found.update(_amount(tokens, place))
        if _TIME.fullmatch(token.plain) and (":" in token.plain or after in lexicon.UNITS):
            found.add(place)
        date = _DATE.fullmatch(token.plain)
        if date and int(date[1]) % 100 + 2000 in lexicon.YEARS and len(date[1]) == 4:
            found.add(place)
        if token.plain.isdigit() and len(token.plain) == 4 and int(token.plain) in lexicon.YEARS:
            before = _plain(tokens, place - 1)
            if before in lexicon.BEFORE_A_YEAR | lexicon.MONTHS or _plain(tokens, place - 2) in lexicon.MONTHS:
                found.add(place)
        if token.digits <= 2 and (after in lexicon.MONTHS or _plain(tokens, place - 1) in lexicon.MONTHS):
            found.add(place)
    return frozenset(found)


def _amount(tokens: Sequence[Token], last: int) -> Iterator[int]:
    """The number that ends here: one word, or several around a "hundred"."""
    yield last
    at = last
    while at > 0:
        before = tokens[at - 1]
        if before.plain in {"and", "und"} and _plain(tokens, at - 2) in SCALES:
            at -= 1
        elif before.plain in SCALES or (before.digits and tokens[at].plain in SCALES):
            at -= 1
            yield at
        else:
            return


def _plain(tokens: Sequence[Token], place: int) -> str:
    return tokens[place].plain if 0 <= place < len(tokens) else ""


def runs(text: Text, wordless: Sequence[Interval]) -> list[Run]:
    """No run goes on over words that name a datum."""
    tokens = text.tokens
    names = {place for hit in text.tagged(*Kind) for place in range(hit.first, hit.last + 1)}
    explained = explained_places(tokens)
    harmless = {hit.last for hit in text.tagged(lexicon.HARMLESS)}
    groups: list[list[int]] = []
    for token in tokens:
        if not token.digits or token.place in explained:
            continue
        if groups and _bridged(tokens, groups[-1][-1], token.place, names | harmless, explained):
            groups[-1].append(token.place)
        else:
            groups.append([token.place])
    return [_run(tokens, wordless, group, harmless) for group in groups]


def _bridged(tokens: Sequence[Token], last: int, place: int, names: set[int], explained: frozenset[int]) -> bool:
    between = tokens[last + 1 : place]
    if any(
        after.start - before.end > _PAUSE for before, after in zip(tokens[last:place], tokens[last + 1 :], strict=False)
    ):
        return False
    if len(between) > _BRIDGED or any(token.place in names or token.place in explained for token in between):
        return False
    unknown = [token for token in between if token.plain not in _BRIDGES and len(token.plain) > 1]
    return len(unknown) <= 1


def _run(tokens: Sequence[Token], wordless: Sequence[Interval], group: Sequence[int], harmless: set[int]) -> Run:
    first, last = group[0], group[-1]
    said = sum(tokens[place].digits for place in group)
    while (
        first > 0
        and tokens[first - 1].plain in lexicon.HOMOPHONES
        and _near(tokens[first - 1].end, tokens[first].start)
    ):
        first -= 1
        said += 1
    while (
        last + 1 < len(tokens)
        and tokens[last + 1].plain in lexicon.HOMOPHONES
        and _near(tokens[last].end, tokens[last + 1].start)
    ):
        last += 1
        said += 1
    start, end = tokens[first].start, max(token.end for token in tokens[first : last + 1])
    wordless = beside(wordless, start, end)
    for gap in reversed(wordless):
        if gap.start < start <= gap.end + BESIDE:
            said += gap.end - gap.start >= _HEARD
            start = gap.start
    for gap in wordless:
        if gap.start - BESIDE <= end < gap.end:
            said += gap.end - gap.start >= _HEARD
            end = gap.end
        elif start < gap.start and gap.end <= end:
            said += gap.end - gap.start >= _HEARD
    context = any(first - 1 - _CONTEXT <= place < first for place in harmless)
    return Run(first, last, said, start, end, explained=context and said <= lexicon.HARMLESS_DIGITS)


def beside(wordless: Sequence[Interval], start: int, end: int) -> Sequence[Interval]:
    """Of these, which are in order, what lies between, or is so near to it or to the next of them."""
    first = last = bisect_left(wordless, start, key=lambda gap: gap.start)
    while first > 0 and start <= wordless[first - 1].end + BESIDE:
        first -= 1
        start, end = wordless[first].start, max(end, wordless[first].end)
    while last < len(wordless) and wordless[last].start - BESIDE <= end:
        end = max(end, wordless[last].end)
        last += 1
    return wordless[first:last]


def _near(end: int, start: int) -> bool:
    return start - end <= BESIDE
