"""Law 3 where only the operating system can keep it: no core dump, no debugger of the same user.

Measured: locking all memory fails for an ordinary user (RLIMIT_MEMLOCK is 8 MB), so unencrypted swap and hibernation
are reported, not prevented.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def refuse_dumps() -> None:
    """From now on this process leaves no core file and cannot be attached to by other processes of its user."""
    import resource  # noqa: PLC0415 - Windows has none

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def swaps(table: Path = Path("/proc/swaps")) -> tuple[str, ...]:
    """Devices and files that memory may be written to, unless they are compressed memory themselves (zram)."""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    devices = (line.split()[0] for line in lines if line.strip())
    return tuple(device for device in devices if "zram" not in device)
