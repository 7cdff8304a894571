"""Files that survive a power cut: the one way in which the agent writes what it must not lose.

Order and reasons are those of restic (internal/backend/local/local.go) and of "Can Applications Recover from fsync
Failures?" (Rebello et al., USENIX ATC 2020).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import struct
from pathlib import Path
from typing import Final

from protocol.folder import sync_folder as sync_folder  # noqa: PLC0414 - others take it from here
from protocol.system import ON_WINDOWS

TEMPORARY: Final = ".part-"  # begins the name of a file that does not count yet; it may be removed

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

# linux/fs.h: _IOR('f', 1, long), _IOW('f', 2, long), and the flag of files that are not copied on write.
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_NO_COPY: Final = 0x00800000

_AT_ONCE: Final = 0 if ON_WINDOWS else os.O_NONBLOCK | os.O_NOFOLLOW  # Windows has neither
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(failure: OSError) -> bool:
    """Whether the disk, its inodes or the user's quota are used up."""
    return failure.errno in _NO_ROOM


def write(path: Path, content: bytes) -> None:
    """`path` holds all of `content`, and does so after a power cut, when this returns; until then it is as it was.

    Raises OSError when the disk is full, or when it refused twice; at most a temporary file is then left behind. The
    same content may be written again.
    """
    try:
        _write_once(path, content)
    except OSError as failure:
        if failure.errno != errno.EIO:
            raise
        # A failed fsync marks the pages clean although they never reached the disk: asking again for the same file
        # would answer "done". Only other pages, those of a new file, can be believed.
        _write_once(path, content)


def _write_once(path: Path, content: bytes) -> None:
    # In the same folder, because a rename is atomic only within one file system.
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        # Never through a link of another user, never readable by another user, not even for a moment.
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            file.flush()
            # Before the rename: file systems may make the new name durable before the bytes that it names.
            os.fsync(file.fileno())
        # Closed first: Windows renames no open file.
        temporary.replace(path)
        # The name lives in the folder, and the folder is a file of its own.
        sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def open_regular(path: Path, flags: int) -> int:
    """As `os.open`, for a file that has to be one: another program of the user may have put a pipe there, which would
    be waited for, or a link. Raises OSError.
    """
    opened = os.open(path, flags | _AT_ONCE, FILE_MODE)
    mode = os.fstat(opened).st_mode
    if not stat.S_ISREG(mode):
        os.close(opened)
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.ENXIO, "it is no regular file", str(path))
    return opened


def read(path: Path) -> bytes:
    """All of a regular file. Raises OSError."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        return file.read()


def make_folder(path: Path) -> None:
    """A folder for this user alone that is there after a power cut, with all folders above it. Raises OSError."""
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    # Also where it was there already: the process that made it may have died before this line.
    sync_folder(path.parent)


def overwrite_in_place(folder: Path) -> bool:
    """Have files that are made in `folder` from now on overwritten in place. Whether that is new: older files stay as
    they were. Raises OSError when the folder cannot be opened.

    btrfs writes what is overwritten to another place: a full disk has none, however much was laid by in advance. The
    flag FS_NOCOW_FL turns that off (ioctl_iflags(2); systemd-journald does the same). File systems that overwrite in
    place refuse the flag. One that copies without it (ZFS) has no room on a full disk, and writing fails.
    """
    if ON_WINDOWS:
        return False  # NTFS overwrites in place
    import fcntl  # noqa: PLC0415 - Windows has none

    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # refusal: it overwrites in place, or says it is full
            flags = bytearray(struct.calcsize("l"))
            fcntl.ioctl(opened, _GET_FLAGS, flags)
            (before,) = struct.unpack("l", flags)
            fcntl.ioctl(opened, _SET_FLAGS, struct.pack("l", before | _NO_COPY))
            return not before & _NO_COPY
    finally:
        os.close(opened)
    return False
