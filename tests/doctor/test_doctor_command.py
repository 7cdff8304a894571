"""`eyelid doctor` as a person reads it, at 80 columns, without colour, and in a pipe; and as a machine does."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from agent.__main__ import main
from agent.cli.doctor import show
from agent.doctor.bundle import ledger
from agent.doctor.checks import judge_all
from agent.doctor.facts import Display, Facts
from agent.doctor.findings import Unasked
from testkit.fleet import installed
from tests.doctor.facts import CHROMIUM, GOOD

LONG = "eyelid policy check /a/folder/with/a/name/that/is/much/longer/than/any/terminal/is/wide/policies"
BOLD = re.compile(r"\x1b\[[0-9;]*m")
NONE = Unasked("not asked: there is no display", follows=True)


def bad() -> Facts:
    keys, policy, screen = GOOD.keys, GOOD.policy, GOOD.screen
    assert not isinstance(keys, Unasked)
    assert not isinstance(policy, Unasked)
    assert not isinstance(screen, Unasked)
    folder = LONG.rpartition(" ")[2]
    return replace(
        GOOD,
        keys=replace(keys, enrolled=False),
        policy=replace(policy, folder=folder, revision=None, bundle=None, places=(f"{folder}/cards.yaml:3:4",)),
        screen=replace(screen, display=Display.MISSING),
        windows=NONE,
        browsers=(replace(CHROMIUM, ready=False, next=("eyelid browser install --browser chromium",)),),
    )


def shown(facts: Facts, *, width: int = 80, terminal: bool = True, quiet: bool = False, **environment: str) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    console = Console(file=out, width=width, force_terminal=terminal, no_color=True, _environ=environment)
    show(console, judge_all(facts), quiet=quiet)
    out.seek(0)
    return BOLD.sub("", out.read())


@pytest.mark.parametrize("width", [80, 120, 40])
def test_words_keep_to_the_terminal_and_commands_stay_whole(width: int) -> None:
    lines = shown(bad(), width=width).splitlines()
    assert f"      → {LONG}" in "\n".join(lines)
    assert all(len(line) <= width for line in lines if "→" not in line)


def test_each_finding_has_a_sign_and_a_step() -> None:
    out = shown(bad())
    assert "  ✗ keys                    this PC is not enrolled\n" in out
    assert "      → eyelid enroll\n" in out
    assert "  ✓ settings                /etc/xdg/eyelid/agent.yaml\n" in out
    assert "  ✗ Chromium: relay         it cannot start Eyelid's relay" in out
    assert out.endswith("\n4 crosses, 23 ticks.\n")


def test_one_reason_is_said_once() -> None:
    assert shown(bad()).count("not asked: there is no display") == 1


@pytest.mark.parametrize(("terminal", "environment"), [(False, {}), (True, {"TERM": "dumb"})])
def test_without_signs_there_are_words(terminal: bool, environment: dict[str, str]) -> None:
    out = shown(bad(), terminal=terminal, **environment)
    assert out.isascii()
    assert "  BAD  keys                    this PC is not enrolled\n      -> on the store's machine:" in out
    assert "  ok   settings " in out


def test_quiet_tells_only_what_needs_somebody() -> None:
    out = shown(bad(), quiet=True)
    assert "settings" not in out
    assert "keys" in out
    assert re.fullmatch(r"\d+ ticks\.\n", shown(GOOD, quiet=True))


# -- as a command -------------------------------------------------------------------------------------------------


def eyelid(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "EYELID_CONFIG"}}
    environment = {**plain, "EYELID_HOME": str(home)}
    return subprocess.run(
        installed("eyelid", *words), env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_pc_with_nothing_on_it(tmp_path: Path) -> None:
    ran = eyelid(tmp_path / "home", "doctor", "--json")
    assert ran.returncode == 3
    told = json.loads(ran.stdout)
    assert told["worst"] == "wrong"
    assert ran.stderr == ""
    assert not (tmp_path / "home").exists()  # it changes nothing
    steps = {one["id"]: one["next"] for one in told["checks"]}
    assert steps["keys"][-1] == "eyelid enroll"
    assert steps["display"]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`eyelid doctor` with these words, in this process; its exit code."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("EYELID_CONFIG", raising=False)
    monkeypatch.setenv("EYELID_HOME", str(tmp_path / "home"))
    return lambda *words: main(["doctor", *words])


def test_settings_with_mistakes_do_not_stop_it(
    doctor: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("colour: red\nscreen: {fps: 99}\n")
    monkeypatch.setenv("EYELID_CONFIG", str(file))
    doctor("--json")
    told = {one["id"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert told["settings"]["mark"] == "wrong"
    assert f"{file}:1:1 `colour` is no setting" in told["settings"]["next"][0]


def test_the_archive_of_a_pc_with_nothing_on_it(
    doctor: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "support.tar.gz"
    doctor("--bundle", str(path))
    assert f"Wrote {path}" in capsys.readouterr().out
    with tarfile.open(path) as archive:
        assert all(entry.name.startswith("eyelid-support/") and entry.isfile() for entry in archive.getmembers())
        read = archive.extractfile("eyelid-support/ledger.json")
        assert read is not None
        assert json.loads(read.read())["entries"] == 0


def test_an_archive_that_cannot_be_written(
    doctor: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor("--bundle", str(tmp_path / "nowhere" / "x.tar.gz")) == 3
    assert "cannot be written: No such file" in capsys.readouterr().err


def test_a_damaged_ledger_is_counted_and_not_copied(tmp_path: Path) -> None:
    good = b'{"seq": 0, "at": 1, "wall": 5, "kind": "alarm", "what": "store-lies", "prev": "00"}'
    (tmp_path / "segment-000000000000").write_bytes(good + b"\nnot json\n" + bytes(100))
    assert ledger(tmp_path) == {
        "entries": 1, "damaged_lines": 1, "first_wall_ns": 5, "last_wall_ns": 5,
        "kinds": {"alarm": 1}, "causes": {"alarm what=store-lies": 1},
    }  # fmt: skip
