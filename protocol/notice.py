"""The notice of GDPR 13 as a bundle carries it: text that a menu shows as it is, so nothing in it may draw."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 4000  # characters
# Controls but the line feed, what turns the direction of text, and other ends of lines. Written out, since "printable"
# is another set in each version of Unicode, and a bundle must be read alike by all PCs.
_UNSEEN: Final = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]"
)


def mistake_in(text: str) -> str:
    """What a notice would have to be that this is not; empty where it is one.

    Marks of direction (U+200E, U+202A to 202E, ...) and U+2028 and 2029 are refused as control characters are.
    """
    if not text.strip() or len(text) > LONGEST:
        return f"text of 1 to {LONGEST} characters"
    if _UNSEEN.search(text):
        return "text without control characters and marks of direction, save line feeds"
    return ""
