"""Recordings by what a caller goes by, and the calls, chats and mails that a recording belongs to.

A number is found by its keyed hash, one for each integration (docs/interactions.md): what is asked for leaves this
module as these hashes alone. Of an interaction only what is in the clear by design is given.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from protocol.interaction import ADDRESS, ID, TEL, Interaction, finding_key, plain, tag
from review.search.find import Finder
from store.catalog import interactions

MOST_CALLS: Final = 500  # the newest of a caller that are gone through
MOST_RECORDINGS: Final = 5_000  # of them
KINDS: Final = (TEL, ADDRESS, ID)


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
    """Of the newest calls that have one of these, whosever they are: `Finder.page` leaves those that one may list."""
    found: set[str] = set()
    with finder.catalog.reading() as connection:
        for row in interactions.named(connection, "tag", sorted(tags), MOST_CALLS):
            about = interactions.sound(connection, row)
            if about is None:
                continue
            person_of = finder.governance.person_of
            rows = interactions.recordings_of(connection, about.agents, about.start, about.end, person_of)
            found.update(one.id for one in rows)
            if len(found) >= MOST_RECORDINGS:
                break
    return frozenset(sorted(found, reverse=True)[:MOST_RECORDINGS])  # ids begin with their time


def of_recording(finder: Finder, recording: str, length: int) -> list[Interaction]:
    """That it belongs to, oldest first. `length`: ns."""
    with finder.catalog.reading() as connection:
        return interactions.of_recording(connection, recording, length, finder.governance.person_of)
