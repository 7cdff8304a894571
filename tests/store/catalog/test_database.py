"""Opening the catalog: durable settings, one set of tables, and plain words for what is not ours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, event, select, text

from store.catalog import database as module
from store.catalog import inserting, queries, reported, schema
from store.catalog.database import HEAD, KEPT_TO_WRITE, READERS, Database, upgrade
from store.catalog.schema import metadata
from store.errors import StoreError
from store.server import room
from testkit.databases import missing, postgresql
from tests.vectors.make_store import HERE, HOME

MIGRATIONS = Path(module.__file__).parent / "migrations"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if why := missing():
        pytest.skip(why)
    pytest.importorskip("psycopg", reason="psycopg is not in this environment (scripts/setup installs it)")
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def anew(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Opens the same database each time, at first an empty one; of either kind that the catalog is written for."""
    if request.param == "sqlite":
        yield lambda: Database.sqlite(tmp_path / "store.db")
        return
    url: str = request.getfixturevalue("postgres")
    yield lambda: Database(url)
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    database.close()


@contextmanager
def brought_up(anew: Callable[[], Database]) -> Iterator[Database]:
    database = anew()
    upgrade(database, "the database")
    try:
        yield database
    finally:
        database.close()


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


def test_settling_beside_a_reader_keeps_nobody_from_writing_and_says_whether_the_log_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, wrote = tmp_path / "store.db", []
    other = sqlite3.connect(path, timeout=0, isolation_level=None)  # waits for no lock
    with closing(opened(path)) as database, closing(other), ExitStack() as reading:

        def pause(_: float) -> None:
            wrote.append(other.execute("update alembic_version set version_num = version_num").rowcount)
            if len(wrote) == 7:
                reading.close()

        # So that no time passes, and others act meanwhile. The module of time itself is that of every thread.
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=pause))
        with database.writing() as connection:
            connection.execute(text("update alembic_version set version_num = version_num"))
        reading.enter_context(database.reading()).execute(text("select * from alembic_version"))
        assert not database.settle()
        assert wrote == [1] * 5
        assert log_of(path).stat().st_size > 0
        assert database.settle()
        assert wrote == [1] * 7
        assert log_of(path).stat().st_size == 0
        with database.reading() as connection:
            assert connection.scalar(text("PRAGMA busy_timeout")) == module.BUSY_TIMEOUT * 1000


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_what_all_connections_to_sqlite_keep_in_memory_has_a_small_bound(tmp_path: Path) -> None:
    database = opened(tmp_path / "store.db")
    with database.reading() as connection:
        kept = -int(str(connection.scalar(text("PRAGMA cache_size"))))  # KiB; a positive one would be pages
    with database.writing() as connection:
        assert connection.scalar(text("PRAGMA cache_size")) == -KEPT_TO_WRITE
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
    database.close()
    assert 0 < kept * READERS + KEPT_TO_WRITE <= 8_192


def test_a_writer_has_the_lock_from_the_beginning_and_a_reader_waits_for_nobody(tmp_path: Path) -> None:
    database = opened(tmp_path / "store.db")
    with database.writing(), closing(sqlite3.connect(tmp_path / "store.db", timeout=0)) as another:
        with database.reading() as reading:
            assert reading.scalar(text("select count(*) from devices")) == 0
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            another.execute("begin immediate")
    database.close()


def test_batches_of_many_sizes_are_few_statements_to_keep(
    anew: Callable[[], Database],
) -> None:
    with brought_up(anew) as database, database.reading() as connection:
        texts: set[str] = set()
        event.listen(connection, "before_cursor_execute", lambda *said: texts.add(said[2]))
        for size in range(33):
            queries.bodies(connection, [(f"{number:036d}", 0, number) for number in range(size)])
            queries.owners(connection, [UUID(int=number) for number in range(size)])
            queries.revoked_of(connection, [f"{number:036d}" for number in range(size)])
    assert len(texts) <= 3 * 7


def test_runs_and_recordings_are_found_without_a_look_at_all_entries(tmp_path: Path) -> None:
    database = opened(tmp_path / "store.db")
    with database.reading() as connection:
        asked: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        assert queries.run_around(connection, "pc", 7) == (0, None)
        assert queries.last_end_of_a_run(connection, "pc") == -1
        assert queries.opening_entry(connection, "pc", UUID(int=1)) is None
        lines = schema.ledger_lines.c
        about = select(lines.seq).where(queries.entries_about("pc", UUID(int=1))).order_by(lines.seq)
        assert connection.scalar(about) is None
        plans = [
            " ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
            for statement, values in tuple(asked)
        ]
    database.close()
    assert len(plans) == 7
    for plan in plans[:5]:
        assert "INDEX ix_ledger_lines_device_kind_seq (device=? AND kind=?" in plan
        assert "TEMP B-TREE" not in plan
    for plan in plans[5:]:
        assert "INDEX ix_ledger_lines_recording (recording=?)" in plan


def test_the_migrations_make_exactly_the_tables_of_the_schema(anew: Callable[[], Database]) -> None:
    with brought_up(anew) as database, database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_upgrading_twice_changes_nothing(anew: Callable[[], Database]) -> None:
    for _ in range(2):
        with brought_up(anew) as database, database.reading() as connection:
            assert connection.scalar(text("select version_num from alembic_version")) == HEAD


def test_what_the_last_health_named_is_noted_by_an_upgrade(
    anew: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alembic.command.upgrade", partial(_upgrade_to, command.upgrade, "0002"))
    monkeypatch.setattr("store.catalog.shape.check", lambda *_: None)  # which is of the newest revision
    head = {"next": 3, "head": "a" * 64}
    told = {"recording": "r", "heads": {"0": head, "1": {"next": 0, "head": ""}}, "ledger": head}
    with brought_up(anew) as old, old.writing() as connection:
        connection.execute(text("insert into enrolments values ('e', 's', '', 1, 1, 1)"))
        for device in ("d", "new"):
            keys = {f"key{number}": f"{device}-{number}" for number in range(3)}
            connection.execute(
                text("insert into devices values (:id, :key0, :key1, :key2, '', '', '', '', 'e', 1, null)"),
                {"id": device, **keys},
            )
        health = text("insert into health values (:device, 7, :body)")
        connection.execute(health, {"device": "d", "body": json.dumps(told)})
        connection.execute(health, {"device": "new", "body": json.dumps({"heads": {}, "ledger": {"next": 0}})})
    monkeypatch.undo()
    with brought_up(anew) as database, database.reading() as connection:
        assert reported.heads(connection, "d") == {"r": {0: (3, "a" * 64)}}
        assert reported.ledger_next(connection, "d") == 3
        assert reported.ledger_next(connection, "new") == 0


def test_a_catalog_of_before_people_and_erasures_keeps_every_row(
    anew: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are those of a store that the version of then made; test_upgrade.py brings up the whole store."""
    old = sqlalchemy.create_engine(f"sqlite:///file:{HERE / HOME / 'store.db'}?immutable=1&uri=true")
    with old.connect() as connection:
        made_at = connection.scalar(text("select version_num from alembic_version"))
        tables = MetaData()
        tables.reflect(connection)
        written = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in tables.sorted_tables
            if table.name != "alembic_version"
        }
    old.dispose()
    monkeypatch.setattr("alembic.command.upgrade", partial(_upgrade_to, command.upgrade, made_at))  # to where it was
    monkeypatch.setattr("store.catalog.shape.check", lambda *_: None)  # which is of the newest revision
    with brought_up(anew) as database, database.writing() as connection:
        for name, rows in written.items():
            for row in rows:
                connection.execute(schema.metadata.tables[name].insert().values(row))
    monkeypatch.undo()
    assert made_at == "0007"
    with brought_up(anew) as database, database.reading() as connection:
        for name, rows in written.items():
            kept = [dict(row) for row in connection.execute(select(schema.metadata.tables[name])).mappings()]
            for row in rows:
                assert any(row.items() <= one.items() for one in kept)
            assert len(kept) == len(rows)


@pytest.mark.parametrize("times", [1, 2])
def test_a_row_is_added_once_and_replaced_by_its_key(anew: Callable[[], Database], times: int) -> None:
    with brought_up(anew) as database, database.writing() as connection:
        row = {"id": "e", "secret_sha256": "s", "group_name": "", "uses_left": 5, "expires_at": 2**62, "created_at": 1}
        added = [inserting.add_if_new(connection, schema.enrolments, **row) for _ in range(times)]
        assert added == [True, False][:times]
        for uses in range(times):
            inserting.put(connection, schema.enrolments, **row | {"uses_left": uses})
        assert connection.scalars(select(schema.enrolments.c.uses_left)).all() == [times - 1]


def test_what_is_stored_adds_up_and_a_new_day_begins_at_nothing(anew: Callable[[], Database]) -> None:
    enrolment = {"id": "e", "secret_sha256": "s", "group_name": "", "uses_left": 1, "expires_at": 1, "created_at": 1}
    device = dict.fromkeys(("id", "token_key", "token_kid", "evidence_key", "host", "os", "agent_version"), "d")
    device |= {"group_name": "", "enrolment": "e"}
    with brought_up(anew) as database, database.writing() as connection:
        inserting.add_if_new(connection, schema.enrolments, **enrolment)
        inserting.add_if_new(connection, schema.devices, **device, enrolled_at=1)
        for sizes, day in (((5, 2), 1), ((4,), 1), ((3,), 2), ((), 3)):
            room.keep(connection, [("d", size) for size in sizes], day * room.DAY)
        (row,) = connection.execute(select(schema.stored)).all()
    assert (row.total, row.day, row.today) == (14, 2, 3)


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
