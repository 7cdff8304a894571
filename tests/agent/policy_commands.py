"""`eyelid policy` in a folder with a policy of two rules: what it says, and its facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main

Out = pytest.CaptureFixture[str]

RULES = """\
schema: 1
revision: 3
name: Cards
rules:
  - id: card-forms
    why: PCI DSS 3.3.1.2
    any:
      - app: [till]
    audio: record
  - id: charts
    why: HIPAA
    any:
      - app: [epic]
tests:
  - {name: the till closes, app: till, title: Payment, expect: {screen: pause, audio: record}}
...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configured policy folder, with RULES in it."""
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    monkeypatch.delenv("EYELID_CONFIG", raising=False)
    made = tmp_path / "policies"
    made.mkdir()
    (made / "cards.yaml").write_text(RULES)
    return made


def said(out: Out, *command: str, code: int = 0) -> str:
    assert main(["policy", *command]) == code
    return out.readouterr().out


def told(out: Out, *command: str, code: int = 0) -> Any:
    return json.loads(said(out, *command, "--json", code=code))
