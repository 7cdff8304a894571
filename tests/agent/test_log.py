"""The log: JSON lines that never outgrow their room, lines for the journal, and not a word that was not weighed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import log
from protocol.terminal import in_journal

SECRET = "xyzzy-secret-word"

# A program that logs at debug what the recorder could: its own words, a library's, and exceptions with a message.
PROGRAM = f"""
import asyncio, logging, sys, threading, warnings
from pathlib import Path
from agent.log import log_last_words, write_log
write_log(Path(sys.argv[1]), "debug", 100_000)
log_last_words()
ours = logging.getLogger("agent.upload.uploader")
ours.debug("a small thing")
ours.info("one\\nline")
ours.warning("odd")
try:
    try:
        raise ValueError("{SECRET}")
    except ValueError as cause:
        raise RuntimeError("{SECRET}") from cause
except RuntimeError:
    ours.exception("it failed")
logging.getLogger("watchdog").error("{SECRET} %s", "{SECRET}")
logging.getLogger("asyncio").debug("{SECRET}")
warnings.warn("{SECRET}")
def die(): raise KeyError("{SECRET}")
thread = threading.Thread(target=die, name="worker"); thread.start(); thread.join()
raise OSError("{SECRET}")
"""


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in ("", *log.OURS)}
    yield
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, log.Line)]:
        root.removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(False)
    logging.raiseExceptions = True


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.tail(folder, 1000)]


def test_a_run_leaves_json_and_no_word_of_an_exception_or_a_library(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "log")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    everything = ran.stderr + ran.stdout + (tmp_path / "log" / log.NAME).read_text()
    assert SECRET not in everything
    told = lines(tmp_path / "log")
    assert [(one["level"], one["part"], one["message"]) for one in told] == [
        ("debug", "upload.uploader", "a small thing"),
        ("info", "upload.uploader", "one line"),
        ("warning", "upload.uploader", "odd"),
        ("error", "upload.uploader", "it failed"),
        ("error", "watchdog", log.NOT_OURS),
        ("warning", "py.warnings", log.NOT_OURS),
        ("error", "log", "worker has died of a fault of Eyelid's own"),
        ("error", "log", "the program has died of a fault of Eyelid's own"),
    ]
    assert told[3]["fault"] == ["RuntimeError", "ValueError"]
    assert told[3]["places"][-1].startswith("<string>:")
    assert told[6]["places"][-1].endswith(" die")
    assert "error upload.uploader: it failed [RuntimeError < ValueError in" in ran.stderr
    assert told[0]["at"].endswith("Z")


def test_only_this_user_may_read_it(tmp_path: Path) -> None:
    log.write_log(tmp_path / "log", "info", 100_000)
    logging.getLogger("agent.x").info("hello")
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "log" / log.NAME).stat().st_mode) == 0o600


def test_the_log_keeps_to_its_room_and_the_newest_lines(tmp_path: Path) -> None:
    log.write_log(tmp_path, "info", 20_000)
    ours = logging.getLogger("agent.x")
    for number in range(1000):
        ours.info("line %d of many", number)
    files = list(tmp_path.iterdir())
    assert len(files) == log.PIECES
    assert sum(path.stat().st_size for path in files) <= 20_000
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    told = log.tail(tmp_path, 50)
    assert [json.loads(line)["message"] for line in told] == [f"line {number} of many" for number in range(950, 1000)]


def test_a_level_leaves_out_what_is_below(tmp_path: Path) -> None:
    log.write_log(tmp_path, "error", 20_000)
    logging.getLogger("agent.x").warning("not so bad")
    logging.getLogger("agent.x").error("bad")
    assert [one["message"] for one in lines(tmp_path)] == ["bad"]


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("a file")
    log.write_log(tmp_path / "log", "info", 20_000)
    logging.getLogger("agent.x").error("bad")
    err = capfd.readouterr().err
    assert f"no log is kept in {tmp_path / 'log'}" in err
    assert "bad" in err


def test_a_full_disk_says_nothing_of_what_was_to_be_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log.write_log(tmp_path, "info", 10_000_000)
    [kept] = [handler for handler in logging.getLogger().handlers if isinstance(handler, log.RotatingFileHandler)]
    kept.close()
    (tmp_path / log.NAME).unlink()
    (tmp_path / log.NAME).symlink_to("/dev/full")
    logging.getLogger("agent.x").error("it goes on")
    assert capfd.readouterr().err.count("it goes on") == 1


def test_the_journal_gets_priorities_and_no_clock(tmp_path: Path) -> None:
    """Where standard error is what $JOURNAL_STREAM says: here a file."""
    program = (
        "import logging, sys; from agent.log import write_log; write_log(None, 'debug')\n"
        "ours = logging.getLogger('agent.x')\n"
        "for level in (10, 20, 30, 40): ours.log(level, 'hello')\n"
    )
    with (tmp_path / "journal").open("wb") as journal:
        seen = os.fstat(journal.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"}
        subprocess.run([sys.executable, "-c", program], env=environment, stderr=journal, check=True)
    assert (tmp_path / "journal").read_text() == "<7>x: hello\n<6>x: hello\n<4>x: hello\n<3>x: hello\n"
    assert not in_journal({"JOURNAL_STREAM": "1:1"})
    assert not in_journal({})
