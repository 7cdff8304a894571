"""Whole numbers out of foreign text. Python refuses to read more than 4,300 digits, so their count is bounded first."""

from __future__ import annotations

import re
from typing import Final, TypeGuard

_DIGITS: Final = re.compile("[0-9]{1,40}")
_MOST_RELEASES: Final = 10**6


def is_integer(value: object) -> TypeGuard[int]:
    """Of a value out of JSON: `true` is none, though Python takes it for 1."""
    return isinstance(value, int) and not isinstance(value, bool)


def read_number(text: str, most: int) -> int | None:
    """The number from 0 to `most` that the text writes in ASCII digits; None for any other text."""
    number = int(text) if _DIGITS.fullmatch(text) else most + 1
    return number if number <= most else None


def read_release(version: str) -> tuple[int, int] | None:
    """(major, minor) of a version such as 0.1.0; None for a text that is none."""
    major, dot, rest = version.partition(".")
    numbers = read_number(major, _MOST_RELEASES), read_number(rest.partition(".")[0], _MOST_RELEASES)
    if not dot or numbers[0] is None or numbers[1] is None:
        return None
    return numbers[0], numbers[1]
