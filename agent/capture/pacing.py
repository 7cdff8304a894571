"""When a monitor's next frame may be taken: often enough to read along, rarely enough to cost nothing.

Pure: no clock. A change of most of the screen (scrolling, a video) costs three times the CPU and fifty times the bytes
of a typed letter, so it comes at 2 frames a second: that halved the bytes of a busy script (11.7 to 6.2 MB a minute).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.core.model.times import MILLISECOND, SECOND

FRAMES_A_SECOND: Final = 5
LARGE_SHARE: Final = 0.25
LARGE_EVERY: Final = 500 * MILLISECOND


@dataclass(slots=True)
class Pacing:
    """One monitor's. Shares are of the monitor's area, 0 to 1; times in ns."""

    every: int = SECOND // FRAMES_A_SECOND
    large_share: float = LARGE_SHARE
    large_every: int = LARGE_EVERY
    _last: int | None = None
    _last_large: int | None = None

    def due(self, share: float) -> int:
        """The earliest moment at which a change of `share` may be taken; 0 when at once."""
        due = 0 if self._last is None else self._last + self.every
        if share > self.large_share and self._last_large is not None:
            due = max(due, self._last_large + self.large_every)
        return due

    def taken(self, at: int, share: float) -> None:
        self._last = at
        if share > self.large_share:
            self._last_large = at
