"""Bounds of what a ledger entry may say in the names that readers know: any other entry is refused when it comes.

They are wide: an honest PC never meets them, and a refused entry ends its account. A name that no reader knows may say
what it likes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from protocol.claims import MAX_INTEGER, Claims
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import LedgerError
from protocol.ledger import MAX_TEXT
from protocol.numbers import is_integer, read_number

MOST_STREAMS: Final = 256  # of one recording: its monitors, sound and scenes
_KIND: Final = re.compile(r"[a-z0-9-]{1,64}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and "\0" not in value


def _is_number(value: object) -> bool:
    return is_integer(value) and 0 <= value <= MAX_INTEGER


def _is_offset(value: object) -> bool:
    return is_integer(value) and abs(value) <= MAX_INTEGER


def _is_rule(value: object) -> bool:
    return _is_text(value) or _is_number(value)


def _are_rules(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_rule, value))


def _are_heads(value: object) -> bool:
    return isinstance(value, dict) and len(value) <= MOST_STREAMS and all(map(_is_head, value.items()))


def _is_head(named: tuple[str, object]) -> bool:
    stream, head = named
    match head:
        case [following, sha256]:
            canonical = str(read_number(stream, KEY_PACKET_STREAM - 1)) == stream
            return canonical and _is_number(following) and _is_text(sha256)
        case _:
            return False


Shape = tuple[Callable[[object], bool], str]
_TEXT: Final[Shape] = (_is_text, f"text of at most {MAX_TEXT} characters")
_NUMBER: Final[Shape] = (_is_number, f"an integer from 0 to {MAX_INTEGER}")
_OFFSET: Final[Shape] = (_is_offset, f"an integer from -{MAX_INTEGER} to {MAX_INTEGER}")
_SHAPES: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("boot", "channel", "hold", "lane", "policy", "what", "why"), _TEXT),
    **dict.fromkeys(("filled_ms", "for_ms", "from", "from_wall", "revision", "sequence", "stream"), _NUMBER),
    **dict.fromkeys(("to", "until", "zero"), _NUMBER),
    **dict.fromkeys(("after", "before"), _OFFSET),
    "reason": (_is_rule, "a number or a short text"),
    "rules": (_are_rules, "a list of numbers and short texts"),
    "heads": (_are_heads, f"at most {MOST_STREAMS} streams with the next number and the last hash of each"),
}


def check(entry: Mapping[str, object], seq: int) -> None:
    """Raises LedgerError (bad-line, bad-field)."""
    if not _KIND.fullmatch(str(entry["kind"])):
        raise LedgerError("bad-line", f"ledger entry {seq}: its kind is no word of at most 64 letters", seq=seq)
    claims = Claims(entry, f"ledger entry {seq}", partial(LedgerError, seq=seq))
    for name, (fits, wanted) in _SHAPES.items():
        if entry.get(name) is not None and not fits(entry[name]):
            raise claims.refuse(name, wanted)
