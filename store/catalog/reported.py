"""What a PC's health named and the store does not have yet: kept until it has come, so that no later report hides it.

Health is a PC's word of this minute. A PC whose spool or account was cut off reports what is left after its next start;
what it named before stands here. Whatever then comes under that name with other bytes raises an alarm, `wrong-head`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, insert, select

from protocol.api import DeviceHealthRequest, StreamHead
from store.catalog import inserting, queries, schema
from store.catalog.alarms import add_alarm, open_alarm_rows, room_for_alarms

WRONG_HEAD: Final = "wrong-head"  # what came is not what the PC's health had named
TOO_MANY: Final = "too-many-heads"  # its health names more that has not come than an honest PC can have
MOST_NOTED: Final = 2048  # heads of a device, and entries

Heads = Mapping[str, Mapping[int, tuple[int, str]]]
"""recording -> stream -> (next sequence, hash of the one before it), as a PC named them; those that have not come."""


class Named(NamedTuple):
    """Sealed bytes or, without a recording, a ledger entry, whose hash a PC's health has named."""

    recording: str | None
    stream: int | None
    sequence: int


def keep(connection: Connection, device: str, health: DeviceHealthRequest, now: int) -> None:
    """Note what it names beyond what has come, and compare what has come since with what was noted before.

    In a fixed number of statements, whatever it names: the one writer serves every other PC meanwhile.
    """
    _settle_heads(connection, device, now)
    if "recording" in health:
        _keep_heads(connection, device, health["recording"], health["heads"], now)
        _settle_heads(connection, device, now)
    ledger = health["ledger"]
    if ledger["next"]:
        _keep_entry(connection, device, ledger["next"] - 1, ledger["head"], now)
    settle_entries(connection, device, now)


def _keep_heads(connection: Connection, device: str, recording: str, heads: Mapping[str, StreamHead], now: int) -> None:
    """The highest alone: each chunk names the hash of the one before it, so that it vouches for those below."""
    table = schema.reported_heads
    rows = connection.execute(select(table).where(table.c.device == device, table.c.recording == recording))
    known = {row.stream: (row.sequence, row.sha256) for row in rows}
    changed: list[dict[str, object]] = []
    fresh: list[dict[str, object]] = []
    contradicted: list[tuple[Named, str]] = []
    for name, head in heads.items():
        stream, sequence = int(name), head["next"] - 1
        if sequence < 0:
            continue
        row = {"device": device, "recording": recording, "stream": stream, "sequence": sequence}
        row |= {"sha256": head["head"], "at": now}
        if stream not in known:
            fresh.append(row)
        elif known[stream][0] < sequence:
            changed.append(row)
        elif known[stream][0] == sequence and known[stream][1] != head["head"]:
            contradicted.append((Named(recording, stream, sequence), head["head"]))
    room = _room(connection, table, device, len(fresh), now)
    inserting.put_all(connection, table, changed + fresh[:room])
    _raise(connection, now, device, contradicted)


def _keep_entry(connection: Connection, device: str, seq: int, sha256: str, now: int) -> None:
    if _room(connection, schema.reported_entries, device, 1, now):
        inserting.add_if_new(connection, schema.reported_entries, device=device, seq=seq, hash=sha256, at=now)


def _room(connection: Connection, table: Table, device: str, wanted: int, now: int) -> int:
    """How many more rows of the device there may be. One that names more than that gets an alarm: a PC has a few open
    recordings at most whose chunks have not come, and what was noted first stays."""
    if not wanted:
        return 0
    count = connection.scalar(select(func.count()).select_from(table).where(table.c.device == device)) or 0
    room = max(0, MOST_NOTED - count)
    if room < wanted and not open_alarm_rows(connection, device, TOO_MANY):
        add_alarm(connection, now, TOO_MANY, device)
    return room


def _settle_heads(connection: Connection, device: str, now: int) -> None:
    """Forget what has come; a name of which only other bytes have come gets an alarm."""
    _raise(connection, now, device, _otherwise(connection, device))
    noted = schema.reported_heads.c
    connection.execute(delete(schema.reported_heads).where(noted.device == device, _came()))


def _came(*also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a body of the name that was noted, in a recording of the PC that named it."""
    noted, sealed, recordings = schema.reported_heads.c, schema.sealed.c, schema.recordings.c
    of_name = (sealed.recording == noted.recording, sealed.stream == noted.stream, sealed.sequence == noted.sequence)
    own = (recordings.id == sealed.recording, recordings.device == noted.device)
    return exists().where(*of_name, *own, *also).correlate(schema.reported_heads)


def _otherwise(connection: Connection, device: str) -> list[tuple[Named, str]]:
    """What was noted, with its hash, and has come with other bytes alone."""
    noted, sealed = schema.reported_heads.c, schema.sealed.c
    rows = connection.execute(
        select(noted.recording, noted.stream, noted.sequence, noted.sha256)
        .where(noted.device == device, _came(), ~_came(sealed.sha256 == noted.sha256))
        .order_by(noted.recording, noted.stream)
    )
    return [(Named(row.recording, row.stream, row.sequence), row.sha256) for row in rows]


def settle_entries(connection: Connection, device: str, now: int) -> None:
    """Compare what was noted of the ledger with what the store has of it by now, and forget that."""
    wrong = [(Named(None, None, seq), named) for seq, named, known in _passed(connection, device) if named != known]
    _raise(connection, now, device, wrong)
    following = queries.ledger_head(connection, device).next
    connection.execute(delete(schema.reported_entries).where(_of_entries(device, following)))


def _passed(connection: Connection, device: str) -> list[tuple[int, str, str]]:
    """(number, hash as health named it, hash as the store has it) of the noted entries that the store has."""
    noted, lines = schema.reported_entries.c, schema.ledger_lines.c
    rows = connection.execute(
        select(noted.seq, noted.hash, lines.hash.label("known"))
        .join(schema.ledger_lines, and_(lines.device == noted.device, lines.seq == noted.seq))
        .where(noted.device == device)
        .order_by(noted.seq)
    )
    return [(row.seq, row.hash, row.known) for row in rows]


def _of_entries(device: str, following: int) -> ColumnElement[bool]:
    return and_(schema.reported_entries.c.device == device, schema.reported_entries.c.seq < following)


def _raise(connection: Connection, now: int, device: str, wrong: Sequence[tuple[Named, str]]) -> None:
    """An alarm for each hash, once: a PC reports every minute. Beyond some hundreds open one more says nothing new."""
    if not wrong:
        return
    alarms = schema.alarms.c
    rows = connection.execute(
        select(alarms.recording, alarms.stream, alarms.sequence, alarms.sha256).where(
            alarms.device == device, alarms.code == WRONG_HEAD
        )
    )
    said = {(Named(row.recording, row.stream, row.sequence), row.sha256) for row in rows}
    fresh = [one for one in dict.fromkeys(wrong) if one not in said]
    # Settled ones take no room: else a PC that filled it once could contradict itself for ever after.
    room = room_for_alarms(connection, now, WRONG_HEAD, device, len(fresh))
    values = [
        {"at": now, "code": WRONG_HEAD, "device": device, "sha256": sha256, **which._asdict()}
        for which, sha256 in fresh[:room]
    ]
    if values:
        connection.execute(insert(schema.alarms), values)


# -- asking -------------------------------------------------------------------------------------------------------


def heads(connection: Connection, device: str) -> Heads:
    """Of all its recordings."""
    found: dict[str, dict[int, tuple[int, str]]] = {}
    columns = schema.reported_heads.c
    for row in connection.execute(select(schema.reported_heads).where(columns.device == device)):
        found.setdefault(row.recording, {})[row.stream] = (row.sequence + 1, row.sha256)
    return found


def ledger_next(connection: Connection, device: str) -> int:
    """Number after the highest entry that its health named and that has not come; 0 where there is none."""
    columns = schema.reported_entries.c
    highest: int | None = connection.scalar(
        select(columns.seq).where(columns.device == device).order_by(columns.seq.desc()).limit(1)
    )
    return 0 if highest is None else highest + 1


def waits_since(connection: Connection, device: str, following: int) -> int | None:
    """When its health first named an entry from number `following` on that has not come; ns, by the store's clock."""
    columns = schema.reported_entries.c
    waits = (columns.device == device, columns.seq >= following)
    found: int | None = connection.scalar(select(func.min(columns.at)).where(*waits))
    return found


def contradicted(connection: Connection, device: str) -> list[Named]:
    """What came otherwise: alarms that no operator has acknowledged, and what the next report will raise one for."""
    raised = [Named(row.recording, row.stream, row.sequence) for row in open_alarm_rows(connection, device, WRONG_HEAD)]
    found = [which for which, _ in _otherwise(connection, device)]
    return list(dict.fromkeys(raised + found))
