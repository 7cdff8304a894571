"""The folder that an export is built in, and what becomes of it when the export is killed.

It holds decrypted content under a hidden name beside the folder that was asked for. Its name is noted in the store's
home before it is made, in a file that the exporter keeps locked. The system lets go of the lock when the exporter dies,
so that the next command knows the folder for abandoned, wherever it lies, and removes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from protocol.system import ON_WINDOWS
from store.files import lock, owned_as, sync_folder, write_all

_TOKEN: Final = re.compile(r"\..+\.[0-9a-f]{16}")
_LONGEST: Final = 8192  # bytes of a note; no path is longer


@contextmanager
def building(register: Path, folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, for its owner alone. When this ends it is gone, unless it was moved. OSError.

    `register`: the folder of the notes, made where it is missing.
    """
    hidden = folder.parent / f".{folder.name}.{secrets.token_hex(8)}"
    note, held = _note(register, hidden)
    try:
        hidden.mkdir(mode=0o700)
        yield hidden
    finally:
        try:
            if _remove(hidden):
                note.unlink()
        finally:
            os.close(held)


def sweep(register: Path) -> tuple[Path, ...]:
    """Removes what exporters that died have left; gives the folders that it could not remove. OSError."""
    if ON_WINDOWS or not register.is_dir():  # without locks nothing says which exporter lives
        return ()
    left = []
    with _alone(register):
        for note in sorted(register.iterdir()):
            try:
                held = os.open(note, os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue  # its exporter has just come to its end
            try:
                if not lock(held, wait=False):
                    continue
                hidden = Path(os.fsdecode(os.read(held, _LONGEST)))
                # A note that was cut off comes from before its folder was made. Another's name is never removed.
                if not (hidden.is_absolute() and _TOKEN.fullmatch(hidden.name)) or _remove(hidden):
                    note.unlink()
                else:
                    left.append(hidden)
            finally:
                os.close(held)
    return tuple(left)


def _note(register: Path, hidden: Path) -> tuple[Path, int]:
    """A durable note of the folder, and the descriptor that keeps it locked."""
    register.mkdir(mode=0o700, exist_ok=True)
    note = register / hidden.name.rpartition(".")[2]
    with _alone(register) as itself:
        owned_as(itself, register.parent)
        held = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            owned_as(held, register)
            lock(held, wait=True)
            write_all(held, os.fsencode(hidden))
            os.fsync(held)
            sync_folder(register)
            sync_folder(register.parent)
        except BaseException:
            note.unlink()
            os.close(held)
            raise
    return note, held


def _remove(hidden: Path) -> bool:
    """Whether it is gone for certain: on a disk that is not there now it may still lie."""
    with contextlib.suppress(OSError):
        shutil.rmtree(hidden)
    return not os.path.lexists(hidden) and hidden.parent.is_dir()


@contextmanager
def _alone(register: Path) -> Iterator[int]:
    """No note is made or swept meanwhile."""
    if ON_WINDOWS:
        yield -1
        return
    opened = os.open(register, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lock(opened, wait=True)
        yield opened
    finally:
        os.close(opened)
