"""All that the catalog holds about one recording, read in one transaction: for the timeline, the check and the export.

A recording lies within one run of the agent, because the device's clock may begin again at the next. A run begins with
`start`; what follows a death begins with `blind-since`, which says since when nothing was looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select

from protocol.claims import MAX_INTEGER, Claims
from protocol.envelope import AUDIO, KEY_PACKET_STREAM, SCREEN, Flag, Kind, lane_of
from protocol.errors import LedgerError, ProtocolError
from protocol.ledger import ZERO, line_hash, parse_line
from protocol.numbers import is_integer, read_number
from protocol.policyhash import policy_hash
from store.catalog import queries, reported, schema
from store.catalog.queries import Device, Recording
from store.errors import StoreError
from store.evidence.account import Entry, Interval, Missing, NotKept, Part, account, states
from store.evidence.chain import Chosen, Heads, Stored, choose, gaps
from store.evidence.rules import RuleName, hold_reasons_in, names_in

_KINDS: Final = frozenset(Kind)
_AFTER_DEATH: Final = 50  # entries after a run that may tell how it ended


@dataclass(frozen=True, slots=True)
class Line:
    """One stored ledger line, and the entry it says; `batch` is the row it came with.

    `hash`, `kind` and `recording` are what the catalog says beside it, so that it can be found: they are not signed.
    """

    seq: int
    hash: str
    text: str
    batch: int
    kind: str
    recording: str | None

    @property
    def columns_agree(self) -> bool:
        """Whether the catalog says of it what it says; True for a damaged line, of which nothing can be said."""
        written = self.text.encode("utf-8")
        try:
            fields = parse_line(written, seq=self.seq)
        except LedgerError:
            return True
        said = (line_hash(written), fields["kind"], fields.get("recording"))
        return (self.hash, self.kind, self.recording) == said

    @property
    def entry(self) -> Entry:
        """Raises LedgerError for a line that was damaged after it had been accepted."""
        fields = parse_line(self.text.encode("utf-8"), seq=self.seq)
        return Entry(self.seq, int(str(fields["at"])), str(fields["kind"]), fields)


@dataclass(frozen=True, slots=True)
class SignedBatch:
    id: int
    first: int
    token: str


@dataclass(frozen=True)
class Evidence:
    """`lines`: the run of the agent that the recording lies in, up to its closing; empty without its opening.

    `before`: hash of the entry before the first line. `later`: what came after the run, if it is over.
    """

    recording: Recording
    device: Device
    stored: tuple[Stored, ...]
    alarms: tuple[tuple[str, int | None, int | None, str | None], ...]  # code, stream, sequence, sha256
    lines: tuple[Line, ...]
    before: str
    later: tuple[Line, ...]
    batches: tuple[SignedBatch, ...]
    policies: Mapping[str, tuple[RuleName, ...]]
    hold_reasons: Mapping[str, tuple[str, ...]]  # of each policy, by their number in it
    newest_bundle: int | None  # its revision
    reported_heads: Mapping[int, tuple[int, str]]  # named by health, and not here yet
    device_report: str | None  # JWS: what the device last reported, signed; older agents sign none
    ledger_next: int  # number of the entry that the store waits for
    ledger_whole: bool  # whether the catalog has one row for each entry before that, and no other
    naming: tuple[Line, ...] = ()  # without an opening: the lines that have the recording's id in them

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for line in self.lines if (entry := _readable(line)) is not None)

    @cached_property
    def later_entries(self) -> tuple[Entry, ...]:
        return tuple(entry for line in self.later if (entry := _readable(line)) is not None)

    @cached_property
    def opening(self) -> Entry | None:
        return self._own("recording-open")

    @cached_property
    def closing(self) -> Entry | None:
        return self._own("recording-closed")

    def _own(self, kind: str) -> Entry | None:
        own = str(self.recording.id)
        return next((e for e in self.entries if e.kind == kind and e.fields.get("recording") == own), None)

    @cached_property
    def head_entries(self) -> tuple[tuple[int, Mapping[int, tuple[int, str]]], ...]:
        """(ledger number, stream -> (next sequence, hash)) of each entry that tells this recording's heads."""
        own = str(self.recording.id)
        return tuple(
            (entry.seq, heads_of(entry.fields.get("heads")))
            for entry in (*self.entries, *self.later_entries)
            if entry.kind in ("heads", "recording-closed") and entry.fields.get("recording") == own
        )

    @cached_property
    def last_signed(self) -> dict[int, int]:
        """stream -> sequence of the last chunk that an entry names."""
        return {stream: max(signed) for stream, signed in self.signed_heads.items()}

    @cached_property
    def end_signed_after_death(self) -> bool:
        """Whether the device signed at its next start where this recording ends, as far as it knew."""
        own = str(self.recording.id)
        return any(
            entry.kind == "heads" and entry.fields.get("final") is True and entry.fields.get("recording") == own
            for entry in self.later_entries
        )

    @cached_property
    def signed_heads(self) -> Heads:
        signed: dict[int, dict[int, str]] = {}
        for _, heads in self.head_entries:
            for stream, (following, head) in heads.items():
                signed.setdefault(stream, {})[following - 1] = head
        return signed

    @cached_property
    def chosen(self) -> Chosen:
        return choose(self.stored, self.signed_heads)

    @property
    def ended(self) -> bool:
        """Whether no more of it can come into being: closed, or its agent's run is over."""
        return self.closing is not None or bool(self.later)

    @cached_property
    def zero(self) -> int:
        """The device's clock when the recording began, ns; 0 where its opening has not arrived.

        The entry names it, since it is written a moment later: a recording that takes over from another begins with
        what was still waiting at the gate.
        """
        return 0 if self.opening is None else zero_of(self.opening)

    @cached_property
    def length(self) -> int:
        """ns from the recording's opening to its closing; where that is not known, to the last that is known of it.

        One that another took over from ends where that begins, though it is closed later: its last picture may have
        been on its way by then.
        """
        last = max((chunk.span.end for chain in self.chosen.streams.values() for chunk in chain), default=0)
        if self.opening is None:
            return last
        until = self.closing.time("until") if self.closing else None
        if self.closing is not None and until is not None and self.zero <= until <= self.closing.at:
            return until - self.zero
        ended = self.closing.at if self.closing else max(entry.at for entry in self.entries)
        return max(last, ended - self.zero)

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """The screen, and sound where the PC recorded it or has said why it did not."""
        accounted = any(entry.fields.get("lane") == AUDIO for entry in self.entries)
        heard = any(lane_of(stream) == AUDIO for stream in (*self.chosen.streams, *self.signed_heads))
        return (SCREEN, AUDIO) if accounted or heard else (SCREEN,)

    def chains(self, lane: str) -> tuple[tuple[Stored, ...], ...]:
        """Of each stream in the lane."""
        return tuple(tuple(chain) for stream, chain in self.chosen.streams.items() if lane_of(stream) == lane)

    def kept(self, lane: str) -> tuple[Interval, ...]:
        return tuple(chunk.span for chain in self.chains(lane) for chunk in chain if chunk.kind is Kind.MEDIA)

    def stated(self, lane: str) -> tuple[NotKept, ...]:
        """When the lane was not open, as the ledger says; after a death, also what its next start took for blind."""
        if self.opening is None:
            return ()
        reported_later = [entry for entry in self.later_entries if entry.kind == "blind-since"]
        return states((*self.entries, *reported_later), lane, self.zero)

    def stated_then(self, lane: str) -> tuple[NotKept, ...]:
        """The same without what was told later: that begins with the last entry, and chunks may have followed it."""
        return () if self.opening is None else states(self.entries, lane, self.zero)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The account of the screen, whole."""
        return self.account_of(SCREEN)

    def account_of(self, lane: str) -> tuple[Part, ...]:
        otherwise = {} if self.opening is not None else {"otherwise": Missing("no-ledger")}
        return account(self.length, self.kept(lane), self.stated(lane), self._missing(lane), **otherwise)

    def _missing(self, lane: str) -> list[tuple[Interval, Missing]]:
        missing = [(interval, Missing("lost")) for chain in self.chains(lane) for _, _, interval in gaps(chain)]
        for stream, signed in self.signed_heads.items():
            chain = self.chosen.streams.get(stream, ())
            if lane_of(stream) == lane and max(signed) > (chain[-1].sequence if chain else -1):
                # The device sealed more than came: whatever no state explains after the last chunk was recorded.
                why = "lost" if self.ended else "not-here-yet"
                missing.append((Interval(chain[-1].span.end if chain else 0, self.length), Missing(why)))
        if not self.ended:
            last = max((interval.end for interval in self.kept(lane)), default=0)
            missing.append((Interval(last, self.length), Missing("not-here-yet")))
        return missing


def claimed(written: bytes) -> str:
    """The hash that a line names as the one before it."""
    try:
        return str(parse_line(written, seq=0)["prev"])
    except LedgerError:
        return ZERO


def _readable(line: Line) -> Entry | None:
    """The entry, or None for a damaged line: `verify` names it, the timeline does without."""
    try:
        return line.entry
    except LedgerError:
        return None


def zero_of(opening: Entry) -> int:
    """What a recording's spans count from, on the device's clock: the entry is written when that has passed."""
    zero = opening.time("zero")
    return zero if zero is not None and zero <= opening.at else opening.at


def heads_of(value: object) -> dict[int, tuple[int, str]]:
    """{"0": [next sequence, hash]} as the ledger writes it; members of another shape count as not told."""
    found: dict[int, tuple[int, str]] = {}
    for name, head in value.items() if isinstance(value, dict) else ():
        stream = read_number(name, KEY_PACKET_STREAM - 1)
        if stream is None or str(stream) != name:
            continue
        match head:
            case [following, str(sha256)] if is_integer(following) and 0 < following <= MAX_INTEGER:
                found[stream] = (following, sha256)
            case _:
                pass
    return found


def texts_of(files: str) -> dict[str, str]:
    """File name -> text of a policy as the catalog keeps it. Raises ValueError for what was damaged since."""
    return Claims({"files": json.loads(files)}, "policy", ProtocolError).text_map("files")


# -- reading ------------------------------------------------------------------------------------------------------


def gather(connection: Connection, recording: UUID, *, whole: bool | None = None) -> Evidence:
    """Raises StoreError where the catalog has no such recording.

    `whole`: whether the device's ledger is, for who knows or does not ask; it is counted otherwise, and it is long.
    """
    known = queries.find_recording(connection, recording)
    if known is None:
        raise StoreError(f"there is no recording {recording}")
    device = queries.find_device(connection, schema.devices.c.id == known.device)
    if device is None:
        raise StoreError(f"the device of recording {recording} is not in the catalog: the database is damaged")
    lines, before, later = _run(connection, device.id, recording)
    bundle = queries.newest_bundle(connection)
    named = {known.policy, *(policy for line in lines if (policy := _policy_of(line)))}
    texts = {policy: policy_texts(connection, policy) for policy in sorted(named)}
    return Evidence(
        recording=known,
        device=device,
        stored=tuple(_stored(row) for row in queries.sealed_rows(connection, recording)),
        alarms=tuple(
            (row.code, row.stream, row.sequence, row.sha256) for row in queries.alarms_of(connection, recording)
        ),
        lines=lines,
        before=before,
        later=later,
        batches=_batches(connection, {line.batch for line in (*lines, *later)}),
        policies={policy: names_in(files) for policy, files in texts.items()},
        hold_reasons={policy: hold_reasons_in(files) for policy, files in texts.items()},
        newest_bundle=bundle[0] if bundle else None,
        device_report=queries.device_report(connection, device.id),
        ledger_next=queries.ledger_head(connection, device.id).next,
        ledger_whole=queries.ledger_is_whole(connection, device.id) if whole is None else whole,
        naming=() if lines else tuple(line_of(row) for row in queries.lines_naming(connection, device.id, recording)),
        reported_heads=reported.heads(connection, device.id).get(str(recording), {}),
    )


def _run(connection: Connection, device: str, recording: UUID) -> tuple[tuple[Line, ...], str, tuple[Line, ...]]:
    opening = queries.opening_entry(connection, device, recording)
    if opening is None:
        return (), ZERO, ()
    start, following = queries.run_around(connection, device, opening)
    end = queries.closing_entry(connection, device, recording, opening)
    if end is None or (following is not None and following < end):
        end = following - 1 if following is not None else queries.ledger_head(connection, device).next - 1
    before = queries.ledger_hashes(connection, device, start - 1, start - 1).get(start - 1, ZERO)
    later: tuple[Line, ...] = ()
    if following is not None:
        later = _lines(connection, device, following, following + _AFTER_DEATH)
    return _lines(connection, device, start, end), before, later


def _lines(connection: Connection, device: str, first: int, last: int) -> tuple[Line, ...]:
    rows = queries.ledger_lines(connection, device, first, last)
    return tuple(line_of(row) for row in rows)


def line_of(row: Row[Any]) -> Line:
    """Of a row of `schema.ledger_lines`."""
    return Line(row.seq, row.hash, row.line, row.batch, row.kind, row.recording)


def _policy_of(line: Line) -> str:
    entry = _readable(line)
    return "" if entry is None else entry.policy


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        recording=UUID(row.recording),
        stream=row.stream,
        sequence=row.sequence,
        sha256=row.sha256,
        size=row.size,
        received_at=row.received_at,
        kind=Kind(row.kind) if row.kind in _KINDS else None,  # another one is damage, which `verify` names
        flags=None if row.flags is None else Flag(row.flags),
        start=row.start,
        end=row.end,
        previous=row.previous,
    )


def _batches(connection: Connection, numbers: set[int]) -> tuple[SignedBatch, ...]:
    columns = schema.ledger_batches.c
    found: list[SignedBatch] = []
    ordered: Sequence[int] = sorted(numbers)
    for place in range(0, len(ordered), 500):  # engines limit how many values one question may carry
        rows = connection.execute(
            select(columns.id, columns.first, columns.token).where(columns.id.in_(ordered[place : place + 500]))
        )
        found += [SignedBatch(row.id, row.first, row.token) for row in rows]
    return tuple(sorted(found, key=lambda batch: batch.first))


def rule_names(connection: Connection, policy: str) -> tuple[RuleName, ...]:
    return names_in(policy_texts(connection, policy))


def policy_texts(connection: Connection, policy: str) -> dict[str, str]:
    """File name -> text. Empty where its text is not here, or is not the one with this hash: `verify --all` names that.

    Without the comparison who can write the catalog could give every rule another name.
    """
    files = queries.policy_files(connection, policy)
    return {} if files is None or hash_of(files) != policy else texts_of(files)


def hash_of(files: str) -> str:
    """Hash of a policy as the catalog keeps it; "" for what cannot be one any more."""
    try:
        return policy_hash({name: content.encode("utf-8") for name, content in texts_of(files).items()})
    except ValueError:
        return ""
