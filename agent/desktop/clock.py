"""The clocks that every span is measured with: they never jump, tick finely and run through sleep.

CLOCK_BOOTTIME counts suspended time, which CLOCK_MONOTONIC leaves out: with the latter a look from before a suspend
would seem recent after it. Windows' `time.monotonic` ticks every 15.6 ms up to Python 3.12; its performance counter
does not, and runs through sleep (QueryPerformanceCounter).
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Final

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")  # random(4): drawn anew at every start of the kernel


class BootClock:
    """Linux: CLOCK_BOOTTIME. Other processes can read the same clock, so stamps from there can be compared."""

    def now(self) -> int:
        """ns since the PC started."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wall(self) -> int:
        """ns since 1970 (UTC) as the PC believes it."""
        return time.time_ns()

    def awake(self) -> int:
        """CLOCK_MONOTONIC: stands still while the PC sleeps."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def boot(self) -> str:
        return _boot_id()


class CounterClock:
    """Everywhere else: the finest counter that the system has."""

    def now(self) -> int:
        """ns from an arbitrary start."""
        return time.perf_counter_ns()

    def wall(self) -> int:
        """ns since 1970 (UTC) as the PC believes it."""
        return time.time_ns()

    def awake(self) -> int:
        """The same: what this system has beside it is not read yet, so a sleep without a notice is not noticed."""
        return self.now()

    def boot(self) -> str:
        return ""


@cache
def _boot_id() -> str:
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""  # no /proc here
