"""The command line of the store: what can be asked of it, and how a mistake is told.

What the commands need is imported when one is asked for, so that a package that is missing is told in a line, too.

Exit codes: 0 done, 1 failed (for `verify`: something is wrong), 2 wrong usage.
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

_EXAMPLE: Final = """\
a store in three commands:
  eyelid-store init --name store.example.com
  eyelid-store serve
  eyelid-store enroll-token   # for `eyelid enroll` on the PC

then, for the auditor:
  eyelid-store recordings
  eyelid-store gaps
  eyelid-store verify 0193a1b2 --key recipient.key
  eyelid-store export 0193a1b2 --key recipient.key -o opened/
"""


# Module of store.commands -> the commands that it adds, each with its line in the help of the whole.
COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "init": {
        "init": "make a store: its folder, certificates, keys and first bundle",
        "keys": "list the store's keys and where their private halves lie",
    },
    "serving": {"serve": "run the store until it is told to stop (SIGINT, SIGTERM)"},
    "upgrade": {
        "upgrade": "bring a store of an earlier version to this one, whole or not at all; back it up first (any other "
        "command brings it up, too, and says nothing)",
    },
    "fleet": {
        "enroll-token": "print a token that lets PCs enrol",
        "devices": "list every PC, broken ones first: state, version, blind share, last receipt, alarms, what to do "
        "next",
        "revoke": "shut a PC out, at once and for good; what it sent stays",
    },
    "tokens": {
        "tokens": "list the enrolment tokens that still let PCs in, or withdraw one; the secret itself is kept nowhere",
    },
    "renew": {
        "renew": "a new signing key, certificate or authority for the store; PCs follow by themselves",
        "rename": "another name, address or port by which PCs reach the store; they follow while the old one still "
        "answers",
    },
    "bundles": {"bundle": "show, sign and take over who may read recordings and what the eye closes for"},
    "audit": {
        "recordings": "list recordings, newest first",
        "timeline": "show every second of a recording: kept, closed by which rule, held, blind",
        "papers": "print, signed, what the custodian wants to see of a recording before it opens it",
        "verify": "check a recording or everything: bytes, signatures, chains, gaps, heads, and with a key every tag",
        "export": "open a recording into a folder: one film of all, a playable file for each stream, and its timeline",
    },
    "replay": {
        "replay": "say what another policy would have done to a recording whose policy had its scenes kept "
        "(keep_scenes: true)",
    },
    "sweep": {
        "gaps": "show what is not here: missing chunks, unexplained time, silent PCs, and how much of each day was "
        "blind",
    },
    "alarms": {"alarms": "list the alarms, or acknowledge some with a reason that stays in the audit trail"},
    "acts": {"operators": "list who opened or listed recordings, and check that the log was not changed"},
    "rules": {
        "rules": "show what each rule of the policies in force has closed, and which have never closed anything",
    },
}


def parser(command: str | None = None) -> ArgumentParser:
    """With the module of this command, and a line for each other: all import for a second. None: with all.

    Raises ModuleNotFoundError where a package is missing that the command needs.
    """
    top = ArgumentParser(
        prog="eyelid-store",
        description="Keeps sealed recordings and signed accounts of what was not recorded.",
        epilog=_EXAMPLE,
        formatter_class=Wrapped,
    )
    add_version(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_commands(commands, COMMANDS, command, lambda module: import_module(f"store.commands.{module}").add(commands))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        return _run(arguments)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package in {"", "agent", "policies", "protocol", "store"}:
            raise  # a defect, and nothing that anybody could install
        return _fail(
            f"the Python package {package} is missing here: install Eyelid with all that it needs (scripts/setup in a "
            f"checkout, or pip install 'eyelid[store]')",
            1,
        )


def _run(arguments: Sequence[str] | None) -> int:
    words = _joined(sys.argv[1:] if arguments is None else arguments)
    options = parser(chosen(words)).parse_args(words)
    from protocol.errors import ProtocolError  # noqa: PLC0415 - --help needs none of them
    from store.catalog.blobs import BlobFault  # noqa: PLC0415
    from store.catalog.database import explained  # noqa: PLC0415
    from store.errors import StoreError  # noqa: PLC0415
    from store.files import is_full  # noqa: PLC0415

    try:
        with explained("the store's database"):
            code: int = options.run(options)
        sys.stdout.flush()
    except StoreError as error:
        return _fail(str(error), error.exit_code)
    except (ProtocolError, BlobFault) as error:
        return _fail(str(error), 1)
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as failure:
        if not is_full(failure):
            raise
        where = f" ({failure.filename})" if failure.filename else ""
        return _fail(f"the disk takes no more{where}: make room, of inodes too (`df -i`), and do it again", 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return code


OF_A_KEY: Final = ("--remove-reader", "--signer")  # options with a key's id


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--signer -aB3` as `--signer=-aB3`: one key id in 64 begins with a dash, which argparse takes for options."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1] in OF_A_KEY and re.match(r"-\w|--[\w-]{10}", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _fail(message: str, code: int) -> int:
    sys.stderr.write(error_line("eyelid-store", message))
    return code
