"""A picture painted in pieces is the picture painted whole, to the bit; and its colours are the screen's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.capture.canvas import Canvas
from agent.capture.regions import aligned
from agent.core.model.media import Frame
from agent.core.model.seen import Box
from agent.core.model.times import Span
from tests.capture.colours import BLUE, GREEN, MAGENTA, WHITE, Colour, shows


def solid(width: int, height: int, colour: Colour) -> np.ndarray:
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, :3] = colour[::-1]
    return pixels


def frame(canvas: Canvas) -> Frame:
    return Frame(0, Span(0, 0), canvas.width, canvas.height, canvas.picture())


@given(st.data())
def test_pieces_make_the_whole(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 97)), data.draw(st.integers(1, 60))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    before, after = random.integers(0, 256, (2, height, width, 4), dtype=np.uint8)
    everything = Box(0, 0, width, height)
    whole, pieces = Canvas(width, height), Canvas(width, height)
    whole.paint(everything, after)
    pieces.paint(everything, before)
    for _ in range(data.draw(st.integers(0, 6))):
        x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        drawn = Box(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
        box = aligned(drawn, width, height)
        rows, columns = slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)
        before[rows, columns] = after[rows, columns]
        pieces.paint(box, np.ascontiguousarray(after[rows, columns]))
    expected = Canvas(width, height)
    expected.paint(everything, before)
    assert pieces.picture() == expected.picture()


@pytest.mark.parametrize("colour", [MAGENTA, GREEN, BLUE, WHITE, (0, 0, 0)])
def test_colours_are_bt601(colour: Colour) -> None:
    canvas = Canvas(64, 48)
    canvas.paint(Box(0, 0, 64, 48), solid(64, 48, colour))
    assert shows(frame(canvas), 31, 17, colour)


def test_an_odd_edge_is_repeated() -> None:
    canvas = Canvas(33, 17)
    assert (canvas.width, canvas.height) == (34, 18)
    canvas.paint(Box(0, 0, 33, 17), solid(33, 17, GREEN))
    canvas.paint(Box(16, 12, 17, 5), solid(17, 5, MAGENTA))
    assert shows(frame(canvas), 33, 17, MAGENTA)
    assert shows(frame(canvas), 15, 17, GREEN)


def test_painting_says_whether_anything_changed_and_the_picture_stays_one_object_until_then() -> None:
    canvas = Canvas(64, 48)
    box = Box(16, 16, 16, 16)
    assert canvas.paint(box, solid(16, 16, BLUE))
    picture = canvas.picture()
    assert not canvas.paint(box, solid(16, 16, BLUE))
    assert canvas.picture() is picture
    assert canvas.paint(box, solid(16, 16, GREEN))
    assert canvas.picture() is not picture
