"""What a process and its children have used so far, for benches."""

from __future__ import annotations

import psutil


def used(pid: int) -> tuple[float, int]:
    """What the process and its children have used: CPU-seconds since their start, and bytes of memory (PSS)."""
    own = psutil.Process(pid)
    processes = [own, *own.children(recursive=True)]
    times = [one.cpu_times() for one in processes]
    return sum(one.user + one.system for one in times), sum(one.memory_full_info().pss for one in processes)
