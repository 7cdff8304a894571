"""A process that puts chunks into a spool, or takes them out, and says aloud what it was promised; others kill it.

python -m tests.agent.spool_child put|drain ROOT
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agent.errors import EyelidError, SpoolFull, Transient
from agent.ports import Sealed
from agent.spool import DiskSpool
from tests.agent.recordings import sealed_recording

CHUNKS = 3


def say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


def put(spool: DiskSpool, sealed: Sealed) -> None:
    for _ in range(2):
        try:
            spool.put(sealed)
        except (Transient, SpoolFull) as failure:
            say(type(failure).__name__, sealed.name)
        else:
            say("kept", sealed.name, sealed.sha256.hex())
            return


def main() -> None:
    task, root = sys.argv[1:]
    try:
        spool = DiskSpool(Path(root), max_bytes=10**9, keep_free=0, alarm=lambda code: say("alarm", code))
        say("open")
        if task == "put":
            for sealed in sealed_recording(CHUNKS):
                put(spool, sealed)
        else:
            for sealed in spool.pending():
                say("got", sealed.name, sealed.sha256.hex())
    except EyelidError as failure:
        say(type(failure).__name__)


if __name__ == "__main__":
    main()
