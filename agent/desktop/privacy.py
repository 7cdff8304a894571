"""Law 3 where only the operating system can keep it: no core dump, no debugger of the same user.

Measured: locking all memory fails for an ordinary user (RLIMIT_MEMLOCK is 8 MB), so unencrypted swap and hibernation
are reported, not prevented.
"""

from __future__ import annotations

from pathlib import Path

from agent.errors import EnvironmentFault
from protocol import dumps


def refuse_dumps() -> None:
    """No core file and no debugger of the same user from now on. Raises EnvironmentFault where that cannot be had."""
    try:
        dumps.refuse_dumps()
    except OSError as failure:
        raise EnvironmentFault(f"Nothing is recorded here: {failure}. Does a sandbox filter prctl?") from failure


def swaps(table: Path = Path("/proc/swaps")) -> tuple[str, ...]:
    """Devices and files that memory may be written to, unless they are compressed memory themselves (zram)."""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    devices = (line.split()[0] for line in lines if line.strip())
    return tuple(device for device in devices if "zram" not in device)
