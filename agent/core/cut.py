"""When a chunk ends, and when a picture must be a key frame.

A chunk bounds what a kill -9 can cost, so it never covers more than its length; a key frame costs a hundred times
an ordinary one (280 KB against a few hundred bytes, measured), so it comes only where a player needs it to start.
"""

from __future__ import annotations

from typing import Final

from agent.core.model.times import SECOND

CHUNK_LENGTH: Final = 4 * SECOND
KEY_FRAME_EVERY: Final = 30 * SECOND

# Bytes of a chunk after which it takes no further picture: the envelope carries 16 MiB at most, and a picture of pure
# noise on a 4K monitor was measured at 7 MB.
FULL: Final = 6 * 2**20


def chunk_ends(opened: int, next_start: int, length: int = CHUNK_LENGTH) -> bool:
    """Whether the chunk whose first frame started at `opened` ends before a frame that starts at `next_start` (ns)."""
    return next_start - opened >= length


def chunk_full(size: int) -> bool:
    """Whether a chunk of so many bytes ends before the next picture, whatever its length."""
    return size >= FULL


def key_frame_due(last_key: int | None, start: int, *, repeat: bool, every: int = KEY_FRAME_EVERY) -> bool:
    """Whether the frame that starts at `start` must be a key frame.

    `last_key` is the start of the last key frame since the last gap, None right after a gap. A repeat frame shows
    nothing new, so it never becomes a key frame only because the last one is old.
    """
    if last_key is None:
        return True
    return not repeat and start - last_key >= every
