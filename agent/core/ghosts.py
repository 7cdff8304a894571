"""What the display still shows of windows that have left the view, until something else has been painted there.

Only what left before a run began counts for it: what left since was in view of its looks, and clean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ghost:
    """Pixels whose window has left them. `left`: when that was found, between the question and the answer of a look;
    `until`: when they are gone for all that is known by now. A later look may know better. Both ns.
    """

    left: int
    until: int


def gone_by(ghosts: Sequence[Ghost], began: int) -> int:
    """When the last of what had left by `began` (ns) is gone; 0 if nothing had."""
    return max((ghost.until for ghost in ghosts if ghost.left <= began), default=0)
