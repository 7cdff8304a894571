"""What a case proves, checked without a store and without a browser: chunk by chunk, by the device's signatures.

The statement says that the folder is as one store exported it. That store says which evidence key is whose. All else
is the device's word: its packet, its account, and each chunk, which opens with its own key and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol import bundle, envelope
from protocol.claims import Claims
from protocol.envelope import Kind, lane_of
from protocol.errors import LedgerError, ProtocolError
from protocol.keys import public_to_text
from protocol.ledger import Batch, walk
from protocol.origin import Origin
from protocol.packet import KeyPacket
from review.cases.reading import PartSource
from review.cases.sealing import Part
from review.cases.selecting import Row
from review.cases.spans import CaseError
from store.catalog.queries import Device, Recording
from store.evidence.account import Entry, Interval, account
from store.evidence.account import Part as AccountPart
from store.evidence.chain import Stored
from store.evidence.earlier import entry_of
from store.evidence.evidence import AFTER_RUN, Evidence, Lines
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
            batches = self._batches(origin)
            accounts = self._account(_run(part, origin, packet, batches), batches)
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
            if signed.revision != packet.bundle_revision:
                self._find("key packet", "bad-bundle", "its bundle is of another revision than it names")
            elif {one.key_id for one in signed.recipients} != packet.wrapped.keys():
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

    def _account(self, run: Evidence, batches: Sequence[Batch]) -> dict[str, tuple[AccountPart, ...]]:
        """What became of the time of the spans. All of the run is needed: what is left out of it would be of a state
        that had long ended."""
        if run.lines is None or run.opening is None:
            message = f"no entry that device {run.device.id} signed opens this recording"
            self._find("ledger", "no-ledger", message)
            return {}
        for error in _mistakes(run, run.lines, batches):
            self._find("ledger", error.code, str(error))
        if run.closing is None and not run.end_signed_after_death:
            self._find("ledger", "unsigned", "no entry that the device signed ends it: its account was cut off")
        if run.opening.fields.get("policy") != run.recording.policy:
            self._find("key packet", "other-policy", "the ledger opened the recording under another policy")
        last = self._spans[-1][1]
        if run.end is not None and last > run.length:
            self._find("spans", "bad-span", "a span goes beyond the end of the recording")
        for _, heads in run.head_entries:
            for stream, (following, sha256) in heads.items():
                for row in self._part.rows.get(stream, ()):
                    if row.sequence == following - 1 and row.sha256 != sha256:
                        self._find(_name(stream, row.sequence), "wrong-head", "the device signed another hash of it")
        for stream, rows in self._part.rows.items():
            overlaps = overlapping(run.stated_then(lane_of(stream)))
            for row in rows:
                lasts = row.kind == Kind.MEDIA or row.start < row.end
                if lasts and overlaps(Interval(row.start, row.end)):
                    message = "the account says that the eye was closed then"
                    self._find(_name(stream, row.sequence), "kept-while-closed", message)
        length = run.length if run.end is not None else max(run.length, last)
        parts = {lane: account(length, run.kept(lane), run.stated(lane)) for lane in run.lanes}
        return {lane: tuple(_within(whole, self._spans)) for lane, whole in parts.items()}

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


def _run(part: Part, origin: Origin, packet: KeyPacket, batches: Sequence[Batch]) -> Evidence:
    """What the store would read of the recording, from what its device signed and the chunks that are here."""
    written = _lines_of(batches)
    read = (entry_of(seq, line.decode("utf-8")) for seq, line in written.items())
    entries = [one for one in read if one is not None]
    ours = [one.seq for one in entries if one.fields.get("recording") == str(part.recording)]
    kinds = {one.seq: one.kind for one in entries}
    opening = next((seq for seq in ours if kinds[seq] == "recording-open"), None)
    lines = None if opening is None else _run_around(opening, ours, kinds, last=max(written))

    def between(least: int, most: int) -> tuple[Entry, ...]:
        return tuple(one for one in entries if least <= one.seq <= most)

    following = None if lines is None else lines.following
    return Evidence(
        recording=Recording(part.recording, origin.device, packet.start, packet.host, packet.os_user, packet.policy),
        device=Device(origin.device, "", public_to_text(origin.evidence_key), packet.host, "", "", "", 0, None),
        stored=tuple(_stored(part.recording, stream, row) for stream, rows in part.rows.items() for row in rows),
        alarms=(), lines=lines, policies={}, newest_bundle=None, reported_heads={}, device_report=part.report,
        ledger_next=max(written, default=-1) + 1, ledger_whole=True,
        earlier=between(lines.start, lines.first - 1) if lines else (),
        entries=between(lines.first, lines.last) if lines else (),
        later_entries=() if following is None else between(following, following + AFTER_RUN),
    )  # fmt: skip


def _run_around(opening: int, ours: Iterable[int], kinds: Mapping[int, str], *, last: int) -> Lines:
    """`ours`: numbers of the entries that name the recording. `kinds`: of all, in order."""
    start = max((seq for seq, kind in kinds.items() if kind == "start" and seq <= opening), default=0)
    after = (seq for seq, kind in kinds.items() if kind in ("start", "blind-since") and seq > opening)
    following = next(after, None)
    until = last if following is None else following - 1
    closing = next((seq for seq in ours if kinds[seq] == "recording-closed" and seq > opening), until)
    return Lines(start, opening, min(until, closing), following)


def _lines_of(batches: Iterable[Batch]) -> dict[int, bytes]:
    """By number, in order."""
    return dict(sorted((one.first + at, line) for one in batches for at, line in enumerate(one.lines)))


def _stored(recording: UUID, stream: int, row: Row) -> Stored:
    kind = Kind(row.kind) if row.kind in (Kind.HEADER, Kind.MEDIA) else None
    return Stored(recording, stream, row.sequence, row.sha256, row.size, 0, kind, None, row.start, row.end)


def _mistakes(run: Evidence, lines: Lines, batches: Iterable[Batch]) -> Iterator[LedgerError]:
    """Of the run; where no closing ends it, of what came next too, as that alone says how far it went."""
    last = lines.last
    if run.closing is None and lines.following is not None:
        last = lines.following + AFTER_RUN
    whole = [line for seq, line in _lines_of(batches).items() if lines.start <= seq <= last]
    yield from walk(whole, Batch("", 0, 0, tuple(whole[:1])).prev, lines.start)
