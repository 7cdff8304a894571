"""How long programs have to wait for a core: on a PC that is short of them, what a page has drawn comes late.

Linux reports it (pressure stall information: docs.kernel.org/accounting/psi.html). Elsewhere it is taken from how busy
the cores are: while half of them rest nothing waits, and with none at rest something always does.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

PSI: Final = Path("/proc/pressure/cpu")
MILLISECOND: Final = 1_000_000
MOMENTS: Final = (250 * MILLISECOND, 1000 * MILLISECOND)
"""ns back; a burst counts as much as what lasts"""


class Pressure:
    """`now`: ns of any clock that does not jump. For one thread."""

    def __init__(self, now: Callable[[], int], measured: Callable[[], int | None] | None = None) -> None:
        """`measured`: ns in all, since any beginning, in which something had to wait for a core; None: unknown."""
        self._now = now
        self._measured = measured or _measured_by_linux
        self._cores = _Cores()
        self._readings: deque[tuple[int, int]] = deque()  # (when, stalled in all by then), ns

    def stalled(self) -> float:
        """The share of the last quarter of a second or of the last second, whichever is more, in which something that
        could have run had to wait; 1 at the first call, when nothing is known yet."""
        now = self._now()
        measured = self._measured()
        stalled = self._cores.stalled(now) if measured is None else measured
        readings = self._readings
        readings.append((now, stalled))
        while len(readings) > 1 and readings[1][0] <= now - MOMENTS[-1]:
            readings.popleft()
        if len(readings) == 1:
            return 1.0
        return max(self._share_since(now - moment) for moment in MOMENTS)

    def _share_since(self, moment: int) -> float:
        """From the last reading at or before `moment` on, or the oldest there is."""
        at, stalled = self._readings[0]
        for reading in self._readings:
            if reading[0] > moment:
                break
            at, stalled = reading
        now, in_all = self._readings[-1]
        return min(1.0, max(0.0, (in_all - stalled) / max(1, now - at)))


class _Cores:
    """ns in all, as `Pressure` wants them, by how busy the cores were between two calls."""

    def __init__(self) -> None:
        self._at: int | None = None
        self._stalled = 0
        self._busy, self._all = 0.0, 0.0

    def stalled(self, now: int) -> int:
        times = psutil.cpu_times()
        in_all = sum(times[:8]) if hasattr(times, "guest") else sum(times)  # Linux counts guests twice
        busy = in_all - times.idle - getattr(times, "iowait", 0.0)
        if self._at is not None and in_all > self._all:
            share = (busy - self._busy) / (in_all - self._all)
            self._stalled += int((now - self._at) * min(1.0, max(0.0, 2 * share - 1)))
        if self._at is None or in_all > self._all:
            self._at, self._busy, self._all = now, busy, in_all
        return self._stalled


def _measured_by_linux() -> int | None:
    try:
        text = PSI.read_text("ascii")
    except OSError:
        return None  # no such file, or the kernel was started without it (psi=0)
    found = re.search(r"^some .*total=(\d+)", text)
    return int(found[1]) * 1000 if found else None
