"""Files as FFmpeg reads and writes them after no file can be opened any more: each is open already."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_BINARY: Final = getattr(os, "O_BINARY", 0)


class OpenFile:
    """`name` is for messages. Each has a place of its own, also where two share a descriptor."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor
        self._at = 0

    @classmethod
    def reading(cls, path: Path) -> OpenFile:
        """Raises OSError."""
        return cls(os.open(path, os.O_RDONLY | _BINARY), path.name)

    @classmethod
    def new(cls, path: Path) -> OpenFile:
        """Readable by its owner alone. Raises OSError."""
        return cls(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), path.name)

    def again(self) -> OpenFile:
        """The same file, from its beginning."""
        return OpenFile(self._descriptor, self.name)

    def read(self, length: int) -> bytes:
        os.lseek(self._descriptor, self._at, os.SEEK_SET)
        found = os.read(self._descriptor, length)
        self._at += len(found)
        return found

    def write(self, content: bytes) -> int:
        os.lseek(self._descriptor, self._at, os.SEEK_SET)
        left = memoryview(content)
        while left:
            written = os.write(self._descriptor, left)
            self._at += written
            left = left[written:]
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            offset += os.fstat(self._descriptor).st_size
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """FFmpeg closes what it opened; the descriptor is shared, and goes with the process."""


class Pipe:
    """What comes through a pipe: read once, from where it is."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor

    def read(self, length: int) -> bytes:
        return os.read(self._descriptor, length)


Source = OpenFile | Path | Pipe
"""A stream's file."""


def for_ffmpeg(file: Source) -> OpenFile | Pipe | str:
    """As `av.open` takes it, from its beginning."""
    if isinstance(file, Pipe):
        return file
    return file.again() if isinstance(file, OpenFile) else str(file)
