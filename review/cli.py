"""The command line of the people's side: what can be asked of it, and how a mistake is told.

What the commands need is imported when one is asked for. Exit codes: 0 done, 1 failed (for `verify`: something is
wrong), 2 wrong usage.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from protocol.terminal import Wrapped, add_commands, add_version, chosen, error_line

# Module of review.commands -> the commands that it adds, each with its line in the help of the whole.
COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "governance": {"governance": "write, check, test and understand who may see what, and how long it is kept"},
    "categories": {"categories": "write, check and test what calls are about, as rules on what was said"},
    "audit": {"audit": "the log of what people did: read, verify, export, cosign"},
    "custodian": {"custodian": "the process that opens recordings: make, start and look after it"},
    "consent": {"consent": "consent to recordings, as people signed it at the custodian"},
    "samples": {"samples": "draw what may be listened to of a month, and check a draw"},
    "lifecycle": {
        "holds": "legal holds: what is under one is not erased",
        "due": "show what the rules delete, and when; --apply deletes what is due now",
        "erase": "erase recordings by request; without --apply show what would go, and what not",
        "restored": "let a store that was put back from a backup be served: erase again what came back",
        "certificate": "certificates of erasure",
    },
    "people": {"people": "who can sign in: list, invite, narrow, remove"},
    "interactions": {"interactions": "calls, chats and mails: bring in, find, give out"},
    "playing": {"open": "play a recording in a browser of this machine, which checks and decrypts it itself"},
    "player": {"player": "the player's page for browsers of others"},
    "case": {"case": "spans of recordings as one sealed folder, which opens without a server"},
    "report": {"report": "make the signed report of a period, or check one"},
    "analyse": {"analyse": "analyse recordings, as far as the signed rules allow it; how far that is"},
    "up": {"up": "serve the console until it is told to stop; prints a link for the first person"},
}
_LONG: Final = re.compile(r"--[a-z-]+")
_KEY_ID: Final = re.compile(r"-[A-Za-z0-9_-]{42}")


def parser(command: str | None = None) -> ArgumentParser:
    """With the module of this command, and a line for each other: all import for a second. None: with all."""
    top = ArgumentParser(
        prog="eyelid-review",
        description="Who may see recordings, how long they are kept, and who did what.",
        formatter_class=Wrapped,
    )
    add_version(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_commands(commands, COMMANDS, command, lambda module: import_module(f"review.commands.{module}").add(commands))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    from protocol.errors import ProtocolError  # noqa: PLC0415 - a package that is missing is told in a line, too
    from store.errors import StoreError  # noqa: PLC0415

    words = _joined(sys.argv[1:] if arguments is None else arguments)
    options = parser(chosen(words)).parse_args(words)
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
