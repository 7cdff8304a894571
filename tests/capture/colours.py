"""What a colour becomes in a frame: BT.601, limited range (ITU-R BT.601-7, 2.5.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.core.model.media import Frame

Colour = tuple[int, int, int]

MAGENTA: Colour = (255, 0, 255)
GREEN: Colour = (0, 160, 60)
BLUE: Colour = (20, 40, 200)
WHITE: Colour = (255, 255, 255)


def ycbcr(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (part / 255 for part in colour)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(16 + 219 * luma), round(128 + 224 * (blue - luma) / 1.772), round(128 + 224 * (red - luma) / 1.402)


def planes(frame: Frame) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Y (height, width), Cb and Cr (height / 2, width / 2)."""
    pixels = np.frombuffer(frame.pixels, np.uint8)
    luma, half = frame.width * frame.height, (frame.height // 2, frame.width // 2)
    return (
        pixels[:luma].reshape(frame.height, frame.width),
        pixels[luma : luma * 5 // 4].reshape(half),
        pixels[luma * 5 // 4 :].reshape(half),
    )


def shows(frame: Frame, x: int, y: int, colour: Colour) -> bool:
    """Whether the pixel's block of 2x2 has the colour, to within what rounding to 8 bits may cost."""
    luma, blue, red = planes(frame)
    seen = (luma[y, x], blue[y // 2, x // 2], red[y // 2, x // 2])
    return all(abs(int(a) - b) <= 2 for a, b in zip(seen, ycbcr(colour), strict=True))
