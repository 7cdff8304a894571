"""New files and their folders, on disk when the call returns: keys, settings, blobs and exports all need it. And locks
that go with the process that holds them, however it dies.
"""

from __future__ import annotations

import errno

from protocol.folder import owned_as as owned_as  # noqa: PLC0414 - others take these from here
from protocol.folder import sync_folder as sync_folder  # noqa: PLC0414
from protocol.folder import write_all as write_all  # noqa: PLC0414
from protocol.folder import write_new as write_new  # noqa: PLC0414
from protocol.folder import write_over as write_over  # noqa: PLC0414
from protocol.system import ON_WINDOWS


def is_full(failure: OSError) -> bool:
    """Whether the disk, its inodes or the user's quota are used up."""
    return failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def lock(descriptor: int, *, wait: bool) -> bool:
    """Whether this file is this process's alone until it is closed, or the process dies. Windows has no such lock.

    `wait`: for as long as another has it.
    """
    if ON_WINDOWS:
        return True
    import fcntl  # noqa: PLC0415 - Windows has none

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
