"""A recording's transcript as bytes: one form of JSON for the same words, whatever machine wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from review.analysis.speech.transcript import Transcript
from review.analysis.words import Channel

FORMAT: Final = 1
CHANNELS: Final = (Channel.AGENT, Channel.CUSTOMER)  # in the order in which a recorder has them


def written(recording: UUID, lasts: int, channels: Mapping[Channel, Transcript]) -> bytes:
    """`lasts`: ns. UTF-8, keys in order, times in seconds."""
    facts: dict[str, Any] = {
        "eyelid_transcript": FORMAT,
        "recording": str(recording),
        "lasts": round(lasts / 10**9, 3),
        "channels": {str(channel): transcript.facts() for channel, transcript in channels.items()},
    }
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
