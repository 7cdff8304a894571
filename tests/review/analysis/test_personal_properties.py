"""What holds of any words: nothing raises, spans lie in the channel, digits of a run are covered, more words hide no
less."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from review.analysis.loops import loops, without_loops
from review.analysis.personal import lexicon
from review.analysis.personal.find import find
from review.analysis.personal.matching import Text
from review.analysis.personal.runs import FEWEST, runs
from review.analysis.personal.spans import mask
from review.analysis.words import SECOND, Call, Channel, Heard, Interval, Word
from testkit.transcripts.score import covered
from tests.review.analysis.said import WORD

VOCABULARY = [
    "vier", "eins", "4111,", "0.176", "DE89", "3h7", "for", "äh", "um", "nein", "und", "punkt", "de", "at",
    "@", "H", "wie", "Heinrich,", "HW", "as", "in", "Bravo", "Kartennummer", "Ihre", "bitte?", "Prüfziffer",
    "IBAN", "Name", "Mein", "ist", "Lena", "Vogt.", "geboren", "März", "1984", "2024", "Uhr", "Euro",
    "Bestellnummer", "hundred", "neunzehnhundertvier", "Goethestraße", "Street", "ja", "weiter", "wiederhole",
    "E-Mail", "letzten", "", " ", "...", "ß", "\x00", "٣", "²",
]  # fmt: skip
TIMES = st.integers(-SECOND, 60 * SECOND)
TEXTS = st.sampled_from(VOCABULARY) | st.text(max_size=12)
WORDS = st.builds(Word, TEXTS, TIMES, TIMES, st.floats(0, 1))
GAPS = st.builds(Interval, TIMES, TIMES)
HEARD = st.builds(Heard, st.lists(WORDS, max_size=30), st.integers(-1, 50 * SECOND), st.lists(GAPS, max_size=4))
CALLS = st.dictionaries(st.sampled_from(Channel), HEARD, max_size=2).map(Call)

# They excuse a number, or say that no name follows.
EXCUSES = {*" ".join(lexicon.HARMLESS_BEFORE).split(), *lexicon.BEFORE_A_YEAR, *lexicon.MY_SPOUSE, *lexicon.UNITS}
BEFORE = [word for word in VOCABULARY if word.strip(",.?").casefold() not in EXCUSES | lexicon.MONTHS]


def placed(texts: list[str], start: int) -> list[Word]:
    return [Word(text, start + place * WORD, start + (place + 1) * WORD) for place, text in enumerate(texts)]


@settings(deadline=None)
@given(CALLS)
def test_any_words_have_spans_inside_their_channel(call: Call) -> None:
    for span in find(call):
        assert 0 <= span.start <= span.end <= call.channels[span.channel].end
        assert 0 < span.confidence < 1


@settings(deadline=None)
@given(st.lists(WORDS, max_size=40))
def test_any_words_have_loops_that_drop_only_repeats(words: list[Word]) -> None:
    found = loops(words)
    assert all(0 <= loop.first <= loop.again <= loop.last < len(words) for loop in found)
    assert len(without_loops(words)) == len(words) - sum(loop.last - loop.again + 1 for loop in found)


@settings(deadline=None)
@given(CALLS)
def test_each_digit_of_a_run_that_nothing_explains_is_covered(call: Call) -> None:
    covers = mask(call, find(call))
    for channel, heard in call.channels.items():
        text = Text(heard.words)
        for run in runs(text, heard.wordless):
            if run.digits < FEWEST or run.explained:
                continue
            for token in text.tokens[run.first : run.last + 1]:
                if token.digits and token.end > token.start:
                    assert covered(covers[channel], Interval(token.start, token.end)) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from(VOCABULARY), max_size=14), st.lists(st.sampled_from(BEFORE), max_size=8))
def test_words_before_a_datum_never_uncover_it(texts: list[str], before: list[str]) -> None:
    words = placed(texts, 60 * SECOND)
    earlier = placed(before, 60 * SECOND - len(before) * WORD)
    alone, preceded = (Call({Channel.CUSTOMER: Heard(said, 90 * SECOND)}) for said in (words, [*earlier, *words]))
    first, second = (mask(call, find(call))[Channel.CUSTOMER] for call in (alone, preceded))
    for word in words:
        at = Interval(word.start, word.end)
        if covered(first, at) == 1:
            assert covered(second, at) == 1, (word, texts, before)
