"""When two words are the same: as they are compared, without case, punctuation and ways of writing one letter.

No endings are guessed. A rule says where a word may go on, with `*` at its beginning or end: `kündig*` is kündigen and
Kündigung, but not gekündigt (docs/categories.md).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_PIECE: Final = re.compile(r"[^\W_]+")  # letters and digits
_APOSTROPHE: Final = re.compile("['\u2019]")


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a phrase, as it is compared. `starts_open`, `ends_open`: any letters may stand before, or follow."""

    text: str
    starts_open: bool = False
    ends_open: bool = False

    def fits(self, piece: str) -> bool:
        if self.starts_open:
            return self.text in piece if self.ends_open else piece.endswith(self.text)
        return piece.startswith(self.text) if self.ends_open else piece == self.text

    def __str__(self) -> str:
        return f"{'*' * self.starts_open}{self.text}{'*' * self.ends_open}"


def pieces_of(text: str) -> tuple[str, ...]:
    """A word as it is compared: E-Mail is two, "geht's" is one; none for what has no letter or digit."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(_PIECE.findall(_APOSTROPHE.sub("", plain)))
