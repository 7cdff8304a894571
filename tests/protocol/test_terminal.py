"""What is written to a terminal: help that can be copied from, and words of others that move no cursor."""

from __future__ import annotations

from argparse import ArgumentParser

from protocol.terminal import Wrapped, error_line, printable

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
