"""Who owns the database cuts no end off by what SQLite looks things up in."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store.cli import main
from store.evidence.verify import catalog
from tests.store.catalog.test_shape import changed, rewritten
from tests.vectors.make_store import HERE, HOME

FILMED = "36fe94c8-4886-475b-bc09-fecf8f55989b"
DIED = "8856e4b7-ea9a-405f-a907-487a99c074f6"


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    home = Path(shutil.copytree(HERE / HOME, tmp_path / HOME))
    assert main(["upgrade", "--home", str(home)]) == 0
    capsys.readouterr()
    return home


def cut(home: Path, recording: str, condition: str) -> None:
    """Rows and bytes of what it kept."""
    chosen = f"from sealed where recording = '{recording}' and {condition}"
    with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as connection:
        for (sha256,) in connection.execute(f"select sha256 {chosen}").fetchall():
            next(home.rglob(f"*-{sha256}")).unlink()
        connection.execute(f"delete {chosen}")


def narrowed(home: Path, index: str, condition: str) -> None:
    """The index has only what fits the condition, and its text is the one it had."""
    catalog = home / "store.db"
    with closing(sqlite3.connect(catalog)) as connection:
        (text,) = connection.execute("select sql from sqlite_master where name = ?", (index,)).fetchone()
    changed(catalog, f"drop index {index}", f"{text} where {condition}")
    rewritten(catalog, f"update sqlite_master set sql = '{text}' where name = '{index}'")  # noqa: S608 - its own words


ENDS = [
    (FILMED, "stream = 0 and sequence > 2", "ix_ledger_lines_recording", f"recording <> '{FILMED}'"),
    (DIED, "stream = 0 and sequence > 1", "ix_ledger_lines_device_kind_seq", "not (seq > 0 and kind = 'blind-since')"),
]


@pytest.mark.parametrize(("recording", "chunks", "index", "kept"), ENDS)
@pytest.mark.parametrize("asked", ["one", "--all"])
def test_an_end_is_not_cut_by_an_index_that_lacks_its_entries(
    home: Path, recording: str, chunks: str, index: str, kept: str, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cut(home, recording, chunks)
    narrowed(home, index, kept)
    assert main(["verify", recording if asked == "one" else asked, "--home", str(home)]) == 1
    said = capsys.readouterr().out
    assert index in said
    assert "(bad-index)" in said


def test_a_large_catalog_is_compared_by_verify_all_alone_and_that_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "AT_ONCE", 0)  # the real one is 100 MiB
    assert main(["verify", FILMED, "--home", str(home)]) == 0
    assert catalog.TOO_LARGE in capsys.readouterr().out


def test_a_recording_whose_opening_stands_in_another_case_is_not_verified(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    column = "device VARCHAR(36) NOT NULL"
    other = column.replace("NOT", "COLLATE NOCASE NOT")
    rewritten(
        home / "store.db",
        f"update sqlite_master set sql = replace(sql, '{column}', '{other}') where name = 'ledger_lines'",  # noqa: S608 - its own words
    )
    shouted = f"update ledger_lines set device = upper(device) where recording = '{FILMED}'"  # noqa: S608 - its own words
    changed(home / "store.db", "reindex", shouted)
    for command in (["verify", FILMED], ["verify", "--all"], ["gaps"], ["recordings"]):
        assert main([*command, "--home", str(home)]) == 1
        assert "has another table 'ledger_lines'" in capsys.readouterr().err


def test_a_whole_recording_is_not_cut_by_an_index_of_somebody_else(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = home / "store.db"
    changed(database, "create unique index zz on recordings (id, device)")
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute("select * from sqlite_master where name = 'zz'").fetchone()
    rewritten(database, "delete from sqlite_master where name = 'zz'")
    cut(home, FILMED, "true")
    changed(database, f"delete from recordings where id = '{FILMED}'")  # noqa: S608 - its own words
    rewritten(database, f"insert into sqlite_master values {row!r}")  # noqa: S608 - its own words
    assert main(["verify", "--all", "--home", str(home)]) == 1
    assert "has the index 'zz' on 'recordings', which no eyelid-store made" in capsys.readouterr().err
