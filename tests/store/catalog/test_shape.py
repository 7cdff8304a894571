"""A catalog that has more, less or other than the migrations make is refused before anything is asked of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from store.catalog import shape
from store.catalog.database import Database, upgrade
from store.catalog.schema import metadata
from store.errors import StoreError
from tests.store.catalog.test_database import anew, brought_up, opened, postgres
from tests.vectors.make_store import HERE, HOME

__all__ = ["anew", "postgres"]  # fixtures


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "store.db"
    opened(path).close()
    return path


@pytest.fixture
def catalog(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "store.db"))


def changed(catalog: Path, *statements: str) -> None:
    with closing(sqlite3.connect(catalog, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def rewritten(catalog: Path, statement: str) -> None:
    """The schema's own rows, which SQLite lets the owner of the file write."""
    with closing(sqlite3.connect(catalog, isolation_level=None)) as connection:
        (version,) = connection.execute("pragma schema_version").fetchone()
        changed(catalog, "pragma writable_schema = on", statement, f"pragma schema_version = {version + 1}")


def test_the_noted_shape_is_that_of_a_new_catalog_and_of_one_brought_up(catalog: Path, tmp_path: Path) -> None:
    old = Path(shutil.copy(HERE / HOME / "store.db", tmp_path / "old.db"))
    for path in (catalog, old):
        with closing(opened(path)) as database, database.reading() as connection:
            assert shape.shape_of(shape.parts_of(connection)) == shape.SHAPE


def test_statistics_of_the_planner_are_nobodys_change(catalog: Path) -> None:
    changed(catalog, "insert into alembic_version values ('x')", "delete from alembic_version where version_num = 'x'")
    changed(catalog, "analyze")
    opened(catalog).close()


@pytest.mark.parametrize("written_by_another", [False, True])
def test_texts_of_another_version_of_sqlalchemy_are_compared_with_what_it_makes(
    catalog: Path, written_by_another: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape, "SHAPE", "of an earlier one")  # the long way of comparing
    if not written_by_another:
        opened(catalog).close()
        return
    changed(catalog, "create table more (x text)")
    with pytest.raises(StoreError, match="has the table 'more' on 'more'"):
        opened(catalog)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("create trigger t before insert on holds begin select raise(ignore); end", "has the trigger 't' on 'holds'"),
        ("create view v as select 1", "has the view 'v'"),
        ("create index i on recordings (id, device)", "has the index 'i' on 'recordings'"),
        ("create table t (x text)", "has the table 't'"),
        ("drop index ix_ledger_lines_recording", "lacks the index 'ix_ledger_lines_recording'"),
        ("alter table holds add column more text", "has another table 'holds'"),
        ('create trigger "\x1b[2J" before insert on holds begin select 1; end', r"has the trigger '\\x1b\[2J'"),
    ],
)
def test_what_no_migration_made_is_refused_and_named(catalog: Path, statement: str, named: str) -> None:
    changed(catalog, statement)
    with pytest.raises(StoreError, match=f"^the database {named}.*: put it back from a backup$"):
        opened(catalog)


@pytest.mark.parametrize(
    ("table", "from_", "to"),
    [
        ("ledger_lines", "device VARCHAR(36) NOT NULL", "device VARCHAR(36) COLLATE NOCASE NOT NULL"),
        ("holds", "why TEXT NOT NULL", "why TEXT NOT NULL ON CONFLICT IGNORE"),
        ("holds", "PRIMARY KEY (hold, recording)", "PRIMARY KEY (hold, recording) ON CONFLICT REPLACE"),
        ("holds", "review VARCHAR(10) NOT NULL", "review\u00a0VARCHAR(10) NOT NULL"),
        ("erasures", "certificate TEXT", "certificate TEXT AS (NULL)"),
    ],
)
def test_a_table_whose_text_was_rewritten_is_refused(catalog: Path, table: str, from_: str, to: str) -> None:
    rewritten(catalog, f"update sqlite_master set sql = replace(sql, '{from_}', '{to}') where name = '{table}'")  # noqa: S608 - its own words
    with pytest.raises(StoreError, match=f"has another table '{table}'|is damaged"):
        opened(catalog)


def test_an_index_with_the_text_of_another_is_refused(catalog: Path) -> None:
    changed(catalog, "drop index ix_ledger_lines_device_kind_seq")
    changed(catalog, "create index ix_ledger_lines_device_kind_seq on ledger_lines (device, kind, seq) where seq = 0")
    with pytest.raises(StoreError, match="has another index 'ix_ledger_lines_device_kind_seq'"):
        opened(catalog)


def test_a_trigger_in_an_older_catalog_is_refused_and_nothing_is_brought_up(tmp_path: Path) -> None:
    old = Path(shutil.copy(HERE / HOME / "store.db", tmp_path / "store.db"))
    changed(old, "create trigger t before insert on sealed begin select raise(ignore); end")
    with pytest.raises(StoreError, match="has the trigger 't' on 'sealed'"):
        opened(old)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == ("0007",)


def test_an_index_that_lacks_a_row_is_found_though_its_text_is_right(catalog: Path) -> None:
    name = "ix_erasures_device"
    changed(catalog, "insert into erasures values ('r', 'd', 1, '', 'ordered', '', null, null)")
    changed(catalog, f"drop index {name}", f"create index {name} on erasures (device) where device <> 'd'")
    whole = f"CREATE INDEX {name} ON erasures (device)"
    rewritten(catalog, f"update sqlite_master set sql = '{whole}' where name = '{name}'")  # noqa: S608 - its own words
    with closing(opened(catalog)) as database, database.reading() as connection:
        assert [table for table in metadata.tables if shape.unfitting(connection, table)] == ["erasures"]
        assert shape.size(connection) > 0


@pytest.mark.parametrize("anew", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (
            [
                "create function f() returns trigger language plpgsql as 'begin return null; end'",
                "create trigger t before insert on holds for each row execute function f()",
            ],
            "has the trigger 't' on 'holds'",
        ),
        (["create rule r as on insert to holds do instead nothing"], "has the rule 'r' on 'holds'"),
        (["create policy p on holds"], "has the policy 'p' on 'holds'"),
        (["alter table holds enable row level security"], "has the row security 'holds'"),
        (["create table heir () inherits (holds)"], "has the heir 'heir' on 'holds'"),
        (["alter table holds rename to h", "create view holds as select * from h"], "'holds'"),
        (["create index i on recordings (id, device)"], "has the index 'i' on 'recordings'"),
        (
            [
                "drop index ix_holds_recording",
                "create index ix_holds_recording on holds (recording) where released_at is null",
            ],
            "has the index 'ix_holds_recording'",
        ),
        (["drop index ix_holds_recording"], "lacks the index 'ix_holds_recording'"),
        (
            ['alter table ledger_lines alter column kind type varchar(64) collate "C"'],
            "has the collation or expression of column 'kind' on 'ledger_lines'",
        ),
    ],
)
def test_what_no_migration_made_is_refused_on_postgresql(
    anew: Callable[[], Database], statements: list[str], named: str
) -> None:
    with brought_up(anew) as database, database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))
    again = anew()
    with pytest.raises(StoreError, match=f"the database .*{named}"):
        upgrade(again, "the database")
