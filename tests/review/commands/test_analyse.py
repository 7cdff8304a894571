"""`eyelid-review analyse` beside a console that serves: its table, what the rules allow, and what is missing."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from review.analysis.job_states import Kind
from review.analysis.speech.settings import NAME as SETTINGS
from review.cli import main
from review.commands.analyse import Allowed, readers_of
from review.governance.model import Governance
from review.rules import parse_files
from store.admin.home import Home
from store.errors import StoreError
from testkit.analyst import WORKER
from testkit.lifecycle import govern
from testkit.reading_room import RULES, ReadingRoom, furnish
from testkit.speech_models import TINY, models

KINDS = "{ speech: 60 per hour, screen-text: 60 per hour }"
ANALYST = f"  analyst: {{ may: [analyse], of: all, rendition: original, analyses: {KINDS} }}\n"
ALLOWED = RULES.replace("people:\n", f"{ANALYST}people:\n  analyst@example.com: {{ roles: [analyst] }}\n", 1)
NONE = "0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5b"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> ReadingRoom:
    return furnish(tmp_path_factory.mktemp("room"))


def analyse(room: ReadingRoom, *words: str) -> int:
    at = dict(zip(room.paths[::2], room.paths[1::2], strict=True))
    return main(["analyse", *words, "--home", at["--home"], "--store", at["--store"]])


def status(room: ReadingRoom, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert analyse(room, "--status", "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def until_filled(room: ReadingRoom, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = status(room, capsys)
        if found["kinds"]["screen-text"]["waiting"]:
            return found
        time.sleep(0.2)
    raise AssertionError("the console put no jobs into the table")


@pytest.mark.slow(reason="a store is furnished, and a console started twice")
def test_the_console_fills_it_as_the_signed_rules_say(room: ReadingRoom, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyse(room, "--status") == 1
    assert "is not there yet: `eyelid-review up` makes and fills it" in capsys.readouterr().err
    with room.up("--metrics", "127.0.0.1:0") as said:
        found = status(room, capsys)
        assert (found["allowed"], found["kinds"]["speech"]["waiting"]) == (False, 0)
        assert analyse(room, "--status") == 0
        assert capsys.readouterr().out.startswith("No line of the signed rules lets anybody `analyse`")
        at = dict(zip(room.paths[::2], room.paths[1::2], strict=True))
        govern(Home.open(Path(at["--store"])), ALLOWED)
        found = until_filled(room, capsys)
        scraped = httpx.get(said["metrics"]).text
    waiting = re.search(r'eyelid_review_analysis_jobs{kind="screen-text",state="waiting"} ([0-9]+)', scraped)
    assert waiting
    assert int(waiting[1]) > 0
    assert 'eyelid_review_analysis_failed{code="unsound"} 0.0' in scraped
    assert found["allowed"]
    assert found["kinds"]["screen-text"]["reader"] is False
    assert analyse(room, "--status") == 0
    assert "no reader is installed" in capsys.readouterr().out
    assert analyse(room, "--request", NONE) == 1
    assert "the console knows no such recording" in capsys.readouterr().err
    assert analyse(room) == 1
    assert "analysis.yaml is not there: it says where the models of speech are" in capsys.readouterr().err


class Rules:
    """The signed rules as a store gives them, or what keeps it from it."""

    def __init__(self) -> None:
        self.now: Governance | Exception = parse_files({"rules.yaml": ALLOWED.encode()})

    def __call__(self) -> Governance:
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


def test_a_worker_takes_what_the_signed_rules_allow_it_and_says_each_change_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rules = Rules()
    allowed, other = (Allowed(rules, one, [Kind.SPEECH, Kind.PERSONAL]) for one in (WORKER, "other@example.com"))

    def said(worker: Allowed = allowed) -> str:
        return capsys.readouterr().err if worker() == worker() else "two answers to one question"

    assert allowed() == {Kind.SPEECH}
    assert said() == "analyst@example.com makes speech\n"
    assert said() == ""
    rules.now = StoreError("a word that no log needs")
    assert allowed() == set()
    assert said() == "analyst@example.com makes nothing now: the signed rules cannot be read (StoreError)\n"
    rules.now = parse_files({"rules.yaml": RULES.encode()})
    why = "no role of it makes personal or speech by the signed rules"
    assert said() == f"analyst@example.com makes nothing now: {why}\n"
    assert said(other) == f"other@example.com makes nothing now: {why}\n"
    rules.now = parse_files({"rules.yaml": ALLOWED.replace("screen-text", "personal").encode()})
    assert allowed() == {Kind.SPEECH, Kind.PERSONAL}
    assert said() == "analyst@example.com makes personal, speech\n"


def test_personal_data_is_read_where_speech_is(tmp_path: Path) -> None:
    assert readers_of(tmp_path) == {}
    (tmp_path / SETTINGS).write_text(f"schema: 1\nmodels: models\nspeech: {TINY}\nlanguage: en\n...\n")
    models(tmp_path / "models")
    assert readers_of(tmp_path).keys() == {Kind.SPEECH, Kind.PERSONAL}
