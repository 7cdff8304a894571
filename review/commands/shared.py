"""What all commands have: a place in the help, --json, one way to answer and to fail."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from protocol.errors import ProtocolError
from protocol.language.errors import MistakesError
from protocol.terminal import Wrapped, printable
from store.errors import StoreError, WrongUsage

SOCKET: Final = Path("/run/eyelid-custodian/socket")
Subcommands = _SubParsersAction  # argparse gives it no public name
_TYPED: Final = re.compile(r"^((?:--[a-z].*?|command line)):1:1(?= )")  # what is typed has no line

Run = Callable[[Namespace], int]
Option = Callable[[ArgumentParser], object]


def option(name: str, says: str, metavar: str | None = None, **more: Any) -> Option:
    if metavar:
        more["metavar"] = metavar
    names = name.split(" ")
    return lambda parser: parser.add_argument(*names, help=says, **more)


def group(
    commands: Subcommands[ArgumentParser], name: str, summary: str, *examples: str
) -> Subcommands[ArgumentParser]:
    shown = "examples:\n  " + "\n  ".join(examples) if examples else None
    top = commands.add_parser(name, help=summary, epilog=shown, formatter_class=Wrapped)
    return top.add_subparsers(title="commands", metavar="COMMAND", required=True)


def command(
    verbs: Subcommands[ArgumentParser], name: str, summary: str, example: str, run: Run, *options: Option,
    says: str = "",
) -> None:  # fmt: skip
    """`name`: the whole one. `example`: what follows it."""
    parser = verbs.add_parser(
        name.rpartition(" ")[2], help=summary, description=says or f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"examples:\n  eyelid-review {name} {example}", formatter_class=Wrapped,
    )  # fmt: skip
    for add in options:
        add(parser)
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    parser.set_defaults(run=in_words(run))


def in_words(run: Run) -> Run:
    return lambda asked: _in_words(run, asked)


def _in_words(run: Run, asked: Namespace) -> int:
    """Mistakes of who asks, and of files that they name, in words."""
    try:
        return run(asked)
    except MistakesError as error:
        raise WrongUsage("\n".join(_TYPED.sub(r"\1", one) for one in error.mistakes)) from None
    except (BrokenPipeError, ProtocolError):
        raise
    except OSError as error:
        raise StoreError(f"{error.filename or 'a file'} cannot be read or written: {error.strerror or error}") from None
    except ValueError as error:
        raise StoreError(str(error)) from None


def answer(asked: Namespace, facts: dict[str, Any], *lines: str) -> int:
    if asked.json:
        from store.evidence.show import print_json  # noqa: PLC0415 - much that most commands of governance do not need

        print_json(facts)
    else:
        say(*lines)
    sys.stdout.flush()  # a service says that it listens, and goes on
    return 0


def say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2027-01-31") from None
