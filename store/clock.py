"""The store's one idea of the time: tokens, receipts and the Date header are judged and stamped by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
Clock = Callable[[], int]
"""ns since 1970 (UTC)."""


def wall() -> int:
    return time.time_ns()


def seconds(ns: int) -> str:
    """0.4 s, 12.3 s, 4:05 min, 1:02:03 h."""
    whole = ns / SECOND
    if whole < 60:
        return f"{whole:.1f} s"
    minutes, rest = divmod(round(whole), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h"
