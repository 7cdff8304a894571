"""Opening the catalog: durable settings, one set of tables, and plain words for what is not ours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import store
from store import database as module
from store import reported
from store.database import HEAD, Database, upgrade
from store.errors import StoreError
from store.schema import metadata

MIGRATIONS = Path(store.__file__).parent / "migrations"


def opened(path: Path) -> Database:
    made = Database.sqlite(path)
    upgrade(made, "the database")
    return made


def test_sqlite_is_set_to_survive_a_power_cut(tmp_path: Path) -> None:
    database = opened(tmp_path / "store.db")
    with database.reading() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    database.close()


def test_the_migrations_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    database = opened(tmp_path / "store.db")
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    opened(tmp_path / "store.db").close()
    opened(tmp_path / "store.db").close()


def test_what_the_last_health_named_is_noted_by_an_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alembic.command.upgrade", partial(_upgrade_to, command.upgrade, "0002"))
    opened(tmp_path / "store.db").close()
    monkeypatch.undo()
    head = {"next": 3, "head": "a" * 64}
    told = {"recording": "r", "heads": {"0": head, "1": {"next": 0, "head": ""}}, "ledger": head}
    with closing(sqlite3.connect(tmp_path / "store.db")) as old, old:
        old.execute("insert into enrolments values ('e', 's', '', 1, 1, 1)")
        for device in ("d", "new"):
            keys = [f"{device}-{number}" for number in range(3)]
            old.execute("insert into devices values (?, ?, ?, ?, '', '', '', '', 'e', 1, null)", [device, *keys])
        old.execute("insert into health values ('d', 7, ?)", [json.dumps(told)])
        old.execute("insert into health values ('new', 7, ?)", [json.dumps({"heads": {}, "ledger": {"next": 0}})])
    database = opened(tmp_path / "store.db")
    with database.reading() as connection:
        assert reported.heads(connection, "d") == {"r": {0: (3, "a" * 64)}}
        assert reported.ledger_next(connection, "d") == 3
        assert reported.ledger_next(connection, "new") == 0
    database.close()


def _upgrade_to(upgrade: Callable[[Config, str], None], target: str, config: Config, _: str) -> None:
    upgrade(config, target)


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("create table recipes (name text)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        opened(tmp_path / "store.db")


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "store.db").close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer"):
        opened(tmp_path / "store.db")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(StoreError, match="no database"):
        opened(tmp_path / "store.db")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the database cannot be used"):
        opened(tmp_path / "gone" / "store.db")


def test_a_locked_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.0)
    database = Database.sqlite(tmp_path / "store.db")
    with database.reading():
        pass  # WAL is on, so that only writers can be locked out
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreError, match="locked"):
        upgrade(database, "the database")
    other.close()
    database.close()
