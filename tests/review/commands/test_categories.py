"""`eyelid-review categories`: what the commands print, and the exit codes that scripts go by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from review import cli
from review.analysis.categories.keys import LARGEST, schema

Out = pytest.CaptureFixture[str]

RULES = """\
schema: 1
category:
  advice: { any: [{ said: fonds, by: agent, near: "empfehl*" }] }
tests:
  - name: advised
    call: [{ by: agent, says: Da empfehle ich den Fonds. }]
    expect: [advice]
  - { call: [{ by: customer, says: Da empfehle ich den Fonds. }], expect: [] }
...
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "c.yaml"
    place.write_text(RULES)
    return place


def said(capsys: Out, *words: str, code: int = 0) -> str:
    assert cli.main(["categories", *words]) == code
    return capsys.readouterr().out


def facts(capsys: Out, *words: str, code: int = 0) -> Any:
    return json.loads(said(capsys, *words, "--json", code=code))


def test_check_says_every_mistake_with_its_line(file: Path, capsys: Out) -> None:
    assert said(capsys, "check", "c.yaml") == "1 category, 2 tests, no mistake.\n"
    assert facts(capsys, "check", "c.yaml") == {"ok": True, "mistakes": [], "warnings": [], "categories": ["advice"]}
    file.write_text(RULES.replace("by: agent, near", "by: agnet, near"))
    out = said(capsys, "check", "c.yaml", code=1)
    assert 'c.yaml:3:38 by cannot be "agnet", did you mean agent?' in out
    assert "  3 │   advice: { any: [{ said: fonds, by: agnet" in out
    assert out.endswith("\n1 mistake: these categories would not be used.\n")
    assert facts(capsys, "check", "c.yaml", code=1)["mistakes"][0]["suggestion"] == "agent"


def test_check_runs_the_tests_and_warns(file: Path, capsys: Out) -> None:
    file.write_text(RULES.replace("expect: []", "expect: [advice]"))
    out = said(capsys, "check", "c.yaml", code=1)
    assert "c.yaml:8:5 the test expects advice, the rules say no category, correct one of them" in out
    file.write_text(RULES.replace("category:", "category:\n  other: { not: { said: da } }"))
    out = said(capsys, "check", "c.yaml")
    assert "warning: no test expects other, add one" in out
    assert out.endswith("\n2 categories, 2 tests, no mistake, 1 warning.\n")
    found = facts(capsys, "check", "c.yaml", "--strict", code=1)
    assert (found["ok"], found["warnings"][0]["severity"]) == (False, "warning")


def test_test_says_what_holds_and_by_which_words(file: Path, capsys: Out) -> None:
    out = said(capsys, "test", "c.yaml")
    assert "ok  advised" in out
    assert 'advice          advice 0:00 agent: "Fonds." near "empfehle"' in out
    assert out.endswith("\n2 of 2 tests hold.\n")
    file.write_text(RULES.replace("expect: []", "expect: [advice]"))
    out = said(capsys, "test", "c.yaml", code=1)
    assert "none, expected advice" in out
    assert 'advice needs (the agent says "fonds"' in out
    assert out.endswith("\n1 of 2 tests hold.\n")
    found = facts(capsys, "test", "c.yaml", code=1)
    assert [test["passed"] for test in found["tests"]] == [True, False]
    assert found["tests"][0]["because"] == [
        {"category": "advice", "says": 'agent: "Fonds." near "empfehle"', "where": "c.yaml:3:19", "by": "agent",
         "start_ns": 400_000_000, "end_ns": 2_000_000_000}
    ]  # fmt: skip


def test_a_file_without_tests(file: Path, capsys: Out) -> None:
    file.write_text(RULES.partition("tests:")[0] + "...\n")
    assert said(capsys, "test", "c.yaml") == "There is no test in the file.\n"
    assert "warning: no test expects advice, add one" in said(capsys, "check", "c.yaml")


@pytest.mark.usefixtures("file")
def test_a_file_that_cannot_be_read(tmp_path: Path, capsys: Out) -> None:
    assert cli.main(["categories", "check", "none.yaml"]) == 1
    assert "none.yaml cannot be read or written: No such file" in capsys.readouterr().err
    (tmp_path / "large.yaml").write_bytes(b"#" * (LARGEST + 9))
    assert "the file has 262145 bytes or more" in said(capsys, "check", "large.yaml", code=1)
    (tmp_path / "wrong.yaml").write_text("...\n")
    assert cli.main(["categories", "test", "wrong.yaml"]) == 2


def test_schema(capsys: Out) -> None:
    assert json.loads(said(capsys, "schema")) == schema()
