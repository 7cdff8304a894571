"""The policy guide shows the terminal as it is: every `console` block is what the command in it prints, word for word.

A block of text or YAML below `<!-- file: NAME -->` is that file, for the commands after it. What has changed is written
into the guide by `EYELID_WRITE_GUIDE=1 .venv/bin/python -m pytest tests/test_guide.py`; then read it.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from agent.cli.main import main

GUIDE = Path(__file__).parent.parent / "docs" / "policy-guide.md"
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n```\w+\n(?P<text>.*?)```)"
    r"|(?:```console\n\$ eyelid (?P<command>[^\n]*)\n.*?```)",
    re.DOTALL,
)


def test_the_guide_shows_the_terminal_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    guide = GUIDE.read_text("utf-8")
    commands = []

    def shown(block: re.Match[str]) -> str:
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"], "utf-8")
            return block[0]
        commands.append(block["command"])
        main(shlex.split(block["command"]))
        said = "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())
        return f"```console\n$ eyelid {block['command']}\n{said}```"

    true = BLOCK.sub(shown, guide)
    if os.environ.get("EYELID_WRITE_GUIDE"):
        GUIDE.write_text(true, "utf-8")
    assert len(commands) >= 7
    assert guide == true
