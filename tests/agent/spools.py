"""A spool on a disk for the tests to open and to fill, and why it has set something aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.ports import Sealed
from agent.spool import DiskSpool
from tests.agent.recordings import sealed_recording

ROOM = 10**9


def opened(root: Path, alarms: list[str] | None = None, *, max_bytes: int = ROOM, keep_free: int = 0) -> DiskSpool:
    tell = pytest.fail if alarms is None else alarms.append
    return DiskSpool(root, max_bytes=max_bytes, keep_free=keep_free, alarm=tell)


def filled(root: Path, chunks: int = 4) -> list[Sealed]:
    spool = opened(root)
    put = list(sealed_recording(chunks))
    for sealed in put:
        spool.put(sealed)
    return put


def reasons(root: Path) -> list[str]:
    return sorted(path.read_text() for path in (root / "set_aside").glob("*.why"))
