"""How recognition is scored: figures and words for digits are the same, and each error counts once."""

from __future__ import annotations

import numpy as np
import pytest

from review.analysis.spans import SECOND
from review.analysis.speech.transcript import Settings, Transcript, TranscriptState, Versions
from review.analysis.words import Word
from testkit.recognised import aligned, plain, scored
from testkit.spoken import Speech


@pytest.mark.parametrize(
    ("text", "language", "tokens"),
    [
        ("Vier, acht! 21", "de", ["4", "8", "2", "1"]),
        ("dreizehn 13 dreißig", "de", ["1", "3", "1", "3", "3", "0"]),
        (",9 -1 5.", "de", ["9", "1", "5"]),
        ("Mr. Dashwood's ill-disposed", "en", ["mister", "dashwood's", "ill", "disposed"]),
    ],
)
def test_words_are_compared_without_what_is_not_heard(text: str, language: str, tokens: list[str]) -> None:
    assert plain(text, language) == tokens


@pytest.mark.parametrize(
    ("said", "heard", "errors", "right"),
    [
        ("a b c", "a b c", 0, "111"),
        ("a b c", "a c", 1, "11"),
        ("a b c", "a x c", 1, "101"),
        ("a b", "a x b", 1, "101"),
        ("a b", "", 2, ""),
        ("", "a", 1, "0"),
    ],
)
def test_each_word_left_out_added_or_changed_is_one_error(said: str, heard: str, errors: int, right: str) -> None:
    assert aligned(said.split(), heard.split()) == (errors, [sign == "1" for sign in right])


def test_a_transcript_is_scored_without_what_was_invented() -> None:
    words = [
        Word(text, place * SECOND, place * SECOND) for place, text in enumerate(["73", "neun", "vier", "vier", "drei"])
    ]
    versions, doubts = Versions("e", "1", "m", "0"), {"unsure": frozenset({0, 4}), "invented": frozenset({2})}
    transcript = Transcript(TranscriptState.TRANSCRIBED, "", 9, versions, Settings(), words=words, **doubts)
    speech = Speech(
        "s", "de", "", np.zeros(16_000, np.float32), "sieben drei neun vier zwei", [("739", 0, 1), ("42", 3, 4)]
    )
    facts = scored(speech, transcript, 0.5).facts()
    assert facts["wer"] == 0.2
    assert (facts["numbers_exact"], facts["numbers"]) == (1, 2)
    assert (facts["unsure"], facts["unsure_wrong"], facts["sure"], facts["sure_wrong"]) == (2, 1, 2, 0)
    assert facts["cpu_s_per_audio_s"] == 0.5
