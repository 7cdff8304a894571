"""A speech recogniser that understands a language of tones: a word is a tone of a frequency of its own.

It passes the same suite as the real one (tests/review/analysis/speech/test_recognisers.py), and knows exactly what was
said when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from review.analysis.speech.port import RATE, HeardWord, Part, Sound, SpeechError
from review.analysis.speech.transcript import Language, Settings, Versions

GERMAN: Final = ("null", "eins", "zwei", "drei", "vier", "ja", "karte")
ENGLISH: Final = ("zero", "one", "two", "three", "four", "yes", "card")
MUMBLED: Final = "mumbled"  # of a low probability
BREATH: Final = "breath"  # the recogniser itself hears no speech in it
WORDS: Final = (*GERMAN, *ENGLISH, MUMBLED, BREATH)
NO_WORD: Final = 3_500.0  # Hz: a voice that says nothing
_LOWEST, _STEP = 400.0, 150.0  # Hz
_FRAME: Final = RATE // 50
_LOUD: Final = 0.02  # RMS

Said = tuple[str | None, float, float]
"""Word, None for a voice without one; from, to: s."""


def tones(said: Iterable[Said], lasts: float, rate: int = RATE) -> Sound:
    """`lasts`: s. One channel at this rate."""
    sound = np.zeros(round(lasts * rate), np.float32)
    for word, start, end in said:
        first, behind = round(start * rate), min(round(end * rate), len(sound))
        frequency = NO_WORD if word is None else _LOWEST + _STEP * WORDS.index(word)
        sound[first:behind] = 0.3 * np.sin(2 * np.pi * frequency * np.arange(behind - first) / rate)
    return sound


class FakeRecogniser:
    """`asked`: seconds of sound that each question brought."""

    versions: Final = Versions("tones", "1", "tones-de-en", "0" * 64)
    languages: Final = frozenset({"de", "en"})

    def __init__(self) -> None:
        self.asked: list[float] = []

    def voices(self, sound: Sound, settings: Settings) -> Sequence[tuple[int, int]]:
        pad, pause = (round(ns * RATE / 10**9) for ns in (settings.pad, settings.pause))
        found = list[tuple[int, int]]()
        for start, end in _bursts(sound):
            first, behind = max(start - pad, 0), min(end + pad, len(sound))
            if found and first <= found[-1][1] + max(pause - 2 * pad, 0):
                first = found.pop()[0]
            found.append((first, behind))
        return found

    def language(self, sound: Sound, among: Sequence[str]) -> Language:
        known = [one for one in among if one in self.languages]
        if not known:
            raise SpeechError(f"tones-de-en knows de and en, and none of {', '.join(among)}")
        if len(known) == 1:
            return Language(known[0])
        words = [word for _, _, word in _heard(sound)]
        of_each = {"de": sum(word in GERMAN for word in words), "en": sum(word in ENGLISH for word in words)}
        code = max(known, key=lambda one: of_each[one])
        return Language(code, of_each[code] / max(sum(of_each.values()), 1))

    def parts(self, sound: Sound, language: str) -> Iterator[Part]:
        if language not in self.languages:
            raise SpeechError(f"tones-de-en knows de and en, and not {language}")
        self.asked.append(len(sound) / RATE)
        for start, end, word in _heard(sound):
            probability = 0.2 if word in {MUMBLED, BREATH} else 0.95
            yield Part((HeardWord(word, start, end, probability),), 0.9 if word == BREATH else 0.01)


def _bursts(sound: Sound) -> Iterator[tuple[int, int]]:
    rows = len(sound) // _FRAME
    loud = np.sqrt(np.square(sound[: rows * _FRAME].reshape(rows, _FRAME)).mean(axis=1)) > _LOUD
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]])))
    for first, behind in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield first * _FRAME, behind * _FRAME


def _heard(sound: Sound) -> Iterator[tuple[float, float, str]]:
    for start, end in _bursts(sound):
        burst = sound[start:end]
        frequency = int(np.abs(np.fft.rfft(burst, RATE)).argmax())
        place = round((frequency - _LOWEST) / _STEP)
        if 0 <= place < len(WORDS) and end - start >= RATE // 20:
            yield start / RATE, end / RATE, WORDS[place]
