"""How names and titles are compared: whole, by `*` and `?`, and blind to what a reader cannot see.

A rule that misses a title because of an invisible character fails open. Edge writes a zero-width space into every
window title, French programs a no-break space before a colon, word processors a long dash for a hyphen.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPACES = re.compile(r"\s+")
_HYPHEN_LIKE = "Pd"  # Unicode category: dashes
_INVISIBLE = "Cf"  # zero-width spaces and joiners, direction marks, soft hyphens
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # without those that are white space
# Invisible by Unicode's Default_Ignorable_Code_Point and in other categories (DerivedCoreProperties.txt): the grapheme
# joiner, fillers of Hangul, vowels of Khmer, selectors of variations, as behind an emoji.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def fold(text: str) -> str:
    """The text as a reader sees it, without case: compatibility caseless matching (Unicode 3.13, D146), then dashes
    as `-`, runs of white space as one space, nothing invisible. Folding twice changes nothing more.
    """
    text = _CONTROL.sub("", text)
    if not text.isascii():
        text = "".join(_visible(character) for character in text)
        text = _nfkd(_nfkd(unicodedata.normalize("NFD", text).casefold()).casefold())
        text = unicodedata.normalize("NFC", "".join(_visible(character) for character in text))
    return _SPACES.sub(" ", text.lower()).strip()


def fold_case(text: str) -> str:
    """Without case only (canonical caseless matching, D145): for the parts of an address, where every sign counts."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFC", folded)


def _nfkd(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == _HYPHEN_LIKE:
        return "-"
    return "" if category == _INVISIBLE or _IGNORABLE.match(character) else character


def fold_app(name: str) -> str:
    """A process's name as rules name it: without case and without `.exe`."""
    return fold(name).removesuffix(".exe")


@lru_cache(maxsize=4096)
def glob(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression that matches, whole, what any of the folded patterns matches: `*` any signs, `?` one sign.

    Each piece after a `*` is found once and for all (an atomic group), so that no title, however made, can make the
    comparison slow: a web page chooses its window's title.
    """
    return re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.DOTALL)


def _expression(pattern: str) -> str:
    first, *rest = (_literal(piece) for piece in re.split(r"\*+", pattern))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}"


def _literal(piece: str) -> str:
    return "".join("." if sign == "?" else re.escape(sign) for sign in piece)
