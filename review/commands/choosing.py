"""Which recordings a command is about: by their ids, or by what is signed of them.

A hold takes what may fit, an erasure what certainly does. What only rows say fits neither for sure: who owns the
database can change them for the minute of the command.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import select

from protocol.terminal import printable
from review.commands.shared import day
from review.governance.model import Governance
from review.governance.times import day_of, end_of, start_of
from review.lifecycle import every
from review.lifecycle.facts import Facts, Known, Names
from store.admin.home import Home
from store.catalog import interactions, queries, schema
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.errors import StoreError, WrongUsage
from store.evidence.show import progress

KEYS: Final = ("device", "host", "user", "agent", "group", "team", "closed_by", "channel")
_WHOSE: Final = frozenset(KEYS[:6])
_PAGE: Final = 500


class OpenStore(NamedTuple):
    """`governance`: of the store's newest bundle, which has the number `revision`."""

    home: Home
    database: Database
    governance: Governance
    revision: int
    facts: Facts
    now: int


def _wanted(asked: Namespace) -> list[tuple[str, str]]:
    """Raises WrongUsage where nothing is asked for."""
    if not (asked.recordings or asked.agent or asked.where):
        raise WrongUsage("say which recordings: their ids, --agent, or --where")
    return [*asked.where, *([("agent", asked.agent)] if asked.agent else [])]


def choose(asked: Namespace, store: OpenStore) -> tuple[list[Known], bool]:
    """Those that certainly fit, and whether of one nothing signed says whose it is. Raises WrongUsage as `_wanted`, or
    where one is not there.
    """
    wanted, chosen, unsigned = _wanted(asked), [], False
    for recording, known in _candidates(asked, store):
        if isinstance(known, str):
            if asked.recordings:
                raise StoreError(known)
            note(recording, f"is kept: {known}")
            unsigned = True
        elif (doubt := _doubt(known, wanted)) is None:
            chosen.append(known)
        elif doubt:
            note(recording, f"is kept, as it may not be one of them (name it by its id to erase it): {doubt}")
            unsigned |= bool(known.whose)
    return chosen, unsigned


def to_hold(asked: Namespace, store: OpenStore) -> tuple[list[str], bool]:
    """Ids of those that may fit, and as `choose`: what is held by mistake is not lost. Raises as `choose`."""
    wanted, chosen, unsigned = _wanted(asked), [], False
    if not wanted:
        return [str(only(store.database, text)) for text in dict.fromkeys(asked.recordings)], False
    for recording, known in _candidates(asked, store):
        if doubt := known if isinstance(known, str) else _doubt(known, wanted):
            note(recording, f"is held, as it may be one of them: {doubt}")
            unsigned |= isinstance(known, str) or bool(known.whose)
        if doubt != "":
            chosen.append(recording)
    return chosen, unsigned


def _candidates(asked: Namespace, store: OpenStore) -> Iterator[tuple[str, Known | str]]:
    if not asked.recordings:
        return _all(store)
    ids = [only(store.database, text) for text in dict.fromkeys(asked.recordings)]
    return ((str(one), store.facts.of(one, store.now)) for one in ids)


def _all(store: OpenStore) -> Iterator[tuple[str, Known | str]]:
    """Also those that only their folders show, and those that a row calls erased while they lie there."""
    blobs = store.home.blobs()
    yield from each_of(store.database, store.facts, store.now, every.EVER, blobs)
    page: list[str] = []
    for number, one in enumerate(blobs.recordings(), 1):
        page.append(str(one))
        if number % _PAGE == 0:
            yield from _without_row(store.database, blobs, page)
            page = []
    yield from _without_row(store.database, blobs, page)


def _without_row(database: Database, blobs: BlobStore, page: list[str]) -> Iterator[tuple[str, str]]:
    with database.reading() as connection:
        known = interactions.taken(connection, page) if page else set()
        known |= set(connection.scalars(select(schema.recordings.c.id).where(schema.recordings.c.id.in_(page))))
    for one in page:
        if one not in known and every.lies(blobs, one):
            yield one, "it lies here, and no row of the catalog names it"


def note(recording: str, says: str) -> None:
    sys.stderr.write(f"eyelid-review: recording {recording} {printable(says)}\n")


def only(database: Database, text: str) -> UUID:
    with database.reading() as connection:
        found = set(queries.recordings_beginning(connection, text.lower()) if text else [])
        found |= {row.id for row in interactions.beginning(connection, text.lower())} if text else set()
    if len(found) != 1:
        few = "no recording or interaction begins" if not found else "several begin"
        raise WrongUsage(f"{few} with {text!r}: `eyelid-store recordings` and `interactions find` list them")
    return UUID(found.pop())


def each_known(database: Database, facts: Facts, now: int, opened: range = every.EVER) -> Iterator[Known]:
    """All that are here, but those that cannot be read: they are named, and nothing is done to them."""
    for recording, known in each_of(database, facts, now, opened):
        if isinstance(known, Known):
            yield known
        else:
            note(recording, f"is kept: {known}")


def each_of(
    database: Database, facts: Facts, now: int, opened: range, blobs: BlobStore | None = None
) -> Iterator[tuple[str, Known | str]]:
    """As `review.lifecycle.every`, with a bar that shows how far it is."""
    with progress("reading", every.amount(database, opened)) as advance:
        yield from every.each_of(database, facts, now, opened, blobs, advance=advance)


def _doubt(known: Known, wanted: Sequence[tuple[str, str]]) -> str | None:
    """None where it certainly fits, "" where it certainly does not; else why neither is certain."""
    one = known.recording
    doubt: str | None = None
    for key, value in wanted:
        if key == "from":
            fits = [known.since >= start_of(day(value)), one.end >= start_of(day(value))]
        elif key == "to":
            fits = [known.since < end_of(day(value)), one.end < end_of(day(value))]
        elif key in {"host", "user", "agent", "team"}:
            fits = [_is_named(names, key, value) for names in known.names]
        elif key in {"closed_by", "channel"}:
            fits = [value in (one.closed_by if key == "closed_by" else set(map(str, one.consent)))]
            fits += [True, False] if known.unsure else []
        else:
            fits = [value in {known.device, *(names.device for names in known.names)} if key == "device" else
                    value == one.group]  # fmt: skip
        if key in _WHOSE and known.whose:
            fits += [True, False]
        if not any(fits):
            return ""
        if not all(fits):
            doubt = _why_doubted(known, key)
    return doubt


def _why_doubted(known: Known, key: str) -> str:
    if key in {"from", "to"}:
        since = f"between {day_of(known.since)} and" if known.since else "on an unknown day until"
        return f"it was {since} {day_of(known.recording.end)}"
    if key in {"closed_by", "channel"}:
        return known.unsure[0]
    if known.whose:
        return f"nothing signed says whose it is: {known.whose}"
    return "it is said to be of " + " and of ".join(_words(names) for names in known.names)


def _words(names: Names) -> str:
    placed = f"{names.user}@{names.host}" if names.user and names.host else names.user or names.host
    return placed or names.person or "nobody"


def _is_named(names: Names, key: str, value: str) -> bool:
    if key == "team":
        return value in names.teams
    if key == "agent":
        return value.lower() == names.person
    return value.lower() == (names.host if key == "host" else names.user).lower()
