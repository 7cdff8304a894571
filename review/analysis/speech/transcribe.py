"""The samples of a channel become its transcript: gaps first, then silence, voices, language, words, doubts.

What a rule closed is cut out before anything looks at a sample, and each side of it is heard alone: filled with silence
it would make the recogniser invent, and a word could reach across it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from review.analysis.loops import loops, too_fast
from review.analysis.spans import MILLISECOND, SECOND, Span, Spans, common, joined, total_ns, without
from review.analysis.speech.pcm import Pcm, loud_spans, resampled
from review.analysis.speech.port import RATE, HeardWord, Part, Recogniser, Sound
from review.analysis.speech.transcript import Gap, Language, Segment, Settings, Transcript, TranscriptState
from review.analysis.words import Word

SHORTEST: Final = 100 * MILLISECOND  # no word is shorter
AT_ONCE: Final = 300 * RATE  # samples: what is recognised together; each time costs at least a window of 30 s
_ASIDE: Final = 400 * MILLISECOND  # a recogniser's words begin late and end early
_WORDLESS: Final = 500 * MILLISECOND  # shorter sound without a word is none
NO_SPEECH: Final = 0.7  # the recogniser's own probability that a part has no speech; digits with pauses have it, too,
DOUBTFUL: Final = 0.6  # so that its words are invented only if they are improbable on the whole as well
_LOUD: Final = 30.0  # dB below a piece's loudest tenth of a second it is a pause
USUAL: Final = Settings()
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech between two pauses, at `RATE`."""

    span: Span
    sound: Sound


class _Ended(Exception):
    """There is nothing to recognise."""

    def __init__(self, state: TranscriptState, why: str) -> None:
        super().__init__(why)
        self.state, self.why = state, why


@dataclass(slots=True)
class _Written:
    words: list[Word] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    invented: set[int] = field(default_factory=set)


def transcribe(
    recogniser: Recogniser,
    pcm: Pcm,
    closed: Sequence[Gap] = (),
    settings: Settings = USUAL,
    progress: Progress = lambda _: None,
) -> Transcript:
    """`closed`: spans of which nothing is kept, in any order. `progress`: 0 to 1, after each part; its errors pass.

    Whatever the sound is, the transcript's state says what became of it. Raises SpeechError for a language that the
    recogniser does not know.
    """
    versions = recogniser.versions
    if wrong := pcm.wrong():
        return Transcript(TranscriptState.UNUSABLE, wrong, 0, versions, settings)
    end = pcm.end
    gaps = tuple(_within(closed, end))
    open_spans = without([(0, end)], [gap.span for gap in gaps])
    try:
        pieces = _spoken(recogniser, pcm, open_spans, settings)
    except _Ended as ended:
        progress(1.0)
        return Transcript(ended.state, ended.why, end, versions, settings, gaps=gaps)
    language = _language(recogniser, pieces, settings)
    written = _recognised(recogniser, pieces, open_spans, language, progress)
    words, spoken = tuple(written.words), sum(piece.span.length_ns for piece in pieces)
    written.invented |= _loops(words)
    said, invented = len(words) - len(written.invented), len(written.invented)
    if said:
        state = TranscriptState.TRANSCRIBED
        why = f"{said} {'word' if said == 1 else 'words'}, {invented} more invented, in {_s(spoken)} of speech"
    else:
        state, why = TranscriptState.NO_WORDS, f"{_s(spoken)} sounded like speech, and no word of it is believed"
    unsure = frozenset(place for place, word in enumerate(words) if word.probability < settings.unsure_below)
    return Transcript(
        state, why, end, versions, settings, language, words, tuple(written.segments), gaps, unsure,
        frozenset(written.invented), _wordless(pieces, words),
    )  # fmt: skip


def _spoken(recogniser: Recogniser, pcm: Pcm, open_spans: Spans, settings: Settings) -> list[Piece]:
    """Raises _Ended where there is none."""
    end, open_ns = pcm.end, total_ns(open_spans)
    if not 0 <= pcm.channel < pcm.channels:
        has = "1 channel" if pcm.channels == 1 else f"{pcm.channels} channels"
        raise _Ended(TranscriptState.MISSING, f"The sound has {has}, and none with the number {pcm.channel}")
    if not len(pcm.samples):
        raise _Ended(TranscriptState.EMPTY, "The channel has no samples")
    if end < SHORTEST:
        raise _Ended(TranscriptState.TOO_SHORT, f"It lasts {end / SECOND:.3f} s: no word is that short")
    if not any(span.length_ns >= SHORTEST for span in open_spans):
        raise _Ended(
            TranscriptState.CLOSED, f"Rules closed {_s(end - open_ns)} of {_s(end)}, and what is left has no word"
        )
    try:
        loud = tuple(found for span in open_spans for found in loud_spans(pcm, span, settings.silent_below))
    except ValueError as error:
        raise _Ended(TranscriptState.UNUSABLE, str(error)) from None
    if not loud:
        raise _Ended(
            TranscriptState.NO_SPEECH, f"Silence: no sample of {_s(open_ns)} reaches {settings.silent_below:g} dBFS"
        )
    pieces = list(_pieces(recogniser, pcm, loud, settings))
    if not pieces:
        raise _Ended(TranscriptState.NO_SPEECH, f"Sound in {_s(total_ns(loud))} of {_s(open_ns)}, and no speech in it")
    return pieces


def _recognised(
    recogniser: Recogniser, pieces: Sequence[Piece], open_spans: Spans, language: Language, progress: Progress
) -> _Written:
    written, done, whole = _Written(), 0, sum(len(piece.sound) for piece in pieces)

    def parts(group: Sequence[Piece]) -> Iterator[Part]:
        for part in recogniser.parts(np.concatenate([piece.sound for piece in group]), language.code):
            yield part
            if part.words:
                progress(min((done + part.words[-1].end * RATE) / whole, 1.0))

    for group in _groups(pieces, open_spans):
        found = [(part, group) for part in parts(group)]
        if len(group) > 1 and _loops([_word(word) for part, _ in found for word in part.words]):
            # A loop swallows what is said after it. Alone, a piece that brings one on spoils no other.
            found = []
            for piece in group:
                found += [(part, [piece]) for part in parts([piece])]
                done += len(piece.sound)
        else:
            done += sum(len(piece.sound) for piece in group)
        for part, of in found:
            _place(written, part, of)
        progress(done / whole)
    return written


def _loops(words: Sequence[Word]) -> set[int]:
    """Places of words that repeat what stands before them without an end, or come faster than anybody speaks."""
    return {place for loop in loops(words) for place in range(loop.again, loop.last + 1)} | too_fast(words)


def _word(word: HeardWord) -> Word:
    return Word(word.text, round(word.start * SECOND), round(word.end * SECOND), word.probability)


def _within(closed: Sequence[Gap], end: int) -> Iterator[Gap]:
    for gap in sorted(closed, key=lambda one: (one.span, one.rule)):
        start, behind = max(gap.span.start_ns, 0), min(gap.span.end_ns, end)
        if start < behind:
            yield Gap(Span(start, behind), gap.rule)


def _pieces(recogniser: Recogniser, pcm: Pcm, loud: Spans, settings: Settings) -> Iterator[Piece]:
    """In order. None reaches into what is closed: the recogniser gets one open stretch at a time."""
    for span in loud:
        sound = resampled(pcm, span)
        for first, behind in recogniser.voices(sound, settings):
            at = Span(span.start_ns + first * SECOND // RATE, span.start_ns + behind * SECOND // RATE)
            inside = Span(at.start_ns, min(at.end_ns, span.end_ns))
            if inside.length_ns >= SHORTEST:
                yield Piece(inside, sound[first:behind])


def _groups(pieces: Sequence[Piece], open_spans: Spans) -> Iterator[list[Piece]]:
    """What is recognised together: of one open stretch, and not too much."""
    group, size, stretch = list[Piece](), 0, 0
    for piece in pieces:
        before = stretch
        while open_spans[stretch].end_ns <= piece.span.start_ns:
            stretch += 1
        if group and (stretch != before or size + len(piece.sound) > AT_ONCE):
            yield group
            group, size = [], 0
        group.append(piece)
        size += len(piece.sound)
    if group:
        yield group


def _language(recogniser: Recogniser, pieces: Sequence[Piece], settings: Settings) -> Language:
    if settings.language:
        return Language(settings.language)
    first, size = [], 0
    for piece in pieces:
        if size >= 30 * RATE:
            break
        first.append(piece.sound)
        size += len(piece.sound)
    return recogniser.language(np.concatenate(first), settings.languages)


def _place(written: _Written, part: Part, group: Sequence[Piece]) -> None:
    """Each word goes into one piece, and is cut to it; so is each segment."""
    begins = [0, *np.cumsum([len(piece.sound) for piece in group]).tolist()]
    last = None
    invented = part.no_speech >= NO_SPEECH and part.mean < DOUBTFUL
    for word in part.words:
        at = _piece_of(round(word.start * RATE), round(word.end * RATE), group, begins)
        within, offset = group[at].span, begins[at] * SECOND // RATE
        heard = _word(word)
        start = min(max(within.start_ns + heard.start - offset, within.start_ns), within.end_ns)
        if written.words:
            start = max(start, written.words[-1].start)
        end = max(min(within.start_ns + heard.end - offset, within.end_ns), start)
        place = len(written.words)
        written.words.append(Word(word.text, start, end, word.probability))
        if invented:
            written.invented.add(place)
        if last == at:
            before = written.segments.pop()
            longer = Span(before.span.start_ns, max(before.span.end_ns, end))
            written.segments.append(Segment(before.first, place, longer))
        else:
            written.segments.append(Segment(place, place, Span(start, end)))
        last = at


def _piece_of(first: int, behind: int, group: Sequence[Piece], begins: Sequence[int]) -> int:
    """Recognisers count a pause to the word before or after it: where it reaches over one, it is where it is loud."""
    touched = [
        (at, piece.sound[max(first - begins[at], 0) : max(behind - begins[at], 0)])
        for at, piece in enumerate(group)
        if begins[at] <= max(behind - 1, first) and first < begins[at + 1]
    ]
    if not touched:
        return len(group) - 1
    return max(touched, key=lambda one: float(np.square(one[1]).sum()))[0]


def _wordless(pieces: Sequence[Piece], words: Sequence[Word]) -> Spans:
    """Where a piece of speech is loud, and no word is near."""
    size, loud = RATE // 10, list[Span]()
    for piece in pieces:
        rows = len(piece.sound) // size
        if not rows:
            continue
        power = np.square(piece.sound[: rows * size].reshape(rows, size)).mean(axis=1)
        for row in np.flatnonzero(power >= max(power.max() * 10 ** (-_LOUD / 10), 1e-12)).tolist():
            start = piece.span.start_ns + row * size * SECOND // RATE
            loud.append(Span(start, min(start + SECOND // 10, piece.span.end_ns)))
    near = [Span(word.start - _ASIDE, word.end + _ASIDE) for word in words]
    left = without(common(joined(loud, SECOND // 5), [piece.span for piece in pieces]), near)
    return tuple(span for span in left if span.length_ns >= _WORDLESS)


def _s(ns: int) -> str:
    return f"{ns / SECOND:.1f} s"
