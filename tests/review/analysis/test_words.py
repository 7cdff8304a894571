"""Words of a call: in order, within their channel; turns and silences."""

from __future__ import annotations

from review.analysis.words import SECOND, Call, Channel, Heard, Interval, Word, joined, silences
from tests.review.analysis.said import call


def test_words_come_in_order_and_stay_within_the_channel() -> None:
    words = [Word("b", 5, 90), Word("a", -3, 2), Word("c", 8, 7)]
    tidy = Call({Channel.AGENT: Heard(words, 10, [Interval(4, 50)])}).channels[Channel.AGENT]
    assert [(word.text, word.start, word.end) for word in tidy.words] == [("a", 0, 2), ("b", 5, 10), ("c", 8, 8)]
    assert tidy.wordless == (Interval(4, 10),)


def test_the_other_ends_words_or_a_long_pause_end_a_turn() -> None:
    said = call("agent: a b", "customer: c", "agent: d")
    assert [(turn.channel, turn.first, turn.last) for turn in said.turns] == [
        (Channel.AGENT, 0, 1),
        (Channel.CUSTOMER, 0, 0),
        (Channel.AGENT, 2, 2),
    ]
    alone = Heard([Word("a", 0, 1), Word("b", SECOND, SECOND + 1), Word("c", 4 * SECOND, 5 * SECOND)], 9 * SECOND)
    assert [turn.last for turn in Call({Channel.AGENT: alone}).turns] == [1, 2]


def test_an_answer_that_the_transcript_lacks_ends_the_agents_turn_too() -> None:
    agent = Heard([Word("Nummer?", 0, SECOND), Word("Danke.", 2 * SECOND, 3 * SECOND)], 9 * SECOND)
    customer = Heard([], 9 * SECOND, [Interval(SECOND + 1, 2 * SECOND - 1)])
    assert len(Call({Channel.AGENT: agent, Channel.CUSTOMER: customer}).turns) == 2


def test_silence_has_neither_word_nor_sound() -> None:
    heard = Heard([Word("a", 3 * SECOND, 4 * SECOND)], 12 * SECOND, [Interval(5 * SECOND, 9 * SECOND)])
    assert silences(heard) == (Interval(0, 3 * SECOND), Interval(9 * SECOND, 12 * SECOND))


def test_joined_time_has_neither_overlaps_nor_empty_parts() -> None:
    found = joined([Interval(5, 9), Interval(0, 2), Interval(3, 3), Interval(2, 4), Interval(6, 7)])
    assert found == (Interval(0, 4), Interval(5, 9))
