"""What a check says: a mark, what was found, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Mark(StrEnum):
    GOOD = "good"
    BESIDE = "beside"  # does not apply here, or was not asked for
    WARNING = "warning"  # it records and sends, or would; have a look
    WRONG = "wrong"  # it does not record or send, or keeps less than it should


@dataclass(frozen=True, slots=True)
class Finding:
    """`found`: in words, without a title, an address of a page, or content. `next`: steps in order, each a command or a
    setting; a command stands alone. `of`: what it is about, where a check looks at several things."""

    mark: Mark
    found: str
    next: tuple[str, ...] = ()
    of: str = ""


def good(found: str, *, of: str = "") -> Finding:
    return Finding(Mark.GOOD, found, of=of)


def beside(found: str, *steps: str, of: str = "") -> Finding:
    return Finding(Mark.BESIDE, found, steps, of)


def warning(found: str, *steps: str, of: str = "") -> Finding:
    return Finding(Mark.WARNING, found, steps, of)


def wrong(found: str, *steps: str, of: str = "") -> Finding:
    return Finding(Mark.WRONG, found, steps, of)


@dataclass(frozen=True, slots=True)
class Unasked:
    """No answer came: why, in words. `follows`: from what another check says already."""

    why: str
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """`about`: the field of `Facts` that it judges; `judge` gets that field, once it was answered, and all facts."""

    id: str
    group: str
    title: str
    about: str
    judge: Callable[[Any, Any], Finding | tuple[Finding, ...]]
