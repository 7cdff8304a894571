"""How a text is shown in the reader's language: by the English one, out of a table; pages and report have one each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

_SECOND: Final = 10**9
_FIRST, _LAST = -(2**40), 2**40  # s that every system's calendar has


class Spoken:
    """Of one reader. Called with an English text, it gives theirs. `german`: by the English text."""

    def __init__(self, language: str, german: Mapping[str, str]) -> None:
        self.language = language
        self._german = german

    def __call__(self, english: str, **values: object) -> str:
        text = self._german.get(english, english) if self.language == "de" else english
        return text.format(**values) if values else text

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", "." if self.language == "de" else ",")


def local(ns: int) -> datetime:
    """`ns`: since 1970. In this machine's own time zone: it has one, as a house has."""
    return datetime.fromtimestamp(min(max(ns // _SECOND, _FIRST), _LAST)).astimezone()


def start_of(day: date) -> int:
    """ns since 1970 at which that day begins here: where clocks are put forward at midnight, at one o'clock."""
    return int(datetime(day.year, day.month, day.day).timestamp()) * _SECOND  # noqa: DTZ001 - as the machine's clocks
