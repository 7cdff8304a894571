"""What a page says that it showed and played of an opening: sealed under a key that the opening released to it alone.

Nothing is opened by it. It is the account of an honest page: who changed theirs can report anything within the
release's lanes, or nothing. What was released is the upper bound of what was seen.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import base64url
from protocol.claims import Claims, parse_object
from protocol.envelope import SOUND_STREAM
from protocol.errors import ProtocolError
from protocol.folder import write_over
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

    def write(self, path: Path) -> None:
        """All but `began`, which no other start of the custodian knows."""
        said = {"person": self.person, "recording": str(self.recording), "entry": self.entry, "length": self.length,
                "lanes": sorted(self.lanes), "ends": self.ends, "key": base64url.encode(self.key), "last": self.last,
                "count": self.count}  # fmt: skip
        write_over(path, json.dumps(said).encode())

    @classmethod
    def read(cls, path: Path, ticks: float) -> _Opening:
        """Its page may report as often from now on as one that was just opened. Raises ProtocolError, OSError."""
        said = Claims(parse_object(path.read_bytes()), path.name, ProtocolError)
        count = said.integer("count")
        return cls(
            said.text("person"), said.uuid("recording"), said.integer("entry"), frozenset(said.texts("lanes")),
            said.integer("length"), said.integer("ends"), ticks - count * EVERY, said.raw("key"),
            said.integer("last"), count,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """`facts`: for the log."""

    person: str
    recording: str
    facts: dict[str, object]


class Watching:
    """Openings whose pages may report, a file each in `folder`: a start of the custodian goes on with them. Of any
    thread. `ticks`: s. Raises ProtocolError, OSError.
    """

    def __init__(self, folder: Path, ticks: Callable[[], float]) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder, self._ticks, self._lock = folder, ticks, threading.Lock()
        kept = (path for path in folder.iterdir() if not path.name.startswith("."))
        self._open = {path.name: _Opening.read(path, ticks()) for path in kept}

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
            kept = sorted(
                (name for name, one in self._open.items() if one.ends > now), key=lambda name: self._open[name].entry
            )
            kept = kept[max(0, len(kept) - HELD + 1) :]
            for name in self._open.keys() - set(kept):
                (self._folder / name).unlink(missing_ok=True)
            made.write(self._folder / request)
            self._open = {name: self._open[name] for name in kept} | {request: made}
        return made.key

    def take(self, asked: Claims, now: int) -> Report:
        """Raises Refusal: unknown-opening, over, too-many, replayed; ProtocolError for what its page did not seal, or
        what is no report of it."""
        request, sealed = asked.hex256("opening"), asked.raw("sealed")
        with self._lock:
            one = self._open.get(request)
            if one is None:
                raise Refusal("unknown-opening", "no opening that may still be reported on has this id")
            if now >= one.ends:
                raise Refusal("over", "what was released is over, and so is the time to report on it")
            said = _opened(one, request, sealed)
            number = said.integer("number", least=1)
            if number <= one.last:
                raise Refusal("replayed", "a report as new as this one was taken before")
            spans = _spans(said, one)
            if one.count >= min(MOST, EARLY + (self._ticks() - one.began) // EVERY):
                raise Refusal("too-many", "its page reports too often")
            new = replace(one, last=number, count=one.count + 1)
            new.write(self._folder / request)  # before its entry: killed in between, the page reports it again
            self._open[request] = new
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
