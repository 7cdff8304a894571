"""The demo as a stranger runs it: its object, its picture, and that it fails when there is nothing to believe."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from scripts.showcase.console import SIZE
from scripts.showcase.demo import DemoResult
from testkit import detector
from testkit.waits import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

KEYS = [
    "recording", "seconds", "kept_s", "closed_s", "rules", "chunks", "bytes", "export", "leaked_frames",
    "control_leaked_frames", "verified", "console_url",
]  # fmt: skip


MARK = "EYELID_TEST_OF_THE_DEMO"  # in the environment of what it starts


def run(*flags: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`more`: of its environment."""
    command, environment = [sys.executable, "-P", "-m", "scripts.showcase.demo", *flags], {**os.environ, **more}
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=580, check=False, env=environment
    )


def started_by(mark: str) -> list[list[str]]:
    """What runs still, each by its command, also where it is no one's child any more."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if one.environ().get(MARK) == mark and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.cmdline())
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "run"


@pytest.fixture(scope="module")
def passing() -> Iterator[Path]:
    """Where it makes what it needs only while it runs; its name is short, as those of local sockets have to be."""
    with TemporaryDirectory(prefix="d-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def ran(folder: Path, passing: Path) -> subprocess.CompletedProcess[str]:
    shutil.rmtree(folder, ignore_errors=True)  # where a first try was late
    ran = run("--json", "--seconds", "14", "--dir", str(folder), **{MARK: str(folder), "TMPDIR": str(passing)})
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.fixture(scope="module")
def told(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return dict(json.loads(ran.stdout))


def test_stdout_carries_the_one_object(told: dict[str, Any]) -> None:
    assert list(told) == KEYS


@pytest.mark.usefixtures("ran")
def test_without_a_terminal_it_leaves_nothing_running(folder: Path) -> None:
    """Neither console, custodian, player nor browser. That a mark is found, a process of one's own shows."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    environment = {**os.environ, MARK: "control"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as control:
        assert control.stdout is not None
        control.stdout.readline()
        assert started_by("control") == [command]
        control.communicate()
    assert started_by(str(folder)) == []


@pytest.mark.usefixtures("ran")
def test_without_a_terminal_it_leaves_no_folder_beside_the_one_it_was_given(folder: Path, passing: Path) -> None:
    assert list(passing.iterdir()) == []
    assert folder.exists()


def test_what_is_sensitive_is_missing_and_the_control_shows_that_they_would_be_seen(told: dict[str, Any]) -> None:
    assert told["leaked_frames"] == 0
    assert told["control_leaked_frames"] > 0
    assert told["verified"] is True


@pytest.mark.parametrize("rule", ["card-forms", "patient-records", "card-terminal"])
def test_each_rule_closed_the_eye_for_about_as_long_as_its_page_or_window_was_shown(
    told: dict[str, Any], rule: str
) -> None:
    # A window that goes while it is read closes the eye by a rule of Eyelid's own, so there may be more.
    assert told["rules"][rule] >= 0.1 * 14


def test_time_adds_up(told: dict[str, Any]) -> None:
    assert told["kept_s"] > 0
    assert told["closed_s"] >= max(told["rules"].values())
    assert told["kept_s"] + told["closed_s"] <= told["seconds"] + 0.01


def test_the_export_plays_and_holds_only_kept_time(told: dict[str, Any]) -> None:
    export = Path(told["export"])
    counted = detector.count_all(export.glob("screen-*.mp4"))
    assert counted.frames > 0
    assert counted.leaked == ()
    account = json.loads((export / "timeline.json").read_text("utf-8"))
    assert account["recording"] == told["recording"]
    assert account["parts"][-1]["to"] == account["whole_ns"]


def test_the_control_holds_what_the_rules_kept_out(told: dict[str, Any]) -> None:
    counted = detector.count_all((Path(told["export"]).parent / "control").glob("screen-*.mp4"))
    assert len(counted.leaked) == told["control_leaked_frames"]


def test_both_were_found_and_played_in_the_console_over_tls_which_has_ended(told: dict[str, Any]) -> None:
    """The demo itself fails where they are not found by the link, or a chunk of them does not verify."""
    assert told["console_url"].startswith("https://localhost:")
    with Image.open(Path(told["export"]).parent / "player.png") as picture:
        assert picture.size == SIZE
    url = httpx.URL(told["console_url"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.host, url.port or 443)).close()


@pytest.mark.usefixtures("interruptible")
def test_at_a_terminal_it_stays_in_the_console_until_it_is_told_to_end(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\ncat "${1#file://}" > "$0.part" && mv "$0.part" "$0.opened"\n')
    browser.chmod(0o755)
    command = [sys.executable, "-P", "-m", "scripts.showcase.demo", "--open", "--seconds", "14", "--dir"]
    here, there = pty.openpty()
    environment = {**os.environ, "BROWSER": str(browser)}
    with subprocess.Popen([*command, str(tmp_path / "d")], stdin=there, stdout=there, env=environment) as play:
        os.close(there)
        said = b""
        while b"Press Ctrl-C" not in said:
            said += os.read(here, 65536)
        started = psutil.Process(play.pid).children(recursive=True)
        link = next(line for line in said.decode().splitlines() if "/join#" in line)
        until(browser.with_suffix(".opened").exists, "the browser was started")
        assert link.strip() in browser.with_suffix(".opened").read_text("ascii")
        assert httpx.get(link.partition("#")[0]).is_success
        play.send_signal(signal.SIGINT)
        assert play.wait(timeout=120) == 0
    os.close(here)
    assert len(started) >= 3  # a custodian, a console, a player
    assert psutil.wait_procs(started, timeout=30)[1] == []


def test_open_is_refused_without_a_terminal() -> None:
    refused = run("--open", "--seconds", "14")
    assert refused.returncode == 2
    assert "--open starts a browser for the person at a terminal" in refused.stderr


def test_a_folder_in_use_is_left_alone(ran: subprocess.CompletedProcess[str], folder: Path) -> None:
    again = run("--json", "--seconds", "14", "--dir", str(folder))
    assert ran.returncode == 0
    assert again.returncode == 1
    assert "is not empty" in again.stderr.replace("\n", " ")
    assert again.stdout == ""


def test_here_does_not_record_without_an_answer() -> None:
    refused = run("--here", "--json")
    assert refused.returncode == 1
    assert "--here" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_demo_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-P", "-m", "scripts.showcase.demo", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as play:
        assert play.stderr is not None
        assert any("a shop in Chromium" in line for line in play.stderr)
        started = psutil.Process(play.pid).children(recursive=True)
        play.send_signal(number)
        play.communicate(timeout=60)
    assert play.returncode == 130
    assert len(started) >= 8  # a display, a window manager, a store, a recorder, two programs, and a browser of several
    assert psutil.wait_procs(started, timeout=30)[1] == []


@pytest.mark.parametrize("seconds", ["3", "none", "-1"])
def test_a_length_that_shows_nothing_is_wrong_usage(seconds: str) -> None:
    refused = run("--seconds", seconds)
    assert refused.returncode == 2
    assert "a number of seconds from 12" in refused.stderr


GOOD = DemoResult(
    recording="0193a1b2-0000-7000-8000-000000000000",
    seconds=14.0,
    kept_s=7.0,
    closed_s=7.0,
    rules={"patient-records": 7.0},
    chunks=4,
    bytes=1000,
    export="export",
    leaked_frames=0,
    control_leaked_frames=3,
    verified=True,
)


def test_a_good_outcome_has_no_fault() -> None:
    assert GOOD.faults() == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"leaked_frames": 1}, "1 frames of the recording show"),
        ({"control_leaked_frames": 0}, "proves nothing"),
        ({"verified": False}, "verify"),
        ({"rules": {}}, "No rule closed"),
    ],
)
def test_an_outcome_that_cannot_be_believed_is_a_fault(bad: dict[str, Any], said: str) -> None:
    (fault,) = replace(GOOD, **bad).faults()
    assert said in fault
