"""What can be heard in files: in a film as a player gets it, and in sealed sound as libopus has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from store.evidence.film.opus import samples_of
from testkit.sounds import RATE
from testkit.stage import StageError

Samples = npt.NDArray[np.float64]
"""(samples, 2), from -1 to 1: the agent's end, the far end."""


def blocks_of(film: Path) -> Iterator[tuple[int, Samples]]:
    """(place of the first, samples) of each block of sound that a player gets, at its own time."""
    with av.open(str(film)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().astype(np.float64)
            shaped = samples.T if frame.format.is_planar else samples.reshape(-1, 2)
            scale = 1.0 if frame.format.name.startswith("flt") else 32_768.0
            yield round(float(frame.time or 0.0) * RATE), shaped / scale


def heard_in(film: Path) -> Samples:
    blocks = list(blocks_of(film))
    if not blocks:
        raise StageError("the film has no sound")
    heard = np.zeros((blocks[-1][0] + len(blocks[-1][1]), 2))
    for at, block in blocks:
        first = max(at, 0)
        heard[first : at + len(block)] = block[first - at :]
    return heard


def decoded(file: Path, length: int) -> Samples:
    """So much of what the recorder sealed."""
    heard = np.zeros((length, 2))
    for at, samples in samples_of(file):
        begin, end = max(at, 0), min(at + len(samples), length)  # before zero the encoder looks ahead
        if begin < end:
            heard[begin:end] = samples[begin - at : end - at] / 32_768
    return heard


def packets_of(file: Path) -> Iterator[tuple[float, float, int]]:
    """(seconds since the recording's zero, seconds, bytes) of each packet of sound."""
    with av.open(str(file)) as container:
        for packet in container.demux(audio=0):
            if packet.pts is not None and packet.time_base is not None:
                yield (
                    float(packet.pts * packet.time_base),
                    float((packet.duration or 0) * packet.time_base),
                    packet.size,
                )
