"""A recording's personal data as bytes: where it is and of which kind, never what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from review.analysis.job_states import Kind
from review.analysis.personal.spans import LANGUAGES, VERSION, Span, shares
from review.analysis.words import SECOND, Call, Channel
from review.transcripts.form import Spoken

FORMAT: Final = 1
MILLISECOND: Final = SECOND // 1000


@dataclass(frozen=True, slots=True)
class Source:
    """A result that was looked through. `version`: of its job. `sha256`: of its sealed file, hex."""

    version: str
    sha256: str


def written(
    recording: UUID, sources: Mapping[Kind, Source], spoken: Mapping[Channel, Spoken], spans: Sequence[Span]
) -> bytes:
    """UTF-8, keys in order, times in seconds: a span's start is rounded down, its end up.

    `person` of a span: who set it; null where a rule did. A channel says how its transcript ended, and in which
    language it is: where there are no words, or none of a language that the rules know, to find no span says nothing.
    """
    call = Call({channel: one.heard for channel, one in spoken.items()})
    masked = shares(call, spans)
    facts: dict[str, Any] = {
        "eyelid_personal": FORMAT,
        "recording": str(recording),
        "rules": VERSION,
        "languages": LANGUAGES,
        "made_of": {kind: {"version": one.version, "sha256": one.sha256} for kind, one in sources.items()},
        "channels": {
            str(channel): {"transcript": one.state, "language": one.language, "masked": round(masked[channel], 4)}
            for channel, one in spoken.items()
        },
        "spans": [
            {
                "channel": span.channel, "start": span.start // MILLISECOND / 1000,
                "end": -(-span.end // MILLISECOND) / 1000, "kind": span.kind, "detector": span.detector,
                "version": span.version, "confidence": span.confidence, "because": span.because, "person": None,
            }
            for span in spans
        ],
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
