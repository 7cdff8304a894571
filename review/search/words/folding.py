"""One spelling for what is indexed and what is asked: FTS5's own tokenizer, after ß has become ss.

Small letters, no diacritics: Müller is found by muller, Straße by strasse. Letters and digits make a word, all else
separates: E-Mail is the two words "e mail".
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Final

import apsw
import apsw.fts5

TOKENIZER: Final = ("unicode61", "remove_diacritics", "2")
_SHARP_S: Final = str.maketrans({"ß": "ss", "ẞ": "ss"})
_own: Final = threading.local()


def plain(text: str) -> str:
    """As UTF-8 that SQLite takes: no NUL, no half of a surrogate pair, ß as ss."""
    return text.translate(_SHARP_S).replace("\0", " ").encode("utf-8", "replace").decode()


@lru_cache(maxsize=100_000)
def tokens(text: str) -> tuple[str, ...]:
    """As FTS5 makes them of `plain(text)`."""
    if plain(text).isascii() and text.isalnum():
        return (plain(text).lower(),)
    tokenizer = getattr(_own, "tokenizer", None)
    if tokenizer is None:
        _own.connection = apsw.Connection(":memory:")
        tokenizer = _own.tokenizer = _own.connection.fts5_tokenizer(TOKENIZER[0], list(TOKENIZER[1:]))
    made = tokenizer(plain(text).encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False)
    return tuple(token for group in made for token in group)
