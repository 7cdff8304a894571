"""One monitor's picture, kept as the encoder wants it and painted only where something was drawn.

Conversion is most of what a grab costs (3.5 ms for 1080p, 0.01 for a word), so only the drawn rectangles are converted.
Chroma is averaged over its own 2 x 2 pixels and nothing else (swscale AREA): a picture painted in pieces is then equal,
bit for bit, to one painted whole.
"""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from agent.core.model.seen import Box

Plane = NDArray[np.uint8]


class Canvas:
    """Planar YUV 4:2:0 (I420, BT.601 limited range) of even width and height: an odd edge is repeated."""

    def __init__(self, width: int, height: int) -> None:
        """The monitor's size in px."""
        self._shown = (width, height)
        self.width, self.height = width + width % 2, height + height % 2
        luma, chroma = self.width * self.height, self.width * self.height // 4
        self._pixels: Plane = np.zeros(luma + 2 * chroma, np.uint8)
        half = (self.height // 2, self.width // 2)
        self._planes: tuple[Plane, Plane, Plane] = (
            self._pixels[:luma].reshape(self.height, self.width),
            self._pixels[luma : luma + chroma].reshape(half),
            self._pixels[luma + chroma :].reshape(half),
        )
        self._convert = VideoReformatter()
        self._picture: bytes | None = None

    def paint(self, box: Box, bgra: NDArray[np.uint8]) -> bool:
        """Put the pixels (height, width, 4) of `box` in their place; says whether any differs from what was there.

        `box` starts at even coordinates of the monitor and ends at even ones or at its edge.
        """
        odd_right, odd_bottom = box.width % 2, box.height % 2
        if odd_right or odd_bottom:
            bgra = np.pad(bgra, ((0, odd_bottom), (0, odd_right), (0, 0)), mode="edge")
        converted = self._convert.reformat(
            av.VideoFrame.from_numpy_buffer(bgra, "bgra"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA | Interpolation.BITEXACT,
            threads=1,
        )
        changed = False
        for plane, piece, scale in zip(self._planes, converted.planes, (1, 2, 2), strict=True):
            rows, columns = converted.height // scale, converted.width // scale
            new = np.frombuffer(memoryview(piece), np.uint8).reshape(-1, piece.line_size)[:rows, :columns]
            top, left = box.y // scale, box.x // scale
            old = plane[top : top + rows, left : left + columns]
            # Where most has changed, a sample of the rows says so at once.
            if not (np.array_equal(old[::16], new[::16]) and np.array_equal(old, new)):
                old[:] = new
                changed = True
        if changed:
            self._picture = None
        return changed

    def picture(self) -> bytes:
        """A copy of the pixels as they are: the very same object while nothing changes."""
        if self._picture is None:
            self._picture = self._pixels.tobytes()
        return self._picture
