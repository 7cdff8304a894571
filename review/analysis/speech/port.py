"""What a speech recogniser does for us; tests/review/analysis/speech/test_recognisers.py holds each to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from review.analysis.speech.transcript import Language, Settings, Versions

RATE: Final = 16_000  # Hz
Sound = npt.NDArray[np.float32]
"""One channel at `RATE`, within -1 to 1."""


class SpeechError(Exception):
    """Nothing is transcribed with this model or these settings, and why, as a sentence."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """`start`, `end`: s from the sound's start."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Part:
    """`no_speech`: probability that there is no speech in it, whatever words it has."""

    words: Sequence[HeardWord]
    no_speech: float

    @property
    def mean(self) -> float:
        """Probability of its words."""
        return sum(word.probability for word in self.words) / max(len(self.words), 1)


class Recogniser(Protocol):
    """It is asked by one thread, keeps nothing of one sound for the next, and asks no other machine."""

    @property
    def versions(self) -> Versions: ...

    @property
    def languages(self) -> frozenset[str]:
        """Codes of those that it knows, such as `de`."""

    def voices(self, sound: Sound, settings: Settings) -> Sequence[tuple[int, int]]:
        """First sample, and the one behind the last, of each piece with speech: padded, in order, without overlaps."""

    def language(self, sound: Sound, among: Sequence[str]) -> Language:
        """Which of these it is. Raises SpeechError where it knows none of them."""

    def parts(self, sound: Sound, language: str) -> Iterator[Part]:
        """Words in the order of their times, all within the sound. Raises SpeechError for a language it does not know.

        It answers part by part, so that who asks may stop.
        """
