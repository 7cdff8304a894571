"""A transcript that was written is read back as it was, to the millisecond; nothing else is read as one."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.analysis.spans import MILLISECOND, Span
from review.analysis.speech.transcript import Language, Segment, Settings, Transcript, TranscriptState, Versions
from review.analysis.words import SECOND, Channel, Heard, Interval, Word
from review.transcripts.form import CHANNELS, Spoken, read, written

RECORDING = UUID("0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5b")
VERSIONS = Versions("tones", "1", "tones-de-en", "0" * 64)
WORD = Word("Guten", SECOND, 2 * SECOND, 0.75)

times = st.integers(0, 6 * 3600 * 1000).map(lambda ms: ms * MILLISECOND)
words = st.lists(
    st.builds(Word, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), times, times,
              st.integers(0, 1000).map(lambda share: share / 1000)),
    max_size=12,
)  # fmt: skip


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    said = draw(words)
    cut = draw(st.integers(0, len(said)))
    places = [(0, cut - 1), (cut, len(said) - 1)]
    segments = [Segment(first, last, Span(0, SECOND)) for first, last in places if first <= last]
    language = draw(st.none() | st.builds(Language, st.sampled_from(["de", "en", "fr"])))
    invented = draw(st.frozensets(st.integers(0, max(len(said) - 1, 0))))
    wordless = tuple(Span(*one) for one in draw(st.lists(st.tuples(times, times), max_size=4)))
    return Transcript(draw(st.sampled_from(TranscriptState)), "why", draw(times), VERSIONS, Settings(), language, said,
                      segments, invented=invented, wordless=wordless)  # fmt: skip


@given(st.dictionaries(st.sampled_from(CHANNELS), transcripts(), min_size=1))
def test_what_was_written_is_read(made: dict[Channel, Transcript]) -> None:
    found = read(written(RECORDING, 12 * SECOND, made))
    assert found == {
        channel: Spoken(
            one.state,
            one.language.code if one.language else None,
            Heard(tuple(one.words), one.end, tuple(Interval(*span) for span in one.wordless)),
        )
        for channel, one in made.items()
    }


def facts() -> dict[str, Any]:
    said = Transcript(TranscriptState.TRANSCRIBED, "", 3 * SECOND, VERSIONS, Settings(), Language("de"), [WORD],
                      [Segment(0, 0, Span(0, SECOND))], wordless=(Span(0, SECOND),))  # fmt: skip
    found: dict[str, Any] = json.loads(written(RECORDING, 3 * SECOND, {Channel.AGENT: said}))
    return found


def everywhere(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Of each value in it."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for name, of in below for one in everywhere(of, (*path, name)))]


PATHS = [path for path in everywhere(facts()) if path]


@given(
    st.sampled_from(PATHS),
    st.sampled_from([None, "", "abc", "Infinity", -1, 1e300, 2**63, True, [], {}, [[]], [{}], {"code": {}}, "é" * 9]),
)
def test_one_that_was_changed_is_read_or_refused_without_another_error(path: tuple[str | int, ...], to: Any) -> None:
    changed = facts()
    place: Any = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    try:
        found = read(json.dumps(changed).encode())
    except ValueError:
        return
    assert set(found) <= set(Channel)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"eyelid_transcript":2,"channels":{}}', b"\xff", b"[" * 100_000])
def test_what_is_no_transcript_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"transcript|JSON"):
        read(body)
