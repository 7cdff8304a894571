"""What a page says that it showed and played of an opening: sealed under a key that the opening released to it alone.

Nothing is opened by it. It is the account of an honest page: who changed theirs can report anything within the
release's lanes, or nothing. What was released is the upper bound of what was seen.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.claims import Claims, parse_object
from protocol.envelope import SOUND_STREAM
from protocol.errors import ProtocolError
from review.extracts import spans_of
from review.refusal import Refusal

MOST_SPANS: Final = 512  # of a report; a page that has more joins those with the least between them
LARGEST: Final = 32 * 2**10  # bytes of a sealed report
MOST: Final = 1000  # reports of an opening
EARLY, EVERY = 4, 15.0  # so many at once, then one in so many seconds
SLACK: Final = 300 * 10**9  # ns by which a recording may be longer than its PC's wall clock says
LATE: Final = 60 * 10**9  # ns after the release's end in which the last report may come
LASTS: Final = 12 * 3600 * 10**9  # ns: no session of a console is longer
HELD: Final = 10_000  # openings whose pages may report
ENDS: Final = ("microphone", "far-end")  # lanes of sound; a screen's lane is its stream's number
_NONCE: Final = 12
_LABEL: Final = b"eyelid watched v1"
_TEXT: Final = re.compile(r"[0-9]{1,16}-[0-9]{1,16}( [0-9]{1,16}-[0-9]{1,16})*")


@dataclass
class _Opening:
    """`ends`: wall clock, ns. `began`: s, of a clock that never jumps. `last`: number of the newest report."""

    person: str
    recording: UUID
    entry: int
    lanes: frozenset[str]
    length: int
    ends: int
    began: float
    key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    last: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """`facts`: for the log."""

    person: str
    recording: str
    facts: dict[str, object]


class Watching:
    """Openings of this start whose pages may report. Of any thread. `ticks`: s."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks, self._open, self._lock = ticks, dict[str, _Opening](), threading.Lock()

    def begin(  # noqa: PLR0917 - what the custodian knows of an opening
        self, request: str, person: str, recording: UUID, entry: int, streams: Iterable[int], length: int,
        lasts: tuple[int, int],
    ) -> bytes:  # fmt: skip
        """The key of this opening's reports. `request`: id of what the person signed. `entry`: of the log. `length`:
        ns. `lasts`: from when until when the release does.
        """
        now, until = lasts
        lanes = frozenset(
            one for stream in streams for one in (ENDS if stream == SOUND_STREAM else (str(stream),))
        )  # fmt: skip
        ends = min(until + LATE, now + LASTS)
        made = _Opening(person, recording, entry, lanes, length + SLACK, ends, self._ticks())
        with self._lock:
            kept = {name: one for name, one in self._open.items() if one.ends > now}
            for name in list(kept)[: max(0, len(kept) - HELD + 1)]:
                del kept[name]
            self._open = kept | {request: made}
        return made.key

    def take(self, asked: Claims, now: int) -> Report:
        """Raises Refusal: unknown-opening, over, too-many, replayed; ProtocolError for what its page did not seal, or
        what is no report of it."""
        request, sealed = asked.hex256("opening"), asked.raw("sealed")
        with self._lock:
            one = self._open.get(request)
            if one is None:
                raise Refusal("unknown-opening", "no opening of this start of the custodian has this id")
            if now >= one.ends:
                raise Refusal("over", "what was released is over, and so is the time to report on it")
            said = _opened(one, request, sealed)
            number = said.integer("number", least=1)
            if number <= one.last:
                raise Refusal("replayed", "a report as new as this one was taken before")
            spans = _spans(said, one)
            if one.count >= min(MOST, EARLY + (self._ticks() - one.began) // EVERY):
                raise Refusal("too-many", "its page reports too often")
            one.last, one.count = number, one.count + 1
        facts: dict[str, object] = {"opening": one.entry, "spans": [span for _, span in spans]}
        return Report(one.person, str(one.recording), facts | {"lanes": [lane for lane, _ in spans]})


def seal(key: bytes, request: str, recording: UUID, report: bytes) -> bytes:
    """As the page does it. `report`: JSON; blanks may follow."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, report, _place(request, recording))


def _place(request: str, recording: UUID) -> bytes:
    return _LABEL + bytes.fromhex(request) + recording.bytes


def _opened(one: _Opening, request: str, sealed: bytes) -> Claims:
    if not _NONCE < len(sealed) <= LARGEST:
        raise Refusal("oversized", f"a sealed report has {LARGEST} bytes at the most")
    try:
        opened = AESGCM(one.key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(request, one.recording))
    except InvalidTag:
        raise Refusal("not-its-page", "it was not sealed by the page to which this opening was released") from None
    try:
        return Claims(parse_object(opened), "report", ProtocolError)
    except ValueError as error:
        raise Refusal("malformed", f"the report is {error}") from None


def _spans(said: Claims, one: _Opening) -> list[tuple[str, tuple[int, int]]]:
    """(lane, span), in order within each lane. Raises ProtocolError ("bad-field")."""
    lanes = said.text_map("lanes")
    if not lanes.keys() <= one.lanes:
        raise said.refuse("lanes", f"lanes that were released: {', '.join(sorted(one.lanes))}")
    found: list[tuple[str, tuple[int, int]]] = []
    for lane, text in sorted(lanes.items()):
        spans = spans_of({"spans": text}) if _TEXT.fullmatch(text) else ()
        edges = [at for span in spans for at in span]
        if not spans or any(at >= after for at, after in pairwise(edges)) or edges[-1] > one.length:
            raise said.refuse("lanes", "spans within the recording, in order and apart, as FROM-UNTIL in ns")
        found += [(lane, span) for span in spans]
    if not 0 < len(found) <= MOST_SPANS:
        raise said.refuse("lanes", f"1 to {MOST_SPANS} spans")
    return found
