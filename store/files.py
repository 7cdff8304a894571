"""New files and their folders, on disk when the call returns: keys, settings, blobs and exports all need it. And locks
that go with the process that holds them, however it dies.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from protocol.folder import sync_folder as sync_folder  # noqa: PLC0414 - others take it from here
from protocol.system import ON_WINDOWS


def write_new(path: Path | str, content: bytes, mode: int = 0o600, *, owner: Path | None = None) -> None:
    """A new file, durable when it returns, never readable by more than `mode` for a moment. FileExistsError.

    `owner`: a folder whose owner gets the file, should root write it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    # No file object: it asks the system three things more, and each of them releases the GIL.
    try:
        if owner is not None:
            owned_as(descriptor, owner)
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_full(failure: OSError) -> bool:
    """Whether the disk, its inodes or the user's quota are used up."""
    return failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_all(descriptor: int, content: bytes) -> None:
    """Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


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


def owned_as(descriptor: int, folder: Path) -> None:
    """Root leaves nothing in another user's folder that its owner cannot use: a new file becomes theirs."""
    if ON_WINDOWS or os.geteuid() != 0:
        return
    owner = folder.stat()
    os.fchown(descriptor, owner.st_uid, owner.st_gid)


def write_over(path: Path, content: bytes, mode: int = 0o600) -> None:
    """In the place of what is there, whole or not at all; durable when it returns."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # of one that was cut short
    write_new(beside, content, mode, owner=path.parent)
    beside.replace(path)
    sync_folder(path.parent)
