"""Policies as the command line names them, and the lines of their files that a message is about."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agent import config
from agent.core.model.rules import Policy
from agent.errors import UserError
from agent.witness.policies import parse_files, read_files

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)(?: (?P<says>.*))?", re.DOTALL)
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,\]}]+|.")
LONGEST_LINE = 150  # signs of a line that is shown


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="files or one folder (default: the configured folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def paths_of(named: Sequence[str]) -> list[Path]:
    return [Path(name) for name in named] or [config.load().policies]


def read(named: Sequence[str], *, tested: bool) -> Policy:
    """Files of one folder, or a whole folder, are one policy, with the hash that it would have in force.

    Raises PolicyError with every mistake, UserError where the files are none.
    """
    paths = paths_of(named)
    if not named and not paths[0].exists():
        raise UserError(f"there is no policy in {paths[0]}; `eyelid policy init payments` begins with one")
    if len(paths) == 1 and paths[0].is_dir():
        return parse_files(read_files(paths[0]), tested=tested, shown_in=str(paths[0]))
    if folder := next((path for path in paths if path.is_dir()), None):
        raise UserError(
            f"{folder} is a folder: name one folder alone, or files; a policy is the files of one folder, and the "
            "folder names them all"
        )
    folders = {path.parent for path in paths}
    if len(folders) > 1:
        raise UserError("the files lie in different folders; a policy is the files of one folder")
    files: dict[str, bytes] = {}
    for path in paths:
        try:
            files[path.name] = path.read_bytes()
        except OSError as failure:
            raise UserError(f"{path} cannot be read: {failure.strerror}") from None
    return parse_files(files, tested=tested, shown_in=str(folders.pop()))


# -- what is printed ----------------------------------------------------------------------------------------------


def page() -> Console:
    """Long lines are left to the terminal, so that a place can be copied and a line be searched for."""
    return Console(highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    """Another's words, such as a page's title, without what would move a terminal's cursor or change its colours."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


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
