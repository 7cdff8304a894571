"""New files and their folders, on disk when the call returns: keys, settings, blobs and exports all need it."""

from __future__ import annotations

import os
from pathlib import Path

from protocol.folder import sync_folder as sync_folder  # noqa: PLC0414 - others take it from here


def write_new(path: Path | str, content: bytes, mode: int = 0o600) -> None:
    """A new file, durable when it returns, never readable by more than `mode` for a moment. FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    # No file object: it asks the system three things more, and each of them releases the GIL.
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_over(path: Path, content: bytes, mode: int = 0o600) -> None:
    """In the place of what is there, whole or not at all; durable when it returns."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # of one that was cut short
    write_new(beside, content, mode)
    beside.replace(path)
    sync_folder(path.parent)
