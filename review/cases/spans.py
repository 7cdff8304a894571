"""What a case is: a title and spans of recordings. The console keeps it, and an export seals it.

Pure. Times are ns since the recording's start. JSON: {"v": 1, "case": ID, "title": TEXT, "spans": [{"recording": ID,
"from": NS, "until": NS}, ...], "only": LANE}, the last where not all lanes are given away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from protocol.claims import VERSION, Claims, parse_object
from protocol.envelope import AUDIO, LATEST_END, SCREEN, lane_of
from protocol.errors import ProtocolError

MOST_SPANS: Final = 256
LONGEST_TITLE: Final = 200  # characters
_MOMENT: Final = re.compile(r"(?:(?:([0-9]{1,4}):)?([0-9]{1,4}):)?([0-9]{1,7})(?:\.([0-9]{1,9}))?")


class CaseError(ProtocolError):
    """`code`: bad-field, bad-span, bad-title, no-spans, many-spans; and of a folder docs/cases.md lists more."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` to before `until`. Raises CaseError ("bad-span")."""

    recording: UUID
    start: int
    until: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.until <= LATEST_END:
            raise CaseError("bad-span", f"recording {self.recording}: a span must end after it begins, within 31 days")

    def facts(self) -> dict[str, Any]:
        return {"recording": str(self.recording), "from": self.start, "until": self.until}

    @classmethod
    def read(cls, claims: Claims) -> Span:
        """Raises CaseError."""
        return cls(claims.uuid("recording"), claims.integer("from"), claims.integer("until"))


@dataclass(frozen=True, slots=True)
class Case:
    """`only`: the lane that is given away; the other is left out for the rights of others. "": all lanes.

    Raises CaseError: bad-title, no-spans, many-spans, bad-field.
    """

    id: UUID
    title: str
    spans: tuple[Span, ...]
    only: str = ""

    def __post_init__(self) -> None:
        if self.only not in ("", SCREEN, AUDIO):
            raise CaseError("bad-field", f"a case has one lane, {SCREEN} or {AUDIO}, or all of them")
        if not self.title.strip() or len(self.title) > LONGEST_TITLE or not self.title.isprintable():
            raise CaseError("bad-title", f"a case has a title of 1 to {LONGEST_TITLE} characters, on one line")
        if not self.spans:
            raise CaseError("no-spans", "a case has at least one span")
        if len(self.spans) > MOST_SPANS:
            raise CaseError("many-spans", f"a case has at most {MOST_SPANS} spans")

    @property
    def recordings(self) -> tuple[UUID, ...]:
        """Each once, in the order in which they are named."""
        return tuple(dict.fromkeys(one.recording for one in self.spans))

    def of(self, recording: UUID) -> tuple[tuple[int, int], ...]:
        """Its time in this recording: (start, until), in order, without overlaps or seams."""
        return united((one.start, one.until) for one in self.spans if one.recording == recording)

    def gives(self, stream: int) -> bool:
        return self.only in ("", lane_of(stream))

    def facts(self) -> dict[str, Any]:
        said = {"case": str(self.id), "title": self.title, "spans": [one.facts() for one in self.spans]}
        return said | ({"only": self.only} if self.only else {})

    def write(self) -> bytes:
        return json.dumps({"v": VERSION, **self.facts()}, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"

    @classmethod
    def read(cls, said: Mapping[str, object] | bytes) -> Case:
        """Of `facts`, or of what `write` wrote. Raises CaseError."""
        try:
            values = parse_object(said) if isinstance(said, bytes) else said
        except ValueError as error:
            raise CaseError("bad-field", f"case: {error}") from None
        claims = Claims(values, "case", CaseError)
        claims.check_format()
        if len(listed := claims.objects("spans")) > MOST_SPANS:
            raise CaseError("many-spans", f"a case has at most {MOST_SPANS} spans")
        only = claims.text("only") if claims.has("only") else ""
        return cls(claims.uuid("case"), claims.text("title"), tuple(map(Span.read, listed)), only)


def moment(text: str) -> int | None:
    """Of a recording, ns, as people write it: 83.5, 1:23.5 or 0:01:23.5; None for what is none."""
    found = _MOMENT.fullmatch(text.strip().replace(",", "."))
    if found is None:
        return None
    minutes = int(found[1] or 0) * 60 + int(found[2] or 0)
    return (minutes * 60 + int(found[3])) * 10**9 + int((found[4] or "").ljust(9, "0"))


def united(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same time, in order, without overlaps or seams."""
    whole: list[tuple[int, int]] = []
    for start, until in sorted(spans):
        if whole and start <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(until, whole[-1][1])
        else:
            whole.append((start, until))
    return tuple(whole)
