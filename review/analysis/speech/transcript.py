"""What a channel's transcript says: words and their times, gaps by rule, what is doubtful, what it was made with.

Values alone. Times are ns from the sound's start; `facts` gives them in seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from review.analysis.spans import MILLISECOND, SECOND, Span, Spans
from review.analysis.words import Heard, Interval, Word

CODE: Final = 1  # version of this folder's code, where a change of it changes transcripts


class TranscriptState(StrEnum):
    """How it ended; `Transcript.why` says it of this sound."""

    TRANSCRIBED = "transcribed"
    NO_WORDS = "no-words"  # speech, of which no word is believed
    NO_SPEECH = "no-speech"
    CLOSED = "closed"  # all of it, by rules
    TOO_SHORT = "too-short"
    EMPTY = "empty"
    MISSING = "missing"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Settings:
    """`language`: None: it is recognised, as one of `languages`. The default of voice detection drops spoken digits
    (docs/decisions/0095).
    """

    language: str | None = None
    languages: tuple[str, ...] = ("de", "en")
    speech_from: float = 0.2  # probability of voice detection
    pad: int = 600 * MILLISECOND  # on each side of speech
    pause: int = 2 * SECOND  # a longer one separates two pieces of speech
    silent_below: float = -66.0  # dBFS of the highest sample in 0.1 s: voice detection is not asked
    unsure_below: float = 0.5  # a word's probability


@dataclass(frozen=True, slots=True)
class Versions:
    """What a transcript was made with. `sha256`: of the model's largest file, hex."""

    engine: str
    engine_version: str
    model: str
    sha256: str

    def name(self, settings: Settings) -> str:
        """Another one wherever another transcript may come out, as the job table wants it."""
        of_settings = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode()).hexdigest()
        return f"{self.model}-{self.sha256[:8]}-{self.engine}-{self.engine_version}-{CODE}-{of_settings[:8]}"


@dataclass(frozen=True, slots=True)
class Language:
    """`probability`: None where it was not recognised but set, or the model knows no other."""

    code: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Closed by a rule: not heard, and not transcribed."""

    span: Span
    rule: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Places of the first and the last word of what was said together. It lies on one side of every gap."""

    first: int
    last: int
    span: Span


@dataclass(frozen=True, slots=True)
class Transcript:
    """`words`: all that the recogniser wrote, in order. `unsure` and `invented`: places of words.

    Invented are loops, and what was written where the recogniser itself hears no speech: not to be shown, and
    part of the mask all the same. `wordless`: speech without a word.
    """

    state: TranscriptState
    why: str
    end: int
    versions: Versions
    settings: Settings
    language: Language | None = None
    words: Sequence[Word] = ()
    segments: Sequence[Segment] = ()
    gaps: Sequence[Gap] = ()
    unsure: frozenset[int] = frozenset()
    invented: frozenset[int] = frozenset()
    wordless: Spans = ()

    @property
    def said(self) -> tuple[Word, ...]:
        """To show: without what was invented."""
        return tuple(word for place, word in enumerate(self.words) if place not in self.invented)

    def heard(self) -> Heard:
        """For `review.analysis.personal`: with all words, as one that was invented may hide what was said there."""
        return Heard(self.words, self.end, tuple(Interval(*span) for span in self.wordless))

    def facts(self) -> dict[str, Any]:
        """For --json and what is sealed. Times: s."""
        return {
            "state": self.state, "why": self.why, "lasts": _s(self.end),
            "language": asdict(self.language) if self.language else None,
            "segments": [self._segment(one) for one in self.segments],
            "gaps": [{**_times(one.span), "rule": one.rule} for one in self.gaps],
            "wordless": [_times(span) for span in self.wordless],
            "versions": {**asdict(self.versions), "code": CODE, "settings": asdict(self.settings)},
        }  # fmt: skip

    def _segment(self, segment: Segment) -> Mapping[str, Any]:
        places = range(segment.first, segment.last + 1)
        words = [
            {
                "text": word.text, **_times(Span(word.start, word.end)), "confidence": round(word.probability, 3),
                "unsure": place in self.unsure, "invented": place in self.invented,
            }
            for place, word in ((place, self.words[place]) for place in places)
        ]  # fmt: skip
        return {**_times(segment.span), "words": words}


def _times(span: Span) -> dict[str, float]:
    return {"start": _s(span.start_ns), "end": _s(span.end_ns)}


def _s(ns: int) -> float:
    return round(ns / SECOND, 3)
