"""What is not here: chunks that a recording should have, time that no entry explains, devices that are silent.

Asked of the catalog alone, without a blob and without a key; a device at a time, a recording at a time.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from protocol.claims import MAX_INTEGER, is_uuid
from protocol.envelope import KEY_PACKET_STREAM, SCREEN, SOUND_STREAM, Kind
from protocol.errors import LedgerError, ProtocolError
from protocol.ledger import parse_line
from protocol.report import DeviceReport
from store.catalog import erasure, queries, schema
from store.catalog import reported as names
from store.catalog.database import Database
from store.catalog.erasure import Tombstone
from store.catalog.queries import Device, Recording
from store.catalog.reported import Heads, Named
from store.clock import SECOND
from store.evidence.account import Entry, Interval
from store.evidence.earlier import MOST_EACH
from store.evidence.evidence import MOST_POLICIES, Policies, heads_of, zero_of
from store.evidence.rules import PolicyNames, at_most, reason_of
from store.evidence.timeline.days import Day, days
from store.evidence.timeline.device_timeline import NOT_HERE_YET, LastReport, TimelineSpan, What, spans

SILENT: Final = 5 * 60 * SECOND  # a device reports its health every minute
LATE: Final = SILENT  # its account follows its health in seconds, and after an outage in minutes
MOST_LISTED: Final = 10_000  # spans, recordings, and holes in them, of a PC: it may account for millions a day
MOST_ASKED: Final = 10_000  # recordings of a PC, whole or not
_PAGE: Final = 500

Receipts = Mapping[str, Mapping[int, int]]
"""recording -> stream -> number of the next chunk after the last that a receipt was given for."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Sequences `first` to `last` of a stream. `why`: lost; given-up (the PC's disk was full, and it said so); or
    on-its-way, while the recording goes on or its PC still has chunks to send."""

    stream: int
    first: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class Short:
    """A recording that is not whole. `start` as the PC believed it; None where nothing of it has come at all."""

    recording: UUID
    start: int | None
    holes: tuple[Hole, ...]
    why: str = ""  # where nothing has come: lost, given-up or on-its-way
    more: bool = False  # it has more chunks, entries or holes than are read

    @property
    def lost(self) -> bool:
        return self.why == "lost" or any(hole.why == "lost" for hole in self.holes)


@dataclass(frozen=True, slots=True)
class DeviceGaps:
    """One device. `state`: heard, silent, off (it said so when it ended), revoked, never (heard of since it enrolled).

    `heard`: last sign of life, ns by the store's clock. `clock_off`: how far the PC's wall clock was ahead when it last
    reported its health. `more`: whether more is unexplained, not whole, or not asked for, than `unexplained` and
    `recordings` list.
    `erased`: recordings that are not here for a signed reason, ordered since then.
    `held`: the holds that its account ends with, as `TimelineSpan.why` has them.
    `pending_chunks`, `pending_bytes`: what its last health said is waiting there; `pending_entries`: of its ledger,
    what any report of its health named beyond what came; `late`: some of it was named longer than LATE ago. Until then
    its time counts as on its way, not as unexplained. `contradicted`: what came is not what such a report had named.
    """

    device: Device
    state: str
    heard: int | None
    clock_off: int
    pending_chunks: int
    pending_bytes: int
    pending_entries: int
    days: tuple[Day, ...]
    unexplained: tuple[TimelineSpan, ...]
    recordings: tuple[Short, ...]
    contradicted: tuple[Named, ...]
    erased: tuple[Tombstone, ...] = ()
    held: tuple[str, ...] = ()
    more: bool = False
    late: bool = False

    @property
    def amiss(self) -> bool:
        """Whether to look into it: something is lost, unexplained or not what it was, or the device is silent."""
        odd = self.unexplained or self.contradicted or self.more or any(short.lost for short in self.recordings)
        return self.state == "silent" or bool(odd)


def gaps(
    database: Database, device: Device, *, since: int, now: int, zone: tzinfo | None, policies: Policies | None = None
) -> DeviceGaps:
    """`since`, `now`: ns since 1970 by the store's clock; recordings and entries received since then are looked at.

    `policies`: for who asks of many devices.
    """
    policies = policies or Policies()
    with database.reading() as connection:
        last = queries.last_health(connection, device.id)
        health: Mapping[str, Any] = json.loads(last[1]) if last else {}
        batch = connection.scalar(
            select(func.max(schema.ledger_batches.c.received_at)).where(
                schema.ledger_batches.c.device == device.id, schema.ledger_batches.c.accepted.is_(True)
            )
        )
        head = queries.ledger_head(connection, device.id)
        named = names.ledger_next(connection, device.id)
        waits_since = names.waits_since(connection, device.id, head.next)
        contradicted = names.contradicted(connection, device.id)
        erased = schema.erasures.c
        # Of years of erasures the signatures of the few are checked that can be as young as that.
        lately = or_(erased.shredded_at.is_(None), erased.shredded_at >= since)
        gone = tuple(
            one
            for one in erasure.tombstones(connection, erased.device == device.id, lately)
            if one.explained and one.order is not None and one.order.at >= since
        )
        last_kind = connection.scalar(
            select(schema.ledger_lines.c.kind).where(
                schema.ledger_lines.c.device == device.id, schema.ledger_lines.c.seq == head.next - 1
            )
        )
    # Entries say how far they go, and nothing of what came after them: a proxy on the way may let through as many as
    # suit them. Only a report of health, with the account's head, says that nothing is missing up to then.
    reported = last[0] if last else None
    heard = max((at for at in (last[0] if last else None, batch) if at is not None), default=None)
    clock_off = int(health["wall"]) - last[0] if last else 0
    pending = max(0, named - head.next)
    silent_since = device.enrolled_at if reported is None else reported
    state = _state(device, heard, silent_since, now, ended=last_kind == "stop" and not pending)
    last_report = None
    if heard is not None:
        upto = None if reported is None else reported + clock_off
        last_report = LastReport(upto, now + clock_off, complete=not pending, silent=state == "silent")

    def read(policy: str) -> PolicyNames:
        with database.reading() as connection:
            return policies.names_of(connection, policy)

    names_of = at_most(MOST_POLICIES, read)
    late = waits_since is not None and abs(now - waits_since) > LATE  # as of silence: a clock may be set back
    unexplained: list[TimelineSpan] = []
    latest: TimelineSpan | None = None

    def is_unexplained(part: TimelineSpan) -> bool:
        in_question = part.what is What.UNEXPLAINED and part.end > since + clock_off
        return in_question and (late or part.why != (NOT_HERE_YET,))

    def parts() -> Iterator[TimelineSpan]:
        nonlocal latest
        entries = entries_since(database, device, since)
        kept = _Kept(database, device)
        for latest in spans(entries, SCREEN, kept, last_report, lambda held: reason_of(held, names_of)):
            if is_unexplained(latest) and len(unexplained) <= MOST_LISTED:
                unexplained.append(latest)
            yield latest

    made = tuple(days(parts(), zone, since + clock_off, now + clock_off))
    recordings, more = _listed(_short(database, device, health, since))
    return DeviceGaps(
        device=device,
        state=state,
        heard=heard,
        clock_off=clock_off,
        pending_chunks=int(health.get("pending_chunks", 0)),
        pending_bytes=int(health.get("pending_bytes", 0)),
        pending_entries=pending,
        days=made,
        unexplained=tuple(unexplained[:MOST_LISTED]),
        held=latest.why if state == "heard" and latest is not None and latest.what is What.HELD else (),
        recordings=recordings,
        more=more or len(unexplained) > MOST_LISTED,
        contradicted=tuple(contradicted),
        erased=gone,
        late=late,
    )


def _state(device: Device, heard: int | None, silent_since: int, now: int, *, ended: bool) -> str:
    """`silent_since`: since when no report of its health is known."""
    if device.revoked_at is not None:
        return "revoked"
    if heard is None:
        return "never"
    if ended:
        return "off"
    # A report from ahead came before this machine's clock was set back, at an unknown time; the next comes in a minute.
    return "silent" if abs(now - silent_since) > SILENT else "heard"


# -- a device's time ----------------------------------------------------------------------------------------------


def entries_since(database: Database, device: Device, since: int) -> Iterator[Entry]:
    """From the end of the run before the one that the first entry received since then lies in."""
    columns = schema.ledger_batches.c
    with database.reading() as connection:
        first = connection.scalar(
            select(func.min(columns.first)).where(
                columns.device == device.id, columns.received_at >= since, columns.accepted.is_(True)
            )
        )
        end = queries.ledger_head(connection, device.id).next
        if first is None:
            first = max(0, end - 1)  # nothing since: how it stood when it fell silent
        start, _ = queries.run_around(connection, device.id, first)
    after = max(0, start - 2) - 1
    while True:
        with database.reading() as connection:
            page = queries.ledger_lines_after(connection, device.id, after, _PAGE)
        for row in page:
            if row.seq >= end:
                return  # it came meanwhile
            try:
                fields = parse_line(row.line.encode("utf-8"), seq=row.seq)
            except LedgerError:
                continue  # damaged since it was accepted: `verify --all` names it
            yield Entry(row.seq, int(str(fields["at"])), str(fields["kind"]), fields)
        if len(page) < _PAGE:
            return
        after = page[-1].seq


class _Kept:
    """What the catalog holds of a recording's screen, on the clock of the device that opened it.

    Of recordings that never came nothing is asked: a PC may tell of a hundred thousand.
    """

    def __init__(self, database: Database, device: Device) -> None:
        self._database = database
        recordings = schema.recordings.c
        with database.reading() as connection:
            self._here = frozenset(connection.scalars(select(recordings.id).where(recordings.device == device.id)))

    def __call__(self, opening: Entry) -> Sequence[Interval]:
        if opening.text("recording") not in self._here:
            return ()
        zero = zero_of(opening)
        columns = schema.sealed.c
        with self._database.reading() as connection:
            rows = connection.execute(
                select(columns.start, columns.end)
                .where(
                    columns.recording == opening.text("recording"),
                    columns.kind == int(Kind.MEDIA),
                    columns.stream < SOUND_STREAM,
                )
                .order_by(columns.start)
                .limit(MOST_EACH)  # what lies behind counts as not kept
            )
            return [Interval(zero + row.start, zero + row.end) for row in rows]


# -- a device's recordings ----------------------------------------------------------------------------------------


def _listed(found: Iterator[Short | None]) -> tuple[tuple[Short, ...], bool]:
    """Within MOST_LISTED, and whether there is more. None: more that was not asked for."""
    listed: list[Short] = []
    room = MOST_LISTED
    for short in found:
        if short is None or room < 1:
            return tuple(listed), True
        listed.append(replace(short, holes=short.holes[:room], more=short.more or len(short.holes) > room))
        room -= max(1, len(short.holes))
    return tuple(listed), any(short.more for short in listed)


def _short(database: Database, device: Device, health: Mapping[str, Any], since: int) -> Iterator[Short | None]:
    after, asked = "", 0
    sends = bool(health.get("pending_chunks"))
    with database.reading() as connection:
        named, receipted = names.heads(connection, device.id), _receipted(connection, device)
        last_end = queries.last_end_of_a_run(connection, device.id)
    goes_on = health.get("recording")
    while True:
        with database.reading() as connection:
            page = queries.recordings_after(connection, after, _PAGE, device=device.id, opened_since=since)
            gone = erasure.explained(connection, [str(recording.id) for recording in page], device.id)
            short = [
                one
                for recording in page
                if str(recording.id) not in gone
                and (one := _holes(connection, recording, named, receipted, last_end, goes_on=goes_on, sends=sends))
                and (one.holes or one.more)
            ]
        yield from short
        asked += len(page)
        if len(page) < _PAGE:
            break
        if asked >= MOST_ASKED:
            break
        after = str(page[-1].id)
    with database.reading() as connection:
        absent = list(_never_came(connection, device, named, receipted, since=since, sends=sends))
        gone = erasure.explained(connection, [str(one.recording) for one in absent], device.id)
    yield from (one for one in absent if str(one.recording) not in gone)
    if asked >= MOST_ASKED:
        yield None


def _receipted(connection: Connection, device: Device) -> Receipts:
    """What the PC has signed last that it has receipts for."""
    token = queries.device_report(connection, device.id)
    if token is not None:
        with suppress(ProtocolError):  # `verify --all` names it
            report = DeviceReport.verify(token, device.evidence_key)
            if report.device == device.id and report.recording is not None and any(report.receipted.values()):
                return {str(report.recording): report.receipted}
    return {}


def _holes(
    connection: Connection,
    recording: Recording,
    named: Heads,
    receipted: Receipts,
    last_end: int,
    *,
    goes_on: str | None,
    sends: bool,
) -> Short:
    """`named`: what health named and has not come; `goes_on`: the recording that is open there by the last report.
    `last_end`: number of the entry after the end of the PC's last run that ended."""
    following, given_up, ended, more = _reported(connection, recording, last_end)
    own = named.get(str(recording.id), {})
    for stream, (end, _) in own.items():
        following[stream] = max(following.get(stream, 0), end)
    # What opened it may have been cut off with the rest: the PC's word that it is no longer at it is enough.
    ended = ended or (bool(own) and goes_on != str(recording.id))
    columns = schema.sealed.c
    rows = connection.execute(
        select(columns.stream, columns.sequence)
        .distinct()
        .where(columns.recording == str(recording.id), columns.stream != KEY_PACKET_STREAM)
        .order_by(columns.stream, columns.sequence)
        .limit(MOST_EACH + 1)
    ).all()
    more |= len(rows) > MOST_EACH
    why = "lost" if ended and not sends else "on-its-way"
    expected: dict[int, int] = {}
    missing: list[tuple[int, int, int, str]] = []
    for stream, sequence in rows[:MOST_EACH]:
        if sequence > expected.get(stream, 0):
            missing.append((stream, expected.get(stream, 0), sequence - 1, why))
        expected[stream] = sequence + 1
    if more:  # what was not read may be here
        receipted, following = {}, {}
    for stream, end in receipted.get(str(recording.id), {}).items():  # it came, so that it is not on its way
        if end > (first := expected.get(stream, 0)):
            missing.append((stream, first, end - 1, "lost"))
            expected[stream] = end
    missing += [
        (stream, expected.get(stream, 0), end - 1, why)
        for stream, end in following.items()
        if end > expected.get(stream, 0)
    ]
    unwritten = {stream: sorted(sequences) for stream, sequences in given_up.items()}
    holes = [
        Hole(stream, begin, end, "given-up" if named else why)
        for stream, first, last, why in sorted(missing)
        for begin, end, named in _runs(first, last, unwritten.get(stream, []))
    ]
    return Short(recording.id, recording.start, tuple(holes), more=more)


def _runs(first: int, last: int, named: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """[first, last] cut where it passes from what was given up to what was not. `named`: in order."""
    at = first
    for sequence in named[bisect_left(named, first) : bisect_right(named, last)]:
        if at < sequence:
            yield at, sequence - 1, False
        yield sequence, sequence, True
        at = sequence + 1
    if at <= last:
        yield at, last, False


def _reported(
    connection: Connection, recording: Recording, last_end: int
) -> tuple[dict[int, int], dict[int, set[int]], bool, bool]:
    """(stream -> next sequence by the ledger, stream -> sequences given up, whether no more can come into being,
    whether there are more entries than are read)."""
    lines = schema.ledger_lines.c
    following: dict[int, int] = {}
    given_up: dict[int, set[int]] = {}
    opened: int | None = None
    closed = False
    rows = connection.execute(
        select(lines.seq, lines.line)
        .where(queries.entries_about(recording.device, recording.id))
        .order_by(lines.seq)
        .limit(MOST_EACH + 1)
    )
    more = False
    for number, row in enumerate(rows):
        more = number == MOST_EACH
        if more:
            break
        try:
            fields = parse_line(row.line.encode("utf-8"), seq=row.seq)
        except LedgerError:
            continue
        match fields:
            case {"kind": "recording-open"}:
                opened = row.seq
            case {"kind": "heads" | "recording-closed", "heads": heads}:
                for stream, (end, _) in heads_of(heads).items():
                    following[stream] = max(following.get(stream, 0), end)
            case {"kind": "given-up", "stream": int(stream), "sequence": int(sequence)} if 0 <= sequence <= MAX_INTEGER:
                given_up.setdefault(stream, set()).add(sequence)
                following[stream] = max(following.get(stream, 0), sequence + 1)
        closed = closed or fields.get("kind") == "recording-closed"
    ended = closed or (opened is not None and opened < last_end)
    return following, given_up, ended, more


def _never_came(
    connection: Connection, device: Device, named: Heads, receipted: Receipts, *, since: int, sends: bool
) -> Iterator[Short]:
    """Recordings that the ledger opened, or that health named, and of which no key packet is here."""
    lines, recordings, batches = schema.ledger_lines.c, schema.recordings, schema.ledger_batches.c
    received = select(batches.id).where(batches.device == device.id, batches.received_at >= since)
    rows = connection.execute(
        select(lines.recording)
        .outerjoin_from(schema.ledger_lines, recordings, lines.recording == recordings.c.id)
        .where(lines.device == device.id, lines.kind == "recording-open", recordings.c.id.is_(None))
        .where(lines.recording.is_not(None))  # an entry that names none counts as not told
        .where(lines.batch.in_(received))
        .order_by(lines.seq)
        .limit(MOST_LISTED + 1)
    )
    opened = dict.fromkeys(row.recording for row in rows)
    reported = [*named, *receipted]
    here = queries.recordings_here(connection, device.id, reported)
    absent = opened | dict.fromkeys(one for one in reported if one not in here)
    given_up = _packets_given_up(connection, device, absent) if absent else frozenset()
    for recording in absent:
        if not is_uuid(recording):  # a column that says so was changed, and `verify --all` names it
            continue
        why = "given-up" if recording in given_up else "on-its-way" if sends else "lost"
        why = "lost" if recording in receipted else why
        yield Short(UUID(recording), None, (), why=why)


def _packets_given_up(connection: Connection, device: Device, absent: Collection[str]) -> frozenset[str]:
    """Those of which nothing was ever to come. Earlier agents opened one before its key packet was durable."""
    lines = schema.ledger_lines.c
    rows = connection.execute(
        select(lines.seq, lines.line, lines.recording).where(
            lines.device == device.id, lines.recording.is_not(None), lines.kind == "given-up"
        )
    )
    found = set()
    for row in rows:
        if str(row.recording) not in absent:
            continue
        with suppress(LedgerError):  # damaged since: `verify --all` names it
            if parse_line(row.line.encode("utf-8"), seq=row.seq).get("stream") == KEY_PACKET_STREAM:
                found.add(str(row.recording))
    return frozenset(found)
