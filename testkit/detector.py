"""Finds the sensitive colour in what came through: the judge of the demo and of every leak bench.

It decodes every frame of every stream and counts those that show desk.SENSITIVE, also faded or behind another window.
A detector that sees nothing proves nothing, so a test that uses it also runs it where the colour must be found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

# Magenta is Cb 202, Cr 222 in BT.601 limited range, and grey is 128, 128: a third of the way there is found, so that a
# window that fades in or out counts before the eye would name its colour.
CB_FROM: Final = 128 + (202 - 128) // 3
CR_FROM: Final = 128 + (222 - 128) // 3

# Chroma samples; each stands for 2x2 pixels. A patch of 20x20 pixels is enough, noise around coloured text is not.
PATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Count:
    """Frames decoded, and how many of them show the sensitive colour, with the time (seconds) of each."""

    frames: int
    leaked: tuple[float, ...]

    def __add__(self, other: Count) -> Count:
        return Count(self.frames + other.frames, self.leaked + other.leaked)


def shows_sensitive_colour(blue: NDArray[np.uint8], red: NDArray[np.uint8]) -> bool:
    """Judges one frame by its two chroma planes (Cb, Cr), each (height / 2, width / 2)."""
    return int(np.count_nonzero((blue >= CB_FROM) & (red >= CR_FROM))) >= PATCH


def shows(picture: NDArray[np.uint8]) -> bool:
    """Judges a picture in RGB, (height, width, 3), such as a screen shot."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format="yuv420p")
    return shows_sensitive_colour(_plane(frame, 1), _plane(frame, 2))


def count(video: Path) -> Count:
    """Decodes the file's video to its end. Raises av.error.FFmpegError where it cannot: what is unread is not clean."""
    frames = 0
    leaked = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            planar = frame.reformat(format="yuv420p")
            frames += 1
            if shows_sensitive_colour(_plane(planar, 1), _plane(planar, 2)):
                leaked.append(frame.time or 0.0)
    return Count(frames, tuple(leaked))


def count_all(videos: Iterable[Path]) -> Count:
    return sum((count(video) for video in videos), Count(0, ()))


def _plane(frame: av.VideoFrame, number: int) -> NDArray[np.uint8]:
    plane = frame.planes[number]
    samples: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return samples.reshape(plane.height, plane.line_size)[:, : plane.width]  # rows are padded
