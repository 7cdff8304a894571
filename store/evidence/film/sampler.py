"""The process that decodes sealed sound for a recogniser: confined as the maker of films is, before it decodes.

Its words are numbers: its parent, the channel, seconds of CPU. The stream comes on stdin as it was sealed, header
first; blocks of samples go to stdout (store/evidence/film/sampling.py). It never has a key, nor a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from store.evidence.film import CannotPlay
from store.evidence.film.confined import confine, end_with
from store.evidence.film.files import Pipe
from store.evidence.film.opus import CHANNELS, samples_of
from store.evidence.film.opus import RATE as SEALED_RATE
from store.evidence.film.sampling import BLOCK, RATE, Said

MEMORY: Final = 2 * 10**9  # bytes of address space, of which PyAV and numpy take a third before the first sample
_STEP: Final = SEALED_RATE // RATE


def main() -> None:
    parent, channel, seconds = map(int, sys.argv[1:])
    end_with(parent)
    for module in walk_packages(av.__path__, "av."):  # what PyAV imports only when it needs it: then it could not
        if not module.name.endswith("__main__"):
            import_module(module.name)
    confine(memory=MEMORY, seconds=seconds, size=0)
    try:
        for at, samples in _resampled(channel):
            _say(at, len(samples), samples.tobytes())
    except CannotPlay:
        _say(Said.NO_SOUND, -1)
    except av.error.FFmpegError:
        _say(Said.UNDECODABLE, -1)
    except MemoryError:
        _say(Said.MEMORY, -1)
    else:
        _say(Said.DONE, -1)


def _resampled(channel: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """(place of the first, samples) at RATE. Each stretch without a gap is resampled alone."""
    resampler, at, expected = None, 0, 0
    for begins, samples in samples_of(Pipe(0, "the sound")):
        over = max(-begins, 0)  # what the encoder looked ahead
        if not len(samples[over:]):
            continue
        if resampler is None or abs(begins + over - expected) > 1:
            if resampler is not None:
                yield from _placed(at, resampler.resample(None))
            resampler, at = _resampler(), -(-(begins + over) // _STEP)
        expected = begins + len(samples)
        own = np.ascontiguousarray(samples[over:, min(channel, CHANNELS - 1)]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(own, format="s16", layout="mono")
        frame.sample_rate = SEALED_RATE
        for place, made in _placed(at, resampler.resample(frame)):
            yield place, made
            at = place + len(made)
    if resampler is not None:
        yield from _placed(at, resampler.resample(None))


def _resampler() -> av.AudioResampler:
    return av.AudioResampler(format="s16", layout="mono", rate=RATE)


def _placed(at: int, frames: list[av.AudioFrame]) -> Iterator[tuple[int, NDArray[np.int16]]]:
    for frame in frames:
        samples = frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)
        yield at, samples
        at += len(samples)


def _say(at: int, count: int, samples: bytes = b"") -> None:
    left = memoryview(BLOCK.pack(at, count) + samples)
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    main()
