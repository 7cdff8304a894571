"""The one way of inserting that both engines agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite


def insert_into(dialect: str, table: Table) -> Any:
    """That knows what to do with a key that is taken. `dialect`: name of the connection's."""
    if dialect == "postgresql":
        # Slow to import, and SQLite has no use for it.
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)
    return sqlite.insert(table)


def add_if_new(connection: Connection, table: Table, **values: object) -> bool:
    """Whether the row is new; where its key is taken, nothing changes.

    Asked by RETURNING: after ON CONFLICT the engines' row counts mean different things.
    """
    statement = insert_into(connection.dialect.name, table).values(**values).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key)).first() is not None


def put(connection: Connection, table: Table, **values: object) -> None:
    """Insert the row, or replace the one with its key."""
    statement = insert_into(connection.dialect.name, table).values(**values)
    keys = [column.name for column in table.primary_key]
    changed = {name: value for name, value in values.items() if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def put_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """As `put`, for rows of the same columns."""
    if not rows:
        return
    statement = insert_into(connection.dialect.name, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
