"""The Merkle tree of the log, without I/O: its hashes, its tiles, and proofs that an entry is in it and that one tree
continues another.

Hashes and proofs: RFC 6962 section 2.1; who wants to know that a tree continues another makes its root again, out of
the tiles (https://c2sp.org/tlog-tiles). A hash is 32 bytes of SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Final, NamedTuple

WIDTH: Final = 256  # hashes of a full tile
HEIGHT: Final = 8  # levels of the tree that one tile spans
HASH_SIZE: Final = 32
EMPTY: Final = hashlib.sha256(b"").digest()  # the root of a tree without leaves

HashAt = Callable[[int, int], bytes]
"""(height, index) -> the hash of the complete subtree of 2**height leaves that begins at leaf index * 2**height."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Tile(NamedTuple):
    """`hashes`: 1 to 256 of them, one after the other."""

    level: int
    number: int
    hashes: bytes

    @property
    def path(self) -> str:
        return tile_path(str(self.level), self.number, len(self.hashes) // HASH_SIZE)


def tile_path(level: str, index: int, width: int = WIDTH) -> str:
    """`level`: a number, or "entries". `width`: of a partial tile, 1 to 255."""
    return f"tile/{level}/{numbered(index)}" + (f".p/{width}" if width < WIDTH else "")


def numbered(index: int) -> str:
    """1234067 -> x001/x234/067, so that no folder has more than a thousand names."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    return "/".join([*(f"x{part}" for part in above), last])


class Tree:
    """A tree that grows, and keeps no more of itself than its right edge."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # complete subtrees, the largest first
        self._rows: list[list[bytes]] = [[]]  # what stands in the unfinished tile of each level

    def add(self, leaf: bytes) -> list[Tile]:
        """`leaf`: the entry's `leaf_hash`. The tiles that are full now."""
        return self._add(leaf, 0)

    def add_tile(self, level: int, root: bytes) -> None:
        """A full tile of `level` as one hash, to build up a tree again; those of higher levels come first."""
        self._add(root, HEIGHT * (level + 1))

    def _add(self, carried: bytes, height: int) -> list[Tile]:
        full: list[Tile] = []
        before = self.size >> height
        self.size += 1 << height
        while True:
            if height % HEIGHT == 0:
                full += self._put(height // HEIGHT, carried)
            if not before & 1:
                break
            carried = node_hash(self._peaks.pop(), carried)
            before >>= 1
            height += 1
        self._peaks.append(carried)
        return full

    def _put(self, level: int, hashed: bytes) -> list[Tile]:
        while len(self._rows) <= level:
            self._rows.append([])
        row = self._rows[level]
        row.append(hashed)
        if len(row) < WIDTH:
            return []
        self._rows[level] = []
        return [Tile(level, (self.size >> HEIGHT * (level + 1)) - 1, b"".join(row))]

    @property
    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY
        return reduce(lambda right, left: node_hash(left, right), reversed(self._peaks))

    def partial_tiles(self) -> list[Tile]:
        """Those that are begun and not full."""
        rows = enumerate(self._rows)
        return [Tile(level, self.size >> HEIGHT * (level + 1), b"".join(row)) for level, row in rows if row]


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree, from the leaves up."""
    level = 0
    while hashes := size >> HEIGHT * level:
        whole, rest = divmod(hashes, WIDTH)
        yield from ((level, index, WIDTH) for index in range(whole))
        if rest:
            yield level, whole, rest
        level += 1


def tile_root(hashes: bytes) -> bytes:
    """Of a power of two of hashes."""
    row = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def from_tiles(size: int, read: Callable[[int, int, int], bytes]) -> HashAt:
    """The hashes of a tree of `size` leaves out of its tiles. `read`: (level, index, width) -> a tile's hashes."""

    def at(height: int, index: int) -> bytes:
        level, inner = divmod(height, HEIGHT)
        tile, place = divmod(index << inner, WIDTH)
        width = min(WIDTH, (size >> HEIGHT * level) - tile * WIDTH)
        hashes = read(level, tile, width)
        return tile_root(hashes[place * HASH_SIZE : (place + (1 << inner)) * HASH_SIZE])

    return at


# -- roots and proofs ---------------------------------------------------------------------------------------------


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(start: int, end: int, at: HashAt) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return at(height, start >> height)
    middle = start + _split(count)
    return node_hash(_range_root(start, middle, at), _range_root(middle, end, at))


def root(size: int, at: HashAt) -> bytes:
    return _range_root(0, size, at) if size else EMPTY


def inclusion(index: int, size: int, at: HashAt) -> list[bytes]:
    """The proof that leaf `index` (from 0) is in the tree of `size` leaves. ValueError for one beyond it."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return _path(index, 0, size, at)


def root_by(leaf: bytes, index: int, size: int, steps: Sequence[bytes]) -> bytes | None:
    """The root to which a proof of inclusion leads from the leaf's hash (RFC 9162 section 2.1.3.2); None for one that
    is none of a tree of that size.
    """
    if not 0 <= index < size or any(len(one) != HASH_SIZE for one in steps):
        return None
    place, last, reached = index, size - 1, leaf
    for step in steps:
        if not last:
            return None
        if place & 1 or place == last:
            reached = node_hash(step, reached)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        place, last = place >> 1, last >> 1
    return None if last else reached


def _path(index: int, start: int, end: int, at: HashAt) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, at), _range_root(middle, end, at)]
    return [*_path(index, middle, end, at), _range_root(start, middle, at)]
