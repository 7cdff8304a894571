"""A word as rules see it: in lower case without punctuation, with the number of digits that it says.

Figures count as they are ("4-1-1-1", "0.176", "3h7"), words by what they mean ("siebenundachtzig" has two, "hundred"
two zeros). Which digits they are is not asked: recognisers drop, double and regroup them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from review.analysis.words import Word


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SINGLE: Final = _set(
    "null eins zwei zwo drei vier fünf fuenf sechs sieben acht neun zero one two three four five six seven eight nine "
    "double-o"
)
_DOUBLE: Final = _set(
    "zehn elf zwölf zwoelf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreissig vierzig "
    "fünfzig sechzig siebzig achtzig neunzig ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety hundred hundert"
)
_ORDINALS: Final = _set(
    "ersten zweiten dritten vierten fünften sechsten siebten siebenten achten neunten zehnten elften zwölften erster "
    "zweiter dritter vierter fünfter sechster siebter achter neunter zehnter elfter zwölfter third fourth fifth sixth "
    "seventh eighth ninth tenth eleventh twelfth twentieth thirtieth"
)
SCALES: Final = _set("hundred hundert thousand tausend")
_COUNTS: Final = {
    **dict.fromkeys(_SINGLE | _ORDINALS, 1),
    **dict.fromkeys(_DOUBLE, 2),
    **dict.fromkeys(SCALES, 3),
}
_ONE: Final = "ein|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun"
_TEEN: Final = "zehn|elf|zwölf|dreizehn|vierzehn|fünfzehn|sechzehn|siebzehn|achtzehn|neunzehn"
_TEN: Final = "zwanzig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig"
_GERMAN: Final = re.compile(
    rf"(?P<thousands>(?:{_ONE}|{_TEEN})?tausend)?(?P<hundreds>(?:{_ONE}|{_TEEN})?hundert)?(?:und)?"
    rf"(?:(?P<pair>(?:(?:{_ONE})und)?(?:{_TEN})|{_TEEN})|(?P<single>{_ONE}))?(?:ste[nrs]?|te[nrs]?)?"
)
_RUN_TOGETHER: Final = re.compile(rf"(?:null|{_ONE}){{2,}}")
_MISSPELT: Final = re.compile(r"\w{3,}und\w{2,}(?:zig|ssig)|(?!jahr)\w{5,}hundert\w*")
_EDGES: Final = (
    "\"'()[]{}<>.,;:!?*~-\u2013\u2014\u2026\u201e\u201c\u201d\u201a\u2018\u2019\u00ab\u00bb"  # dashes and quotes, too
)
_LONGEST: Final = 200  # characters: what is longer is no word, and is read so far only


@dataclass(frozen=True, slots=True)
class Token:
    """`digits`: how many it says; `capital`: it is written with one; `ends`: a sentence may end after it."""

    place: int
    plain: str
    start: int
    end: int
    digits: int
    capital: bool
    ends: bool

    @property
    def letter(self) -> bool:
        return len(self.plain) == 1 and self.plain.isalpha()


def tokens(words: Sequence[Word]) -> tuple[Token, ...]:
    """One of each word, at the same place."""
    return tuple(_token(place, word) for place, word in enumerate(words))


def _token(place: int, word: Word) -> Token:
    text = word.text.strip()[:_LONGEST]
    plain = text.casefold().strip(_EDGES)
    plain = plain or text
    capital = next((sign.isupper() for sign in text if sign.isalpha()), False)
    return Token(place, plain, word.start, word.end, digits_of(plain), capital, text.endswith((".", "!", "?")))


def digits_of(plain: str) -> int:
    figures = sum(sign.isdigit() for sign in plain)
    if figures:
        return figures
    if plain in _COUNTS:
        return _COUNTS[plain]
    if "-" in plain:
        parts = [digits_of(part) for part in plain.split("-") if part]
        return _hyphened(parts) if parts and all(parts) else 0
    return _german(plain)


def _hyphened(parts: Sequence[int]) -> int:
    """seventy-six has two, four-one-one three."""
    return 2 if list(parts) == [2, 1] else sum(parts)


def _german(plain: str) -> int:
    if plain in {"ein", "und", "te", "ter", "ten", "tes", "ste", "sten", "ster", "stes"}:
        return 0
    found = _GERMAN.fullmatch(plain)
    if found and any(found.groups()):
        if found["thousands"]:
            return 5 if re.match(_TEEN, plain) else 4
        if found["hundreds"]:
            return 4 if re.match(_TEEN, plain) else 3
        return 2 if found["pair"] else 1
    if _RUN_TOGETHER.fullmatch(plain):
        return len(re.findall(rf"null|{_ONE}", plain))
    return 2 if _MISSPELT.fullmatch(plain) else 0
