"""The recorder as it is shipped, which also says aloud what its spool has promised: what the bench of losses judges by.

    python -m bench.loss_agent TOLD

It is `eyelid run` with one class replaced by one of its own that appends a line to TOLD around each promise:

    putting NAME SHA256     `put` was called
    put NAME SHA256         it returned: durable
    receipt NAME            the store's signed receipt is believed, and the chunk may go
    aside NAME              it was set aside
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agent import sending
from agent.cli.main import main as eyelid
from agent.ports import Sealed
from agent.spool import DiskSpool


def listen(told: Path) -> type[DiskSpool]:
    """From now on every spool of this process says what it promises; the class of such spools."""
    # Appended in one piece and never flushed: a kill leaves it whole, and only this machine's own end could lose it.
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(*words: str) -> None:
        os.write(file, (" ".join(words) + "\n").encode("ascii"))

    class TellingSpool(DiskSpool):
        def put(self, sealed: Sealed) -> None:
            say("putting", sealed.name, sealed.sha256.hex())
            super().put(sealed)
            say("put", sealed.name, sealed.sha256.hex())

        def forget(self, name: str) -> None:
            say("receipt", name)
            super().forget(name)

        def set_aside(self, name: str, why: str) -> None:
            super().set_aside(name, why)
            say("aside", name)

    sending.DiskSpool = TellingSpool  # type: ignore[attr-defined]
    return TellingSpool


if __name__ == "__main__":
    listen(Path(sys.argv[1]))
    sys.exit(eyelid(["run"]))
