"""What a recogniser invents in silence is marked, and left out of the transcript alone."""

from __future__ import annotations

import pytest

from review.analysis.loops import LoopKind, loops, too_fast, without_loops
from review.analysis.words import Word
from tests.review.analysis.said import call, hidden


def transcript(text: str) -> str:
    words = call(f"customer: {text}").words(call(f"customer: {text}").turns[0].channel)
    return " ".join(word.text for word in without_loops(words))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Gut. ich bin hier, ich bin hier, ich bin hier, Ich bin hier", "Gut. ich bin hier,"),
        ("ja ja ja ja ja und dann", "ja und dann"),
        ("und 1111111111111 dann", "und dann"),
        ("1 1 1 1 1 1 1 1 1 zwei", "zwei"),
        ("eins eins eins eins eins eins eins eins", ""),
    ],
    ids=["phrase", "word", "figures", "digits", "words for digits"],
)
def test_loops_are_left_out_of_the_transcript(text: str, kept: str) -> None:
    assert transcript(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "nein nein nein das geht nicht",
        "das ist, das ist mir neu",
        "4111 1111 1111 1111",
        "eins eins null",
        "1 2 1 2 1 2 1 2",
    ],
    ids=["thrice", "twice", "a card", "three digits", "two digits"],
)
def test_what_people_say_twice_is_no_loop(text: str) -> None:
    assert transcript(text) == text


def test_a_loop_of_digits_stays_in_the_mask() -> None:
    said = call("customer: es ist 1111111111111111111 genau")
    assert loops(said.words(said.turns[0].channel))[0].kind is LoopKind.DIGIT
    assert "1111111111111111111" in hidden(said)


def test_words_that_come_faster_than_anybody_speaks_are_too_fast() -> None:
    at = [0, 300, 600, 900, *range(2_000, 2_080, 10), 3_000]
    assert too_fast([Word("so", ms * 10**6, ms * 10**6) for ms in at]) == set(range(4, 12))
    assert too_fast([Word("so", ms * 10**6, ms * 10**6) for ms in range(0, 5_000, 90)]) == set()
