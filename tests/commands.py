"""Every command of a program, for tests of what they say of themselves."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping

Build = Callable[[str | None], argparse.ArgumentParser]


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of all its commands, at any depth."""
    yield parser
    for one in commands(parser).values():
        yield from every(one)


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Its own, by their names."""
    added = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(added[0]) if added else {}


def are_found_by_their_names(table: Mapping[str, Mapping[str, str]], build: Build) -> None:
    """`build` makes the parser with the module of one command alone, or with all: both say the same of it, and list the
    same commands.
    """
    whole = build(None)
    assert sorted(commands(whole)) == sorted(name for lines in table.values() for name in lines)
    for name in ["", *commands(whole)]:
        alone = build(name)
        assert alone.format_help() == whole.format_help()
        if name:
            assert commands(alone)[name].format_help() == commands(whole)[name].format_help()
