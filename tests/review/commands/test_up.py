"""What `eyelid-review up` has beside it: a process that signs papers, and the player's."""

from __future__ import annotations

import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from review.commands import up
from review.commands.signed_papers import Papers
from testkit.waits import until

ONE, OTHER = (UUID(f"0193ffff-0000-7000-8000-00000000000{last}") for last in (1, 2))
SCRIPT = """
import json, pathlib, signal, sys, time
with open({starts!r}, "a") as starts:
    starts.write("x")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin:
    asked = line.strip()
    {act}
    print(json.dumps({{"recording": asked, "origin": "o"}}), flush=True)
"""
Make = Callable[..., Papers]


@pytest.fixture
def starts(tmp_path: Path) -> Path:
    return tmp_path / "starts"


@pytest.fixture
def make(starts: Path) -> Make:
    def made(act: str, within: float = 60) -> Papers:
        return Papers([sys.executable, "-c", SCRIPT.format(starts=str(starts), act=act)], within)

    return made


def test_answers_come_from_one_process(make: Make, starts: Path) -> None:
    with closing(make("signal.signal(signal.SIGTERM, signal.SIG_DFL)")) as papers:
        assert papers(ONE) == papers(OTHER) == {"origin": "o"}
    assert starts.read_text() == "x"
    assert papers(ONE)["error"] == "no-papers"  # it is closed: none is started


@pytest.mark.parametrize(
    ("act", "within"),
    [("time.sleep(1000)", 2.0), ("print('{', end='', flush=True); time.sleep(1000)", 2.0), ("sys.exit()", 60),
     ("print('x' * 2**25)", 60), ("print('no JSON')", 60), ("print('{}')", 60), (f"asked = '{ONE}'", 60)],
)  # fmt: skip
def test_what_gives_no_answer_to_the_question_is_ended_and_begun_anew(
    make: Make, starts: Path, act: str, within: float
) -> None:
    """It heeds no SIGTERM. Of the first that starts alone, the next answers."""
    once = f"if len(pathlib.Path({str(starts)!r}).read_text()) == 1: {act}"
    papers = make(once, within)
    assert papers(OTHER)["error"] == "no-papers"
    assert papers._running is None
    papers._within = 60.0
    assert papers(OTHER) == {"origin": "o"}
    papers._drop()
    assert starts.read_text() == "xx"


def test_a_command_that_is_none_is_said() -> None:
    with closing(Papers(["/nothing/here"])) as papers:
        assert papers(ONE)["error"] == "no-papers"


def test_the_end_waits_for_no_answer(make: Make, starts: Path) -> None:
    came = starts.with_name("came")
    wait = f"signal.signal(signal.SIGTERM, signal.SIG_DFL); pathlib.Path({str(came)!r}).touch(); time.sleep(1000)"
    papers, said = make(wait, within=200), list[dict[str, Any]]()
    asking = threading.Thread(target=lambda: said.append(papers(ONE)))
    asking.start()
    until(came.exists, "asked")
    papers.close()
    asking.join()
    assert [one["error"] for one in said] == ["no-papers"]


@pytest.mark.parametrize("ends", [True, False])
def test_the_log_says_once_that_the_player_ended(ends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"print('served', flush=True); {'raise SystemExit(3)' if ends else 'import time; time.sleep(1000)'}"
    monkeypatch.setattr(up, "_COMMAND", (sys.executable, "-c", script))  # a player that ends
    said, came = list[tuple[Any, ...]](), threading.Event()

    def say(event: str, _level: int, **facts: object) -> None:
        said.append((event, facts))
        came.set()

    asked = Namespace(no_player=False, host="127.0.0.1")
    with up._player(asked, "http://localhost:1", "http://localhost:2", None, say):
        assert not ends or came.wait(60)
    assert said == ([("player-ended", {"code": 3})] if ends else [])


@pytest.mark.parametrize("killed", [True, False])
def test_a_player_that_up_started_ends_with_it(killed: bool) -> None:
    words = ["player", "serve", "--console", "http://localhost:1", "--http", "--host", "127.0.0.1", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "review", *words, "--json", "--piped"], stdin=pipe, stdout=pipe, stderr=pipe
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline()
        assert running.stdin is not None
        assert running.stderr is not None
        if killed:
            running.stdin.close()
        else:
            running.terminate()  # while it waits for its input's end
        assert running.wait(60) == 0
        assert b"Fatal" not in running.stderr.read()
