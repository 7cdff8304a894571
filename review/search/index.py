"""Keeps the index in step with the catalog: what is new, what goes on, what is being erased.

It follows, so a recording appears some seconds after its first bytes. What is being erased is left out by the question
itself, and from here at the next pass. At each start the whole catalog is gone through once more, newest first: a row
that was missed (a clock that was set back, a process that was killed) does not stay missing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, delete, exists, func, insert, select, text, tuple_

from protocol.numbers import is_integer
from review.search import schema
from review.search.facts import Listed, Whose, read
from store.catalog import schema as catalog
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.catalog.queries import legible
from store.clock import MINUTE, Clock, wall
from store.evidence.earlier import Earlier
from store.evidence.isolation import Unreadable, isolated

PAGE: Final = 200  # recordings of one transaction
OF_ONE: Final = 8  # recordings of one PC that are looked at again in a pass: an honest one has one or two that go on
REWIND: Final = 10 * MINUTE  # by which the store's clock may step back unseen
EVERY: Final = 5.0  # seconds between passes where there is nothing to do
_AGAIN: Final = MINUTE  # until one that goes on is looked at again; of older ones a tenth of their age
UNREADABLE: Final = "unreadable"
_Key = tuple[int, str]
_NEWEST: Final[_Key] = (2**63 - 1, "")


@dataclass
class SearchIndex:
    """`index`: of schema. One thread writes. `forgets` is given what is being erased, at each start all of it; where it
    fails, the index goes on.
    """

    catalog: Database
    blobs: BlobStore
    index: Database
    clock: Clock = wall
    forgets: Callable[[Collection[str]], None] = lambda _: None
    _runs: Earlier = field(default_factory=Earlier)
    _walk: _Key | None = _NEWEST  # how far the whole catalog was gone through
    _erased: int = -1  # position of the last erasure that was followed
    _forgotten: int = -1  # and of the last that was given to `forgets`

    def pass_once(self, stop: threading.Event | None = None) -> bool:
        """Whether there is more to do at once. After a long standstill it takes long, and minds erasures and `stop`."""
        self._forget_erased()
        with self.index.reading() as connection:
            newest = connection.scalar(select(func.max(schema.found.c.opened_at))) or 0
            now = self.clock()
            due = list(connection.scalars(_DUE, {"now": now, "of_one": OF_ONE, "page": PAGE}))
        self._take_in(due)
        key: _Key | None = _NEWEST
        while key is not None and newest and key[0] >= min(newest, now) - REWIND:
            if stop is not None and stop.is_set():
                return False
            key = self._page(key)
            self._forget_erased()
        if not newest:
            self._walk = _NEWEST  # nothing is known yet from which on to look for what is new
        if self._walk is not None:
            self._walk = self._page(self._walk)
        return self._walk is not None or len(due) == PAGE

    def _page(self, before: _Key) -> _Key | None:
        """Takes in what is not known of a page, newest first; where the next one begins."""
        columns = catalog.recordings.c
        asked = select(columns.id, columns.opened_at).where(tuple_(columns.opened_at, columns.id) < before, ~_ERASED)
        asked = asked.order_by(columns.opened_at.desc(), columns.id.desc()).limit(PAGE)
        with self.catalog.reading() as connection:
            rows = connection.execute(asked).all()
        ids = [row.id for row in rows]
        with self.index.reading() as connection:
            known = set(connection.scalars(select(schema.found.c.recording).where(schema.found.c.recording.in_(ids))))
        self._take_in([one for one in ids if one not in known])
        return (rows[-1].opened_at, rows[-1].id) if len(rows) == PAGE else None

    def _take_in(self, recordings: Collection[str]) -> None:
        if not recordings:
            return
        made = [self._read(one) for one in recordings]
        with self.index.writing() as connection:
            remove(connection, [one for one, known in zip(recordings, made, strict=True) if known is None])
            for listed, look_at in (one for one in made if one is not None):
                put(connection, listed, look_at)

    def _read(self, recording: str) -> tuple[Listed, int | None] | None:
        """None for what is no longer there, or no recording's id at all."""
        with self.catalog.reading() as connection:
            found = isolated(partial(self._listed, connection, recording))
            if not isinstance(found, Unreadable):
                return found
            row = connection.execute(_ROW.where(catalog.recordings.c.id == recording)).first()
        if row is None:
            return None
        opened, start = (one if is_integer(one) else 0 for one in (row.opened_at, row.start))
        bare = Listed(
            recording, Whose(legible(row.group_name), ""), min(start, opened), opened, legible(row.device),
            legible(row.host), 0, 0, 0, False, UNREADABLE, (),
        )  # fmt: skip
        return bare, self._later(opened)

    def _listed(self, connection: Connection, recording: str) -> tuple[Listed, int | None]:
        listed, evidence = read(connection, self.blobs, UUID(recording), self._runs)
        return listed, None if evidence.ended else self._later(listed.opened_at)

    def _later(self, opened_at: int) -> int:
        now = self.clock()
        return now + max(_AGAIN, (now - opened_at) // 10)

    def forget(self) -> None:
        for position, erased in self._erased_since(self._forgotten):
            self.forgets(erased)
            self._forgotten = position

    def _forget_erased(self) -> None:
        for position, erased in self._erased_since(self._erased):
            with self.index.writing() as connection:
                remove(connection, erased)
            self._erased = position

    def _erased_since(self, position: int) -> Iterator[tuple[int, list[str]]]:
        """Of the position again: an order names many, and they come one by one."""
        columns = catalog.erasures.c
        key = (position, "")
        while True:
            asked = select(columns.position, columns.recording).where(tuple_(columns.position, columns.recording) > key)
            with self.catalog.reading() as connection:
                rows = connection.execute(asked.order_by(columns.position, columns.recording).limit(PAGE)).all()
            if not rows:
                return
            key = (rows[-1].position, rows[-1].recording)
            yield key[0], [row.recording for row in rows]

    def follow(self, stop: threading.Event, failed: Callable[[str], None]) -> None:
        """Until `stop`; `failed` gets the kind of an error, after which it is tried again."""
        while not stop.is_set():
            done = []
            for step in (self.forget, partial(self.pass_once, stop)):
                try:
                    done.append(step())
                except Exception as error:  # noqa: BLE001 - a database that is locked or damaged ends no console
                    failed(type(error).__name__)
            if done != [None, True]:
                stop.wait(EVERY)


_ERASED: Final = exists().where(catalog.erasures.c.recording == catalog.recordings.c.id)
# The longest due, of each PC so many: one that opens many and ends none delays its own alone. The devices are found by
# a seek each in the index, so that it does not matter how many are due.
_DUE: Final = text(
    """
    with recursive devices(device) as (
        select min(device) from found
        union all
        select (select min(device) from found where found.device > devices.device)
        from devices where devices.device is not null
    )
    select found.recording from devices join found on found.id in (
        select own.id from found as own
        where own.device = devices.device and own.look_at <= :now order by own.look_at limit :of_one
    )
    order by found.look_at limit :page
    """
)
_ROW: Final = select(catalog.recordings, catalog.devices.c.group_name).join(catalog.devices)


# -- rows -------------------------------------------------------------------------------------------------------------


def put(connection: Connection, listed: Listed, look_at: int | None = None) -> None:
    """In place of what was there of it."""
    owner = _id_of(connection, schema.owners, group_name=listed.whose.group, os_user=listed.whose.user)
    tags = [_id_of(connection, schema.tags, rule=rule) for rule in listed.rules]
    remove(connection, [listed.recording])
    names = ("recording", "start", "opened_at", "device", "host", "length", "closed", "screens", "sound", "state")
    values = {name: getattr(listed, name) for name in names}
    rules = json.dumps(listed.rules)
    made = insert(schema.found).values(**values, owner=owner, look_at=look_at, rules=rules)
    number = connection.scalar(made.returning(schema.found.c.id))
    every = schema.tags_of(listed.length, tags)
    row = {"owner": owner, "start": listed.start, "found": number}
    connection.execute(insert(schema.entries), [row | {"tag": tag} for tag in every])


def remove(connection: Connection, recordings: Collection[str]) -> None:
    columns = schema.found.c
    for row in connection.execute(select(schema.found).where(columns.recording.in_(recordings))).all():
        _remove_entries(connection, row)
        connection.execute(delete(schema.found).where(columns.id == row.id))


def _remove_entries(connection: Connection, row: Row[Any]) -> None:
    entries = schema.entries.c
    rules = select(schema.tags.c.id).where(schema.tags.c.rule.in_(json.loads(row.rules)))
    tags = schema.tags_of(row.length, connection.scalars(rules))
    same = (entries.owner == row.owner) & (entries.start == row.start) & (entries.found == row.id)
    connection.execute(delete(schema.entries).where(entries.tag.in_(tags) & same))


def _id_of(connection: Connection, table: Any, **values: str) -> int:
    same = [table.c[name] == value for name, value in values.items()]
    known: int | None = connection.scalar(select(table.c.id).where(*same))
    if known is not None:
        return known
    first, step = (schema.FIRST_RULE, schema.STEP) if table is schema.tags else (1, 1)
    newest = connection.scalar(select(func.max(table.c.id)))
    following = first if newest is None else newest + step
    connection.execute(insert(table).values(id=following, **values))
    return following
