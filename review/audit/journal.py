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
from review.audit.notes import LARGEST_NOTE, VerifierKey, signed_checkpoint
from review.audit.tree import HASH_SIZE, WIDTH, Tree, leaf_hash, numbered, tile_path, tile_root

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
    """Entries of one block, and the last checkpoint (a signed note) that was signed over them."""

    entries: list[Acknowledged]
    note: bytes


def groups(folder: Path, log: VerifierKey, first: int = 0) -> Iterator[Group]:
    """Entries from `first` on, in order, without what was never acknowledged: as `log` signed them, or not at all.

    Each block is hashed into the tree of those before it, up to a checkpoint over all of it, before any of its entries
    is given. What is before the first block is taken from its tiles, which that checkpoint vouches for, too.

    Raises AuditError ("damaged", or as `signed_checkpoint`) where something is not as it was signed; OSError.
    """
    block = first // WIDTH
    tree = tree_before(folder, block) if block_path(folder, block).exists() else Tree()
    while (path := block_path(folder, block)).exists():
        last = not block_path(folder, block + 1).exists()  # first: else a writer may begin it after this one was read
        group = _signed(folder, block, tree, log)
        if entries := [one for one in group.entries if one.position >= first]:
            yield Group(entries, group.note)
        block += 1
        if tree.size < block * WIDTH:
            if not last:
                raise _damaged(path, "is not whole")
            return


def _signed(folder: Path, block: int, tree: Tree, log: VerifierKey) -> Group:
    """`tree`: of the blocks before; this one is added."""
    path = block_path(folder, block)
    found = list(records(read(path, LARGEST_BLOCK)))
    note, end = next(((one.raw, one.end) for one in reversed(found) if one.kind == SIGNED), (b"", 0))
    entries: list[Acknowledged] = []
    for record in found:
        if record.kind == ENTRY and record.end < end:
            entries.append(Acknowledged(tree.size, record.raw, record.rest, block, record.rest_at))
            tree.add(leaf_hash(record.raw))
    if entries:
        said = signed_checkpoint(note, log)
        if (said.size, said.root) != (tree.size, tree.root) or tree.size > (block + 1) * WIDTH:
            raise _damaged(path, "is not as it was signed")
    return Group(entries, note)


def tree_before(folder: Path, block: int) -> Tree:
    """The tree of all blocks before this one, out of their tiles, which nothing vouches for yet.

    Raises AuditError ("damaged"), OSError.
    """
    tree, level = Tree(), 0
    while block >> 8 * (level + 1):
        level += 1
    while level >= 0:
        whole = block >> 8 * level
        for index in range(whole - whole % WIDTH, whole):
            path = folder / tile_path(str(level), index)
            hashes = read(path, LARGEST_TILE)
            if len(hashes) != LARGEST_TILE:
                raise AuditError("damaged", f"{path} is no full tile")
            tree.add_tile(level, tile_root(hashes))
        level -= 1
    return tree


def _damaged(path: Path, how: str) -> AuditError:
    return AuditError("damaged", f"{path} {how}: `eyelid-review audit verify` names what was changed")
