"""A process that holds keys leaves none of them in a core file or in swap, and no other process of its user may look
into it.
"""

from __future__ import annotations

import ctypes
from typing import Final

from protocol.system import ON_LINUX

_PR_GET_DUMPABLE: Final = 3  # prctl(2)
_PR_SET_DUMPABLE: Final = 4
_ALL_ONCE_TOUCHED: Final = 7  # mlockall(2): MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT


def refuse_dumps() -> None:
    """From now on, where the system can. Raises OSError where Linux refuses: a filter of system calls may."""
    if not ON_LINUX:
        return
    import resource  # noqa: PLC0415 - Windows has none

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _prctl(_PR_SET_DUMPABLE) != 0 or _prctl(_PR_GET_DUMPABLE) != 0:
        raise OSError("the system does not let this process refuse core dumps and debuggers")


def lock_memory() -> None:
    """From now on nothing of this process is swapped out. Raises OSError where the system does not let it."""
    if ON_LINUX and ctypes.CDLL(None).mlockall(_ALL_ONCE_TOUCHED) != 0:
        raise OSError("the system does not let this process keep its memory out of swap (LimitMEMLOCK, ulimit -l)")


def _prctl(option: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, 0, 0, 0, 0))
