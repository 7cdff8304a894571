"""The guides show the terminal as it is: every `console` block is what the command in it prints, word for word.

A block of text or YAML below `<!-- file: NAME -->` is that file, for the commands after it, and `<!-- change: OLD NEW
WORDS -> OTHERS -->` makes one file of another. What has changed is written into the guides by
`EYELID_WRITE_GUIDE=1 .venv/bin/python -m pytest tests/test_guide.py`; then read it.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from agent.cli.main import main as eyelid
from review.cli import main as eyelid_review

DOCS = Path(__file__).parent.parent / "docs"
PROGRAMS = {"eyelid": eyelid, "eyelid-review": eyelid_review}
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n```\w+\n(?P<text>.*?)```)"
    r"|(?:<!-- change: (?P<old>\S+) (?P<new>\S+) (?P<was>.+?) -> (?P<becomes>.+?) -->)"
    r"|(?:```console\n\$ (?P<program>eyelid(?:-review)?) (?P<command>[^\n]*)\n.*?```)",
    re.DOTALL,
)


@pytest.mark.parametrize(("name", "at_least"), [("policy-guide.md", 7), ("governance.md", 5), ("categories.md", 4)])
def test_the_guide_shows_the_terminal_as_it_is(
    name: str, at_least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    place = DOCS / name
    guide = place.read_text("utf-8")
    commands = []

    def shown(block: re.Match[str]) -> str:
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"], "utf-8")
            return block[0]
        if block["old"]:
            text = (tmp_path / block["old"]).read_text("utf-8")
            assert block["was"] in text
            (tmp_path / block["new"]).parent.mkdir(exist_ok=True)
            (tmp_path / block["new"]).write_text(text.replace(block["was"], block["becomes"], 1), "utf-8")
            return block[0]
        commands.append(block["command"])
        PROGRAMS[block["program"]](shlex.split(block["command"]))
        said = "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())
        return f"```console\n$ {block['program']} {block['command']}\n{said}```"

    true = BLOCK.sub(shown, guide)
    if os.environ.get("EYELID_WRITE_GUIDE"):
        place.write_text(true, "utf-8")
    assert len(commands) >= at_least
    assert guide == true
