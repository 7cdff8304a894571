"""`eyelid-review report`: a folder that others check, and what is said where something is in the way."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from review.cli import main
from review.report.gather import UNREAD_HOLDS
from testkit.fakes.pc import SECOND
from testkit.reading_room import ReadingRoom, furnish


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> ReadingRoom:
    return furnish(tmp_path_factory.mktemp("room"))


def words(room: ReadingRoom, output: Path, *more: str) -> list[str]:
    home = room.home
    paths = ["--store", str(room.world.folder / "home"), "--log", str(home / "audit"), "--keys", str(home / "keys")]
    made = date.fromtimestamp(room.world.days.now / SECOND)  # noqa: DTZ012 - as the command counts days
    span = ["--from", str(made - timedelta(42)), "--to", str(made + timedelta(1))]  # its oldest are 40 days old
    return ["report", *span, "-o", str(output), *paths, "--key-file", str(home / "secret"), *more]


@pytest.mark.slow(reason="a store with recordings")
def test_it_writes_what_verify_accepts(room: ReadingRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(room, tmp_path / "report", "--json", "--names", "--language", "de")) == 0
    said = json.loads(capsys.readouterr().out)
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    assert (said["recordings"], said["verified"], said["unreadable"]) == (12, 12, 0)
    assert facts["states"] == {"closed": 12}
    assert not [one for one in facts["logs"][0]["people"] if one.startswith("p.")]
    assert facts["logs"][1]["why_not"] == "its folder was not named (--custodian)"
    assert "Bericht über einen Zeitraum" in (tmp_path / "report" / "report.html").read_text("utf-8")
    key = str(room.home / "keys" / "audit.pub")
    assert main(["report", "verify", str(tmp_path / "report"), "--key", key]) == 0
    assert "as review.example.com/audit signed it" in capsys.readouterr().out
    (tmp_path / "report" / "report.jws").write_text("x.y.z")
    assert main(["report", "verify", str(tmp_path / "report"), "--key", key]) == 1
    assert main(words(room, tmp_path / "report")) == 2  # it has files already


@pytest.mark.slow(reason="a store with recordings, and a custodian's folder")
def test_the_custodians_log_is_read_where_its_folder_is_given(
    room: ReadingRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "custodian"
    made = ["audit", "init", "--name", "custodian.example.com", "--log", str(folder / "audit"), "--keys"]
    secret = ["--key-file", str(room.home / "secret")]
    assert main([*made, str(folder / "keys"), *secret]) == 0
    assert (
        main(
            words(room, tmp_path / "one", "--custodian", str(folder), "--custodian-key-file", secret[1], "--no-verify")
        )
        == 0
    )
    console, custodian, lifecycle = json.loads((tmp_path / "one" / "report.json").read_text())["logs"]
    assert (console["why_not"], custodian["why_not"], custodian["origin"]) == ("", "", "custodian.example.com")
    assert (lifecycle["log"], lifecycle["why_not"]) == ("lifecycle", UNREAD_HOLDS)
    page = (tmp_path / "one" / "report.html").read_text()
    assert page.count(f"The log of lifecycle was not read: {UNREAD_HOLDS}") == 2  # also where holds are listed
    assert main(words(room, tmp_path / "two", "--custodian", str(tmp_path / "nothing"), "--no-verify")) == 0
    assert "cannot be read" in json.loads((tmp_path / "two" / "report.json").read_text())["logs"][1]["why_not"]
    capsys.readouterr()


@pytest.mark.parametrize(
    "more", [[], ["--from", "2026-11-02", "--to", "2026-11-01", "-o", "x"], ["--from", "2026-01-01", "-o", "x"],
             ["--from", "yesterday"], ["--from", "2020-01-01", "--to", "2026-01-01", "-o", "x"]],
)  # fmt: skip
def test_a_wrong_or_missing_period_is_refused(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["report", *more])
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    assert capsys.readouterr().err
