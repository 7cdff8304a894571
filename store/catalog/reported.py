"""What a PC's health named and the store does not have yet: kept until it has come, so that no later report hides it.

Health is a PC's word of this minute. A PC whose spool or account was cut off reports what is left after its next start;
what it named before stands here. Whatever then comes under that name with other bytes raises an alarm, `wrong-head`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from protocol.api import DeviceHealthRequest
from store.catalog import queries, schema

WRONG_HEAD: Final = "wrong-head"  # what came is not what the PC's health had named

Heads = Mapping[str, Mapping[int, tuple[int, str]]]
"""recording -> stream -> (next sequence, hash of the one before it), as a PC named them; those that have not come."""


class Named(NamedTuple):
    """Sealed bytes or, without a recording, a ledger entry, whose hash a PC's health has named."""

    recording: str | None
    stream: int | None
    sequence: int


def keep(connection: Connection, device: str, health: DeviceHealthRequest, now: int) -> None:
    """Note what it names beyond what has come, and compare what has come since with what was noted before."""
    _settle_heads(connection, device, now)
    for stream, head in health["heads"].items() if "recording" in health else ():
        if head["next"]:
            which = Named(str(health.get("recording")), int(stream), head["next"] - 1)
            _keep_head(connection, device, which, head["head"], now)
    _settle_heads(connection, device, now)
    ledger = health["ledger"]
    if ledger["next"]:
        row = {"device": device, "seq": ledger["next"] - 1, "hash": ledger["head"]}
        queries.add_if_new(connection, schema.reported_entries, **row, at=now)
    settle_entries(connection, device, now)


def _keep_head(connection: Connection, device: str, which: Named, sha256: str, now: int) -> None:
    """The highest alone: each chunk names the hash of the one before it, so that it vouches for those below."""
    table = schema.reported_heads
    row = {"device": device, "recording": which.recording, "stream": which.stream}
    chosen = select(table.c.sequence, table.c.sha256).where(*(table.c[name] == value for name, value in row.items()))
    known = connection.execute(chosen).first()
    if known is not None and known.sequence == which.sequence and known.sha256 != sha256:
        _alarm(connection, now, device, which, sha256)
    if known is None or known.sequence < which.sequence:
        queries.put(connection, table, **row, sequence=which.sequence, sha256=sha256, at=now)


def _settle_heads(connection: Connection, device: str, now: int) -> None:
    """Let go of what has come; a name of which only other bytes have come gets an alarm."""
    table = schema.reported_heads.c
    for row, bodies in _with_bodies(connection, device):
        if not bodies:
            continue
        if row.sha256 not in bodies:
            _alarm(connection, now, device, Named(row.recording, row.stream, row.sequence), row.sha256)
        same = and_(table.device == device, table.recording == row.recording, table.stream == row.stream)
        connection.execute(delete(schema.reported_heads).where(same))


def _with_bodies(connection: Connection, device: str) -> list[tuple[Any, set[str]]]:
    """(row, hashes of what the store has under its name) of everything noted."""
    noted, sealed = schema.reported_heads.c, schema.sealed.c
    rows = list(connection.execute(select(schema.reported_heads).where(noted.device == device)))
    return [
        (
            row,
            set(
                connection.scalars(
                    select(sealed.sha256).where(
                        sealed.recording == row.recording,
                        sealed.stream == row.stream,
                        sealed.sequence == row.sequence,
                    )
                )
            ),
        )
        for row in rows
    ]


def settle_entries(connection: Connection, device: str, now: int) -> None:
    """Compare what was noted of the ledger with what the store has of it by now, and forget that."""
    for seq, hash_, known in _passed(connection, device):
        if hash_ != known:
            _alarm(connection, now, device, Named(None, None, seq), hash_)
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


def _alarm(connection: Connection, now: int, device: str, which: Named, sha256: str) -> None:
    """Once for each hash: a PC reports every minute."""
    alarms = schema.alarms.c
    said = select(alarms.id).where(
        alarms.device == device,
        alarms.code == WRONG_HEAD,
        alarms.sha256 == sha256,
        alarms.sequence == which.sequence,
        alarms.stream.is_(None) if which.stream is None else alarms.stream == which.stream,
    )
    if connection.execute(said).first() is None:
        row = {"at": now, "code": WRONG_HEAD, "device": device, "sha256": sha256, **which._asdict()}
        connection.execute(insert(schema.alarms).values(**row))


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


def contradicted(connection: Connection, device: str) -> list[Named]:
    """What came otherwise: alarms that no operator has acknowledged, and what the next report will raise one for."""
    raised = [
        Named(row.recording, row.stream, row.sequence)
        for row in queries.open_alarm_rows(connection, device, WRONG_HEAD)
    ]
    found = [
        Named(row.recording, row.stream, row.sequence)
        for row, bodies in _with_bodies(connection, device)
        if bodies and row.sha256 not in bodies
    ]
    return list(dict.fromkeys(raised + found))
