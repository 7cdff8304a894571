"""Every decision says its date and its state, has the same parts in the same order, and stands in the index.

The table in docs/decisions/README.md is made of the files' own heads: after a change of one,
`EYELID_WRITE_INDEX=1 .venv/bin/python -m pytest tests/test_decisions.py` writes it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "decisions"
INDEX = FOLDER / "README.md"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
PARTS = ["Summary", "Context", "Decision", "Consequences", "Alternatives"]
HEAD = re.compile(
    r"# (?P<number>\d{4})\. (?P<title>[^\n]+)\n\nDate: (?P<date>\d+ \w+ \d{4})\. State: (?P<state>[^.]+)\.\n\n"
)
STATE = re.compile(r"in force\b|replaced by \d{4}\b")


def head(path: Path) -> dict[str, str]:
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", path.read_text("utf-8"))
    found = HEAD.match(text)
    assert found is not None, f"{path.name} does not begin with its number, title, date and state"
    return {key: " ".join(value.split()) for key, value in found.groupdict().items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[:4])
def test_a_decision_has_a_date_a_state_and_its_parts(path: Path) -> None:
    said = head(path)
    assert said["number"] == path.name[:4]
    assert STATE.match(said["state"]), f"{said['state']!r} is neither in force nor replaced by another decision"
    assert re.findall(r"(?m)^\*\*(\w+)\.\*\*", path.read_text("utf-8")) == PARTS
    for number in re.findall(r"\b\d{4}\b", said["state"]):
        assert list(FOLDER.glob(f"{number}-*.md")), f"there is no decision {number}"


def test_numbers_are_given_once_and_none_is_left_out() -> None:
    assert [path.name[:4] for path in FILES] == [f"{number:04}" for number in range(1, len(FILES) + 1)]


def test_the_index_lists_all_decisions_with_their_states() -> None:
    rows = [
        f"| [{said['number']}]({path.name}) | {said['title']} | {said['date']} | {said['state']} |"
        for path in FILES
        for said in [head(path)]
    ]
    lines = INDEX.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("| [")]
    if os.environ.get("EYELID_WRITE_INDEX"):
        end = next(place for place, line in enumerate(kept) if line.startswith("|---")) + 1
        INDEX.write_text("\n".join([*kept[:end], *rows, *kept[end:]]) + "\n", "utf-8")
    assert [line for line in INDEX.read_text("utf-8").splitlines() if line.startswith("| [")] == rows
