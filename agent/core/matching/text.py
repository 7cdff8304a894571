"""How names and titles are compared: whole, by `*` and `?`, and blind to what a reader cannot see.

A rule that misses a title because of an invisible character fails open. Edge writes a zero-width space into every
window title, French programs a no-break space before a colon, word processors a long dash for a hyphen.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

CUT = "\u2026"  # ends a process's name that may go on: the system gave its beginning alone
_SPACES = re.compile(r"\s+")
_HYPHEN_LIKE = "Pd"  # Unicode category: dashes
_FORMAT_OR_CONTROL = frozenset({"Cf", "Cc"})  # zero-width spaces and joiners, direction marks, C0 and C1
_SPACES_AMONG_CONTROLS = frozenset("\t\n\v\f\r\x85")  # all that have White_Space (PropList.txt of Unicode 17)
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 17): variation selectors, fillers, joiners, and
# places kept free for more such. The standard library does not know the property. Tests compare with Chromium's table.
_DEFAULT_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def fold(text: str) -> str:
    """The text as a reader sees it, without case: compatibility caseless matching (Unicode 3.13, D146), then dashes
    as `-`, runs of white space as one space, nothing invisible. Folding twice changes nothing more.
    """
    if not (text.isascii() and text.isprintable()):
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
    if unicodedata.category(character) == _HYPHEN_LIKE:
        return "-"
    return "" if is_invisible(character) else character


def is_invisible(character: str) -> bool:
    """Whether it has no picture and takes no room. White space has room."""
    if unicodedata.category(character) in _FORMAT_OR_CONTROL:
        return character not in _SPACES_AMONG_CONTROLS
    return _DEFAULT_IGNORABLE.match(character) is not None


def fold_app(name: str) -> str:
    """A process's name as rules name it: without case and without `.exe`, whether it may go on or not."""
    return fold(name.removesuffix(CUT)).removesuffix(".exe")


def may_go_on(patterns: tuple[str, ...], beginning: str) -> bool:
    """Whether a text that any of the folded patterns matches, with or without `.exe`, may begin like this."""
    while beginning and unicodedata.combining(beginning[-1]):  # more accents may follow, and then these stand elsewhere
        beginning = beginning[:-1]
    return any(_begins(whole, beginning) for pattern in patterns for whole in (pattern, f"{pattern}.exe"))


def _begins(pattern: str, beginning: str) -> bool:
    """By what stands before the first `*`: whatever comes after that, some text fits. An accent may follow the end."""
    head, star, _ = pattern.partition("*")
    end = len(beginning) - 1
    alike = all(
        place in ("?", sign) or (at == end and _base(place) == _base(sign))
        for at, (place, sign) in enumerate(zip(head, beginning, strict=False))
    )
    return alike and (bool(star) or len(beginning) <= len(head))


def _base(sign: str) -> str:
    return unicodedata.normalize("NFD", sign)[0]


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
