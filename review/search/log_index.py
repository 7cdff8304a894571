"""Finds entries of the audit log without going through all of it: by who, kind, recording and outcome.

The log says in the clear when something was noted and how much of it, and seals the rest (docs/audit-log.md). So does
this index: an entry is found by tags, numbers of 64 bits that only the reading key can make. Who reads the file without
that key sees which entries have something in common, and not what. When bodies are shredded, their tags go with them.
It can be removed at any time and is made anew out of the log (docs/decisions/0069).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, delete, func, insert, select, text

from protocol.claims import is_uuid
from review.audit import journal
from review.audit.bodies import Bodies
from review.audit.entries import Entry, ReadingKey, is_shredded
from review.audit.errors import AuditError
from review.audit.kinds import CLOCK, SHRED, read_statement
from review.audit.notes import VerifierKey
from review.audit.proofs import SingleEntries
from review.audit.tree import leaf_hash
from store.catalog.database import Database, explained

CHANGED: Final = "changed"  # the kind of an entry whose body is not the one that was noted
SHREDDED: Final = "shredded"
VERSION: Final = 1
GROUP: Final = 1_000  # entries of one transaction, at least
EVERY: Final = 2.0  # s between looks at the log while no page asks
_FEW: Final = 10_000  # so far it is counted how often a tag comes
metadata: Final = sa.MetaData()
_Number: Final = BigInteger().with_variant(Integer, "sqlite")

# One row. `last`: leaf hash (hex) of the last entry that was taken in. `of`: the log's public key and its reading key's
# tag, so that another log's is made anew.
state: Final = Table(
    "log_index",
    metadata,
    Column("version", Integer, nullable=False),
    Column("of", Text, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("last", Text, nullable=False),
)
# `era`: counts up where the clock was set back; within one, times do not fall.
placed: Final = Table(
    "placed",
    metadata,
    Column("position", _Number, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),  # ms
    Column("era", Integer, nullable=False),
    Index("ix_placed_era_time", "era", "time", "position"),
)
tagged: Final = Table(
    "tagged",
    metadata,
    Column("tag", _Number, primary_key=True, autoincrement=False),
    Column("position", _Number, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
shreds: Final = Table(
    "shreds",
    metadata,
    Column("first", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("by", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`since`, `until`: ms. `who`: a pseudonym. `before`: a position; newer ones are left out."""

    since: int | None = None
    until: int | None = None
    who: str = ""
    kind: str = ""
    recording: str = ""
    outcome: str = ""
    before: int | None = None


class Found(NamedTuple):
    """An entry. `said`: body or statement; empty where it was shredded. `why`: what is wrong with its body."""

    position: int
    time: int
    kind: str
    said: dict[str, Any]
    why: str = ""

    @property
    def recordings(self) -> list[str]:
        return recordings_of(self.said)


def recordings_of(said: dict[str, Any]) -> list[str]:
    """The ids of recordings that an entry names."""
    named = [*said.get("resource", []), *said.get("facts", {}).get("recordings", [])]
    return list(dict.fromkeys(one for one in named if is_uuid(one)))


def opened(path: Path) -> Database:
    """Raises StoreError for a file that is no database."""
    with explained(str(path)):
        path.touch(0o600)
    database = Database.sqlite(path)
    with explained(str(path)), database.writing() as connection:
        here = set(sa.inspect(connection).get_table_names())
        if not (state.name in here and connection.scalar(select(state.c.version)) == VERSION):
            metadata.drop_all(connection)
            metadata.create_all(connection)
    return database


@dataclass
class LogIndex:
    """Of the log in `folder`, whose public key is `log`."""

    index: Database
    folder: Path
    log: VerifierKey
    key: ReadingKey
    _writing: threading.Lock = field(default_factory=threading.Lock)

    # -- following ------------------------------------------------------------------------------------------------

    def catch_up(self, most: int | None = None) -> bool:
        """Takes in what is new; False where there is more than `most`. Of any thread.

        Raises AuditError where the log is not as it was signed; OSError.
        """
        with self._writing:
            with self.index.writing() as connection:
                end = self._begin(connection)
            taken: list[journal.Acknowledged] = []
            first = end
            for group in journal.groups(self.folder, self.log, end):
                taken += group.entries
                if len(taken) >= GROUP:
                    self._take_in(taken)
                    end, taken = end + len(taken), []
                    if most is not None and end - first >= most:
                        return False
            self._take_in(taken)
            return True

    def _begin(self, connection: Connection) -> int:
        """Where to go on: from the start where this index is of another log, or of another history of it."""
        of = f"{self.log} {self.key.tag('index of')}"
        known = connection.execute(select(state)).first()
        if known is not None and known.of == of and (known.end == 0 or self._last(known.end) == known.last):
            return int(known.end)
        for table in metadata.sorted_tables:
            connection.execute(delete(table))
        connection.execute(insert(state).values(version=VERSION, of=of, end=0, last=""))
        return 0

    def _last(self, end: int) -> str:
        """Leaf hash of the last entry that was taken in, as the log has it now; "" where it has none."""
        group = next(journal.groups(self.folder, self.log, end - 1), None)
        return leaf_hash(group.entries[0].raw).hex() if group else ""

    def _take_in(self, entries: Sequence[journal.Acknowledged]) -> None:
        if not entries:
            return
        reading = self._bodies(entries[-1].position + 1)
        with self.index.writing() as connection:
            before = connection.execute(select(placed).order_by(placed.c.position.desc()).limit(1)).first()
            time, era = (before.time, before.era) if before else (0, 0)
            places, tags = list[dict[str, int]](), list[dict[str, int]]()
            for one in entries:
                found = _indexed(reading, one)
                era += found.time < time or found.kind == CLOCK
                time = found.time
                places.append({"position": one.position, "time": time, "era": era})
                tags += ({"tag": tag, "position": one.position} for tag in self._tags_of(found))
                if found.kind == SHRED:
                    self._shred(connection, one.position, found.said["ranges"], tags)
            connection.execute(insert(placed), places)
            connection.execute(insert(tagged), tags)
            last = leaf_hash(entries[-1].raw).hex()
            connection.execute(sa.update(state).values(end=entries[-1].position + 1, last=last))

    def _shred(self, connection: Connection, by: int, ranges: list[list[int]], tags: list[dict[str, int]]) -> None:
        """What was destroyed must not be found by what it said."""
        shredded = self.key.tag("kind", SHREDDED)
        for first, end in ranges:
            connection.execute(insert(shreds).values(first=first, end=end, by=by))
            within = tagged.c.position.between(first, min(end, by) - 1)
            rows = select(tagged.c.position).where(within).distinct()
            gone = list(connection.scalars(rows))
            connection.execute(delete(tagged).where(within))
            if gone:
                connection.execute(insert(tagged), [{"tag": shredded, "position": one} for one in gone])
            waiting = {one["position"] for one in tags if first <= one["position"] < min(end, by)}
            tags[:] = [one for one in tags if one["position"] not in waiting]
            tags += ({"tag": shredded, "position": one} for one in sorted(waiting))

    def _tags_of(self, found: Found) -> set[int]:
        tags = {self.key.tag("kind", found.kind)}
        if found.said and "facts" in found.said:
            tags |= {self.key.tag("who", str(found.said["who"])), self.key.tag("outcome", str(found.said["outcome"]))}
            tags |= {self.key.tag("recording", one) for one in found.recordings}
        return tags

    def follow(self, stop: threading.Event, failed: Callable[[str], None]) -> None:
        """Until `stop`; `failed` gets the kind of an error, after which it is tried again."""
        while not stop.is_set():
            whole = True
            try:
                whole = self.catch_up(GROUP)
            except Exception as error:  # noqa: BLE001 - a log that is damaged ends no console; pages name it
                failed(type(error).__name__)
            if whole:
                stop.wait(EVERY)

    # -- asking ---------------------------------------------------------------------------------------------------

    @property
    def end(self) -> int:
        """How many entries it has."""
        with self.index.reading() as connection:
            return connection.scalar(select(state.c.end)) or 0

    def positions(self, asked: Asked, most: int) -> list[int]:
        """Newest first."""
        with self.index.reading() as connection:
            ranges = self._ranges(connection, asked)
            if not ranges:
                return []
            tags = self._asked_tags(connection, asked)
            return list(connection.scalars(_question(tags, ranges, most)))

    def read(self, positions: Sequence[int]) -> Iterator[Found]:
        """What these entries say, each as it was signed. Raises AuditError, OSError."""
        entries, reading = SingleEntries(self.folder, self.log), self._bodies(self.end)
        for position in positions:
            yield _read(reading, entries.at(position))

    def _bodies(self, looked: int) -> Bodies:
        with self.index.reading() as connection:
            known = [(row.first, row.end, row.by) for row in connection.execute(select(shreds))]
        return Bodies(self.folder, self.log, self.key, known, looked)

    def _asked_tags(self, connection: Connection, asked: Asked) -> list[int]:
        """The rarest first: what is gone through."""
        words = ("who", asked.who), ("kind", asked.kind), ("recording", asked.recording), ("outcome", asked.outcome)
        tags = [self.key.tag(name, value) for name, value in words if value]

        def often(tag: int) -> int:
            some = select(sa.literal(1)).select_from(tagged).where(tagged.c.tag == tag).limit(_FEW).subquery()
            return connection.scalar(select(func.count()).select_from(some)) or 0

        return sorted(tags, key=often) if len(tags) > 1 else tags

    def _ranges(self, connection: Connection, asked: Asked) -> list[tuple[int, int]]:
        """First and end of the positions at these times: one range for each era that has any."""
        end = connection.scalar(select(state.c.end)) or 0
        end = min(end, asked.before) if asked.before is not None else end
        if asked.since is None and asked.until is None:
            return [(0, end)] if end else []
        columns, found = placed.c, list[tuple[int, int]]()
        for era in connection.scalars(select(columns.era).distinct()).all():
            times = [columns.era == era]
            times += [columns.time >= asked.since] if asked.since is not None else []
            times += [columns.time < asked.until] if asked.until is not None else []
            chosen = select(columns.position).where(*times)
            order = (columns.time, columns.position)
            first = connection.scalar(chosen.order_by(*order).limit(1))
            last = connection.scalar(chosen.order_by(*(one.desc() for one in order)).limit(1))
            if first is not None and last is not None and first < end:
                found.append((first, min(last + 1, end)))
        return found


def _question(tags: Sequence[int], ranges: Sequence[tuple[int, int]], most: int) -> sa.Select[Any] | sa.TextClause:
    """Numbers that are written into it are whole numbers of the index's own."""
    within = " or ".join(f"(t.position >= {int(first)} and t.position < {int(end)})" for first, end in ranges)
    source, conditions = "placed t", [f"({within})"]
    if tags:
        source = "tagged t"
        conditions.append(f"t.tag = {int(tags[0])}")
    conditions += [
        f"exists (select 1 from tagged x where x.tag = {int(tag)} and x.position = t.position)"  # noqa: S608
        for tag in tags[1:]
    ]
    where = " and ".join(conditions)
    return text(f"select t.position from {source} where {where} order by t.position desc limit {int(most)}")  # noqa: S608


def _indexed(reading: Bodies, one: journal.Acknowledged) -> Found:
    """The statement that a body was shredded comes later: whether there is one, `read` says."""
    entry = Entry.parse(one.raw)
    if not entry.statement and not entry.matches(one.rest) and is_shredded(one.rest):
        return Found(one.position, entry.time, SHREDDED, {})
    return _read(reading, one)


def _read(reading: Bodies, one: journal.Acknowledged) -> Found:
    entry = Entry.parse(one.raw)
    if entry.statement:
        said = read_statement(entry.statement)
        return Found(one.position, entry.time, str(said["kind"]), said)
    try:
        said = reading.read(one, entry)
    except AuditError as error:
        return Found(one.position, entry.time, CHANGED, {}, str(error))
    return Found(one.position, entry.time, str(said["kind"]) if said else SHREDDED, said)
