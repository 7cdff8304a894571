"""The command `eyelid`: finds the words of the command line and hands them on; a user's mistake ends in one clear line.

The commands are imported when they are asked for, so that a package that is missing is told in a line, too.

Exit codes: 0 done (or, for status, recording or rightly closed), 1 failed or degraded, 2 wrong usage, 3 not recording.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from agent.errors import EyelidError
from protocol.terminal import Wrapped, add_commands, add_version, chosen, in_journal

EXAMPLES = """\
examples:
  eyelid enroll                          join the store that issued the token
  eyelid run                             record until stopped
  eyelid status --watch                  what it is doing, as it happens
  eyelid hold --for 5m                   keep nothing for five minutes
  eyelid tray                            the same in the panel, as an eye
  eyelid policy check policies/          every mistake at once, with its place
  eyelid windows --watch                 what is in view, and how it is judged
  eyelid replay opened/ --with new.yaml  what another policy would have done
  eyelid browser status                  how each browser stands, what is next
  eyelid doctor                          what is wrong here, and the next step
  eyelid config show --origin            settings in force, and who said so
"""


# Module of agent.cli -> the commands that it adds, each with its line in the help of the whole.
COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "session": {
        "enroll": "join a store with the token that it issued",
        "run": "record until stopped",
        "status": "what the recorder is doing",
        "hold": "keep nothing until released",
        "release": "end the hold",
    },
    "windows": {"windows": "what is in view, and what each rule says of it"},
    "policy": {"policy": "write, check, test and understand policies"},
    "replay": {"replay": "what another policy would have done to a recording"},
    "browser": {"browser": "let the browsers tell which pages are open"},
    "config": {"config": "which settings are in force, and who said so"},
    "doctor": {"doctor": "what is right and wrong on this PC, and the next step for each"},
    "drain": {"drain": "send what an ended session has left to send"},
    "keys": {"keys": "hold the keys of this PC's users, and sign for each what follows from what was signed"},
    "receipts": {"receipts": "what the store has signed that it took from this PC"},
    "leaving": {"unenroll": "leave the store: send what waits, then forget keys and state"},
    "tray": {"tray": "show in the panel whether the eye is open"},
}


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """With the module of this command, and a line for each other: all import for a second. None: with all.

    Raises ModuleNotFoundError where a package is missing that the command needs.
    """
    parser = argparse.ArgumentParser(
        prog="eyelid",
        description="Records screen and voice, and closes by itself before a payment form or a medical record is kept.",
        epilog=EXAMPLES,
        formatter_class=Wrapped,
    )
    add_version(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_commands(commands, COMMANDS, command, lambda module: import_module(f"agent.cli.{module}").add_to(commands))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        asked = build_parser(chosen(words)).parse_args(words)
        return int(asked.work(asked))
    except EyelidError as error:
        # The journal takes the priority of an error from the front of each line (agent/log.py).
        priority = "<3>" if in_journal() else ""
        for line in f"eyelid: {error}".splitlines():
            print(f"{priority}{line}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package in {"", "agent", "policies", "protocol", "store"}:
            raise  # a defect, and nothing that anybody could install
        print(
            f"eyelid: the Python package {package} is missing here: install Eyelid with all that it needs "
            "(scripts/setup in a checkout, or pip install 'eyelid[agent]')",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; Python would complain about it at exit
        return 1
