"""Names that survive a power cut: what agent, store and key files all need of a folder."""

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
