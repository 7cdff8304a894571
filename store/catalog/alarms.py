"""Alarms of the catalog: raised within bounds, listed page by page, and settled by an operator's entry.

Functions take the connection of the caller's transaction, as those of `queries` do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, exists, func, insert, select

from store.catalog import schema

MOST_ALARMS: Final = 50  # open at once, of one code about one recording, or about a PC where there is no recording
MOST_OF_A_PC: Final = 500  # open at once, of one code about a PC, whatever recordings it opens
LEFT_OUT: Final = "alarms-left-out"  # of one code so many were open about the PC that further ones were not raised


def add_alarm(
    connection: Connection, at: int, code: str, device: str, *, recording: str | None = None, **where: object
) -> None:
    """Unless so many with this code are open about the recording, or the PC, that one more says nothing new."""
    add_alarms(connection, at, code, device, [where], recording=recording)


def add_alarms(
    connection: Connection,
    at: int,
    code: str,
    device: str,
    several: Sequence[Mapping[str, object]],
    *,
    recording: str | None = None,
) -> None:
    """As `add_alarm`, the first of them, in as many statements as for one. `several`: of each the same columns."""
    room = MOST_ALARMS - _open_alike(connection, device, code, schema.alarms.c.recording == recording)
    if (wanted := min(room, len(several))) <= 0:
        return
    if allowed := several[: room_for_alarms(connection, at, code, device, wanted)]:
        alike = {"at": at, "code": code, "device": device, "recording": recording}
        connection.execute(insert(schema.alarms), [{**alike, **where} for where in allowed])


def room_for_alarms(connection: Connection, at: int, code: str, device: str, wanted: int) -> int:
    """How many of them may be raised about the PC. Where some may not, one alarm says that some were left out."""
    room = min(wanted, max(0, MOST_OF_A_PC - _open_alike(connection, device, code)))
    if room < wanted and not _open_alike(connection, device, LEFT_OUT):
        connection.execute(insert(schema.alarms).values(at=at, code=LEFT_OUT, device=device))
    return room


def _open_alike(connection: Connection, device: str, code: str, *also: ColumnElement[bool]) -> int:
    columns = schema.alarms.c
    alike = (columns.device == device, columns.code == code, *also, _open_alarm())
    return connection.scalar(select(func.count()).select_from(schema.alarms).where(*alike)) or 0


def alarms_of(connection: Connection, recording: UUID) -> list[Row[Any]]:
    """Those that no operator has acknowledged."""
    columns = schema.alarms.c
    return list(
        connection.execute(
            select(schema.alarms).where(columns.recording == str(recording), _open_alarm()).order_by(columns.id)
        )
    )


def alarms_without_recording(connection: Connection, device: str) -> list[Row[Any]]:
    """Those that no operator has acknowledged."""
    columns = schema.alarms.c
    return list(
        connection.execute(
            select(schema.alarms)
            .where(columns.device == device, columns.recording.is_(None), _open_alarm())
            .order_by(columns.id)
        )
    )


def open_alarms(connection: Connection, device: str) -> list[str]:
    """Each code once of those about the device that no operator has acknowledged, oldest first."""
    columns = schema.alarms.c
    chosen = select(columns.code).where(columns.device == device, _open_alarm()).group_by(columns.code)
    return list(connection.scalars(chosen.order_by(func.min(columns.id))))


def open_alarm_rows(connection: Connection, device: str, code: str) -> list[Row[Any]]:
    """Those with this code, oldest first."""
    columns = schema.alarms.c
    chosen = select(schema.alarms).where(columns.device == device, columns.code == code, _open_alarm())
    return list(connection.execute(chosen.order_by(columns.id)))


def open_alarm_counts(connection: Connection) -> dict[str, int]:
    """By code, of all that no operator has acknowledged."""
    columns = schema.alarms.c
    rows = connection.execute(select(columns.code, func.count()).where(_open_alarm()).group_by(columns.code))
    return {code: int(number) for code, number in rows}


def _open_alarm() -> ColumnElement[bool]:
    return ~exists().where(schema.audit.c.alarm == schema.alarms.c.id).correlate(schema.alarms)


def alarms_after(connection: Connection, after: int, limit: int, *, settled: bool) -> list[Row[Any]]:
    """In the order of their ids, with the device's `host` and, where one was acknowledged, `operator`, `reason`,
    `settled_at`: a way through all, page by page. `settled`: also those that were acknowledged.
    """
    audit, columns = schema.audit.c, schema.alarms.c
    asked = (
        select(schema.alarms, schema.devices.c.host, audit.operator, audit.reason, audit.at.label("settled_at"))
        .outerjoin(schema.devices)  # one whose PC is no longer in the catalog is shown all the same
        .outerjoin(schema.audit, audit.alarm == columns.id)
        .where(columns.id > after)
    )
    if not settled:
        asked = asked.where(audit.id.is_(None))
    return list(connection.execute(asked.order_by(columns.id).limit(limit)))


def open_alarm_ids(connection: Connection, first: int, last: int, limit: int) -> list[int]:
    """Of the alarms `first` to `last` those that no operator has acknowledged, in order."""
    columns = schema.alarms.c
    chosen = select(columns.id).where(columns.id.between(first, last), _open_alarm())
    return list(connection.scalars(chosen.order_by(columns.id).limit(limit)))


def acknowledge(connection: Connection, alarms: Iterable[int], *, operator: str, reason: str, at: int) -> None:
    """Settle them by entries of the audit trail."""
    values = {"at": at, "operator": operator, "action": "acknowledge-alarm", "reason": reason}
    if rows := [{**values, "alarm": alarm} for alarm in alarms]:
        connection.execute(insert(schema.audit), rows)
