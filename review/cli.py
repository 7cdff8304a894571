"""The command line of the people's side: what can be asked of it, and how a mistake is told.

What the commands need is imported when one is asked for. Exit codes: 0 done, 1 failed (for `verify`: something is
wrong), 2 wrong usage.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

from protocol.terminal import Wrapped, error_line

# Module of review.commands -> the commands that it adds.
COMMANDS: Final = {
    "governance": ("governance",),
    "audit": ("audit",),
    "custodian": ("custodian",),
    "consent": ("consent",),
    "samples": ("samples",),
    "lifecycle": ("holds", "due", "erase", "restored", "certificate"),
    "people": ("people",),
    "interactions": ("interactions",),
    "player": ("open", "player"),
    "case": ("case",),
    "report": ("report",),
    "up": ("up",),
}
_LONG: Final = re.compile(r"--[a-z-]+")
_KEY_ID: Final = re.compile(r"-[A-Za-z0-9_-]{42}")


def parser(command: str = "") -> ArgumentParser:
    """With the module of this command alone, as importing all takes its time; else with every command."""
    top = ArgumentParser(
        prog="eyelid-review",
        description="Who may see recordings, how long they are kept, and who did what.",
        formatter_class=Wrapped,
    )
    top.add_argument("--version", action="version", version=f"eyelid-review {version('eyelid')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in [name for name, added in COMMANDS.items() if command in added] or COMMANDS:
        import_module(f"review.commands.{module}").add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    from protocol.errors import ProtocolError  # noqa: PLC0415 - a package that is missing is told in a line, too
    from store.errors import StoreError  # noqa: PLC0415

    words = _joined(sys.argv[1:] if arguments is None else arguments)
    options = parser(next(iter(words), "")).parse_args(words)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except StoreError as error:
        return _fail(str(error), error.exit_code)
    except ProtocolError as error:
        return _fail(str(error), 1)
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return code


def _joined(words: Sequence[str]) -> list[str]:
    """One key id in 64 begins with a hyphen: behind an option it is that option's, and none of its own."""
    joined: list[str] = []
    for one in words:
        if joined and _LONG.fullmatch(joined[-1]) and _KEY_ID.fullmatch(one):
            joined[-1] += f"={one}"
        else:
            joined.append(one)
    return joined


def _fail(message: str, code: int) -> int:
    sys.stderr.write(error_line("eyelid-review", message))
    return code
