"""What a frame and a block say of the moment at which the one before them ceased to be true."""

from __future__ import annotations

import pytest

from agent.core.model.media import Block, Frame
from agent.core.model.times import Span


@pytest.mark.parametrize(("drawn_at", "changed"), [(None, 20), (15, 15), (25, 20)])
def test_a_frame_differs_from_the_one_before_it_since_something_was_drawn(drawn_at: int | None, changed: int) -> None:
    """Not known, known, and told later than the picture was taken, which cannot be."""
    assert Frame(0, Span(20, 30), 2, 2, bytes(6), drawn_at=drawn_at).changed == changed


def test_sound_never_stands_still() -> None:
    block = Block(0, Span(20, 30), 22, 960, b"")
    assert not block.repeats
    assert block.changed == 20
