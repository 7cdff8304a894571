"""A small log and what may stand in it, for the tests of the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from review.audit import journal
from review.audit.entries import ReadingKey
from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.audit.notes import Signer
from review.audit.tree import WIDTH

ORIGIN = "review.example.com/audit"
RAW = bytes(range(32))
PRIVATE = Ed25519PrivateKey.from_private_bytes(RAW)
SIGNER = Signer.of(ORIGIN, PRIVATE)
KEY = ReadingKey(RAW)
DAY = 86_400 * 10**9  # ns
START = 1_800_000_000 * 10**9


class Clock:
    """ns; goes on by a second at each look."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += 10**9
        return self.now


def opening(number: int = 0, **changed: Any) -> Act:
    facts: dict[str, Any] = {"purpose": "complaint", "rule": "supervisor", "rendition": "redacted"}
    values: dict[str, Any] = {
        "kind": "open",
        "who": "ann@example.com",
        "origin": "10.0.0.7",
        "resource": [f"0193a1b2-{number}"],
        "facts": facts,
    }
    return Act(**values | changed)


def new_log(folder: Path, clock: Clock | None = None) -> AuditLog:
    AuditLog.create(folder, SIGNER)
    return AuditLog(folder, SIGNER, KEY, clock=clock or Clock())


def unsay(folder: Path, position: int) -> None:
    """What who has the folder and no key can do: the entry says nothing now, and is as whole as before."""
    path = journal.block_path(folder, position // WIDTH)
    made, at = b"", position // WIDTH * WIDTH
    for one in journal.records(path.read_bytes()):
        raw, rest = one.raw, one.rest
        if one.kind == journal.ENTRY:
            if at == position:
                raw, rest = b"\x02" + one.raw[1:9] + b'{"kind":"mended","bytes":0}', b""
            made += journal.entry_record(raw, rest)
            at += 1
        else:
            made += journal.signed_record(raw)
    path.write_bytes(made)


def overwrite(folder: Path, position: int) -> None:
    """As a shredding does it, but that the log does not say so."""
    path = journal.block_path(folder, position // WIDTH)
    content = path.read_bytes()
    [one] = [one for at, one in enumerate(_entries(content), position // WIDTH * WIDTH) if at == position]
    path.write_bytes(content[: one.rest_at] + bytes(len(one.rest)) + content[one.end :])


def _entries(content: bytes) -> list[journal.Record]:
    return [one for one in journal.records(content) if one.kind == journal.ENTRY]
