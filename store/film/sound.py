"""The film's sound: what was kept, at its own time to the sample, and silence for everything else.

The file is read as the film goes on; a second of it is in memory at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from store.account import Interval
from store.clock import SECOND
from store.film.opus import CHANNELS, RATE, Samples, samples_of


def ticks(at: int) -> int:
    """ns to samples, to the nearest."""
    return (at * RATE + SECOND // 2) // SECOND


class Sound:
    """`kept`: the spans that its chunks stand for. Whatever a decoder gives beside them is not in the film."""

    def __init__(self, file: Path, kept: Sequence[Interval]) -> None:
        self._heard = self._decoded(file)
        self._kept = deque((ticks(start), ticks(end)) for start, end in kept)
        self._at = 0  # place of the first sample of `_block`
        self._block: Samples = np.zeros((0, CHANNELS), np.int16)

    def between(self, first: int, last: int) -> Samples:
        """Samples `first` to `last` (not included) of the recording; ask in the order of time."""
        asked = np.zeros((last - first, CHANNELS), np.int16)
        while self._at < last:
            begin, end = max(self._at, first), min(self._at + len(self._block), last)
            if begin < end:
                asked[begin - first : end - first] = self._block[begin - self._at : end - self._at]
            if self._at + len(self._block) > last:
                break  # the rest of it is for the next question
            following = next(self._heard, None)
            if following is None:
                break
            self._at, self._block = following
        return self._only_kept(asked, first)

    def _only_kept(self, asked: Samples, first: int) -> Samples:
        mask = np.zeros(len(asked), bool)
        for start, end in self._kept:
            if start >= first + len(asked):
                break
            mask[max(start - first, 0) : max(end - first, 0)] = True
        while self._kept and self._kept[0][1] <= first:
            self._kept.popleft()
        asked[~mask] = 0
        return asked

    @staticmethod
    def _decoded(file: Path) -> Iterator[tuple[int, Samples]]:
        """(place in the recording, samples) of each packet. Where two claim the same place, the earlier has it."""
        taken = 0
        for begins, heard in samples_of(file):
            over = min(max(taken - begins, 0), len(heard))
            at, samples = begins + over, heard[over:]
            if len(samples):
                yield at, samples
                taken = at + len(samples)
