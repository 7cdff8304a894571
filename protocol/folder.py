"""New files and names that survive a power cut: what agent, store, key files and the custodian all need of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from protocol.system import ON_WINDOWS


def sync_folder(path: Path | str) -> None:
    """The names in this folder are durable when it returns. Raises OSError.

    Windows opens no folders (NTFS journals a rename, but when is its own affair), and macOS' fsync stops at the drive's
    cache (F_FULLFSYNC goes through): there the promise is weaker, see docs/platforms.md.
    """
    if not ON_WINDOWS:
        opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


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


def write_all(descriptor: int, content: bytes) -> None:
    """Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def owned_as(descriptor: int, folder: Path) -> None:
    """Root leaves nothing in another user's folder that its owner cannot use: a new file becomes theirs."""
    if ON_WINDOWS or os.geteuid() != 0:
        return
    owner = folder.stat()
    os.fchown(descriptor, owner.st_uid, owner.st_gid)


def unfinished(path: Path) -> Path:
    """What `write_over` leaves of it, where it is killed."""
    return path.with_name(f".{path.name}.new")


def write_over(path: Path, content: bytes, mode: int = 0o600) -> None:
    """In the place of what is there, whole or not at all; durable when it returns."""
    beside = unfinished(path)
    beside.unlink(missing_ok=True)  # of one that was cut short
    write_new(beside, content, mode, owner=path.parent)
    beside.replace(path)
    sync_folder(path.parent)
