"""How often something happened within an hour: openings, leases and refusals have a cap."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

HOUR: Final = 3600.0  # s


class Hourly:
    """`ticks`: s, of a clock that never jumps. For several threads. A start forgets all."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks, self._lock = ticks, threading.Lock()
        self._happened: dict[tuple[str, str], deque[float]] = {}

    def counts(self, what: tuple[str, str], most: int) -> bool:
        """Whether it happens less than so often; then it is counted."""
        with self._lock:
            happened, now = self._happened.setdefault(what, deque()), self._ticks()
            while happened and happened[0] <= now - HOUR:
                happened.popleft()
            if len(happened) >= most:
                return False
            happened.append(now)
            return True
