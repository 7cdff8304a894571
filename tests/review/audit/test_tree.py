"""The tree against published vectors, against RFC 6962's own recursion, and against changed proofs."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.audit.tree import (
    EMPTY,
    WIDTH,
    HashAt,
    Tile,
    Tree,
    from_tiles,
    inclusion,
    leaf_hash,
    node_hash,
    numbered,
    root,
    tile_path,
    tile_root,
    tiles_of,
)
from tests.review.audit.proofs import is_included

# Roots of the first n of eight leaves, as certificate-transparency's own tests have them since 2013.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Proofs as https://github.com/transparency-dev/merkle publishes them (testdata, Apache-2.0): kind, index or old size,
# size, leaf's hash or old root, root, proof, whether it holds. Left out: one of roots that are no hashes.
PUBLISHED = [json.loads(line) for line in Path(__file__).with_name("merkle.jsonl").read_text("ascii").splitlines()]


def naive(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, to the letter."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(naive(leaves[:k]), naive(leaves[k:]))


def hashes_of(leaves: list[bytes]) -> HashAt:
    return lambda height, index: naive(leaves[index << height : (index + 1) << height])


def some(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def grown(leaves: list[bytes]) -> tuple[Tree, dict[tuple[int, int], bytes]]:
    tree, tiles = Tree(), dict[tuple[int, int], bytes]()
    for leaf in leaves:
        for tile in tree.add(leaf):
            tiles[tile.level, tile.number] = tile.hashes
    return tree, tiles | {(tile.level, tile.number): tile.hashes for tile in tree.partial_tiles()}


def test_roots_are_those_that_were_published() -> None:
    for count in range(1, 9):
        tree, _ = grown([leaf_hash(leaf) for leaf in LEAVES[:count]])
        assert tree.root.hex() == ROOTS[count - 1]
    assert Tree().root == EMPTY == root(0, hashes_of([]))


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: f"{vector[0]}-{PUBLISHED.index(vector)}")
def test_published_proofs_hold_where_they_must(vector: list[Any]) -> None:
    _, first, size, left, right, proof, holds = vector
    start, end = (base64.b64decode(text) for text in (left, right))
    steps = [base64.b64decode(step) for step in proof or []]
    assert is_included(start, first, size, steps, end) is holds


SIZES = [*range(1, 40), 255, 256, 257, 511, 512, 513, 700]


@pytest.mark.parametrize("size", SIZES)
def test_root_and_tiles_are_those_of_the_definition(size: int) -> None:
    leaves = some(size)
    tree, tiles = grown(leaves)
    assert (tree.size, tree.root) == (size, naive(leaves))
    assert root(size, hashes_of(leaves)) == naive(leaves)
    for level, number, width in tiles_of(size):
        span = WIDTH**level
        starts = range(number * WIDTH * span, (number * WIDTH + width) * span, span)
        assert tiles.pop((level, number)) == b"".join(naive(leaves[start : start + span]) for start in starts)
    assert tiles == {}


@given(size=st.integers(1, 600), data=st.data())
def test_proofs_hold_and_nothing_else_does(size: int, data: st.DataObject) -> None:
    leaves = some(size)
    _, tiles = grown(leaves)
    at = from_tiles(size, lambda level, number, width: tiles[level, number][: width * 32])
    whole = naive(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof, before = inclusion(index, size, at), naive(leaves[:old])
    assert is_included(leaves[index], index, size, proof, whole)
    other = data.draw(st.integers(0, size).filter(lambda number: number != index))
    assert not is_included(leaves[index], other, size, proof, whole)
    assert not is_included(leaves[index], index, size, [*proof, bytes(32)], whole)
    assert not is_included(leaves[index], index, size, proof, bytes(32))
    assert root(old, at) == before  # what a cosigner asks: the tiles of a tree have every tree that it continues
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        flipped = bytes([proof[place][0] ^ 1]) + proof[place][1:]
        assert not is_included(leaves[index], index, size, [*proof[:place], flipped, *proof[place + 1 :]], whole)
        assert not is_included(leaves[index], index, size, [*proof[:place], *proof[place + 1 :]], whole)


def test_edges_of_proofs() -> None:
    at = hashes_of(some(4))
    for index in (-1, 4):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion(index, 4, at)
        assert not is_included(some(4)[0], index, 4, [], naive(some(4)))


def test_the_example_of_the_specification() -> None:
    """https://c2sp.org/tlog-tiles: 70,000 entries, and the number 1234067."""
    found = list(tiles_of(70_000))
    assert len([one for one in found if one[0] == 0 and one[2] == WIDTH]) == 273
    assert [one for one in found if one[2] < WIDTH] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    assert [numbered(number) for number in (0, 999, 1000, 1234067)] == ["000", "999", "x001/000", "x001/x234/067"]
    assert tile_path("entries", 5, 7) == "tile/entries/005.p/7"
    assert tile_path("0", 1234) == "tile/0/x001/234" == Tile(0, 1234, bytes(32) * WIDTH).path


@settings(max_examples=25)  # each adds hundreds of tiles
@given(blocks=st.integers(0, 140_000))
def test_a_tree_is_built_up_again_from_its_full_tiles(blocks: int) -> None:
    """Of `blocks` level-0 tiles with one and the same root, so that millions of leaves need no hashing."""
    roots = [bytes(32)]
    for _ in range(32):
        roots.append(node_hash(roots[-1], roots[-1]))
    built = Tree()
    for level in (2, 1, 0):
        for _ in range((blocks >> 8 * level) % WIDTH):
            built.add_tile(level, roots[8 * level])
    assert built.size == blocks * WIDTH
    peaks = [roots[bit] for bit in range(20) if blocks >> bit & 1]  # the smallest first
    expected = EMPTY
    if peaks:
        expected, *above = peaks
        for peak in above:
            expected = node_hash(peak, expected)
    assert built.root == expected
    assert {tile.level: len(tile.hashes) // 32 for tile in built.partial_tiles()} == {
        level: width for level, _, width in tiles_of(blocks * WIDTH) if width < WIDTH
    }
    assert tile_root(bytes(32) * WIDTH) == roots[8]
