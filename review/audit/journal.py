"""The files of the log, as they are read: blocks of 256 entries with what lies beside each, and the checkpoints that
were signed as they were written.

A block is a row of records: a letter, a length (4 bytes, big-endian), and so many bytes. "E" is an entry: its length (2
bytes), the entry, what lies beside it. "C" is a checkpoint over all entries before it, and what follows the last "C"
of the log was never acknowledged.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from review.audit.entries import LARGEST
from review.audit.errors import AuditError
from review.audit.kinds import LARGEST_BODY
from review.audit.notes import LARGEST_NOTE
from review.audit.tree import HASH_SIZE, WIDTH, numbered

FOLDER: Final = "journal"
CHECKPOINT: Final = "checkpoint"  # the newest that was published
COSIGNED: Final = "cosigned"  # the newest that a cosigner brought back
_HEAD: Final = struct.Struct(">cI")
_LARGEST_RECORD: Final = 2 + LARGEST + LARGEST_BODY + 1024
ENTRY, SIGNED = b"E", b"C"
LARGEST_BLOCK: Final = WIDTH * (2 * _HEAD.size + _LARGEST_RECORD + LARGEST_NOTE)
LARGEST_TILE: Final = WIDTH * HASH_SIZE
LARGEST_BUNDLE: Final = WIDTH * (2 + LARGEST)
_READING: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read(path: Path, most: int) -> bytes:
    """What a file of the log has in it. Raises OSError: EINVAL for a pipe, which would never end, and for more than
    `most` bytes, for which there may be no memory.
    """
    opened = os.open(path, _READING)
    try:
        found = os.fstat(opened)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise OSError(errno.EINVAL, "it is no file of an audit log", str(path))
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(opened)


def read_block(folder: Path, block: int) -> bytes:
    return read(block_path(folder, block), LARGEST_BLOCK)


def read_note(path: Path) -> bytes:
    return read(path, LARGEST_NOTE)


class Record(NamedTuple):
    """`offset`: where it begins in its block. `raw`: the entry, or the checkpoint's note. `rest`: what lies beside the
    entry, which begins at `rest_at`.
    """

    kind: bytes
    offset: int
    raw: bytes
    rest: bytes
    rest_at: int
    end: int


def records(block: bytes) -> Iterator[Record]:
    """As long as they are whole: the last `end` is short of the block where something is not."""
    at = 0
    while at + _HEAD.size <= len(block):
        kind, length = _HEAD.unpack_from(block, at)
        start = at + _HEAD.size
        end = start + length
        if end > len(block) or length > _LARGEST_RECORD or kind not in {ENTRY, SIGNED}:
            return
        raw, rest_at = block[start:end], end
        if kind == ENTRY:
            rest_at = start + 2 + int.from_bytes(block[start : start + 2], "big")
            if length < 2 or rest_at > end:
                return
            raw = block[start + 2 : rest_at]
        yield Record(kind, at, raw, block[rest_at:end], rest_at, end)
        at = end


def entry_record(entry: bytes, rest: bytes) -> bytes:
    return _record(ENTRY, len(entry).to_bytes(2, "big") + entry + rest)


def signed_record(note: bytes) -> bytes:
    return _record(SIGNED, note)


def _record(kind: bytes, content: bytes) -> bytes:
    return _HEAD.pack(kind, len(content)) + content


def bundle(block: bytes) -> bytes:
    """The entries of a block as https://c2sp.org/tlog-tiles has them."""
    entries = [one.raw for one in records(block) if one.kind == ENTRY]
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def block_path(folder: Path, block: int) -> Path:
    return folder / FOLDER / numbered(block)


def blocks(folder: Path) -> int:
    """How many there are, the first that is missing ends it: found by doubling, as a year has thousands."""
    if not block_path(folder, 0).exists():
        return 0
    there, beyond = 0, 1
    while block_path(folder, beyond).exists():
        there, beyond = beyond, beyond * 2
    while beyond - there > 1:
        middle = (there + beyond) // 2
        there, beyond = (middle, beyond) if block_path(folder, middle).exists() else (there, middle)
    return there + 1


class Acknowledged(NamedTuple):
    """An entry under a checkpoint. `block`, `rest_at`: where what lies beside it stands."""

    position: int
    raw: bytes
    rest: bytes
    block: int
    rest_at: int


class Group(NamedTuple):
    """Entries that were written together, and the checkpoint (a signed note) that was signed over them."""

    entries: list[Acknowledged]
    note: bytes


def groups(folder: Path, first: int = 0) -> Iterator[Group]:
    """Whole groups from that of entry `first` on, in order, without what was never acknowledged; nothing is verified.

    Raises AuditError ("damaged") for a block before the last that is not whole.
    """
    block = first // WIDTH
    while block_path(folder, block).exists():
        end = block * WIDTH
        for group in groups_of(folder, block):
            end = group.entries[-1].position + 1
            if end > first:
                yield Group([one for one in group.entries if one.position >= first], group.note)
        block += 1
        if end < block * WIDTH and block_path(folder, block).exists():
            message = "is not whole: `eyelid-review audit verify` names what was changed"
            raise AuditError("damaged", f"{block_path(folder, block - 1)} {message}")


def groups_of(folder: Path, block: int) -> Iterator[Group]:
    waiting: list[Acknowledged] = []
    index = block * WIDTH
    for record in records(read_block(folder, block)):
        if record.kind == ENTRY:
            waiting.append(Acknowledged(index, record.raw, record.rest, block, record.rest_at))
            index += 1
        elif waiting:
            yield Group(waiting, record.raw)
            waiting = []
