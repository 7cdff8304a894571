"""Every opening and every listing by a person is in the operators' log, also of one that failed or was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from protocol.system import ON_WINDOWS
from store.admin.home import Home
from store.admin.operators import NAME, OperatorsLog, outcomes
from tests.store.command_line import Run, key, passphrase_file, run
from tests.store.recorded import Filmed

__all__ = ["key", "passphrase_file", "run"]  # fixtures


def acts(home: Home) -> list[tuple[Any, ...]]:
    """(act, recordings, outcome, exit code)"""
    entries = OperatorsLog(home.folder).check().entries
    ends = outcomes(entries)
    begun = [(entry, ends.get(entry["line"], {})) for entry in entries if entry["what"] == "begin"]
    return [(one["act"], one.get("recordings"), end.get("outcome"), end.get("exit")) for one, end in begun]


def test_each_act_is_noted(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path, home: Home
) -> None:
    name = str(filmed.recording.id)
    opening = ("--key", key, "--passphrase-file", passphrase_file)
    run("recordings")
    run("timeline", name)
    run("verify", name)  # opens nothing
    run("verify", name, *opening, "--json")
    run("verify", "--all", *opening)
    run("export", name, "-o", tmp_path / "opened", *opening, "--gaps", "no-film", "--purpose", "ticket 4711")
    run("replay", name, "--with", tmp_path, *opening)  # there are no scenes
    assert acts(home) == [
        ("recordings", [name], "done", 0),
        ("timeline", [name], "done", 0),
        ("verify", [name], "done", 0),
        ("verify", None, "done", 0),
        ("export", [name], "done", 0),
        ("replay", [name], "failed", None),
    ]
    told = run("operators", "--verify")
    assert told.code == 0
    for words in ("6 acts, nothing was changed", "ticket 4711", name, "all"):
        assert words in told.out
    facts = run("operators", "--json").facts
    assert facts["sound"] is True
    assert facts["acts"][3]["all"] is True
    assert facts["acts"][5]["error"] == "WrongUsage"
    text = (home.folder / NAME).read_text()
    assert str(tmp_path) not in text  # where somebody put it may say more than its id


def test_a_wrong_passphrase_is_an_act_that_failed(
    run: Run, filmed: Filmed, key: Path, tmp_path: Path, home: Home
) -> None:
    (tmp_path / "wrong").write_text("another passphrase")
    told = run("verify", filmed.recording.id, "--key", key, "--passphrase-file", tmp_path / "wrong")
    assert told.code == 1
    assert acts(home) == [("verify", [str(filmed.recording.id)], "failed", None)]


def test_what_cannot_be_noted_is_not_done(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path, home: Home
) -> None:
    (home.folder / NAME).mkdir()
    name = str(filmed.recording.id)
    opening = ("--key", key, "--passphrase-file", passphrase_file)
    exporting = ("export", name, "-o", tmp_path / "opened", *opening)
    for command in (("recordings",), ("timeline", name), ("verify", name, *opening), exporting):
        told = run(*command)
        assert (told.code, told.out) == (1, "")
        assert "nothing was opened or shown" in told.err
    assert not (tmp_path / "opened").exists()
    assert run("verify", name).code == 0


def test_nobody_has_done_anything_yet(run: Run) -> None:
    assert "No recording was opened" in run("operators").out
    assert "0 acts, nothing was changed" in run("operators", "--verify").out
    assert run("operators", "--head", "0" * 64).code == 2


def test_an_empty_log_of_a_store_with_recordings_is_worth_a_look(run: Run, filmed: Filmed) -> None:
    """Nobody has opened any, or both files were removed: neither can be told from the other."""
    told = run("operators", "--verify")
    assert told.code == 0
    assert "0 acts, worth a look as recordings are here since " in told.out
    assert run("operators", "--verify", "--json").facts["note"]
    run("timeline", filmed.recording.id)
    told = run("operators", "--verify")
    assert (told.code, "1 acts, nothing was changed" in told.out) == (0, True)


def test_a_log_that_was_changed(run: Run, filmed: Filmed, home: Home) -> None:
    for _ in range(2):
        run("timeline", filmed.recording.id)
    path = home.folder / NAME
    path.write_bytes(path.read_bytes().replace(b"timeline", b"verify", 1))
    told = run("operators", "--verify")
    assert told.code == 1
    assert "! line 2: does not follow on what is before it: line 1 or this one was changed" in told.out
    assert "NOT AS IT WAS WRITTEN" in told.out
    assert run("operators").code == 0
    assert run("operators", "--verify", "--json").facts["findings"][0]["line"] == 2


def test_a_purpose_is_short(run: Run, filmed: Filmed, home: Home) -> None:
    told = run("timeline", filmed.recording.id, "--purpose", "x" * 201)
    assert (told.code, acts(home)) == (2, [])


@pytest.mark.skipif(ON_WINDOWS, reason="Windows has no signals that end a program in order")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("number", "outcome"), [(signal.SIGKILL, None), (signal.SIGTERM, "interrupted"), (signal.SIGINT, "interrupted")]
)
def test_an_act_that_is_ended_has_left_an_entry(
    filmed: Filmed, key: Path, tmp_path: Path, home: Home, number: int, outcome: str | None
) -> None:
    """The passphrase is a pipe of which nothing comes: the act has begun, and waits."""
    os.mkfifo(tmp_path / "never")
    command = [
        *(Path(sys.executable).with_name("eyelid-store"), "verify", str(filmed.recording.id), "--home", home.folder),
        *("--key", key, "--passphrase-file", tmp_path / "never"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        writer = os.open(tmp_path / "never", os.O_WRONLY)  # it comes back when the command reads
        started.send_signal(number)
        _, told = started.communicate()
        os.close(writer)
    assert "Traceback" not in told
    assert acts(home) == [("verify", [str(filmed.recording.id)], outcome, None)]


def test_a_purpose_that_is_no_text_is_refused(run: Run, home: Home) -> None:
    told = run("recordings", "--purpose", "ticket \udcff")
    assert (told.code, "--purpose" in told.err and "UTF-8" in told.err) == (2, True)
    assert acts(home) == []


def test_whatever_a_forged_entry_has_is_a_finding(run: Run, home: Home) -> None:
    """Written by somebody who keeps the chain."""
    log = OperatorsLog(home.folder)
    forged = 0
    for field in ("of", "recordings", "what", "why", "was", "line", "at", "host", "user", "exit", "outcome", "act"):
        for value in (None, True, 5, 2.5, "x", [], [1], [[]], {}, {"a": [1]}):
            for what in ("begin", "end", "mended"):
                log._append({"what": what, "of": 1, "why": "changed", field: value})
                forged += 1
    told = run("operators", "--verify")
    assert (told.code, "NOT AS IT WAS WRITTEN" in told.out) == (1, True)
    facts = run("operators", "--json").facts
    assert len(facts["findings"]) > forged / 2
    assert run("operators").code == 0
