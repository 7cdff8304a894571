"""What a case proves, checked without a store and without a browser: chunk by chunk, by the device's signatures.

The statement says that the folder is as one store exported it. That store says which evidence key is whose. All else
is the device's word: its packet, its account, and each chunk, which opens with its own key and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol import bundle, envelope
from protocol.claims import Claims
from protocol.envelope import AUDIO, SCREEN, Kind, lane_of
from protocol.errors import ProtocolError
from protocol.ledger import Batch, walk
from protocol.origin import Origin
from protocol.packet import KeyPacket
from review.cases.reading import PartSource
from review.cases.selecting import Row
from review.cases.spans import CaseError
from store.evidence.account import Entry, Interval, account, states
from store.evidence.account import Part as AccountPart
from store.evidence.earlier import entry_of
from store.evidence.evidence import heads_of, zero_of
from store.evidence.verify.recording import overlapping

_AT_ONCE: Final = 16  # chunks


@dataclass(frozen=True, slots=True)
class Found:
    """`code`: as in docs/store-format.md."""

    recording: UUID
    where: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"recording {self.recording}, {self.where}: {self.message} ({self.code})"


@dataclass(frozen=True, slots=True)
class Proven:
    """`account`: of each lane what became of the time of the spans, in order; ns since the recording's start.
    `left_out`: lanes that the case does not give away, for the rights of others.
    """

    recording: UUID
    device: str
    host: str
    start: int
    spans: tuple[tuple[int, int], ...]
    chunks: int
    account: dict[str, tuple[AccountPart, ...]]
    left_out: tuple[str, ...]
    found: tuple[Found, ...]


def prove(source: PartSource, store: Ed25519PublicKey, advance: Callable[[int], None]) -> Proven:
    """`store`: the key of the store that exported it."""
    return _Prover(source, store, advance).prove()


class _Prover:
    def __init__(self, source: PartSource, store: Ed25519PublicKey, advance: Callable[[int], None]) -> None:
        self._source, self._part, self._store, self._advance = source, source.part, store, advance
        self._spans = source.case.of(source.part.recording)
        self._found: list[Found] = []

    def _find(self, where: str, code: str, message: str) -> None:
        self._found.append(Found(self._part.recording, where, code, message))

    def prove(self) -> Proven:
        part, host, start = self._part, "", 0
        accounts: dict[str, tuple[AccountPart, ...]] = {}
        device = ""
        try:
            origin = Origin.verify(part.origin, self._store)
            device = origin.device
            packet = self._packet(origin)
            host, start = packet.host, packet.start
            accounts = self._account(origin, _entries(part.recording, self._batches(origin)))
            for stream, rows in part.rows.items():
                self._stream(stream, rows, origin.evidence_key, packet)
        except ProtocolError as error:
            self._find("papers", error.code, str(error))
        count = sum(map(len, part.rows.values()))
        only = self._source.case.only
        left_out = tuple(lane for lane in accounts if only not in ("", lane))
        given = {lane: parts for lane, parts in accounts.items() if lane not in left_out}
        return Proven(
            part.recording, device, host, start, self._spans, count, given, left_out, tuple(self._found)
        )  # fmt: skip

    def _packet(self, origin: Origin) -> KeyPacket:
        """Signed by the device that the store names, and for the readers that compliance signed."""
        papers = Claims(self._part.papers, "papers", CaseError)
        token = papers.text("packet")
        packet = KeyPacket.verify(token, origin.evidence_key)
        ours = (packet.recording, packet.device) == (self._part.recording, origin.device)
        if not ours or origin.recording != self._part.recording:
            raise CaseError("misplaced", "key packet: it is of another recording or device")
        if envelope.digest(token.encode("latin-1", "replace")).hex() != origin.packet:
            raise CaseError("wrong-packet", "key packet: it is not the one that the store names")
        try:
            signed = bundle.verify(papers.text("bundle"), papers.text("compliance"))
        except ProtocolError as error:
            self._find("key packet", "bad-bundle", str(error))
        else:
            if {one.key_id for one in signed.recipients} != packet.wrapped.keys():
                self._find("key packet", "other-readers", "its readers are not those of the bundle that it names")
        return packet

    # -- the account --------------------------------------------------------------------------------------------------

    def _batches(self, origin: Origin) -> list[Batch]:
        batches = []
        for one in self._part.account:
            try:
                batch = Batch.verify(str(one.get("token")), origin.evidence_key)
                if batch.device != origin.device:
                    raise CaseError("misplaced", "ledger: a batch is of another device")
                batches.append(batch)
            except ProtocolError as error:
                self._find("ledger", error.code, str(error))
        return sorted(batches, key=lambda one: one.first)

    def _account(self, origin: Origin, entries: RunEntries) -> dict[str, tuple[AccountPart, ...]]:
        if entries.opening is None:
            self._find("ledger", "no-ledger", f"no entry that device {origin.device} signed opens this recording")
            return {}
        for error in walk(entries.lines, entries.prev, entries.start):
            self._find("ledger", error.code, str(error))
        for stream, (following, sha256) in entries.heads:
            for row in self._part.rows.get(stream, ()):
                if row.sequence == following - 1 and row.sha256 != sha256:
                    self._find(_name(stream, row.sequence), "wrong-head", "the device signed another hash of it")
        zero = zero_of(entries.opening)
        heard = any(one.fields.get("lane") == AUDIO for one in entries.entries)
        lanes: dict[str, list[Interval]] = {lane: [] for lane in ((SCREEN, AUDIO) if heard else (SCREEN,))}
        for stream, rows in self._part.rows.items():
            overlaps = overlapping(states(entries.entries, lane_of(stream), zero))
            for row in rows:
                if row.kind == Kind.MEDIA:
                    lanes.setdefault(lane_of(stream), []).append(Interval(row.start, row.end))
                    if overlaps(Interval(row.start, row.end)):
                        message = "the account says that the eye was closed then"
                        self._find(_name(stream, row.sequence), "kept-while-closed", message)
        return {
            lane: tuple(_within(account(self._spans[-1][1], kept, states(entries.entries, lane, zero)), self._spans))
            for lane, kept in lanes.items()
        }

    # -- chunks -------------------------------------------------------------------------------------------------------

    def _stream(self, stream: int, rows: tuple[Row, ...], device: Ed25519PublicKey, packet: KeyPacket) -> None:
        for one, after in pairwise(rows):
            if after.sequence != one.sequence + 1 and one.kind == Kind.MEDIA and _lost(one, after, self._spans):
                self._find(_name(stream, one.sequence + 1), "gap", "chunks are missing within a span")
        committed: bytes | None = None
        check = partial(self._chunk, stream, device=device, packet=packet)
        for first in range(0, len(rows), _AT_ONCE):
            upto = min(len(rows), first + _AT_ONCE)
            for place, sealed in enumerate(self._source.sealed(stream, first, upto), first):
                before = rows[place - 1] if place and rows[place - 1].sequence + 1 == rows[place].sequence else None
                try:
                    own = check(rows[place], before, sealed)
                    if own != (committed := committed or own):
                        raise CaseError("other-key", "it commits to another key than the rest of its stream")
                except ProtocolError as error:
                    self._find(_name(stream, rows[place].sequence), error.code, str(error))
                self._advance(1)

    def _chunk(
        self, stream: int, row: Row, before: Row | None, sealed: bytes, *, device: Ed25519PublicKey, packet: KeyPacket
    ) -> bytes | None:
        """Its commitment to the stream's key. Raises ProtocolError."""
        if not sealed:
            raise CaseError("lost", "the chunk is not here")
        if envelope.digest(sealed).hex() != row.sha256:
            raise CaseError("damaged", "its bytes are not those that were exported")
        envelope.check_signature(sealed, device)
        key = self._part.keys.get(stream, {}).get(row.sequence)
        if key is None:
            raise CaseError("no-key", "the case has no key of it")
        header, _ = envelope.open_by_chunk_key(key, sealed)
        cells = (header.sequence, header.start, header.end, int(header.kind), int(header.flags))
        if cells != row[:5] or header.edition is not packet.edition:
            raise CaseError("changed-catalog", "its header is not what the case says of it")
        previous = header.previous
        if before is not None:
            previous = bytes.fromhex(before.sha256)
        elif row.sequence == 0:
            previous = envelope.digest(str(self._part.papers["packet"]).encode("latin-1", "replace"))
        place = {"recording": self._part.recording, "stream": stream, "sequence": row.sequence}
        envelope.expect(header, **place, previous=previous)  # type: ignore[arg-type] # each is of its type
        return envelope.committed(sealed)


def _name(stream: int, sequence: int) -> str:
    return f"stream {stream}, sequence {sequence}"


def _lost(one: Row, after: Row, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether two chunks that do not follow one another are of one span: then what lay between them was, too."""
    return any(one.end > start and one.start < until and after.start < until for start, until in spans)


def _within(parts: Iterable[AccountPart], spans: Iterable[tuple[int, int]]) -> Iterable[AccountPart]:
    spans = list(spans)
    for part in parts:
        for start, until in spans:
            if max(part.start, start) < min(part.end, until):
                yield AccountPart(max(part.start, start), min(part.end, until), part.cause, part.margin)


# -- the entries of a recording, by docs/store-format.md --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunEntries:
    """`lines`: of its run, from number `start` on. `entries`: those that can be read, up to its closing."""

    opening: Entry | None
    start: int
    prev: str
    lines: tuple[bytes, ...]
    entries: tuple[Entry, ...]
    heads: tuple[tuple[int, tuple[int, str]], ...]


def _entries(recording: UUID, batches: Iterable[Batch]) -> RunEntries:
    lines = {one.first + at: line for one in batches for at, line in enumerate(one.lines)}
    read = {seq: entry_of(seq, line.decode("utf-8", "replace")) for seq, line in sorted(lines.items())}
    entries = [one for one in read.values() if one is not None]
    own = str(recording)

    def first(kind: str, after: int) -> int | None:
        return next((one.seq for one in entries if one.kind == kind and one.seq > after and _of(one, own)), None)

    begun = first("recording-open", -1)
    if begun is None:
        return RunEntries(None, 0, "", (), (), ())
    start = max((one.seq for one in entries if one.kind == "start" and one.seq <= begun), default=0)
    ended = [one.seq for one in entries if one.seq > begun and one.kind in ("start", "blind-since")]
    ends = [one - 1 for one in ended[:1]] + [one for one in [first("recording-closed", begun)] if one is not None]
    last = min(ends, default=max(lines))
    run = tuple(one for one in entries if start <= one.seq <= last)
    naming = [
        one for one in entries if one.seq >= begun and one.kind in ("heads", "recording-closed") and _of(one, own)
    ]
    heads = tuple(pair for one in naming for pair in heads_of(one.fields.get("heads")).items())
    whole = tuple(lines[seq] for seq in sorted(lines) if start <= seq <= last)
    return RunEntries(read[begun], start, _prev(whole), whole, run, heads)


def _of(entry: Entry, recording: str) -> bool:
    return entry.fields.get("recording") == recording


def _prev(lines: tuple[bytes, ...]) -> str:
    """What the first line of a run says that it follows: it may go on from what is not here."""
    return Batch("", 0, 0, lines[:1]).prev
