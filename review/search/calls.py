"""Recordings by a caller's number, address or id, and the calls, chats and mails that a recording belongs to.

A number is found by its keyed hash, one for each integration (docs/interactions.md): what is asked for leaves this
module as these hashes alone. Of an interaction only what is in the clear by design is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from protocol.envelope import LONGEST_CHUNK
from protocol.interaction import ADDRESS, ID, TEL, Interaction, finding_key, plain, tag
from review.search import schema
from review.search.find import MANY, Finder
from store.catalog import interactions
from store.catalog import schema as catalog
from store.catalog.queries import padded

MOST_CALLS: Final = 500  # of a caller that are gone through at once, the newest first
MOST_RECORDINGS: Final = 5_000  # of them
KINDS: Final = (TEL, ADDRESS, ID)


Place = tuple[int, str]
"""Of a call among those of a caller: its start and its id."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`said`: what was asked, in its one spelling, for the audit log. `tags`: its keyed hashes."""

    said: str
    tags: tuple[str, ...]


def caller(connection: Connection, key: bytes, text: str) -> Caller:
    """As a number, an address and an id, whichever it can be. `key`: the house's finding key."""
    kinds = [kind for kind in KINDS if plain(kind, text)[0] == kind]
    tags = {
        tag(finding_key(key, one.id), kind, text, one.country)
        for one in interactions.integrations(connection)
        for kind in kinds
    }
    return Caller(" ".join(plain(kinds[0], text)), tuple(sorted(found for found in tags if found)))


def recordings(finder: Finder, tags: Collection[str]) -> frozenset[str]:
    """Recordings of the newest calls with one of these tags, among owners of whom the person may list something.
    `Finder.page` decides each again.
    """
    return belonging(finder, tagged(finder, tags)[0])


def tagged(
    finder: Finder, tags: Collection[str], before: Place | None = None
) -> tuple[list[Interaction], Place | None]:
    """The newest calls with one of these tags, or the newest before that one; and the last, where there are more."""
    with finder.catalog.reading() as connection:
        rows = interactions.named(connection, "tag", sorted(tags), MOST_CALLS + 1, before)
        further = (rows[MOST_CALLS - 1].start, rows[MOST_CALLS - 1].id) if len(rows) > MOST_CALLS else None
        return [about for row in rows[:MOST_CALLS] if (about := interactions.sound(connection, row))], further


def belonging(finder: Finder, calls: Iterable[Interaction]) -> frozenset[str]:
    """To one of these, as `store.catalog.interactions.recordings_of` says it, of the owners whom one may list."""
    found: set[str] = set()
    person_of, here = finder.governance.person_of, catalog.recordings
    with finder.index.reading() as connection, finder.catalog.reading() as rows_of:
        owners = finder.reachable(connection)
        persons = {number: person_of(whose.user) for number, whose in owners.items()}
        for about in calls:
            for names in (agent.names for agent in about.agents):
                chosen = {number for number, whose in owners.items() if _may_be(names, whose.user, persons[number])}
                near = _meanwhile(connection, chosen, about.start, about.end)
                # A PC is called in its key packets as it may not be at the store: the catalog has the packet's name.
                rows = rows_of.execute(select(here).where(here.c.id.in_(padded(near)))).all()
                found |= {row.id for row in rows if interactions.worked(row, names, person_of)}
            if len(found) >= MOST_RECORDINGS:
                break
    return frozenset(sorted(found, reverse=True)[:MOST_RECORDINGS])  # ids begin with their time


def _may_be(names: Mapping[str, str], user: str, person: str) -> bool:
    """Whether recordings of this user may be of that agent; PC and time are left to compare."""
    if not names:
        return False
    if "user" in names:
        return user == names["user"].lower()
    return person == names.get("person", person) or (person == "" and ("host" in names or "device" in names))


def _meanwhile(connection: Connection, owners: Collection[int], start: int, end: int) -> set[str]:
    """Recordings of these owners at that time; of many owners, as where a PC alone is named, of all that there are."""
    found, entries = schema.found.c, schema.entries.c
    asked = select(found.recording, found.owner).join(schema.entries, entries.found == found.id).where(
        entries.tag == schema.ALL, entries.start.between(start - LONGEST_CHUNK, end),
        found.start + found.length >= start,
    )  # fmt: skip
    if len(owners) > MANY:
        return {row.recording for row in connection.execute(asked) if row.owner in owners}
    one = asked.where(entries.owner == bindparam("owner"))
    return {row.recording for owner in owners for row in connection.execute(one, {"owner": owner})}


def of_recording(finder: Finder, recording: str, length: int) -> list[Interaction]:
    """That it belongs to, oldest first. `length`: ns."""
    with finder.catalog.reading() as connection:
        return interactions.of_recording(connection, recording, length, finder.governance.person_of)
