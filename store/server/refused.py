"""What an integration could not bring in is noted: which one, why and how many. Never what it holds.

A line a minute for each integration and reason, with the number since the line before: a system that goes on sending
what is refused must not fill the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from store.clock import MINUTE, Clock

Write = Callable[[str, str, int], None]
"""An integration's id, the reason, how many: into the operators' log."""


@dataclass(frozen=True, slots=True)
class RefusedInteractions:
    write: Write
    clock: Clock
    _last: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # when noted; how many came since
    _lock: Lock = field(default_factory=Lock)

    def note(self, integration: str, why: str, count: int = 1) -> None:
        """`why`: one of the codes of the API. Durable when it returns, or counted for the next line."""
        with self._lock:
            now = self.clock()
            at, waiting = self._last.get((integration, why), (now - MINUTE, 0))
            count += waiting
            noted = 0 <= now - at < MINUTE
            self._last[integration, why] = (at, count) if noted else (now, 0)
        if not noted:
            self.write(integration, why, count)
