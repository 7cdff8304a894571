"""What the three commands have in common on a terminal: the layout of --help, and words that move no cursor."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from protocol.language.characters import printable

__all__ = ["Version", "Wrapped", "add_commands", "add_version", "chosen", "error_line", "in_journal", "printable"]


def error_line(program: str, message: str) -> str:
    """For standard error. A message may carry what a device or a file said; its own line ends stay."""
    return "".join(f"{line}\n" for line in map(printable, f"{program}: {message}".split("\n")))


def in_journal(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether standard error is the journal: it says so by device and inode (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        seen = os.fstat(2)
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM", "") == f"{seen.st_dev}:{seen.st_ino}"


class Wrapped(argparse.HelpFormatter):
    """Prose is wrapped at the terminal's width; lines that are indented stay as they are, so that a command can be
    copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # argparse's own hook for its texts
        lines = text.splitlines()
        return "\n".join(
            line if line.startswith(" ") else textwrap.fill(line, width, initial_indent=indent) for line in lines
        )


class Version(argparse.Action):
    """`--version`. Finding the version imports for as long as the rest of a short command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - reads mail headers, and most starts need no version

        print(f"{parser.prog} {version('eyelid')}")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action=Version, nargs=0, help="show program's version number and exit")


def chosen(words: Sequence[str]) -> str:
    """The command that they name, or ""; no option before it takes a value."""
    return next((word for word in words if not word.startswith("-")), "")


def add_commands(
    commands: Any, table: Mapping[str, Mapping[str, str]], command: str | None, add: Callable[[str], None]
) -> None:
    """`table`: module -> its commands, each with its line in the help. `add`: imports a module, which adds its own.

    Only the module of `command` is added, and every one where that is None. Of the others the help has their lines.
    """
    for module, lines in table.items():
        if command is None or command in lines:
            add(module)
        else:
            for name, line in lines.items():
                commands.add_parser(name, help=line)
