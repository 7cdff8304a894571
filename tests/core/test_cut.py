"""When a chunk ends and when a picture is a key frame."""

from __future__ import annotations

from agent.core.cut import CHUNK_LENGTH, FULL, KEY_FRAME_EVERY, chunk_ends, chunk_full, key_frame_due
from protocol.envelope import MAX_SEALED


def test_a_chunk_never_stands_for_more_than_its_length() -> None:
    assert not chunk_ends(10, 10 + CHUNK_LENGTH - 1)
    assert chunk_ends(10, 10 + CHUNK_LENGTH)
    assert chunk_ends(10, 12, length=2)


def test_a_chunk_takes_nothing_more_before_it_outgrows_the_envelope() -> None:
    assert not chunk_full(FULL - 1)
    assert chunk_full(FULL)
    assert FULL < MAX_SEALED / 2


def test_after_a_gap_a_player_needs_a_key_frame() -> None:
    assert key_frame_due(None, 0, repeat=False)
    assert key_frame_due(None, 0, repeat=True)


def test_an_old_key_frame_is_renewed_at_the_next_change_only() -> None:
    assert not key_frame_due(0, KEY_FRAME_EVERY - 1, repeat=False)
    assert key_frame_due(0, KEY_FRAME_EVERY, repeat=False)
    assert not key_frame_due(0, KEY_FRAME_EVERY, repeat=True)
