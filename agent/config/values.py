"""What a setting's value may be: from the text of a setting to a value, and back.

`parse` raises ValueError with what is wanted, in words that end the sentence "`key` must be ...".
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit


class Private(ValueError):
    """What was written is not repeated: it may hold a password."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`parse` takes what was written, a list of it where `several`; `write` gives it back as a file would have it.

    A `secret` value never comes whole into a message or a picture of the settings. A Path that `parse` gives may be
    relative: the reader knows to which folder.
    """

    parse: Callable[[Any], Any]
    write: Callable[[Any], str] = str
    several: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until before `end`, minutes since local midnight; over midnight where `end` is the smaller."""

    start: int
    end: int

    def contain(self, minute: int) -> bool:
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def __str__(self) -> str:
        return "-".join(f"{at // 60:02d}:{at % 60:02d}" for at in (self.start, self.end))


# -- sizes and numbers --------------------------------------------------------------------------------------------

_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
                 "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip
_TOO_LARGE: Final = 2**63  # bytes
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None or match[2].upper() not in _UNITS:
        raise ValueError("a size such as 500 MB or 4 GB")
    size = float(match[1]) * _UNITS[match[2].upper()]
    if size >= _TOO_LARGE:
        raise ValueError("a size that a disk can have")
    return int(size)


def _write_size(size: int) -> str:
    for unit in ("TB", "GB", "MB", "KB"):
        if size and not size % (_UNITS[unit] // 100) and size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:g} {unit}"
    return str(size)


SIZE: Final = Kind(_size, _write_size)


def _parse_number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return value

    return parse


def _write_number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def number(least: float, most: float) -> Kind:
    return Kind(_parse_number(least, most), _write_number)


def number_or_none(least: float, most: float) -> Kind:
    def parse(text: str) -> float | None:
        try:
            return None if text == "none" else _parse_number(least, most)(text)
        except ValueError as wanted:
            raise ValueError(f"{wanted}, or none") from None

    return Kind(parse, _write_number)


def whole(least: int, most: int) -> Kind:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 20 or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return Kind(parse)


# -- words, devices, files ----------------------------------------------------------------------------------------


def one_of(*words: str) -> Kind:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return Kind(parse)


def _device(text: str) -> str:
    if not text.strip():
        raise ValueError("default, none, or a pattern for the device's name such as *Jabra*")
    return text


DEVICE: Final = Kind(_device)


LONGEST_NOTICE: Final = 120  # signs: one line of a menu


def is_address(text: str) -> bool:
    """Of a page that a browser's extension may look into. It has no access to a file's, which would close the eye."""
    split = urlsplit(text)
    return split.scheme in ("http", "https") and bool(split.netloc)


def _notice(text: str) -> str | None:
    if text == "none":
        return None
    if is_address(text) or (text.strip() and text.isprintable() and len(text) <= LONGEST_NOTICE and "://" not in text):
        return text
    raise ValueError(f"an address that begins with https://, a line of at most {LONGEST_NOTICE} signs, or none")


NOTICE: Final = Kind(_notice, lambda notice: notice or "none")


_LONGEST_NAME: Final = 255  # bytes, NAME_MAX of most file systems
_LONGEST_PATH: Final = 4000  # bytes, PATH_MAX less what is put behind it


def _path(text: str) -> Path:
    if not text:
        raise ValueError("a path")
    try:
        path = Path(text).expanduser()
        names = [len(os.fsencode(name)) for name in path.parts]
    except RuntimeError:
        raise ValueError("a path; no user has the name after ~") from None
    except UnicodeEncodeError:
        names = [0]
    if "\0" in text or not all(names):
        raise ValueError("a path of characters that files can have")
    if max(names) > _LONGEST_NAME or sum(names) + len(names) > _LONGEST_PATH:
        raise ValueError(f"a path of at most {_LONGEST_PATH} bytes, {_LONGEST_NAME} for each name")
    return path


PATH: Final = Kind(_path)
PATH_OR_NONE: Final = Kind(
    lambda text: None if text == "none" else _path(text), lambda path: "none" if path is None else str(path)
)


# -- hours, proxies -----------------------------------------------------------------------------------------------

_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def _span_of_hours(text: str) -> Hours:
    match = _HOURS.fullmatch(text.replace(" ", ""))
    start, end = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else (0, 0)
    if start == end or start >= 24 * 60 or end > 24 * 60:
        raise ValueError('hours such as "22:00-06:00", a list of such, or always')
    return Hours(start, end)


def _hours(texts: Sequence[str]) -> tuple[Hours, ...]:
    if list(texts) == ["always"]:
        return ()
    return tuple(_span_of_hours(text) for text in texts or [""])


HOURS: Final = Kind(_hours, lambda hours: ", ".join(map(str, hours)) or "always", several=True)


def _proxy(text: str) -> str:
    if text in {"system", "none"}:
        return text
    wanted = "system, none, or an address such as http://proxy.example.com:3128"
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not parts.path.strip("/")
    except ValueError:  # a port that is none
        good = False
    if not good:
        raise Private(wanted)
    return text


def _write_proxy(address: str) -> str:
    scheme, slashes, rest = address.partition("://")
    whose, at, where = rest.rpartition("@")
    return f"{scheme}{slashes}***{at}{where}" if whose else address


PROXY: Final = Kind(_proxy, _write_proxy, secret=True)
