"""Every command of a program, for tests of what they say of themselves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of all its commands, at any depth."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from every(one)
