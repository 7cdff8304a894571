"""The clocks that every span is measured with: they never jump, tick finely and run through sleep.

CLOCK_BOOTTIME counts suspended time, which CLOCK_MONOTONIC leaves out: with the latter a look from before a suspend
would seem recent after it. Windows' `time.monotonic` ticks every 15.6 ms up to Python 3.12; its performance counter
does not, and runs through sleep (QueryPerformanceCounter).
"""

from __future__ import annotations

import time


class BootClock:
    """Linux: CLOCK_BOOTTIME. Other processes can read the same clock, so stamps from there can be compared."""

    def now(self) -> int:
        """ns since the PC started."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wall(self) -> int:
        """ns since 1970 (UTC) as the PC believes it."""
        return time.time_ns()


class CounterClock:
    """Everywhere else: the finest counter that the system has."""

    def now(self) -> int:
        """ns from an arbitrary start."""
        return time.perf_counter_ns()

    def wall(self) -> int:
        """ns since 1970 (UTC) as the PC believes it."""
        return time.time_ns()
