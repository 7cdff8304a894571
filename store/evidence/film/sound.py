"""The film's sound: what was kept, at its own time to the sample, and silence for everything else.

Each stretch fades in and out inside its own edges, so that nothing is heard that was not kept, nor a click.

The file is read as the film goes on; a second of it is in memory at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from store.clock import SECOND
from store.evidence.account import Interval
from store.evidence.film.files import Source
from store.evidence.film.opus import CHANNELS, RATE, Samples, samples_of

FADE: Final = RATE // 200  # samples: 5 ms; what begins or ends at once is heard as a click


def ticks(at: int) -> int:
    """ns to samples, to the nearest."""
    return (at * RATE + SECOND // 2) // SECOND


class Sound:
    """`kept`: the spans that its chunks cover. Whatever a decoder gives beside them is not in the film."""

    def __init__(self, file: Source, kept: Sequence[Interval]) -> None:
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
        places = np.arange(first, first + len(asked))
        share = np.zeros(len(asked))
        for start, end in self._kept:
            if start >= first + len(asked):
                break
            inside = slice(max(start - first, 0), max(end - first, 0))
            steps = np.minimum(places[inside] - start, end - 1 - places[inside]) + 0.5
            share[inside] = np.minimum(steps / FADE, 1)
        while self._kept and self._kept[0][1] <= first:
            self._kept.popleft()
        return np.rint(asked * share[:, None]).astype(np.int16)

    @staticmethod
    def _decoded(file: Source) -> Iterator[tuple[int, Samples]]:
        """(place in the recording, samples) of each packet. Where two claim the same place, the earlier has it."""
        taken = 0
        for begins, heard in samples_of(file):
            over = min(max(taken - begins, 0), len(heard))
            at, samples = begins + over, heard[over:]
            if len(samples):
                yield at, samples
                taken = at + len(samples)
