"""The folder that an export is built in, and what becomes of it when the export is killed.

It holds decrypted content under a hidden name beside the folder that was asked for. Its name is noted in the store's
home before it is made, in a file that the exporter keeps locked. The system releases the lock when the exporter dies,
so that the next command knows the folder for abandoned, wherever it lies, and removes it.

Root exports too, and the home is another user's: no link in it is followed, and what is no note of ours is left alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.system import ON_WINDOWS
from store.files import lock, owned_as, sync_folder, write_all

_NAME: Final = re.compile(r"[0-9a-f]{16}")
# Device and inode of the folder that it lies in, and its path. Earlier notes have the path alone.
_NOTE: Final = re.compile(rb"(?:([0-9]+) ([0-9]+) )?(/.*)", re.DOTALL)
_LONGEST: Final = 8192  # bytes of a note; no path is longer


@dataclass(frozen=True, slots=True)
class Left:
    """`note`: its file. `folder`: what it names, where it could be read. `why`: it is not removed."""

    note: Path
    folder: Path | None
    why: str


@contextmanager
def building(register: Path, folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, for its owner alone. When this ends it is gone, unless it was moved. OSError.

    `register`: the folder of the notes, made where it is missing.
    """
    name = secrets.token_hex(8)
    hidden = folder.parent / f".{folder.name}.{name}"
    inside = _identity(hidden.parent)
    held = _note(register, name, hidden, inside)
    try:
        hidden.mkdir(mode=0o700)
        yield hidden
    finally:
        try:
            if _remove(hidden, inside) is None:
                with _alone(register) as opened:
                    os.unlink(_at(register, opened, name), dir_fd=opened)
        finally:
            os.close(held)


def put_in_place(built: Path, folder: Path) -> None:
    """Under its own name, whole and on disk; an empty folder may be there. OSError."""
    sync_folder(built)
    if folder.is_dir():
        folder.rmdir()
    built.rename(folder)
    sync_folder(folder.parent)


def sweep(register: Path) -> tuple[Left, ...]:
    """Removes what exporters that died have left; gives what it could not remove. OSError."""
    if ON_WINDOWS:  # without locks nothing says which exporter lives
        return ()
    left = []
    with contextlib.suppress(FileNotFoundError), _alone(register) as opened:
        owners = {0, register.parent.stat().st_uid}
        for name in sorted(filter(_NAME.fullmatch, os.listdir(opened))):  # noqa: PTH208 - of a descriptor
            try:
                one = _sweep(register, opened, name, owners)
            except FileNotFoundError:
                continue  # its exporter has just come to its end
            except OSError as error:
                one = Left(register / name, None, error.strerror or str(error))
            if one is not None:
                left.append(one)
    return tuple(left)


def _sweep(register: Path, opened: int | None, name: str, owners: set[int]) -> Left | None:
    """What this note's exporter has left that could not be removed. OSError."""
    # A pipe of that name would keep us waiting.
    held = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened)
    try:
        found = os.fstat(held)
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in owners or not lock(held, wait=False):
            return None
        # An empty note was cut off before its folder was made.
        if content := os.read(held, _LONGEST):
            read = _NOTE.fullmatch(content)
            hidden = Path(os.fsdecode(read[3])) if read else Path()
            if read is None or not (hidden.name.startswith(".") and hidden.name.endswith(f".{name}")):
                return None  # no note of ours
            why = _remove(hidden, (int(read[1]), int(read[2])) if read[1] else None)
            if why is not None:
                return Left(register / name, hidden, why)
        os.unlink(name, dir_fd=opened)
    finally:
        os.close(held)
    return None


def _note(register: Path, name: str, hidden: Path, inside: tuple[int, int]) -> int:
    """A durable note of the folder: the descriptor that keeps it locked."""
    try:
        register.mkdir(mode=0o700)
        made = True
    except FileExistsError:
        made = False
    with _alone(register) as opened:
        # Ours to give away only as it was made: the home's owner may have put another in its place since.
        if made and opened is not None and not os.listdir(opened):  # noqa: PTH208 - of a descriptor
            owned_as(opened, register.parent)
        place = _at(register, opened, name)
        held = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=opened)
        try:
            owned_as(held, register.parent)
            lock(held, wait=True)
            write_all(held, b"%d %d " % inside + os.fsencode(hidden))
            os.fsync(held)
            if opened is not None:
                os.fsync(opened)
            sync_folder(register.parent)
        except BaseException:  # also Ctrl-C: a note whose folder was never made would stay for ever
            os.unlink(place, dir_fd=opened)
            os.close(held)
            raise
    return held


def _identity(folder: Path) -> tuple[int, int]:
    """Device and inode: a path may lead to another disk later. OSError."""
    found = folder.stat()
    return found.st_dev, found.st_ino


def _remove(hidden: Path, inside: tuple[int, int] | None) -> str | None:
    """None where it is gone for certain; why it may still lie there.

    `inside`: identity of the folder that it was made in, where that is known.
    """
    try:
        hidden.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        return error.strerror or str(error)
    else:
        try:
            shutil.rmtree(hidden)
        except OSError as error:
            return error.strerror or str(error)
        return None
    try:
        found = _identity(hidden.parent)
    except OSError:
        return f"{hidden.parent} is not there"
    return None if inside in (None, found) else f"{hidden.parent} is another folder than it was then"


def _at(register: Path, opened: int | None, name: str) -> str | Path:
    return register / name if opened is None else name


@contextmanager
def _alone(register: Path) -> Iterator[int | None]:
    """No note is made or swept meanwhile. Gives the folder's descriptor, which Windows has none of. OSError."""
    if ON_WINDOWS:
        yield None
        return
    opened = os.open(register, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        lock(opened, wait=True)
        yield opened
    finally:
        os.close(opened)
