"""A ledger for the tests to open, and how an auditor and the store read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.ledger import DiskLedger
from protocol.ledger import Batch, walk
from testkit.fakes.clock import HandClock
from tests.agent.recordings import EVIDENCE, KEYS


def opened(folder: Path, clock: HandClock | None = None) -> DiskLedger:
    return DiskLedger(folder, clock or HandClock(), device="device-1", keys=KEYS)


def all_lines(folder: Path) -> list[bytes]:
    """What an auditor with a copy of the folder reads."""
    lines: list[bytes] = []
    for path in sorted(folder.glob("segment-*")):
        lines += path.read_bytes().rstrip(b"\0").splitlines()
    return lines


def entries(folder: Path) -> list[dict[str, Any]]:
    lines = all_lines(folder)
    assert walk(lines) == ()
    return [json.loads(line) for line in lines]


def batch_of(ledger: DiskLedger) -> Batch:
    token = ledger.due(at_once=True)
    assert token is not None
    return Batch.verify(token, EVIDENCE.public_key())


def store_takes(ledger: DiskLedger) -> Batch:
    batch = batch_of(ledger)
    ledger.confirmed(batch.last + 1, batch.head)
    return batch
