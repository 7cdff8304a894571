"""What every speech recogniser promises; the one of tones that other tests use passes the same suite as the real one.

A new engine is one more entry in `MAKERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from review.analysis.speech.port import RATE, Part, Recogniser, Sound, SpeechError
from review.analysis.speech.transcript import Settings
from review.analysis.speech.whisper import Whisper
from testkit.fakes.recogniser import FakeRecogniser, tones
from testkit.speech_models import TINY
from testkit.spoken import prompts

SETTINGS = Settings()
QUIET = np.zeros(2 * RATE, np.float32)


@dataclass(frozen=True)
class Example:
    """`sound`: two seconds of silence before and behind what is spoken."""

    recogniser: Recogniser
    sound: Sound
    words: Sequence[str]

    @property
    def spoken(self) -> tuple[int, int]:
        return 2 * RATE, len(self.sound) - 2 * RATE


def fake(whisper: Callable[[str], Whisper]) -> Example:
    del whisper
    sound = tones([("yes", 2, 2.4), ("four", 2.5, 2.9), ("card", 3.1, 3.5)], 5.5)
    return Example(FakeRecogniser(), sound, ("yes", "four", "card"))


def tiny(whisper: Callable[[str], Whisper]) -> Example:
    sound = np.concatenate([QUIET, prompts("en", "conf-lockednow"), QUIET])
    return Example(whisper(TINY), sound, ("the", "conference", "is", "now", "locked"))


MAKERS = {"fake": fake, "whisper": tiny}


@pytest.fixture(params=sorted(MAKERS), scope="module")
def example(request: pytest.FixtureRequest, whisper: Callable[[str], Whisper]) -> Example:
    return MAKERS[request.param](whisper)


@pytest.fixture(scope="module")
def heard(example: Example) -> list[Part]:
    return list(example.recogniser.parts(example.sound, "en"))


def words(parts: Sequence[Part]) -> list[str]:
    return [word.text.lower().strip(".,!?") for part in parts for word in part.words]


def test_it_says_what_it_is(example: Example) -> None:
    versions = example.recogniser.versions
    assert all((versions.engine, versions.engine_version, versions.model))
    assert len(bytes.fromhex(versions.sha256)) == 32


def test_voices_are_found_where_there_is_speech_and_padded(example: Example) -> None:
    found = example.recogniser.voices(example.sound, SETTINGS)
    first, behind = example.spoken
    assert len(found) == 1
    start, end = found[0]
    assert first - RATE <= start < first < behind - RATE < end <= behind + RATE


def test_speech_that_a_long_pause_parts_is_two_pieces_in_order(example: Example) -> None:
    one = example.sound[: len(example.sound) - RATE]
    found = example.recogniser.voices(np.concatenate([one, np.zeros(RATE, np.float32), one]), SETTINGS)
    assert len(found) == 2
    assert all(start < end for start, end in found)
    assert found[0][1] <= found[1][0]


@pytest.mark.parametrize("length", [0, 1, 100, RATE])
def test_there_is_no_voice_in_silence_of_any_length(example: Example, length: int) -> None:
    assert not list(example.recogniser.voices(np.zeros(length, np.float32), SETTINGS))


def test_it_understands_what_is_said(example: Example, heard: list[Part]) -> None:
    assert words(heard) == list(example.words)


def test_words_lie_within_the_sound_in_order_and_have_a_probability(example: Example, heard: list[Part]) -> None:
    found = [word for part in heard for word in part.words]
    assert all(0 <= word.start <= word.end <= len(example.sound) / RATE for word in found)
    assert all(one.start <= other.start for one, other in pairwise(found))
    assert all(0 <= word.probability <= 1 and isinstance(word.probability, float) for word in found)
    assert all(0 <= part.no_speech < 0.7 and isinstance(part.no_speech, float) for part in heard)
    assert all(word.text == word.text.strip() != "" for word in found)
    first, behind = (sample / RATE for sample in example.spoken)
    assert all(first - 0.5 <= word.start and word.end <= behind + 0.5 for word in found)


def test_the_same_sound_brings_the_same_words(example: Example, heard: list[Part]) -> None:
    assert list(example.recogniser.parts(example.sound, "en")) == heard


def test_no_sound_has_no_words(example: Example) -> None:
    assert not [part for part in example.recogniser.parts(np.zeros(0, np.float32), "en") if part.words]


def test_who_asks_may_stop_after_a_part(example: Example) -> None:
    assert next(iter(example.recogniser.parts(example.sound, "en"))).words


def test_a_language_is_one_of_those_that_it_may_be(example: Example) -> None:
    assert example.recogniser.language(example.sound, ("tlh", "en")).code == "en"
    assert example.recogniser.language(example.sound, ("en",)).probability is None


def test_a_language_that_it_does_not_know_is_refused_with_what_it_knows(example: Example) -> None:
    assert "en" in example.recogniser.languages
    with pytest.raises(SpeechError, match=r"knows .*en.* not tlh"):
        list(example.recogniser.parts(example.sound, "tlh"))
    with pytest.raises(SpeechError, match=r"knows .*en"):
        example.recogniser.language(example.sound, ("tlh",))
