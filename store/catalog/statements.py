"""What compliance signed, and what the store signed of itself, as the catalog has it: bundles, rules, keys, addresses.

Functions take the connection of the caller's transaction, as those of `queries`.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from store.catalog import schema
from store.catalog.queries import legible


def newest_bundle(connection: Connection) -> tuple[int, str] | None:
    """(revision, JWS)."""
    columns = schema.bundles.c
    row = connection.execute(select(columns.revision, columns.token).order_by(columns.revision.desc()).limit(1)).first()
    return None if row is None else (row.revision, row.token)


def newest_revision(connection: Connection) -> int | None:
    """Without the bundle itself, which may have millions of bytes."""
    columns = schema.bundles.c
    revision: int | None = connection.scalar(select(columns.revision).order_by(columns.revision.desc()).limit(1))
    return revision


def bundle_of(connection: Connection, revision: int) -> str | None:
    """The bundle (JWS) of that revision; None where it never came here."""
    columns = schema.bundles.c
    row = connection.execute(select(columns.token).where(columns.revision == revision)).first()
    return None if row is None else legible(row.token)


def governance_of(connection: Connection, hash: str) -> str:  # noqa: A002 - the column's name
    """What the bundles that name this hash carry, as it stands there; "" where it never came here."""
    found = connection.scalar(select(schema.governance.c.carried).where(schema.governance.c.hash == hash))
    return "" if found is None else legible(found)


def successors(connection: Connection) -> list[str]:
    return list(connection.scalars(select(schema.successors.c.token).order_by(schema.successors.c.id)))


def location(connection: Connection) -> tuple[int, str] | None:
    """(number, JWS) of the newest; None while the store is where it was made."""
    columns = schema.locations.c
    row = connection.execute(select(columns.number, columns.token).order_by(columns.number.desc()).limit(1)).first()
    return None if row is None else (row.number, row.token)


def policy_files(connection: Connection, policy: str, largest: int | None = None) -> str | None:
    """JSON, file name -> text; None where the text was never sent, and for more characters than `largest`."""
    columns = schema.policies.c
    asked = select(columns.files).where(columns.hash == policy)
    return connection.scalar(asked if largest is None else asked.where(func.length(columns.files) <= largest))
