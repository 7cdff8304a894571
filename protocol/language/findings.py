"""Mistakes and warnings, taken apart for editors and other programs, or shown to people with the line they are about.

A mistake is made as one line for people, `file:line:column what is wrong, what was meant`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

# Where the end of the line is what to write, to the letter. What the author wrote comes before, and in quotes.
_INSTEAD: Final = (
    re.compile(r".*[,:] did you mean `?([^\s`]+)`?\?", re.DOTALL),
    re.compile(r'.*, write it in quotes: (".*")', re.DOTALL),
    re.compile(r".*, write a whole number with ms, s or m: (\w+)", re.DOTALL),
)
_PLACE: Final = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)(?: (?P<says>.*))?", re.DOTALL)
_WORD: Final = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,\]}]+|.")
LONGEST_LINE: Final = 150  # signs of a line that is shown

FindingAsJson = dict[str, str | int | None]


def finding_as_json(message: str, severity: str = "mistake") -> FindingAsJson:
    """`file`, `line` and `column` are None where it is about no place: a folder without a policy."""
    place = place_of(message)
    file, line, column, says = (None, None, None, message) if place is None else place
    found: FindingAsJson = {"file": file, "line": line, "column": column, "severity": severity, "message": says}
    instead = next((match[1] for shape in _INSTEAD if (match := shape.fullmatch(says))), None)
    return found if instead is None else {**found, "suggestion": instead}


def page() -> Console:
    """Long lines are left to the terminal, so that a place can be copied and a line be searched for."""
    return Console(highlight=False, soft_wrap=True)


def place_of(message: str) -> tuple[str, int, int, str] | None:
    """(file, line, column, what it says there); None where it names no place."""
    found = _PLACE.fullmatch(message)
    if found is None:
        return None
    return found["file"], int(found["line"]), int(found["column"]), found["says"] or ""


def print_with_line(out: Console, message: str, *, style: str, prefix: str = "") -> None:
    """`file:line:column prefix what is wrong`, and below it the line itself with the place marked."""
    found = _PLACE.fullmatch(message)
    if found is None:
        out.print(Text(prefix + message, style=style))
        return
    place = f"{found['file']}:{found['line']}:{found['column']}"
    out.print(Text.assemble((place, "bold"), " ", (prefix, f"bold {style}"), found["says"] or ""))
    excerpt = line_at(place)
    if excerpt:
        number = found["line"]
        column = int(found["column"]) - 1
        word = _WORD.match(excerpt, column)
        width = len(word[0]) if word else 1
        out.print(Text.assemble((f"  {number} │ ", "dim"), excerpt))
        out.print(Text.assemble((f"  {' ' * len(number)} │ ", "dim"), " " * column, ("^" * width, style)))


def line_at(place: str, held: Mapping[str, bytes] | None = None) -> str:
    """The line that `file:line:column` names; empty where it cannot be shown.

    `held`: contents of files that lie on no disk, by the name that the place has for them.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        return ""
    lines = _lines(found["file"], held or {})
    number = int(found["line"])
    line = lines[number - 1] if number <= len(lines) else ""
    shown = "".join(sign if sign.isprintable() else " " for sign in line)
    return shown if len(shown) <= LONGEST_LINE else ""


def _lines(file: str, held: Mapping[str, bytes]) -> tuple[str, ...]:
    try:
        content = held[file] if file in held else Path(file).read_bytes()
        return tuple(content.decode("utf-8").replace("\r\n", "\n").split("\n"))
    except (OSError, UnicodeDecodeError):
        return ()


def counted(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing if number == 1 else thing + 's'}"
