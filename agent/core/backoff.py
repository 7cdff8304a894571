"""When to try again: exponential backoff with full jitter, so that a fleet does not return in step.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter needed the fewest calls).
"""

from __future__ import annotations

from typing import Final

BASE: Final = 0.5  # seconds
CAP: Final = 300.0  # seconds


def delay(
    attempt: int, chance: float, retry_after: float | None = None, *, base: float = BASE, cap: float = CAP
) -> float:
    """Seconds to wait before try number `attempt` + 1 (the first failure is attempt 0).

    `chance` is uniform in [0, 1), drawn by the caller. `retry_after` is the other side's own word in seconds: it is
    obeyed up to `cap`, and the jitter comes on top, so that everybody who was told "in 30 s" does not come at once.
    """
    ceiling = min(cap, base * 2.0 ** min(attempt, 32))
    jitter = chance * ceiling
    if retry_after is None:
        return jitter
    return min(cap, retry_after) + jitter
