"""What the benches share: what they say of a file or a name that is not there."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bench.harness import Said, Say, play, some_of
from testkit.waits import StageError


@pytest.mark.parametrize("bench", ["ingest", "leaks", "loss", "sound"])
def test_a_file_of_runs_that_is_not_there_is_said_without_a_traceback(
    bench: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [bench, "--table", str(tmp_path / "runs.jsonl")])  # a start costs a second
    with pytest.raises(SystemExit) as ended:
        import_module(f"bench.{bench}").main()
    assert ended.value.code == 2
    assert f"there is no file {tmp_path / 'runs.jsonl'}" in capsys.readouterr().err


def test_a_name_that_is_not_there_is_refused_beside_those_that_are() -> None:
    names = some_of(["one", "other"])
    assert names("other,one") == ["other", "one"]
    with pytest.raises(argparse.ArgumentTypeError, match="there is no neither; there are one, other"):
        names("one,neither")


def test_one_part_alone_has_its_facts_as_the_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = argparse.Namespace(json=True, quick=False)
    said = Said({"figure": 1}, "a table", ["a fault"])
    assert play({"": lambda _, __: said}, asked, tmp_path) == 1
    assert capsys.readouterr() == ('{"figure": 1}\n', "a fault\n")
    assert play({"part": lambda _, __: Said({}, "")}, asked, tmp_path) == 0
    assert capsys.readouterr() == ('{"part": {}}\n', "")


def test_a_part_that_cannot_be_played_is_said_and_ends_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_folder: Path, _say: Say) -> Said:
        raise StageError("no display")

    asked = argparse.Namespace(json=True, quick=False)
    assert play({"first": broken, "second": lambda _, __: Said({}, "")}, asked, tmp_path) == 1
    assert capsys.readouterr() == ('{"second": {}}\n', "first: no display\n")
    assert play({"": broken}, asked, tmp_path) == 1
    assert capsys.readouterr().err == "no display\n"


def test_a_quick_run_plays_once_more_what_could_not_be_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders: list[Path] = []

    def busy(folder: Path, _say: Say) -> Said:
        folders.append(folder)
        if len(folders) == 1:
            raise StageError("too busy")
        return Said({}, "", wrong=["a leak"])

    asked = argparse.Namespace(json=True, quick=True)
    assert play({"part": busy}, asked, tmp_path) == 1
    assert capsys.readouterr() == ('{"part": {}}\n', "part: too busy; once more\na leak\n")
    assert len(set(folders)) == 2
