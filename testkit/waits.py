"""Waiting for what gives no event to wait for, and what it means when it does not come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

DEADLINE: Final = 30.0  # seconds for anything to start, on a machine that is busy with other tests
BEAT: Final = 0.05  # seconds between two looks at a condition: a recorder that is asked spends a millisecond on it

T = TypeVar("T")


class StageError(Exception):
    """Something on the stage did not start, or ended by itself; the message carries the end of its log."""


class LateError(StageError, TimeoutError):
    """What was awaited did not come in time."""


def until(condition: Callable[[], T], what: str, patience: float = DEADLINE, beat: float = BEAT) -> T:
    """The first true answer, for what gives no event to wait for. Raises LateError when `patience` (s) runs out.

    What takes long to ask, as a command does, is asked less often: else the asking is what a busy machine does.
    """
    deadline = time.monotonic() + patience
    while True:
        asked = time.monotonic()
        if answer := condition():
            return answer
        took = time.monotonic() - asked
        if time.monotonic() > deadline:
            raise LateError(f"{what} did not come within {patience:.0f} s")
        time.sleep(max(beat, 2 * took))


def came(condition: Callable[[], bool], patience: float = DEADLINE, beat: float = BEAT) -> bool:
    """As `until`, where it is no fault that it does not come."""
    try:
        return until(condition, "it", patience, beat)
    except LateError:
        return False
