"""A process that holds keys leaves none of them in a core file, and no other process of its user may look into it."""

from __future__ import annotations

import ctypes
from typing import Final

from protocol.system import ON_LINUX

_PR_GET_DUMPABLE: Final = 3  # prctl(2)
_PR_SET_DUMPABLE: Final = 4


def refuse_dumps() -> None:
    """From now on, where the system can. Raises OSError where Linux refuses: a filter of system calls may."""
    if not ON_LINUX:
        return
    import resource  # noqa: PLC0415 - Windows has none

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _prctl(_PR_SET_DUMPABLE) != 0 or _prctl(_PR_GET_DUMPABLE) != 0:
        raise OSError("the system does not let this process refuse core dumps and debuggers")


def _prctl(option: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, 0, 0, 0, 0))
