"""Rectangles of a screen: what was drawn, cut to one monitor and gathered into few enough pieces to be worth grabbing.

Pure: no display, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent.core.model.seen import Box

# One grab and conversion of its own costs about as much CPU as grabbing and converting this many pixels more.
PIXELS_A_GRAB: Final = 50_000

# px. Rows of 64 bytes are converted faster. Two rows alone would be one row of chroma, which swscale takes from the
# upper row instead of averaging both.
ALIGN_X: Final = 16
ALIGN_Y: Final = 4


def area(box: Box) -> int:
    return box.width * box.height


def clip(box: Box, frame: Box) -> Box | None:
    """The part of `box` inside `frame`, with its origin at the frame's top left; None when nothing is."""
    left, top = max(box.x, frame.x), max(box.y, frame.y)
    right = min(box.x + box.width, frame.x + frame.width)
    bottom = min(box.y + box.height, frame.y + frame.height)
    if right <= left or bottom <= top:
        return None
    return Box(left - frame.x, top - frame.y, right - left, bottom - top)


def around(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    left, top = min(a.x, b.x), min(a.y, b.y)
    right, bottom = max(a.x + a.width, b.x + b.width), max(a.y + a.height, b.y + b.height)
    return Box(left, top, right - left, bottom - top)


def gather(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Fewer boxes that cover all of `boxes`: two become one wherever the pixels between cost less than another grab.

    Small damage far apart (a clock above, a caret below) stays apart; the thousand glyphs of a page become one.
    """
    gathered: list[Box] = []
    for box in boxes:
        grown = box
        merged = True
        while merged:
            merged = False
            for other in gathered:
                together = around(grown, other)
                if area(together) - area(grown) - area(other) < PIXELS_A_GRAB:
                    gathered.remove(other)
                    grown, merged = together, True
                    break
        gathered.append(grown)
    return tuple(gathered)


def aligned(box: Box, width: int, height: int) -> Box:
    """`box` grown to the grid that conversion works on, inside a picture of `width` x `height` px."""
    left, top = box.x - box.x % ALIGN_X, box.y - box.y % ALIGN_Y
    if height - top <= ALIGN_Y // 2:
        top = max(0, top - ALIGN_Y)
    right = min(width, -(-(box.x + box.width) // ALIGN_X) * ALIGN_X)
    bottom = min(height, -(-(box.y + box.height) // ALIGN_Y) * ALIGN_Y)
    return Box(left, top, right - left, bottom - top)
