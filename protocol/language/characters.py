"""Characters that an author did not mean: those of regular expressions, of word processors, and invisible ones.

A pattern that is silently taken as its very characters fits nothing, and what it was to close is recorded.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# What a regular expression has, and a window's title, a program's name or an address has not.
# Bounded, so that the time for a word is in proportion to its length.
_OF_REGULAR_EXPRESSIONS: Final = re.compile(
    r"""
      \\[wdsbWDSB.+*?()\[\]{}|^$/-]          # \d, \w, \., \(
    | \(\?[:=!<Pi]                           # (?:, (?=, (?i)
    | \[(?:[^\]\s]{0,30}[^\]\s\w])?(?:[0-9]-[0-9]|[a-z]-[a-z]|[A-Z]-[A-Z])[^\]\s]{0,30}\](?:[+*?{]|$)   # [0-9]+
    | ^\^ | ^\.[*+] | \.\+                   # ^abc, .*abc, a.+b
    | [)\]\w]\{[0-9]+,?[0-9]*\}              # a{2,4}
    | \.\*\$?$ (?<=[\w)\]]\.\*\$)            # abc.*$
    | (?<=\S)\|(?=\S)                        # a|b, but not "Inbox | Mail"
    """,
    re.VERBOSE,
)


_ODD: Final = frozenset({"Cf", "Zs", "Zl", "Zp", "Pd", "Pi", "Pf"})  # categories of Unicode
_ODD_TOO: Final = "\u2026\u201a\u201e"  # three dots in one, low quotes


def of_regular_expressions(text: str) -> str | None:
    """The first piece that only a regular expression has."""
    found = _OF_REGULAR_EXPRESSIONS.search(text)
    return None if found is None else found[0]


def is_odd(character: str) -> bool:
    """Whether it looks like another, or like none: typographic quotes, dashes and dots, blanks, invisible ones."""
    return not character.isascii() and (unicodedata.category(character) in _ODD or character in _ODD_TOO)


def is_control(character: str) -> bool:
    """Whether it is shown as nothing and may do something to a terminal; line ends and tabs are of a text."""
    return unicodedata.category(character) == "Cc" and character not in "\n\t"


def first_odd(text: str) -> int | None:
    """Where the first odd one stands, from 0."""
    return next((place for place, character in enumerate(text) if is_odd(character)), None)


def name_of(character: str) -> str:
    """As in "a zero width space (U+200B)"."""
    name = unicodedata.name(character, "control character").lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} (U+{ord(character):04X})"


def printable(text: str) -> str:
    """Another's words, such as a page's title, without what would move a terminal's cursor or change its colours."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
