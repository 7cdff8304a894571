"""`eyelid-store upgrade`, on a store of the version before people, erasures and governance came."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from store.catalog.database import HEAD
from store.cli import main
from tests.vectors.make_store import HERE, HOME

OLD = "0007"


def rows(catalog: Path) -> dict[str, list[dict[str, Any]]]:
    """Every table's, those of the revision aside."""
    with closing(sqlite3.connect(catalog)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {
            name: [dict(row) for row in connection.execute(f'select * from "{name}"')]  # noqa: S608 - its own tables
            for name in names
            if name != "alembic_version"
        }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / HOME, tmp_path / HOME))


def test_a_store_of_an_earlier_version_is_brought_up_and_keeps_every_row(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows(home / "store.db")
    assert main(["upgrade", "--home", str(home), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["revision"] == HEAD
    assert [step["revision"] for step in said["steps"]] == [f"{one:04}" for one in range(int(OLD) + 1, int(HEAD) + 1)]
    after = rows(home / "store.db")
    for name, old in before.items():
        assert [{key: row[key] for key in one} for one, row in zip(old, after[name], strict=True)] == old
    assert main(["recordings", "--home", str(home), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["recordings"]) == len(before["recordings"])
    # What was sent before is as sound as it was: the account of its last minutes never came, and no more is named.
    assert main(["verify", "--all", "--home", str(home), "--json"]) == 0


def test_it_says_what_came_and_at_a_second_time_that_nothing_is_lacking(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upgrade", "--home", str(home)]) == 0
    assert "0010  Legal holds" in capsys.readouterr().out
    assert main(["upgrade", "--home", str(home)]) == 0
    assert "lacks nothing" in capsys.readouterr().out


def test_a_newer_store_is_refused_and_stays_as_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(home / "store.db")) as connection, connection:
        connection.execute("update alembic_version set version_num = '9999'")
    before = rows(home / "store.db")
    assert main(["upgrade", "--home", str(home)]) == 1
    assert "newer eyelid-store" in capsys.readouterr().err
    assert rows(home / "store.db") == before
