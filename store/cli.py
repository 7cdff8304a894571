"""The command line of the store: what can be asked of it, and how a mistake is told.

Exit codes: 0 done, 1 failed (for `verify`: something is wrong), 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from protocol.errors import ProtocolError
from store.blobs import BlobFault
from store.commands import alarms, audit, bundles, fleet, founding, replay, rules, serving, whole
from store.database import explained
from store.errors import StoreError

_EXAMPLE: Final = """\
a store in three commands:
  eyelid-store init --name store.example.com
  eyelid-store serve
  eyelid-store enroll-token            # paste what it prints into `eyelid enroll` on the PC

then, for whoever audits:
  eyelid-store recordings
  eyelid-store gaps
  eyelid-store verify 0193a1b2 --key recipient.key
  eyelid-store export 0193a1b2 --key recipient.key -o opened/
"""


def parser() -> ArgumentParser:
    top = ArgumentParser(
        prog="eyelid-store",
        description="Keeps sealed recordings and signed accounts of what was not recorded.",
        epilog=_EXAMPLE,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"eyelid-store {version('eyelid')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (founding, serving, fleet, bundles, audit, replay, whole, alarms, rules):
        module.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        with explained("the store's database"):
            code: int = options.run(options)
        sys.stdout.flush()
    except StoreError as error:
        return _fail(str(error), error.exit_code)
    except (ProtocolError, BlobFault) as error:
        return _fail(str(error), 1)
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return code


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"eyelid-store: {message}\n")
    return code
