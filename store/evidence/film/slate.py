"""What is drawn where nothing was kept: a dark frame with a closed eye, why, and for how long. Also the line below the
pictures that says it of the sound."""

from __future__ import annotations

import math
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Planes = NDArray[np.uint8]
"""A picture in 4:2:0: (height * 3 / 2, width)."""

DARK: Final = (24, 29, 34)
LINE: Final = (34, 41, 48)
SAND: Final = (186, 178, 160)
PALE: Final = (222, 218, 208)
LASHES: Final = (40, 65, 90, 115, 140)  # degrees
_FINER: Final = 2  # drawn so much larger and shrunk: Pillow's curves have no smooth edges of their own


def slate(width: int, height: int, words: str, length: str) -> Planes:
    """Even `width` and `height`, px. Where the letters would be too small to read there is the eye alone."""
    picture = Image.new("RGB", (width, height), DARK)
    eye = max(16, min(width // 4, height // 3))
    drawn = _eye(eye)
    letters = max(12, min(height // 22, width // 30))
    written = height >= 8 * letters and width >= 16 * letters
    top = height // 2 - (drawn.height + (3 * letters if written else 0)) // 2
    picture.paste(drawn, ((width - drawn.width) // 2, top))
    if written:
        pen = ImageDraw.Draw(picture)
        below = top + drawn.height + letters
        shown = _fitting(pen, words, _font(letters), width * 9 // 10)
        pen.text((width / 2, below), shown, font=_font(letters), fill=PALE, anchor="ma")
        pen.text((width / 2, below + letters * 3 // 2), length, font=_font(letters * 4 // 5), fill=SAND, anchor="ma")
    return planes(picture)


def line(width: int, height: int, words: str) -> Planes:
    """The line below the pictures; an empty one where there is nothing to say."""
    picture = Image.new("RGB", (width, height), LINE)
    if words:
        pen = ImageDraw.Draw(picture)
        letters = _font(height * 5 // 9)
        shown = _fitting(pen, words, letters, width - height)
        pen.text((height / 2, height / 2), shown, font=letters, fill=PALE, anchor="lm")
    return planes(picture)


def dark(width: int, height: int) -> Planes:
    return planes(Image.new("RGB", (width, height), DARK))


def planes(picture: Image.Image) -> Planes:
    """By BT.601, limited range, as the recorder makes its own."""
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
    converted: Planes = frame.reformat(format="yuv420p").to_ndarray().astype(np.uint8, copy=False)
    return converted


def _eye(width: int) -> Image.Image:
    """A closed lid with its lashes."""
    size = width * _FINER
    picture = Image.new("RGB", (size, size * 3 // 5), DARK)
    pen = ImageDraw.Draw(picture)
    radius, stroke = size * 0.42, max(2, size // 26)
    centre, middle = size / 2, -size * 0.06
    box = (centre - radius, middle - radius, centre + radius, middle + radius)
    pen.arc(box, 25, 155, fill=SAND, width=stroke)
    for degrees in LASHES:
        across, down = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        near, far = radius, radius * 1.24
        ends = [(centre + reach * across, middle + reach * down) for reach in (near, far)]
        pen.line([ends[0], ends[1]], fill=SAND, width=stroke)
    return picture.resize((width, width * 3 // 5), Image.Resampling.LANCZOS)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface: nothing is asked of the system."""
    return ImageFont.load_default(size)


def _fitting(
    pen: ImageDraw.ImageDraw, words: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int
) -> str:
    if pen.textlength(words, font=font) <= room:
        return words
    while words and pen.textlength(f"{words}...", font=font) > room:
        words = words[:-1]
    return f"{words}..."
