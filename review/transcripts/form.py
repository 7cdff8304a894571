"""A recording's transcript as bytes: one form of JSON for the same words, whatever machine wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from protocol.claims import parse_object
from review.analysis.speech.transcript import Transcript, TranscriptState
from review.analysis.words import SECOND, Channel, Heard, Interval, Word

FORMAT: Final = 1
CHANNELS: Final = (Channel.AGENT, Channel.CUSTOMER)  # in the order in which a recorder has them


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is read back of a channel. `language`: as the recogniser names it, such as "de"; None where it named none.
    `heard`: with all words, as one that was invented may hide what was said there.
    """

    state: TranscriptState
    language: str | None
    heard: Heard


def written(recording: UUID, lasts: int, channels: Mapping[Channel, Transcript]) -> bytes:
    """`lasts`: ns. UTF-8, keys in order, times in seconds."""
    facts: dict[str, Any] = {
        "eyelid_transcript": FORMAT,
        "recording": str(recording),
        "lasts": round(lasts / SECOND, 3),
        "channels": {str(channel): transcript.facts() for channel, transcript in channels.items()},
    }
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def read(body: bytes) -> dict[Channel, Spoken]:
    """What `written` wrote, with times to the millisecond. Raises ValueError for anything else."""
    facts = parse_object(body)
    if facts.get("eyelid_transcript") != FORMAT:
        raise ValueError("no transcript that this version reads")
    try:
        channels: Any = facts["channels"]
        return {Channel(name): _spoken(of) for name, of in channels.items()}
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"no transcript: {type(error).__name__}") from None


def _spoken(facts: Mapping[str, Any]) -> Spoken:
    words = [
        Word(str(word["text"]), _ns(word["start"]), _ns(word["end"]), float(word["confidence"]))
        for segment in facts["segments"]
        for word in segment["words"]
    ]
    wordless = [Interval(_ns(one["start"]), _ns(one["end"])) for one in facts["wordless"]]
    language = facts["language"]
    heard = Heard(tuple(words), _ns(facts["lasts"]), tuple(wordless))
    return Spoken(TranscriptState(facts["state"]), str(language["code"]) if language else None, heard)


def _ns(seconds: float) -> int:
    return round(float(seconds) * SECOND)
