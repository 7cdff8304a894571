"""Samples of one channel as they were decoded: whether they are sound at all, where they are loud, at another rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from review.analysis.spans import SECOND, Span, Spans, joined
from review.analysis.speech.port import RATE, Sound

SLOWEST: Final = 8_000  # Hz
FASTEST: Final = 192_000
_BLOCK: Final = 10  # s that are looked at at once: an hour at 48 kHz would take 700 MB as floats
_WINDOWS: Final = 10  # a second
_HALO: Final = SECOND  # what is around a loud sound is heard with it
_BEYOND: Final = 4.0  # a decoder may pass full scale a little; above this the samples are of another scale


@dataclass(frozen=True, slots=True)
class Pcm:
    """`samples`: int16, or float32 within -1 to 1; of shape (n,) or (n, channels). `rate`: Hz."""

    samples: npt.NDArray[Any]
    rate: int
    channel: int = 0

    @property
    def channels(self) -> int:
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    @property
    def end(self) -> int:
        """ns."""
        return len(self.samples) * SECOND // self.rate

    def wrong(self) -> str | None:
        """Why nothing can be made of its form; `loud_spans` looks at the samples themselves."""
        if self.samples.ndim not in {1, 2}:
            return f"The samples have {self.samples.ndim} dimensions; one, or two for channels, can be read"
        if self.samples.dtype not in {np.dtype(np.int16), np.dtype(np.float32)}:
            return f"The samples are {self.samples.dtype}; int16 and float32 can be read"
        if not SLOWEST <= self.rate <= FASTEST:
            return f"The rate is {self.rate} Hz; {SLOWEST} to {FASTEST} can be read"
        return None

    def of(self, span: Span) -> Iterator[npt.NDArray[np.float32]]:
        """In blocks; never a sample outside of the span."""
        first, behind = -(-span.start_ns * self.rate // SECOND), span.end_ns * self.rate // SECOND
        own = self.samples if self.samples.ndim == 1 else self.samples[:, self.channel]
        for at in range(first, behind, _BLOCK * self.rate):
            block = own[at : min(at + _BLOCK * self.rate, behind)]
            if block.dtype == np.int16:
                yield block.astype(np.float32) / np.float32(32_768)
            else:
                yield np.ascontiguousarray(block, np.float32)


def loud_spans(pcm: Pcm, within: Span, silent_below: float) -> Spans:
    """What is not silent, with a second on each side, within the span. `silent_below`: dBFS of the highest sample.

    Raises ValueError where samples are no numbers, or far beyond full scale.
    """
    size, limit, found = pcm.rate // _WINDOWS, 10 ** (silent_below / 20), list[Span]()
    first = -(-within.start_ns * pcm.rate // SECOND)
    for block in pcm.of(within):
        if not np.isfinite(block).all():
            raise ValueError("Some samples are no numbers")
        level = np.abs(block)
        if level.max(initial=0) > _BEYOND:
            raise ValueError(f"A sample is {level.max():.0f} times full scale; float32 goes from -1 to 1")
        highest = np.maximum.reduceat(level, np.arange(0, len(level), size))
        found += [
            Span((first + at * size) * SECOND // pcm.rate, (first + (at + 1) * size) * SECOND // pcm.rate)
            for at in np.flatnonzero(highest >= limit).tolist()
        ]
        first += len(block)
    return joined(
        (max(span.start_ns - _HALO, within.start_ns), min(span.end_ns + _HALO, within.end_ns)) for span in found
    )


def resampled(pcm: Pcm, span: Span) -> Sound:
    """The span alone at `RATE`: what is beside it leaves no trace in it."""
    blocks = list(pcm.of(span))
    if not blocks:
        return np.zeros(0, np.float32)
    if pcm.rate == RATE:
        return np.concatenate(blocks)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    made = []
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = pcm.rate
        made += resampler.resample(frame)
    made += resampler.resample(None)
    return np.concatenate([np.zeros(0, np.float32), *(one.to_ndarray().reshape(-1) for one in made)])
