"""Private keys without strength, for tests and benches: scrypt takes most of a second to seal or open one.

Tests of the strength itself (tests/protocol/test_keyfile.py) do not use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from protocol.keyfile import save_private

COST: Final = 10  # log2 of scrypt's n: the least that a key file may have


@contextmanager
def cheap_keys() -> Iterator[None]:
    """What seals a key in this process and names no strength seals it so; who opens it later finds that in the file."""
    strong = save_private.__kwdefaults__
    save_private.__kwdefaults__ = {"cost": COST}
    try:
        yield
    finally:
        save_private.__kwdefaults__ = strong
