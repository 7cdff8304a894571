"""Whether a CSS selector is closed in itself, by the tokens of CSS Syntax 3.

A browser closes at the end of a text whatever is still open there, and takes no offence: `[name='cvv]` is a name that
ends in a bracket. It fits nothing then, and swallows the text that it is joined with.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<comment> /\* (?s:.*?) (?: \*/ | (?P<open_comment>\Z) ) )
  | (?P<string>
        " (?: [^"\\\n\r\f] | \\(?s:.) )* (?: " | (?P<open_double>\\?(?:\Z|(?=[\n\r\f]))) )
      | ' (?: [^'\\\n\r\f] | \\(?s:.) )* (?: ' | (?P<open_single>\\?(?:\Z|(?=[\n\r\f]))) )
    )
  | (?P<escape> \\ (?: [^\n\r\f] | (?P<open_escape>\Z|(?=[\n\r\f])) ) )
  | (?P<bracket> [()\[\]{}] )
    """,
    re.VERBOSE,
)
_PARTNER: Final = {")": "(", "]": "[", "}": "{"}
_PAIR: Final = {"(": "a ( or )", "[": "a [ or ]", "{": "a { or }"}


def first_open(selector: str) -> tuple[int, str] | None:
    """The place (from 0) and the kind of what is not closed, or closes nothing; None where all is closed."""
    open_: list[tuple[int, str]] = []
    for token in _TOKEN.finditer(selector):
        found = token.groupdict()
        if found["open_comment"] is not None:
            return token.start(), "a comment has no */"
        if found["open_double"] is not None or found["open_single"] is not None:
            return token.start(), f"a string has no {token[0][0]} at its end"
        if found["open_escape"] is not None:
            return token.start(), "a \\ has nothing behind it"
        bracket = found["bracket"]
        if bracket is None:
            continue
        if bracket not in _PARTNER:
            open_.append((token.start(), bracket))
        elif open_ and open_[-1][1] == _PARTNER[bracket]:
            open_.pop()
        else:
            return token.start(), f"{_PAIR[_PARTNER[bracket]]} has no partner"
    return (open_[-1][0], f"{_PAIR[open_[-1][1]]} has no partner") if open_ else None
