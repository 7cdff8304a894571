"""How a stranger checks a proof: RFC 9162 section 2.1.3.2, to the letter. The log itself never needs it."""

from __future__ import annotations

from collections.abc import Sequence

from review.audit.tree import HASH_SIZE, node_hash


def _are_hashes(*given: bytes) -> bool:
    return all(len(one) == HASH_SIZE for one in given)


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether the proof leads from the leaf's hash to the root `expected`."""
    if not 0 <= index < size or not _are_hashes(leaf, *proof):
        return False
    node, last, reached = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            reached = node_hash(step, reached)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        node, last = node >> 1, last >> 1
    return last == 0 and reached == expected
