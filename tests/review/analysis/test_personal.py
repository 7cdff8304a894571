"""What recognisers made of spoken data, word for word as it was seen, and what is harmless."""

from __future__ import annotations

import pytest

from review.analysis.personal.find import find
from review.analysis.personal.lexicon import Kind
from review.analysis.personal.spans import PAD, mask, shares
from review.analysis.words import SECOND, Call, Channel, Heard, Interval, Word
from tests.review.analysis.said import WORD, call, hidden, spans

SEEN = {  # what a customer says without a question -> what of it must be gone
    "Die Nummer 4111111111111111111111111111": "4111111111111111111111111111",
    "Das wäre 4111, 11111, 11111, 11111": "4111, 11111, 11111, 11111",
    "It is 4-1-1-1-1-1-1-1": "4-1-1-1-1-1-1-1",
    "for 11111111111111111111 okay": "for 11111111111111111111",
    "vier eins eins eins äh vier zwei": "vier eins eins eins äh vier zwei",
    "it is four one um one ate two": "four one um one ate two",
    "hinten steht 2.99": "2.99",
    "the code on the back is 3h7": "3h7",
    "the code is nine one four": "nine one four",
    "gültig bis 0927. 7": "0927. 7",
    "Meine E-Bahn ist DE89, 3704, 0004, 0503, 0101, 000": "DE89, 3704, 0004, 0503, 0101, 000",
    "mobil 0.176, 3.45, 6.7892": "0.176, 3.45, 6.7892",
    "null eins sieben sechs dreihundertfünfundvierzig": "null eins sieben sechs dreihundertfünfundvierzig",
    "call eight hundred five five five": "eight hundred five five five",
    "vier fünf nein sieben sechs": "vier fünf nein sieben sechs",
    "An Sabine punkt hoffmann Artweb punkt DE": "Sabine punkt hoffmann Artweb punkt DE",
    "es ist Ansabine. Hoffmann-Adweb.de": "Ansabine. Hoffmann-Adweb.de",
    "it is Sarah.MitchLatGmail.com": "Sarah.MitchLatGmail.com",
    "lena klammeraffe gmx punkt net": "lena klammeraffe gmx punkt net",
    "H wie Heinrich, O wie Otto, F wie Friedrich": "H wie Heinrich, O wie Otto, F wie Friedrich",
    "HW Heinrich, OW Otto": "HW Heinrich, OW Otto",
    "B as in Bravo A as in Alpha": "B as in Bravo A as in Alpha",
    "H O F F": "H O F F",
    "M-I-T-C-H": "M-I-T-C-H",
    "geboren am 12.3.1984": "12.3.1984",
    "am zwölften dritten neunzehnhundertvierundachtzig": "zwölften dritten neunzehnhundertvierundachtzig",
    "March 12th 1984": "March 12th 1984",
    "Goethestraße 14 60313 Frankfurt": "Goethestraße 14 60313 Frankfurt",
    "14 Oak Street Boston": "14 Oak Street Boston",
    "my name is sarah mitchell": "sarah mitchell",
    "Frau Hoffmann": "Hoffmann",
    "die letzten vier sind 9 3 1": "9 3 1",
}
HARMLESS = [
    "Die Bestellnummer ist 4 7 1 1 0 8 1 5",
    "Rechnungsnummer 2024 00 817",
    "your order number is 771203",
    "das macht 129,90 Euro",
    "two hundred and fifty dollars",
    "zweihundertfünfzig Euro im Jahr",
    "um 16:30 Uhr",
    "at 9:45 a.m. please",
    "am 14. März 2026",
    "am 14.03.2026",
    "im Jahr 2023",
    "mit 250 Megabit statt 100 Megabit",
    "Fehlercode 651",
    "seit zehn Jahren mit vier Leuten",
    "Meine Frau kommt auch",
    "ich bin im Internet hier",
]
# A question as it is misheard -> the kind of its window.
QUESTIONS = {
    "Und die Brüffziffer?": Kind.CVV,
    "Ihr Geburtstagum bitte": Kind.BIRTH,
    "Wie ist Ihre E-Bahn?": Kind.IBAN,
    "Sagen Sie mir die Karten Nummer": Kind.CARD,
    "What's the security code on the back?": Kind.CVV,
    "and the C V V please": Kind.CVV,
    "Würden Sie das buchstabiren?": Kind.SPELLING,
    "What is your e-mail adress?": Kind.EMAIL,
}


@pytest.mark.parametrize("text", SEEN, ids=[f"{number}" for number in range(len(SEEN))])
def test_what_was_seen_is_found_without_a_question(text: str) -> None:
    gone = hidden(call(f"customer: {text}"))
    assert SEEN[text] in gone


@pytest.mark.parametrize("text", HARMLESS, ids=[f"{number}" for number in range(len(HARMLESS))])
def test_what_is_harmless_stays(text: str) -> None:
    assert hidden(call(f"customer: {text}")) == ""


@pytest.mark.parametrize("question", QUESTIONS, ids=[f"{number}" for number in range(len(QUESTIONS))])
def test_a_misheard_question_masks_whatever_is_answered(question: str) -> None:
    said = call(
        f"agent: {question}",
        "customer: Pirol Miegen sieben acht",
        "agent: Danke, das wäre alles dann.",
        "customer: Auf Wiederhören",
    )
    assert hidden(said) == "Pirol Miegen sieben acht"
    assert QUESTIONS[question] in {span.kind for span in find(said)}


def test_a_harmless_context_excuses_no_long_number_and_none_after_another_name() -> None:
    assert hidden(call("customer: Bestellnummer 4111 1111 1111 1111"))
    assert "739" in hidden(call("customer: Bestellnummer 4711 Prüfziffer 739"))
    assert "739" in hidden(call("customer: Prüfziffer 739 und 250 Euro"))


def test_prompts_and_repetitions_close_no_window_and_what_is_repeated_is_masked() -> None:
    said = call(
        "agent: Ihre Kartennummer bitte?", "customer: Moment vier eins", "agent: ja", "customer: acht null",
        "agent: vier eins acht null", "customer: Pirol", "agent: Gut, dann buche ich das.", "customer: Schönen Tag",
    )  # fmt: skip
    assert hidden(said) == "Moment vier eins acht null Pirol"
    assert hidden(said, Channel.AGENT) == "vier eins acht null"


def test_a_name_that_the_agent_says_again_is_masked_there() -> None:
    said = call("customer: Mein Name ist Lena Vogt", "agent: Guten Tag Lena Vogt wie kann ich helfen")
    assert "Lena Vogt" in hidden(said, Channel.AGENT)


def test_sound_without_a_word_in_an_answer_is_masked_and_beside_digits_counts_as_one() -> None:
    agent = Heard([Word("Prüfziffer?", 0, SECOND), Word("Danke", 8 * SECOND, 9 * SECOND)], 9 * SECOND)
    sound = Interval(3 * SECOND, 4 * SECOND)
    said = Call({Channel.AGENT: agent, Channel.CUSTOMER: Heard([], 9 * SECOND, [sound])})
    (one,) = mask(said, find(said))[Channel.CUSTOMER]
    assert one.start <= sound.start < sound.end <= one.end
    words = [Word("sieben", SECOND, SECOND + WORD), Word("drei", SECOND + WORD, SECOND + 2 * WORD)]
    gap = Interval(SECOND + 2 * WORD, SECOND + 3 * WORD)
    alone = Call({Channel.CUSTOMER: Heard(words, 9 * SECOND, [gap])})
    (span,) = find(alone)
    assert (span.start, span.end) == (words[0].start - PAD, gap.end + PAD)
    assert not find(Call({Channel.CUSTOMER: Heard(words, 9 * SECOND)}))


def test_a_pad_stops_before_a_word_that_a_silence_keeps_apart() -> None:
    words = [Word("4711", SECOND, 2 * SECOND), Word("ja", 2 * SECOND + 3 * SECOND // 10, 4 * SECOND)]
    (span,) = find(Call({Channel.CUSTOMER: Heard(words, 9 * SECOND)}))
    assert span.end == words[1].start
    near = [words[0], Word("ja", 2 * SECOND + SECOND // 10, 4 * SECOND)]
    (span,) = find(Call({Channel.CUSTOMER: Heard(near, 9 * SECOND)}))
    assert span.end == 2 * SECOND + PAD


def test_a_span_says_why_and_never_what() -> None:
    for span in spans("agent: Ihre Kartennummer bitte?", "customer: 4111 1111 1111 1111", "agent: 4111 1111 1111 1111"):
        assert "4111" not in span.because + span.detector + span.kind


def test_the_share_is_of_each_channel() -> None:
    said = call("agent: Guten Tag", "customer: 4111 1111 1111 1111")
    found = shares(said, find(said))
    assert found[Channel.AGENT] == 0
    assert 0 < found[Channel.CUSTOMER] < 1


def test_a_window_ends_by_time_and_masks_nothing_where_the_customer_is_silent() -> None:
    agent = Heard([Word("Prüfziffer?", 0, SECOND)], 99 * SECOND)
    late = [Word("drei", 30 * SECOND, 31 * SECOND), Word("Pirol", 60 * SECOND, 61 * SECOND)]
    assert hidden(Call({Channel.AGENT: agent, Channel.CUSTOMER: Heard(late, 99 * SECOND)})) == "drei"
    assert not find(Call({Channel.AGENT: agent, Channel.CUSTOMER: Heard([], 99 * SECOND)}))
    assert not find(Call({Channel.AGENT: agent}))


def test_what_is_named_in_passing_opens_no_window() -> None:
    said = call(
        "agent: Die Kartennummer steht übrigens ab sofort auf jeder Rechnung oben rechts neben dem Datum des Versands",
        "customer: Pirol Vogel",
    )
    assert hidden(said) == ""
