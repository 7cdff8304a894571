"""A process that writes a ledger and says aloud which entries it was promised; others kill it.

python -m tests.agent.ledger_child FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agent.errors import EyelidError, Transient
from agent.ledger import DiskLedger
from testkit.fakes.clock import HandClock
from tests.agent.recordings import KEYS

ENTRIES = 3


def main() -> None:
    try:
        ledger = DiskLedger(Path(sys.argv[1]), HandClock(), device="device-1", keys=KEYS)
        os.write(1, b"open\n")
        for number in range(ENTRIES):
            try:
                ledger.write("hold", hold=f"reason-{number}")
            except Transient:
                os.write(1, b"Transient\n")
            else:
                os.write(1, b"kept %d %s\n" % (number, ledger.head()[1].encode()))
    except EyelidError as failure:
        os.write(1, f"{type(failure).__name__}\n".encode())


if __name__ == "__main__":
    main()
