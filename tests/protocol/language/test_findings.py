"""A mistake as one line for people, taken apart for programs, and shown with the line that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from protocol.language.findings import (
    LONGEST_LINE,
    counted,
    finding_as_json,
    line_at,
    page,
    place_of,
    print_with_line,
)


@pytest.mark.parametrize(
    ("says", "instead"),
    [
        ("x cannot be y, did you mean z?", "z"),
        ("no key, did you mean `z`?", "z"),
        ('YAML reads yes as true, write it in quotes: "yes"', '"yes"'),
        ("write 5, write a whole number with ms, s or m: 5s", "5s"),
        ("nothing to suggest", None),
    ],
)
def test_what_to_write_instead(says: str, instead: str | None) -> None:
    found = finding_as_json(f"a.yaml:3:7 {says}", "warning")
    expected = {"file": "a.yaml", "line": 3, "column": 7, "severity": "warning", "message": says}
    assert found == expected | ({} if instead is None else {"suggestion": instead})


def test_a_mistake_about_no_place() -> None:
    assert place_of("no folder") is None
    assert place_of("a.yaml:3:7") == ("a.yaml", 3, 7, "")
    assert finding_as_json("no folder")["file"] is None
    assert finding_as_json("no folder")["severity"] == "mistake"


def test_it_is_shown_with_its_line_and_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one: 1\r\ntwo: [wrong]\n")
    print_with_line(page(), f"{file}:2:7 this is wrong", style="red", prefix="warning: ")
    assert capsys.readouterr().out == f"{file}:2:7 warning: this is wrong\n  2 │ two: [wrong]\n    │       ^^^^^\n"
    print_with_line(page(), f"{file}:2:40 behind it", style="red")
    assert capsys.readouterr().out.endswith("^\n")
    print_with_line(page(), f"{file}:9:1 no such line", style="red")
    assert capsys.readouterr().out == f"{file}:9:1 no such line\n"
    print_with_line(page(), "about no place", style="red", prefix="warning: ")
    assert capsys.readouterr().out == "warning: about no place\n"


def test_lines_that_cannot_be_shown(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"a\tb\n" + b"x" * (LONGEST_LINE + 1) + b"\n")
    assert line_at(f"{file}:1:1") == "a b"
    assert line_at(f"{file}:2:1") == ""
    assert line_at("no place") == ""
    assert line_at(f"{tmp_path / 'gone'}:1:1") == ""
    assert line_at("signed:1:1", {"signed": b"held"}) == "held"
    file.write_bytes(b"\xff\n")
    assert line_at(f"{file}:1:1") == ""


def test_counting() -> None:
    assert [counted(number, "rule") for number in (0, 1, 2)] == ["no rules", "1 rule", "2 rules"]
    assert isinstance(page(), Console)
