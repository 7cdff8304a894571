"""The index's tables, in a database of the console's own that can be removed and is made anew (docs/decisions/0063).

Whose a recording is are its device's group and OS user, as one number: what the rules make of these changes, and they
do not. Each thing that it is found by is a row of `entries`: that it is one, how long it is, each rule that closed it,
and each rule with the length.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from store.catalog.database import Database, explained

VERSION: Final = 3
ALL: Final = 0  # the tag of every recording
LENGTHS: Final = (0, 60, 300, 900)  # s: from so many on
LENGTH: Final = 1  # the tag of the first of these; the others follow
FIRST_RULE: Final = 10
STEP: Final = 10  # from a rule's tag to the next one's: those between are of the rule and a length
metadata: Final = sa.MetaData()
_Number: Final = BigInteger().with_variant(Integer, "sqlite")

version: Final = Table("search_version", metadata, Column("version", Integer, nullable=False))

owners: Final = Table(
    "owners",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("group_name", String(200), nullable=False),
    Column("os_user", Text, nullable=False),  # in small letters; "" where no key packet that its PC signed says it
    sa.UniqueConstraint("group_name", "os_user"),
)

tags: Final = Table(
    "tags",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("rule", Text, nullable=False, unique=True),
)

found: Final = Table(
    "found",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("recording", String(36), nullable=False, unique=True),
    Column("owner", ForeignKey("owners.id"), nullable=False),
    Column("start", BigInteger, nullable=False),  # ns since 1970: its PC's, or when it came, if that is earlier
    Column("opened_at", BigInteger, nullable=False, index=True),  # by the store's clock
    Column("look_at", BigInteger),  # when to look again; null once no more of it comes
    Column("device", String(36), nullable=False),
    Column("host", Text, nullable=False),
    Column("length", BigInteger, nullable=False),  # ns
    Column("closed", BigInteger, nullable=False),  # ns of it that rules kept out, of the lane that lacks most
    Column("screens", Integer, nullable=False),
    Column("sound", Boolean, nullable=False),
    Column("state", String(16), nullable=False),  # as store.evidence.timeline.recording has it
    Column("rules", Text, nullable=False),  # JSON: ids
    Index("ix_found_device_look_at", "device", "look_at"),
)

entries: Final = Table(
    "entries",
    metadata,
    Column("tag", _Number, primary_key=True, autoincrement=False),
    Column("owner", _Number, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("found", _Number, primary_key=True, autoincrement=False),
    Index("ix_entries_tag_start", "tag", "start", "found", "owner"),
    sqlite_with_rowid=False,
)


def length_tag(length: int) -> int:
    """`length`: ns."""
    return LENGTH + max(place for place, least in enumerate(LENGTHS) if length >= least * 10**9)


def tags_of(length: int, rules: Iterable[int]) -> list[int]:
    """What a recording is found by: `length`, ns, and the tags of the rules that closed it."""
    lasts = length_tag(length)
    return [ALL, lasts, *(tag for rule in rules for tag in (rule, rule + lasts))]


def opened(path: Path) -> Database:
    """Makes it where there is none, and anew where it is another version's. Raises StoreError for what is none."""
    with explained(str(path)):
        path.touch(0o600)  # who was recorded when, and what closed it
    database = Database.sqlite(path)
    with explained(str(path)), database.writing() as connection:
        prepare(connection)
    return database


def prepare(connection: sa.Connection) -> None:
    here = set(sa.inspect(connection).get_table_names())
    if version.name in here and connection.scalar(sa.select(version.c.version)) == VERSION:
        return
    metadata.drop_all(connection)
    metadata.create_all(connection)
    connection.execute(sa.insert(version).values(version=VERSION))
