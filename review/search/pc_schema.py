"""Tables of what lists of PCs are filtered and paged by: alarms, gaps, and uses of rules (docs/decisions/0084).

The file is made anew at each start of a console.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from store.catalog.database import Database, explained

# What a list is of. An alarm is in ALARM by when it was raised, and in OPEN by the same, or in SETTLED by when it was
# acknowledged.
ALARM, OPEN, SETTLED, GAP, ERASED = "alarm", "open", "settled", "gap", "erased"
UNEXPLAINED, CONTRADICTED, LOST = "unexplained", "contradicted", "lost"
GIVEN_UP, ON_ITS_WAY = "given-up", "on-its-way"
CAUSES: Final = (LOST, GIVEN_UP, ON_ITS_WAY)  # of chunks that are not here; time of which two are true counts once
GAPS: Final = (*CAUSES, UNEXPLAINED, CONTRADICTED)
metadata: Final = sa.MetaData()
_Number: Final = BigInteger().with_variant(Integer, "sqlite")

# `mark`: of what a PC had sent when it was read; one that sent nothing since is not read again. `why`: "" for one that
# could be read. `more`: whether it has more gaps than are listed.
pcs: Final = Table(
    "pcs", metadata, Column("device", String(36), primary_key=True), Column("read_at", BigInteger, nullable=False),
    Column("mark", Text, nullable=False), Column("why", Text, nullable=False), Column("more", Integer, nullable=False),
)  # fmt: skip

lines: Final = Table(
    "lines",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("list", String(8), nullable=False),
    Column("device", String(36), nullable=False),
    Column("at", BigInteger, nullable=False),  # ns by the store's clock
    Column("kind", Text, nullable=False),  # an alarm's code, or one of GAPS
    Column("until", BigInteger),  # of time that is unexplained
    Column("length", BigInteger),  # ns that are missing for that reason, where they were measured
    Column("number", BigInteger),  # an alarm's, or how many chunks
    Column("why", Text, nullable=False, server_default=""),
    Column("recording", String(36)),
    Column("stream", Integer),
    Column("sequence", BigInteger),
    Column("settled_at", BigInteger),
    Column("operator", Text),
    Index("ix_lines_list_at", "list", "at", "id", "device"),
    Index("ix_lines_list_kind_at", "list", "kind", "at", "id", "device"),
    Index("ix_lines_list_device_at", "list", "device", "at", "id"),
    Index("ix_lines_alarm", "number", sqlite_where=sa.text("list in ('alarm', 'open')")),
)

rules: Final = Table(
    "rules", metadata, Column("rule", Text, primary_key=True), Column("device", String(36), primary_key=True),
    Column("why", Text, nullable=False), Column("known", BigInteger, nullable=False),
    Index("ix_rules_device", "device"), sqlite_with_rowid=False,
)  # fmt: skip

uses: Final = Table(
    "uses", metadata, Column("rule", Text, primary_key=True), Column("device", String(36), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False), Column("times", BigInteger, nullable=False),
    Column("ns", BigInteger, nullable=False), Column("would_times", BigInteger, nullable=False),
    Column("would_ns", BigInteger, nullable=False), Column("last", BigInteger, nullable=False),
    Index("ix_uses_device", "device"), sqlite_with_rowid=False,
)  # fmt: skip


def opened(path: Path) -> Database:
    """Empty, whatever was there: it is made of what can be read anew. Raises StoreError."""
    with explained(str(path)):
        for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            one.unlink(missing_ok=True)
        path.touch(0o600)
    database = Database.sqlite(path)
    with explained(str(path)), database.writing() as connection:
        metadata.create_all(connection)
    return database
