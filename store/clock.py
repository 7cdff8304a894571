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
