"""Whether the catalog's indexes have what their tables have: all that is looked up of a recording is found by one.

SQLite's own check reads every table and index. Whether the catalog has other indexes than ours is asked whenever it is
opened (store.catalog.shape).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from store.catalog import shape
from store.catalog.database import Database
from store.catalog.schema import metadata
from store.evidence.verify.ledger import Defect
from store.evidence.verify.recording import Report

AT_ONCE: Final = 100 << 20  # bytes of a catalog whose indexes are compared for one recording: about 1 s
TOO_LARGE: Final = "the catalog's indexes are not compared with its tables, as it is large: `verify --all` does"


def indexes(database: Database) -> list[Defect]:
    """A transaction for each table: a running store goes on beside it."""
    found = []
    for table in metadata.tables:
        with database.reading() as connection:
            said = shape.unfitting(connection, table)
        if said:
            more = f", and {len(said) - 1} more" if len(said) > 1 else ""
            message = f"{said[0]}{more}: what is looked up there may not be found; put the database back from a backup"
            found.append(Defect("catalog", "bad-index", f"table {table}", message))
    return found


def with_indexes(report: Report, database: Database) -> Report:
    """Of one recording, as far as that does not take longer than all the rest."""
    with database.reading() as connection:
        large = shape.size(connection) > AT_ONCE
    if large:
        return replace(report, notes=(*report.notes, TOO_LARGE))
    return replace(report, findings=(*report.findings, *indexes(database)))
