"""Interactions in the catalog, those who may send them, and the recordings that were made meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from protocol.envelope import KEY_PACKET_STREAM, LONGEST_CHUNK, SCENE_STREAM
from protocol.errors import ProtocolError
from protocol.interaction import LONGEST, TEXT_STREAM, Agent, Interaction, Received
from protocol.keys import public_from_text, public_to_text
from store.catalog import schema
from store.catalog.blobs import sealed_name
from store.catalog.inserting import add_if_new
from store.catalog.queries import padded
from store.errors import StoreError

MOST_OF_ONE: Final = 1000  # interactions of one recording that are looked at
_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Integration:
    """`house`: domains of the house's own addresses."""

    id: str
    name: str
    evidence_key: Ed25519PublicKey
    house: tuple[str, ...]
    country: str
    created_at: int
    withdrawn_at: int | None


def _integration(row: Row[Any]) -> Integration:
    house, key = tuple(json.loads(row.house)), public_from_text(row.evidence_key)
    return Integration(row.id, row.name, key, house, row.country, row.created_at, row.withdrawn_at)


def integrations(connection: Connection) -> list[Integration]:
    """Oldest first; those that were withdrawn, too: what they sent stays."""
    return [
        _integration(row)
        for row in connection.execute(select(schema.integrations).order_by(schema.integrations.c.created_at))
    ]


def let_in(connection: Connection, made: Integration, secret: str) -> None:
    connection.execute(
        insert(schema.integrations).values(
            id=made.id,
            name=made.name,
            secret_sha256=_hash(secret),
            evidence_key=public_to_text(made.evidence_key),
            house=json.dumps(made.house),
            country=made.country,
            created_at=made.created_at,
        )
    )


def withdraw(connection: Connection, integration: str, at: int) -> None:
    columns = schema.integrations.c
    chosen = (columns.id == integration, columns.withdrawn_at.is_(None))
    connection.execute(update(schema.integrations).where(*chosen).values(withdrawn_at=at))


def by_secret(connection: Connection, secret: str) -> Integration | None:
    row = connection.execute(
        select(schema.integrations).where(schema.integrations.c.secret_sha256 == _hash(secret))
    ).first()
    return None if row is None else _integration(row)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()  # 256 bits by chance need no slow hash


# -- interactions -------------------------------------------------------------------------------------------------


def names_of(about: Interaction) -> tuple[str, str]:
    """Of its blobs: key packet, chunk."""
    return (
        sealed_name(about.id, KEY_PACKET_STREAM, 0, about.packet),
        sealed_name(about.id, TEXT_STREAM, 0, about.sealed),
    )


def keep(connection: Connection, received: Received, at: int) -> bool:
    """Whether it is new. Where its id is taken, nothing changes."""
    about = received.about
    new = add_if_new(
        connection,
        schema.interactions,
        id=str(about.id),
        integration=about.integration,
        kind=about.kind,
        direction=about.direction,
        queue=about.queue,
        start=about.start,
        end=about.end,
        size=len(received.packet) + len(received.chunk),
        received_at=at,
        statement=received.statement,
    )
    named = {("tag", tag) for tag in about.tags}
    named |= {pair for agent in about.agents for pair in agent.names.items()}
    rows = [{"kind": kind, "name": name, "interaction": str(about.id)} for kind, name in sorted(named)]
    if new and rows:
        connection.execute(insert(schema.interaction_names), rows)
    return new


def find(connection: Connection, interaction: str) -> Row[Any] | None:
    return connection.execute(select(schema.interactions).where(schema.interactions.c.id == interaction)).first()


def taken(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of the ids that an interaction has."""
    columns = schema.interactions.c
    return set(connection.scalars(select(columns.id).where(columns.id.in_(padded(ids)))))


def forget(connection: Connection, interaction: str) -> None:
    names, columns = schema.interaction_names, schema.interactions.c
    connection.execute(delete(names).where(names.c.interaction == interaction))
    connection.execute(delete(schema.interactions).where(columns.id == interaction))


def said(connection: Connection, row: Row[Any]) -> tuple[Interaction, Integration]:
    """What its integration signed of it, by the key that a row has. Raises SignatureError, StoreError."""
    whose = next((one for one in integrations(connection) if one.id == row.integration), None)
    if whose is None:
        raise StoreError(f"interaction {row.id}: who sent it is not known here")
    about = Interaction.verify(row.statement, whose.evidence_key)
    if (str(about.id), about.integration) != (row.id, whose.id):
        raise StoreError(f"interaction {row.id}: what was signed is another's")
    return about, whose


def beginning(connection: Connection, prefix: str) -> list[Row[Any]]:
    """At most ten."""
    columns = schema.interactions.c
    chosen = select(schema.interactions).where(columns.id.startswith(prefix, autoescape=True))
    return list(connection.execute(chosen.order_by(columns.id)).fetchmany(10))


def named(
    connection: Connection, kind: str, names: Sequence[str], limit: int, before: tuple[int, str] | None = None
) -> list[Row[Any]]:
    """Those that have one of these, newest first. `kind`: tag, person, user, host, device. `before`: start and id of
    the last one that was given before.
    """
    names_, columns = schema.interaction_names.c, schema.interactions.c
    inside = select(names_.interaction).where(names_.kind == kind, names_.name.in_(names))
    chosen = select(schema.interactions).where(columns.id.in_(inside))
    if before is not None:
        start, id = before  # noqa: A001
        chosen = chosen.where((columns.start < start) | (columns.start == start) & (columns.id > id))
    return list(connection.execute(chosen.order_by(columns.start.desc(), columns.id).limit(limit)))


def meanwhile(connection: Connection, start: int, end: int) -> list[Row[Any]]:
    columns = schema.interactions.c
    chosen = select(schema.interactions).where(columns.start <= end, columns.end >= start)
    return list(connection.execute(chosen.order_by(columns.id)))


def recordings_of(
    connection: Connection, agents: Iterable[Agent], start: int, end: int, person_of: Callable[[str], str]
) -> list[Row[Any]]:
    """`id`, `start`, `length`, `os_user` (ns) of what was recorded meanwhile where one of the agents worked.

    By device, by host, by user, or by person: `person_of` says whose a PC's user is, "" where no rule does. Times are
    the PCs' own; ids of recordings begin with them, and a recording lasts an hour.
    """
    columns, sealed = schema.recordings.c, schema.sealed.c
    wanted = [agent.names for agent in agents]
    first, last = (f"{UUID(int=max(0, at) // _MS << 80)}" for at in (start - LONGEST_CHUNK, end + _MS))
    length = func.coalesce(func.max(sealed.end), LONGEST_CHUNK // 2).label("length")  # of one that was erased
    seen = and_(sealed.recording == columns.id, sealed.stream < SCENE_STREAM)
    whose = (columns.id, columns.start, columns.device, columns.host, columns.os_user)
    rows: Iterable[Row[Any]] = connection.execute(
        select(*whose, length)
        .outerjoin_from(schema.recordings, schema.sealed, seen)
        .where(columns.id.between(first, last), columns.start <= end)
        .group_by(*whose)
        .having(columns.start + length >= start)
        .order_by(columns.start, columns.id)
    )
    return [row for row in rows if any(worked(row, names, person_of) for names in wanted)]


def of_recording(
    connection: Connection, recording: str, length: int, person_of: Callable[[str], str]
) -> list[Interaction]:  # fmt: skip
    """Those that it belongs to, oldest first, as `recordings_of` says; without what cannot be verified.

    By the index of names and by ids, which begin with their time: one whose id does not, or that writes a name in
    small and capital letters as neither the PC nor the rules do, is not found.
    """
    columns = schema.recordings.c
    row = connection.execute(select(schema.recordings).where(columns.id == recording)).first()
    if row is None:
        return []
    own = {row.device, row.host, row.os_user, person_of(row.os_user)} - {""}
    written = {form for name in own for form in (name, name.lower(), name.upper(), name.capitalize())}
    read = (sound(connection, one) for one in _near(connection, row.start, row.start + length, sorted(written)))
    found = [one for one in read if one and any(worked(row, agent.names, person_of) for agent in one.agents)]
    return sorted(found, key=lambda about: (about.start, about.id))


def _near(connection: Connection, start: int, end: int, written: Sequence[str]) -> list[Row[Any]]:
    """Those meanwhile in which somebody is called so; a kind at a time, as a chat may last a month."""
    columns, names = schema.interactions.c, schema.interaction_names.c
    rows: list[Row[Any]] = []
    for kind, longest in LONGEST.items():
        first, last = (f"{UUID(int=max(0, at) // _MS << 80)}" for at in (start - longest, end + _MS))
        called = select(names.interaction).where(
            names.kind.in_(("person", "user", "host", "device")), names.name.in_(padded(written)),
            names.interaction.between(first, last),
        )  # fmt: skip
        meant = (columns.kind == kind, columns.start <= end, columns.end >= start)
        chosen = select(schema.interactions).where(columns.id.in_(called), *meant).order_by(columns.id)
        rows += connection.execute(chosen.limit(MOST_OF_ONE)).all()
    return rows


def sound(connection: Connection, row: Row[Any]) -> Interaction | None:
    """None for one that is damaged: it hides no other."""
    try:
        return said(connection, row)[0]
    except (ProtocolError, StoreError):
        return None


def worked(row: Row[Any], names: dict[str, str], person_of: Callable[[str], str]) -> bool:
    """Whether all that is known of the agent's PC fits, and its user is no other person; else whether they are one."""
    own = {"device": row.device, "host": row.host.lower(), "user": row.os_user.lower()}
    placed = {name: text for name, text in names.items() if name != "person"}
    person, owner = names.get("person", ""), person_of(row.os_user)
    if placed:
        return all(own[name] == text.lower() for name, text in placed.items()) and (not person or owner in {"", person})
    return bool(person) and owner == person
