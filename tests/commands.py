"""Every command of a program, for tests of what they say of themselves."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence

Build = Callable[[str], argparse.ArgumentParser]


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of all its commands, at any depth."""
    yield parser
    for one in commands(parser).values():
        yield from every(one)


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Its own, by their names."""
    added = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(added[0]) if added else {}


def are_found_by_their_names(table: Mapping[str, Sequence[str]], build: Build) -> None:
    """`build` makes the parser with the module of one command alone, or with "" of all: both say the same of it."""
    whole = commands(build(""))
    assert sorted(whole) == sorted(name for names in table.values() for name in names)
    for names in table.values():
        for name in names:
            alone = commands(build(name))
            assert sorted(alone) == sorted(names)
            assert alone[name].format_help() == whole[name].format_help()
