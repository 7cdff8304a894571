"""From samples to a transcript, with a recogniser of tones that knows exactly what was said when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.analysis.spans import SECOND, Span, common, joined
from review.analysis.speech.pcm import Pcm
from review.analysis.speech.port import RATE, SpeechError
from review.analysis.speech.transcribe import AT_ONCE, transcribe
from review.analysis.speech.transcript import Gap, Language, Settings, Transcript, TranscriptState
from testkit.fakes.recogniser import BREATH, GERMAN, MUMBLED, FakeRecogniser, Said, tones

MS = SECOND // 1000


def made(
    said: Sequence[Said], lasts: float, closed: Sequence[tuple[float, float]] = (), rate: int = RATE
) -> Transcript:
    gaps = [Gap(Span(round(a * SECOND), round(b * SECOND)), f"rule {place}") for place, (a, b) in enumerate(closed)]
    return transcribe(FakeRecogniser(), Pcm(tones(said, lasts, rate), rate), gaps)


def texts(transcript: Transcript) -> list[str]:
    return [word.text for word in transcript.words]


def near(transcript: Transcript, said: Sequence[Said], within: int = 40 * MS) -> bool:
    return all(
        abs(word.start - start * SECOND) <= within and abs(word.end - end * SECOND) <= within
        for word, (_, start, end) in zip(transcript.words, said, strict=True)
    )


SAID: Sequence[Said] = [("ja", 1, 1.4), ("karte", 1.6, 2), ("vier", 6, 6.4), ("eins", 6.5, 6.9), ("zwei", 12, 12.3)]


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_words_stand_at_their_times_whatever_the_rate(rate: int) -> None:
    transcript = made(SAID, 14, rate=rate)
    assert transcript.state is TranscriptState.TRANSCRIBED
    assert texts(transcript) == ["ja", "karte", "vier", "eins", "zwei"]
    assert near(transcript, SAID)
    assert transcript.end == 14 * SECOND
    assert transcript.language == Language("de", 1.0)


def test_segments_hold_the_words_between_two_pauses() -> None:
    transcript = made(SAID, 14)
    assert [(one.first, one.last) for one in transcript.segments] == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]
    for one in transcript.segments:
        assert one.span == (transcript.words[one.first].start, transcript.words[one.last].end)


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_of_several_channels_it_hears_the_one_that_is_asked_for(kind: type) -> None:
    both = np.stack([tones([("ja", 1, 1.4)], 3), tones([("vier", 1, 1.4)], 3)], axis=1)
    samples = (both * 32_767).astype(np.int16) if kind is np.int16 else both
    heard = [texts(transcribe(FakeRecogniser(), Pcm(samples, RATE, channel))) for channel in (0, 1)]
    assert heard == [["ja"], ["vier"]]


def test_a_gap_is_named_and_nothing_in_it_is_written_down() -> None:
    transcript = made(SAID, 14, [(5.5, 7.2)])
    assert texts(transcript) == ["ja", "karte", "zwei"]
    assert transcript.gaps == (Gap(Span(5_500 * MS, 7_200 * MS), "rule 0"),)


def test_two_rules_that_overlap_are_two_gaps_and_what_is_outside_of_the_sound_is_none() -> None:
    transcript = made(SAID, 14, [(-3, 1.5), (1.2, 3), (13, 20), (30, 40)])
    assert [(gap.span.start_ns, gap.span.end_ns, gap.rule) for gap in transcript.gaps] == [
        (0, 1_500 * MS, "rule 0"), (1_200 * MS, 3 * SECOND, "rule 1"), (13 * SECOND, 14 * SECOND, "rule 2"),
    ]  # fmt: skip
    assert texts(transcript) == ["vier", "eins", "zwei"]


def test_a_word_is_cut_where_a_gap_begins_and_what_is_said_on_both_sides_is_two_words() -> None:
    transcript = made([("karte", 1, 3)], 4, [(1.8, 2.2)])
    assert texts(transcript) == ["karte", "karte"]
    assert transcript.words[0].end <= 1_800 * MS < 2_200 * MS <= transcript.words[1].start
    assert len(transcript.segments) == 2


spans = st.lists(st.tuples(st.integers(0, 140), st.integers(1, 40)).map(lambda s: (s[0] / 10, (s[0] + s[1]) / 10)))


@given(closed=spans, seed=st.integers(0, 5))
def test_what_is_closed_leaves_no_trace(closed: list[tuple[float, float]], seed: int) -> None:
    """The same transcript, whatever the closed samples are, and no word, segment or doubt reaches into a gap."""
    gaps = [Gap(Span(round(a * SECOND), round(b * SECOND)), "r") for a, b in closed]
    clean = tones(SAID, 14)
    other = clean.copy()
    for start, end in closed:
        first, behind = round(start * RATE), round(end * RATE)
        other[first:behind] = np.random.default_rng(seed).uniform(-1, 1, len(other[first:behind]))
    transcript = transcribe(FakeRecogniser(), Pcm(clean, RATE), gaps)
    assert transcribe(FakeRecogniser(), Pcm(other, RATE), gaps) == transcript
    away = joined(gap.span for gap in transcript.gaps)
    written = [Span(word.start, word.end) for word in transcript.words]
    assert not common(away, [*written, *(one.span for one in transcript.segments), *transcript.wordless])
    assert all(one.start_ns >= 0 and one.end_ns <= transcript.end for one in written)


def test_samples_that_are_no_numbers_in_a_gap_are_not_looked_at() -> None:
    sound = tones(SAID, 14)
    sound[6 * RATE : 7 * RATE] = np.nan
    assert transcribe(FakeRecogniser(), Pcm(sound, RATE), [Gap(Span(6 * SECOND, 7 * SECOND), "r")]).words
    assert transcribe(FakeRecogniser(), Pcm(sound, RATE)).state is TranscriptState.UNUSABLE


def test_words_of_a_low_probability_are_unsure() -> None:
    transcript = made([("ja", 1, 1.4), (MUMBLED, 1.5, 1.9), ("vier", 2, 2.4)], 4)
    assert transcript.unsure == {1}
    facts = transcript.facts()
    assert [word["unsure"] for one in facts["segments"] for word in one["words"]] == [False, True, False]


def test_words_where_the_recogniser_hears_no_speech_are_invented_and_stay_in_the_mask() -> None:
    transcript = made([("ja", 1, 1.4), (BREATH, 1.5, 1.9)], 4)
    assert transcript.invented == {1}
    assert [word.text for word in transcript.said] == ["ja"]
    assert [word.text for word in transcript.heard().words] == ["ja", BREATH]
    assert made([(BREATH, 1, 2)], 4).state is TranscriptState.NO_WORDS


def test_a_loop_is_invented_from_its_second_turn_on() -> None:
    said = [(word, 1 + place / 2, 1.4 + place / 2) for place, word in enumerate(("ja", "karte") * 6)]
    transcript = made(said, 9)
    assert [word.text for word in transcript.said] == ["ja", "karte"]
    assert len(transcript.words) == 12
    assert "10 more invented" in transcript.why


def test_speech_without_a_word_is_wordless() -> None:
    transcript = made([("ja", 1, 1.4), (None, 3, 5), ("vier", 6, 6.4)], 8)
    assert texts(transcript) == ["ja", "vier"]
    (span,) = transcript.wordless
    assert abs(span.start_ns - 3 * SECOND) < 150 * MS
    assert abs(span.end_ns - 5 * SECOND) < 150 * MS
    assert transcript.heard().wordless[0].start == span.start_ns


def test_a_set_language_is_taken_and_one_that_is_not_known_is_refused() -> None:
    pcm = Pcm(tones(SAID, 14), RATE)
    assert transcribe(FakeRecogniser(), pcm, settings=Settings(language="en")).language == Language("en")
    assert transcribe(FakeRecogniser(), pcm, settings=Settings(languages=("en",))).language == Language("en")
    with pytest.raises(SpeechError, match="not fr"):
        transcribe(FakeRecogniser(), pcm, settings=Settings(language="fr"))


def test_long_speech_is_recognised_in_parts_with_their_times() -> None:
    """The recogniser never gets more at once than its share of memory."""
    said = [(GERMAN[turn % 5], turn * 10 + 1, turn * 10 + 6.5) for turn in range(80)]
    recogniser = FakeRecogniser()
    transcript = transcribe(recogniser, Pcm(tones(said, 801), RATE))
    assert texts(transcript) == [word for word, _, _ in said]
    assert near(transcript, said)
    assert len(recogniser.asked) == 2
    assert max(recogniser.asked) <= AT_ONCE / RATE


def test_progress_rises_to_one_and_what_it_raises_passes() -> None:
    steps = list[float]()
    transcribe(
        FakeRecogniser(), Pcm(tones(SAID, 14), RATE), [Gap(Span(8 * SECOND, 9 * SECOND), "r")], progress=steps.append
    )
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    assert len(steps) > 5

    def over(_: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        transcribe(FakeRecogniser(), Pcm(tones(SAID, 14), RATE), progress=over)


def test_a_version_is_another_one_wherever_the_words_may_be() -> None:
    versions = FakeRecogniser.versions
    assert versions.name(Settings()) == versions.name(Settings())
    assert len({versions.name(one) for one in (Settings(), Settings(language="de"), Settings(unsure_below=0.6))}) == 3


def test_facts_are_in_seconds_and_complete() -> None:
    facts = made(SAID, 14, [(5.5, 7.2)]).facts()
    assert facts["state"] == "transcribed"
    assert facts["gaps"] == [{"start": 5.5, "end": 7.2, "rule": "rule 0"}]
    assert facts["segments"][0]["words"][0] == {
        "text": "ja", "start": 1.0, "end": 1.4, "confidence": 0.95, "unsure": False, "invented": False,
    }  # fmt: skip
    assert facts["versions"]["sha256"] == "0" * 64
    assert facts["versions"]["settings"]["speech_from"] == 0.2


# -- bad input --------------------------------------------------------------------------------------------------------

SILENT = np.zeros(3_600 * 8_000, np.int16)
STEREO = np.zeros((RATE, 2), np.int16)
LOUD = tones([("ja", 0, 1)], 1)


@pytest.mark.parametrize(
    ("pcm", "closed", "state", "why"),
    [
        (Pcm(SILENT, 8_000), [], TranscriptState.NO_SPEECH, "Silence: no sample of 3600.0 s reaches -66 dBFS"),
        (Pcm(np.zeros(0, np.int16), RATE), [], TranscriptState.EMPTY, "The channel has no samples"),
        (Pcm(LOUD[:1000], RATE), [], TranscriptState.TOO_SHORT, "It lasts 0.062 s: no word is that short"),
        (Pcm(STEREO, RATE, 2), [], TranscriptState.MISSING, "The sound has 2 channels, and none with the number 2"),
        (Pcm(LOUD, RATE, 1), [], TranscriptState.MISSING, "The sound has 1 channel, and none with the number 1"),
        (Pcm(LOUD, RATE), [(0, 2)], TranscriptState.CLOSED, "Rules closed 1.0 s of 1.0 s, and what is left has"),
        (Pcm(LOUD, 4_000), [], TranscriptState.UNUSABLE, "The rate is 4000 Hz; 8000 to 192000 can be read"),
        (Pcm(LOUD, 0), [], TranscriptState.UNUSABLE, "The rate is 0 Hz; 8000 to 192000 can be read"),
        (Pcm(LOUD.astype(np.float64), RATE), [], TranscriptState.UNUSABLE, "The samples are float64; int16 and"),
        (Pcm(LOUD * 32_768, RATE), [], TranscriptState.UNUSABLE, "A sample is 9830 times full scale; float32"),
        (Pcm(LOUD * np.nan, RATE), [], TranscriptState.UNUSABLE, "Some samples are no numbers"),
        (Pcm(LOUD.reshape(1, 1, -1), RATE), [], TranscriptState.UNUSABLE, "The samples have 3 dimensions"),
        (Pcm(tones([(None, 1, 2)], 4), RATE), [], TranscriptState.NO_WORDS, "2.2 s sounded like speech, and no word"),
    ],
)  # fmt: skip
def test_bad_input_ends_in_a_state_that_says_what_and_why(
    pcm: Pcm, closed: Sequence[tuple[int, int]], state: TranscriptState, why: str
) -> None:
    recogniser = FakeRecogniser()
    transcript = transcribe(recogniser, pcm, [Gap(Span(a * SECOND, b * SECOND), "r") for a, b in closed])
    assert transcript.state is state
    assert transcript.why.startswith(why)
    assert not transcript.words
    assert state is TranscriptState.NO_WORDS or not recogniser.asked


def test_sound_without_speech_says_so() -> None:
    quiet = np.full(5 * RATE, 0.001, np.float32)
    transcript = transcribe(FakeRecogniser(), Pcm(quiet, RATE))
    assert (transcript.state, transcript.why) == (
        TranscriptState.NO_SPEECH,
        "Sound in 5.0 s of 5.0 s, and no speech in it",
    )
