"""A case's folder may come from anywhere: links in it, and files and JSON of any size, are refused in words."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from pathlib import Path
from typing import Any, Final

import pytest

from review import cli
from review.cases import reading, sealing, writing
from review.cases.sealing import SEALED, STATEMENT
from tests.review.cases.conftest import Archive
from tests.review.cases.test_export import sealed_anew

BOUND: Final = 64 * 2**20  # bytes of memory


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "case"))


def opened(archive: Archive, folder: Path) -> list[str]:
    return ["open", str(folder), "--key", str(archive.reader), "--passphrase-file", str(archive.passphrase)]


@pytest.mark.parametrize("name", [STATEMENT, SEALED])
def test_a_link_is_not_followed_and_named(
    archive: Archive, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert cli.main(opened(archive, folder)) == 1
    assert f"{name} is a link: no link in a case is followed" in capsys.readouterr().err
    assert cli.main(archive.verify(folder)) == 1


@pytest.mark.parametrize("name", [STATEMENT, SEALED])
def test_a_huge_file_is_refused_before_it_is_read(
    archive: Archive, folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    os.truncate(folder / name, 2**30)  # a file with a hole, which takes no place here
    tracemalloc.start()
    try:
        assert cli.main(opened(archive, folder)) == 1
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < BOUND
    limit = {STATEMENT: 1, SEALED: 128}[name]
    assert f"{name} has more than {limit} MiB: no case has so much there" in capsys.readouterr().err


def test_json_of_too_many_values_is_refused(
    archive: Archive, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_VALUES", 20_000)  # so that a small file has too many

    def more(one: Any) -> None:
        one["papers"]["more"] = [[]] * 30_000

    sealed_anew(archive, folder, more)
    assert cli.main(opened(archive, folder)) == 1
    assert f"{SEALED} has more than 20000 values: no case has so many" in capsys.readouterr().err


def test_what_could_not_be_opened_again_is_not_exported(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "fits", lambda _: False)  # as of a thousand recordings
    archive.export(tmp_path / "case", f"{archive.ids[0]}:5-6", code=1)
    assert "is of too many recordings: make several cases of it" in capsys.readouterr().err
    assert not (tmp_path / "case").exists()


def test_of_many_files_that_are_no_part_of_it_some_are_named(
    archive: Archive, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        (folder / f"{number:02}").touch()
    monkeypatch.setattr("review.commands.playing._play", lambda *_: None)  # it would serve until Ctrl-C
    assert cli.main(opened(archive, folder)) == 0
    said = capsys.readouterr().err
    assert "19 is no part of the case\neyelid-review: nor are 10 more\n" in said
    assert len(reading.others(folder, reading.statement_of(folder))) == 30
