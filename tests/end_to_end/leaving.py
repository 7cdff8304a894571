"""What a session that has ended leaves in its user's folder: sealed chunks and an account, none of it sent.

python -m tests.end_to_end.leaving HOME USER TOKEN CHUNKS     enrols first
python -m tests.end_to_end.leaving HOME USER "" CHUNKS        is enrolled, and what it leaves is of now
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent.desktop import current_clock
from agent.ledger import DiskLedger
from agent.seal import Provenance
from agent.spool import DiskSpool
from agent.state.identity import Identity, enrol, load
from testkit.fakes.clock import NEW_YEAR_2026
from tests.agent.recordings import media, new_sealer


def leave_behind(home: Path, user: str, token: str, chunks: int) -> str:
    """`chunks`: with the key packet. The id of the device that was enrolled for it."""
    who = enrol(token, home, current_clock(), host="pc-17", user="alice", system="test", agent_version="0.1.0")
    seal_behind(who, user, chunks, NEW_YEAR_2026)
    return who.device


def seal_behind(who: Identity, user: str, chunks: int, wall: int) -> None:
    home = who.home
    spool = DiskSpool(home / "spool", max_bytes=10**9, keep_free=0, alarm=_wrong)
    sealer = new_sealer(wall, Provenance(who.device, who.keys, "pc-17", user, "0.1.0"))
    for sealed in (sealer.packet(), *(sealer.seal(media(0, 4 * at, 2000)) for at in range(chunks - 1))):
        spool.put(sealed)
    ledger = DiskLedger(home / "ledger", current_clock(), device=who.device, keys=who.keys)
    ledger.write("start")
    ledger.write("stop", why="logoff")


def _wrong(code: str) -> None:
    raise AssertionError(code)


if __name__ == "__main__":
    home, user, token, chunks = sys.argv[1:]
    if token:
        print(leave_behind(Path(home), user, token, int(chunks)))
    else:
        seal_behind(load(Path(home)), user, int(chunks), current_clock().wall())
