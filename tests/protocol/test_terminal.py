"""What is written to a terminal: help that can be copied from, and words of others that move no cursor."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

import pytest

from protocol.terminal import Wrapped, add_commands, add_version, chosen, error_line, in_journal, printable

INSTEAD = "\N{REPLACEMENT CHARACTER}"


def test_anothers_words_move_no_cursor() -> None:
    assert printable("pc-7 ü [x]\x1b[2J\n\u202e") == f"pc-7 ü [x]{INSTEAD}[2J{INSTEAD}{INSTEAD}"


def test_an_error_keeps_its_own_lines() -> None:
    assert error_line("eyelid", "two\nlines\x1b[2J") == f"eyelid: two\nlines{INSTEAD}[2J\n"


def test_prose_of_a_help_is_wrapped_and_a_command_is_left_whole() -> None:
    command = f"  eyelid {'word ' * 20}".rstrip()
    help_of = ArgumentParser(
        prog="x", description="word " * 30, epilog=command, formatter_class=lambda prog: Wrapped(prog, width=40)
    ).format_help()
    assert command in help_of.splitlines()
    assert max(len(line) for line in help_of.splitlines() if line != command) <= 40


def test_a_version_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser(prog="x")
    add_version(parser)
    with pytest.raises(SystemExit, match="0"):
        parser.parse_args(["--version"])
    assert capsys.readouterr().out.startswith("x 0.")


def test_the_module_of_one_command_is_added_and_the_others_are_listed() -> None:
    table = {"one": {"first": "the first", "second": "the second"}, "two": {"third": "the third"}}
    added: list[str] = []

    def build(command: str | None) -> str:
        parser = ArgumentParser(prog="x")
        commands = parser.add_subparsers()

        def add(module: str) -> None:
            added.append(module)
            for name, line in table[module].items():
                commands.add_parser(name, help=line)

        add_commands(commands, table, command, add)
        return parser.format_help()

    asked = chosen(["--help", "third", "first"])
    assert {build(""), build(asked), build(None)} == {build(chosen(["--help"]))}
    assert added == ["two", "one", "two"]


def test_standard_error_is_the_journal_where_systemd_says_so(tmp_path: Path) -> None:
    """Here the journal is a file; and a service may have no standard error at all."""
    kept = os.dup(2)
    try:
        with (tmp_path / "journal").open("wb") as journal:
            os.dup2(journal.fileno(), 2)
            seen = os.fstat(journal.fileno())
            assert in_journal({"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"})
            assert not in_journal({"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino + 1}"})
            assert not in_journal({})
            os.close(2)
            assert not in_journal({"JOURNAL_STREAM": "1:1"})
    finally:
        os.dup2(kept, 2)
        os.close(kept)
