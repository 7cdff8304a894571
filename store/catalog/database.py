"""Opens the catalog's database and brings it to this version's tables. What only SQLite needs stands only here.

SQLite runs with WAL and synchronous=FULL: a commit survives a power cut (measured: with NORMAL, 0 of 120 acknowledged
rows did).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError

from store.catalog import shape
from store.errors import StoreError

HEAD: Final = "0012"  # newest revision in migrations/versions; a test compares
READERS: Final = 48  # the server's thread pool has 40
WRITERS: Final = 1  # a server has one thread that writes, and a command writes once
# KiB of the database that a connection keeps for itself; the system keeps all of it anyway. A writer's holds what one
# transaction changes; the readers are many, and theirs would make the server grow for as long as the database does.
KEPT_TO_READ: Final = 128
KEPT_TO_WRITE: Final = 2048
BUSY_TIMEOUT: Final = 10.0  # seconds that a command waits for another process's write
_SETTLES: Final = 6  # times that `settle` tries
_BETWEEN: Final = 0.5  # seconds from one to the next


class Database:
    """One database, with a way in for readers and one for writers.

    On SQLite a writer takes the write lock when its transaction begins: a transaction that first reads and then writes
    could otherwise find that another process wrote in between, which no waiting mends.
    """

    def __init__(self, url: str) -> None:
        self._to_read = _engine(url, "BEGIN", KEPT_TO_READ, READERS)
        self._to_write = _engine(url, "BEGIN IMMEDIATE", KEPT_TO_WRITE, WRITERS)

    @classmethod
    def sqlite(cls, path: Path) -> Database:
        return cls(f"sqlite:///{path}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout."""
        with self._to_read.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable once the block has ended without an error."""
        with self._to_write.begin() as connection:
            yield connection

    def settle(self) -> bool:
        """On SQLite, bring what was written into the database's own file and empty its log: what was deleted is then in
        neither. False where a reader kept the log from being emptied."""
        if self._to_write.dialect.name != "sqlite":
            return True
        with self._to_read.connect() as connection:
            connection.rollback()
            driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            # While TRUNCATE waits for readers it keeps all others from writing: it must not wait.
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # the most of it, with no lock on writers
                for tried in range(_SETTLES):
                    if tried:
                        time.sleep(_BETWEEN)
                    ((busy, _, _),) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                    if not busy:
                        return True
                return False
            finally:
                driver.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")

    def close(self) -> None:
        self._to_read.dispose()
        self._to_write.dispose()


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the database's errors into words for an operator."""
    try:
        yield
    except OperationalError as error:
        reason = str(error.orig)
        if "locked" in reason:
            raise StoreError(f"{what} is locked by another program: end it, or try again") from None
        if "full" in reason:
            raise StoreError(f"no room is left for {what}: make room and try again") from None
        raise StoreError(f"{what} cannot be used: {reason}") from None
    except DatabaseError as error:
        raise StoreError(f"{what} is no database of a store, or is damaged: {error.orig}") from None


class Migration(NamedTuple):
    """A revision that a catalog was brought to, and what it added."""

    revision: str
    added: str


def upgrade(database: Database, what: str) -> tuple[Migration, ...]:
    """Bring the tables to this version; what it lacked.

    Raises StoreError for a database that is foreign, damaged, locked or newer, or has more or other than its tables,
    and has then closed it.
    """
    try:
        return _upgrade(database, what)
    except StoreError:
        database.close()
        raise


def _upgrade(database: Database, what: str) -> tuple[Migration, ...]:
    with explained(what):
        with database.reading() as connection:
            tables = set(inspect(connection).get_table_names())
            if tables and "alembic_version" not in tables:
                raise StoreError(f"{what} holds tables of another program: give the store a folder of its own")
            found = connection.scalar(text("select version_num from alembic_version")) if tables else None
            if found == HEAD:
                shape.check(connection, what)
                return ()
        # Slow to import, and needed once a release.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415
        from alembic.script import ScriptDirectory  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        newest_first = list(ScriptDirectory.from_config(config).walk_revisions())
        known = [revision.revision for revision in newest_first]
        if found is not None and found not in known:
            raise StoreError(f"{what} was written by a newer eyelid-store: install that version")
        with database.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            shape.check(connection, what)
    missing = newest_first[: known.index(found)] if found else newest_first
    return tuple(Migration(step.revision, step.doc) for step in reversed(missing))


def _engine(url: str, begin: str, kept: int, many: int) -> Engine:
    """`begin`: how a transaction begins on SQLite; `kept` (KiB): what each connection to one keeps of it; `many`: that
    stay open."""
    engine = sqlalchemy.create_engine(
        url,
        pool_pre_ping=not url.startswith("sqlite"),
        hide_parameters=True,
        # One for each thread that may ask at once, so that none is opened for one question and thrown away; the one
        # given back last first, so that few are in use while few ask.
        pool_size=many,
        pool_use_lifo=True,
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_configure_sqlite, kept))
        event.listen(engine, "begin", partial(_begin_sqlite, begin))
    return engine


def _configure_sqlite(kept: int, connection: sqlite3.Connection, record: Any) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    # The driver's own idea of when a transaction begins is older than savepoints; `_begin_sqlite` says it instead.
    connection.isolation_level = None
    # A damaged text must not end the question that it is in: what it says is then compared as any other.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    for pragma in (
        f"busy_timeout = {int(BUSY_TIMEOUT * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is overwritten with zeros, in the database's own file
        f"cache_size = -{kept}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(begin: str, connection: Connection) -> None:
    connection.exec_driver_sql(begin)
