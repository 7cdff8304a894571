"""Questions to the catalog.

Functions take the connection of the caller's transaction: what belongs together is asked in one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)

from protocol.claims import MAX_INTEGER, Claims, parse_object
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import ProtocolError
from protocol.keys import public_from_text
from protocol.ledger import ZERO
from protocol.numbers import is_integer
from store.catalog import schema
from store.errors import DAMAGED


@dataclass(frozen=True, slots=True)
class Device:
    """`enrolled_at`, `revoked_at`: ns since 1970 by the store's clock. `user`: of the PC's system; "" where unknown."""

    id: str
    token_key_text: str
    evidence_key_text: str
    host: str
    os: str
    agent_version: str
    group: str
    enrolled_at: int
    revoked_at: int | None
    user: str = ""

    # Read where they are used: a damaged one must not hide the other PCs of a list.
    @property
    def token_key(self) -> Ed25519PublicKey:
        return public_from_text(self.token_key_text)

    @property
    def evidence_key(self) -> Ed25519PublicKey:
        return public_from_text(self.evidence_key_text)


@dataclass(frozen=True, slots=True)
class Recording:
    """`start`: ns since 1970 as the PC believed it. `policy`: hash of the policy that its key packet names."""

    id: UUID
    device: str
    start: int
    host: str
    os_user: str
    policy: str


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """`next`: number of the entry the store waits for; `head`: hash of the entry before it."""

    next: int
    head: str


def legible(cell: object) -> str:
    """A column's text, in which SQLite keeps whatever was put there."""
    return cell if isinstance(cell, str) else DAMAGED


Name = tuple[str, int, int]
"""Of sealed bytes: recording, stream, sequence."""
_Asked = TypeVar("_Asked", str, Name)


def padded(asked: Iterable[_Asked]) -> list[_Asked]:
    """In order, and the last repeated up to a power of two.

    Each number of values is a statement of its own, which each connection to SQLite prepares and keeps: for batches of
    1 to 32 chunks 620 KiB each, and 100 KiB of these.
    """
    several = sorted(asked)
    return several + several[-1:] * ((1 << max(0, len(several) - 1).bit_length()) - len(several))


# -- devices ------------------------------------------------------------------------------------------------------


def _device(row: Row[Any]) -> Device:
    return Device(
        id=legible(row.id),
        token_key_text=legible(row.token_key),
        evidence_key_text=legible(row.evidence_key),
        host=legible(row.host),
        os=legible(row.os),
        agent_version=legible(row.agent_version),
        group=legible(row.group_name),
        enrolled_at=row.enrolled_at,
        revoked_at=row.revoked_at,
        user=legible(row.os_user),
    )


def find_device(connection: Connection, condition: ColumnElement[bool]) -> Device | None:
    row = connection.execute(select(schema.devices).where(condition)).first()
    return None if row is None else _device(row)


def devices(connection: Connection) -> list[Device]:
    """All of them, oldest first."""
    return [_device(row) for row in connection.execute(select(schema.devices).order_by(schema.devices.c.enrolled_at))]


def device_rows(connection: Connection) -> list[Row[Any]]:
    """`id` and `host` of all devices, oldest first, as they stand."""
    columns = schema.devices.c
    return list(connection.execute(select(columns.id, columns.host).order_by(columns.enrolled_at)))


def last_health(connection: Connection, device: str) -> tuple[int, str] | None:
    """(when, JSON of protocol.api.DeviceHealthRequest); None before the first."""
    row = connection.execute(
        select(schema.health.c.at, schema.health.c.body).where(schema.health.c.device == device)
    ).first()
    return None if row is None else (row.at, row.body)


def stored_bytes(connection: Connection) -> dict[str, int]:
    """device -> bytes of all that it has stored, for those that have any."""
    rows = connection.execute(select(schema.stored.c.device, schema.stored.c.total))
    return {row.device: row.total for row in rows}


def device_report(connection: Connection, device: str) -> str | None:
    """The signed part of its last health (JWS, eyelid-report); None where it sent none. Of a damaged health a text that
    is no JWS: else who damages the catalog there would have it say that no report came."""
    last = last_health(connection, device)
    if last is None:
        return None
    health = _health(last[1])
    report = DAMAGED if health is None else health.get("report")
    return report if isinstance(report, str) else None


def reported_end(connection: Connection, device: str) -> tuple[int, str] | None:
    """(number of its next entry, hash of the last) as its last health says beside the signed report."""
    last = last_health(connection, device)
    said = None if last is None else (_health(last[1]) or {}).get("ledger")
    try:
        end = Claims(said if isinstance(said, dict) else {}, "health", ProtocolError)
        return end.integer("next"), end.hex256("head")
    except ProtocolError:
        return None


def ahead_of(connection: Connection, revision: int) -> list[str]:
    """Hosts of the PCs that said last that they have a bundle of this revision or a newer one; those let in alone."""
    said = ((host, body.get("bundle_revision")) for host, body in health_of_those_let_in(connection))
    return [host for host, number in said if is_integer(number) and number >= revision]


def health_of_those_let_in(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    """(host, the last report of its health) of each PC that was heard of and is not revoked, by host."""
    devices, health = schema.devices.c, schema.health.c
    rows = connection.execute(
        select(devices.host, health.body)
        .join_from(schema.devices, schema.health)
        .where(devices.revoked_at.is_(None))
        .order_by(devices.host)
    )
    return [(legible(row.host), body) for row in rows if (body := _health(row.body)) is not None]


def _health(body: object) -> dict[str, Any] | None:
    """None for what is no report: `verify --all` names it."""
    try:
        return parse_object(legible(body).encode("utf-8"))
    except ValueError:
        return None


# -- enrolment tokens ---------------------------------------------------------------------------------------------


def enrolments(connection: Connection) -> list[Row[Any]]:
    """Rows of `schema.enrolments`, oldest first, with `used`: how many PCs each has let in, and `last_used_at`."""
    devices = schema.devices.c
    used, last = func.count(devices.id).label("used"), func.max(devices.enrolled_at).label("last_used_at")
    return list(
        connection.execute(
            select(schema.enrolments, used, last)
            .outerjoin(schema.devices)
            .group_by(schema.enrolments.c.id)
            .order_by(schema.enrolments.c.created_at, schema.enrolments.c.id)
        )
    )


def withdraw(connection: Connection, enrolment: str, *, operator: str, at: int) -> None:
    """It lets in no further PC; the audit trail says who withdrew it."""
    columns = schema.enrolments.c
    connection.execute(update(schema.enrolments).where(columns.id == enrolment).values(withdrawn_at=at))
    entry = {"at": at, "operator": operator, "action": "withdraw-token", "reason": enrolment}
    connection.execute(insert(schema.audit).values(**entry))


# -- recordings ---------------------------------------------------------------------------------------------------


def _recording(row: Row[Any]) -> Recording:
    return Recording(UUID(row.id), row.device, row.start, row.host, row.os_user, row.policy)


def find_recording(connection: Connection, recording: UUID) -> Recording | None:
    row = connection.execute(select(schema.recordings).where(schema.recordings.c.id == str(recording))).first()
    return None if row is None else _recording(row)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Of a device and a recording: `owner` is the recording's device, None where it was not opened.

    `erased`: nothing more is taken of it."""

    revoked: bool
    owner: str | None
    erased: bool


def enrolled(connection: Connection, device: str, recording: UUID) -> Enrolled | None:
    """In one question, because every chunk asks it; None for a device that is not enrolled."""
    row = connection.execute(_ENROLLED, {"sender": device, "recording": str(recording)}).first()
    if row is None:
        return None
    return Enrolled(row.revoked_at is not None, row.device or row.erased_of, row.erased_of is not None)


_ENROLLED: Final = (
    select(schema.devices.c.revoked_at, schema.recordings.c.device, schema.erasures.c.device.label("erased_of"))
    .outerjoin_from(schema.devices, schema.recordings, schema.recordings.c.id == bindparam("recording"))
    .outerjoin(schema.erasures, schema.erasures.c.recording == bindparam("recording"))
    .where(schema.devices.c.id == bindparam("sender"))
)


def revoked_of(connection: Connection, devices: Collection[str]) -> set[str]:
    """Which of them were revoked."""
    columns = schema.devices.c
    return set(
        connection.scalars(select(columns.id).where(columns.id.in_(padded(devices)), columns.revoked_at.is_not(None)))
    )


def owners(connection: Connection, recordings: Collection[UUID]) -> dict[UUID, tuple[str, bool]]:
    """recording -> (its device, whether that was revoked)."""
    devices, columns = schema.devices.c, schema.recordings.c
    rows = connection.execute(
        select(columns.id, columns.device, devices.revoked_at)
        .join_from(schema.recordings, schema.devices)
        .where(columns.id.in_(padded(map(str, recordings))))
    )
    return {UUID(row.id): (row.device, row.revoked_at is not None) for row in rows}


def bodies(connection: Connection, names: Collection[Name]) -> dict[Name, dict[str, int]]:
    """name -> SHA-256 (hex) -> when it was first received, for names that have any."""
    columns = schema.sealed.c
    name = (columns.recording, columns.stream, columns.sequence)
    found: dict[Name, dict[str, int]] = {}
    rows = connection.execute(
        select(*name, columns.sha256, columns.received_at).where(tuple_(*name).in_(padded(names)))
    )
    for row in rows:
        found.setdefault((row.recording, row.stream, row.sequence), {})[row.sha256] = row.received_at
    return found


def recordings_beginning(connection: Connection, prefix: str) -> list[str]:
    """Ids that begin with the text, as they stand, at most ten: operators type the first few characters."""
    chosen = schema.recordings.c.id
    found = connection.scalars(select(chosen).where(chosen.startswith(prefix, autoescape=True)).order_by(chosen))
    return list(found.fetchmany(10))


def recording_rows(connection: Connection, after: str, limit: int) -> list[Row[Any]]:
    """`id`, `host`, `start` in the order of the ids, as they stand: one that is none must not hide the others."""
    columns = schema.recordings.c
    chosen = _enrolled(columns.id, columns.start).where(columns.id > after)
    return list(connection.execute(chosen.order_by(columns.id).limit(limit)))


def _enrolled(*columns: ColumnElement[Any]) -> Select[Any]:
    """Of recordings, with the `host` that their device enrolled as: a key packet may name any."""
    recordings, devices = schema.recordings, schema.devices
    host = func.coalesce(devices.c.host, recordings.c.host).label("host")
    return select(*columns, host).select_from(recordings).outerjoin(devices, devices.c.id == recordings.c.device)


def recordings_here(connection: Connection, device: str, recordings: Collection[str]) -> set[str]:
    """Which of these ids are recordings of the device."""
    columns = schema.recordings.c
    asked = sorted(recordings)
    here: set[str] = set()
    for place in range(0, len(asked), 500):  # engines limit how many values one question may carry
        several = columns.id.in_(asked[place : place + 500])
        here.update(connection.scalars(select(columns.id).where(columns.device == device, several)))
    return here


def newest_recordings(connection: Connection, limit: int, device: str | None = None) -> list[Row[Any]]:
    """`id`, `device`, `start`, `host` as they stand, by when the store heard of them: a PC may claim any `start`."""
    columns = schema.recordings.c
    statement = _enrolled(columns.id, columns.device, columns.start)
    statement = statement.order_by(columns.opened_at.desc(), columns.id.desc())
    if device is not None:
        statement = statement.where(columns.device == device)
    return list(connection.execute(statement.limit(limit)))


def oldest_recording(connection: Connection) -> int | None:
    """When the first of those that are here was opened, by the store's clock; None without any."""
    oldest: int | None = connection.scalar(select(func.min(schema.recordings.c.opened_at)))
    return oldest


def count_recordings(connection: Connection, after: str = "") -> int:
    columns = schema.recordings.c
    return connection.scalar(select(func.count()).select_from(schema.recordings).where(columns.id > after)) or 0


def recordings_after(
    connection: Connection,
    after: str,
    limit: int,
    *,
    device: str | None = None,
    opened_since: int = 0,
    opened_until: int = MAX_INTEGER,
) -> list[Recording]:
    """In the order of their ids, which for UUIDv7 is the order of their beginnings: a way through all, page by page.

    `opened_since`, `opened_until`: ns since 1970 by the store's clock.
    """
    columns = schema.recordings.c
    statement = select(schema.recordings).where(
        columns.id > after, columns.opened_at.between(opened_since, opened_until)
    )
    if device is not None:
        statement = statement.where(columns.device == device)
    return [_recording(row) for row in connection.execute(statement.order_by(columns.id).limit(limit))]


def sealed_rows(connection: Connection, recording: UUID, limit: int) -> list[Row[Any]]:
    """Rows of `schema.sealed`, so many at most: key packets first, then by stream and sequence."""
    columns = schema.sealed.c
    return list(
        connection.execute(
            select(schema.sealed)
            .where(columns.recording == str(recording))
            .order_by(columns.stream != KEY_PACKET_STREAM, columns.stream, columns.sequence, columns.received_at)
            .limit(limit)
        )
    )


# -- ledgers ------------------------------------------------------------------------------------------------------


def _of_ledger(device: str) -> ColumnElement[bool]:
    """Its entries. No entry has a number below 0 or a broken one, but SQLite keeps a row with such a number."""
    columns = schema.ledger_lines.c
    return and_(columns.device == device, columns.seq >= 0, cast(columns.seq, BigInteger) == columns.seq)


def ledger_is_whole(connection: Connection, device: str) -> bool:
    """Whether the device has one row for each entry up to the last, and no other."""
    columns = schema.ledger_lines.c
    rows = connection.scalar(select(func.count()).where(columns.device == device))
    entries = connection.scalar(select(func.count()).where(_of_ledger(device)))
    return rows == entries == ledger_head(connection, device).next


def ledger_head(connection: Connection, device: str) -> LedgerHead:
    columns = schema.ledger_lines.c
    row = connection.execute(
        select(columns.seq, columns.hash).where(_of_ledger(device)).order_by(columns.seq.desc()).limit(1)
    ).first()
    return LedgerHead(0, ZERO) if row is None else LedgerHead(row.seq + 1, row.hash)


def ledger_hashes(connection: Connection, device: str, first: int, last: int) -> dict[int, str]:
    """seq -> hash for entries `first` to `last` of those that the store has."""
    columns = schema.ledger_lines.c
    rows = connection.execute(
        select(columns.seq, columns.hash).where(_of_ledger(device), columns.seq.between(first, last))
    )
    return {row.seq: row.hash for row in rows}


def opening_entry(connection: Connection, device: str, recording: UUID) -> int | None:
    """Number of the entry that opened the recording; None while it has not arrived."""
    return _entry(connection, device, recording, "recording-open")


def others_accounts(connection: Connection, device: str, recording: UUID) -> bool:
    """Whether the account of another device has an entry that names the recording."""
    columns = schema.ledger_lines.c
    chosen = select(columns.seq).where(columns.recording == str(recording), columns.device.concat("") != device)
    return connection.execute(chosen.limit(1)).first() is not None


def openings_between(connection: Connection, device: str, first: int, last: int, most: int) -> int:
    """How many recordings of the device begin after one entry and up to another; not counted beyond `most` and one."""
    columns = schema.ledger_lines.c
    chosen = (columns.device == device, columns.kind == "recording-open", columns.seq > first, columns.seq <= last)
    several = select(columns.seq).where(*chosen).limit(most + 1).subquery()
    return connection.scalar(select(func.count()).select_from(several)) or 0


def closing_entry(connection: Connection, device: str, recording: UUID, opening: int) -> int | None:
    """Number of the first entry after `opening` that closed the recording; None while it has not arrived."""
    return _entry(connection, device, recording, "recording-closed", opening + 1)


def _entry(connection: Connection, device: str, recording: UUID, kind: str, first: int = 0) -> int | None:
    columns = schema.ledger_lines.c
    numbered = (columns.seq >= first, cast(columns.seq, BigInteger) == columns.seq)  # as in `_of_ledger`
    found: int | None = connection.scalar(
        select(func.min(columns.seq)).where(entries_about(device, recording), columns.kind == kind, *numbered)
    )
    return found


def entries_about(device: str, recording: UUID) -> ColumnElement[bool]:
    """Entries of the device that name the recording in their column.

    The empty string is appended to the device's id so that no engine uses its index: SQLite would then read all entries
    of the device.
    """
    columns = schema.ledger_lines.c
    return and_(columns.recording == str(recording), columns.device.concat("") == device)


def run_around(connection: Connection, device: str, seq: int) -> tuple[int, int | None]:
    """The agent's run that entry `seq` lies in: number of its `start` (0 without one), and of the entry after its end.

    None while it may go on. What the next start writes of a death, `blind-since`, is no longer of the run.
    """
    start = _entry_of(connection, device, "start", schema.ledger_lines.c.seq <= seq, last=True)
    after = (_entry_of(connection, device, kind, schema.ledger_lines.c.seq > seq) for kind in _ENDS)
    return (start or 0, min((number for number in after if number is not None), default=None))


def last_end_of_a_run(connection: Connection, device: str) -> int:
    """Number of the last `start` or `blind-since`; -1 without either. A recording opened before it lies in a run that
    has ended."""
    last = (_entry_of(connection, device, kind, last=True) for kind in _ENDS)
    return max((number for number in last if number is not None), default=-1)


_ENDS: Final = ("start", "blind-since")


def _entry_of(
    connection: Connection, device: str, kind: str, *also: ColumnElement[bool], last: bool = False
) -> int | None:
    """Number of the first entry of the kind, or of the last. Of two kinds at once an engine looks at all entries."""
    columns = schema.ledger_lines.c
    found: int | None = connection.scalar(
        select(columns.seq)
        .where(_of_ledger(device), columns.kind == kind, *also)
        .order_by(columns.seq.desc() if last else columns.seq)
        .limit(1)
    )
    return found


def ledger_batch(connection: Connection, number: int) -> tuple[int, str] | None:
    """(first entry, JWS) of the signed batch of that row; None where the row is gone."""
    columns = schema.ledger_batches.c
    row = connection.execute(select(columns.first, columns.token).where(columns.id == number)).first()
    return None if row is None else (row.first, row.token)


def batch_beside(connection: Connection, device: str, *, accepted: bool, after: int) -> tuple[int, int, str] | None:
    """(row, first entry, JWS) of the next batch after row `after` that is beside the device's account: one that was not
    accepted, or one that was and that no entry came with.

    One at a time: a batch may have 2 MB, and a PC may have sent any number of them.
    """
    columns, lines = schema.ledger_batches.c, schema.ledger_lines.c
    chosen = [columns.device == device, columns.accepted.is_(accepted), columns.id > after]
    if accepted:
        came = (lines.device == device, lines.batch == columns.id, lines.seq.between(columns.first, columns.last))
        chosen.append(~exists().where(*came))
    wanted = select(columns.id, columns.first, columns.token).where(*chosen)
    row = connection.execute(wanted.order_by(columns.id).limit(1)).first()
    return None if row is None else (row.id, row.first, row.token)


def ledger_lines(connection: Connection, device: str, first: int, last: int) -> Iterator[Row[Any]]:
    """Rows of `schema.ledger_lines`, in order."""
    columns = schema.ledger_lines.c
    yield from connection.execute(
        select(schema.ledger_lines).where(_of_ledger(device), columns.seq.between(first, last)).order_by(columns.seq)
    )


def ledger_lines_after(
    connection: Connection, device: str, after: int, limit: int, *, until: int | None = None
) -> list[Row[Any]]:
    """As `ledger_lines`, the next after entry `after`: whatever numbers somebody gave the rows, no page is empty.

    `until`: the number of an entry that is no longer asked for.
    """
    columns = schema.ledger_lines.c
    following = select(schema.ledger_lines).where(_of_ledger(device), columns.seq > after)
    if until is not None:
        following = following.where(columns.seq < until)
    return list(connection.execute(following.order_by(columns.seq).limit(limit)))


def ledger_lines_before(connection: Connection, device: str, before: int, limit: int) -> list[Row[Any]]:
    """As `ledger_lines`, the last before entry `before`, the latest first."""
    columns = schema.ledger_lines.c
    preceding = select(schema.ledger_lines).where(_of_ledger(device), columns.seq < before)
    return list(connection.execute(preceding.order_by(columns.seq.desc()).limit(limit)))


def lines_naming(connection: Connection, device: str, recording: UUID, after: int, limit: int) -> list[Row[Any]]:
    """As `ledger_lines_after`, of lines that have the recording's id in them, whatever their columns say."""
    columns = schema.ledger_lines.c
    naming = columns.line.contains(str(recording), autoescape=True)
    following = select(schema.ledger_lines).where(_of_ledger(device), naming, columns.seq > after)
    return list(connection.execute(following.order_by(columns.seq).limit(limit)))
