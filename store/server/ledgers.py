"""Accepts the devices' ledgers: each continues where the store has it, or repeats it to the byte.

A device that signs two accounts of the same time has lied once; both are kept, and an alarm says so.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import Connection, insert

from protocol.api import LedgerResponse
from protocol.claims import is_uuid
from protocol.errors import LedgerError
from protocol.ledger import ZERO, Batch, line_hash, parse_line
from store.catalog import reported, schema
from store.catalog.alarms import add_alarm, add_alarms
from store.catalog.inserting import add_if_new
from store.catalog.queries import Device, LedgerHead, ledger_hashes, ledger_head
from store.errors import Refusal
from store.server import entries
from store.server.services import Services

# What a PC says of its policy that a person must look at; the entry itself has the rules. One that refuses its bundle
# goes on under the last it took: what compliance has changed since does not count there.
POLICY_ALARMS: Final = frozenset({
    "rule-vanished", "rule-disarmed", "rule-closes-too-long", "rule-flaps", "rule-closes-most-of-the-day",
    "rule-never-matched", "bundle-refused",
})  # fmt: skip


def accept(services: Services, device: Device, token: str) -> LedgerResponse:
    """Where the device goes on, once its lines are durable.

    Refusals: 400 with the protocol's code; 403 foreign-device; 409 ledger-gap, ledger-fork, both with next and head;
    507.
    """
    batch = Batch.verify(token, device.evidence_key)
    if batch.device != device.id:
        raise Refusal(403, "foreign-device", "the batch names another device than the one that sends it")
    services.room.check(account=True)
    services.quotas.take_account(device.id, len(token))
    read = [_row(batch, seq, written) for seq, written in enumerate(batch.lines, batch.first)]
    now = services.clock()
    outcome, head = services.writer.write(lambda connection: _append(connection, batch, token, read, now))
    if outcome == "gap":
        message = f"the store has entries up to {head.next - 1}: send those from {head.next} on"
    elif outcome == "fork":
        message = "the batch contradicts what this device signed before; both are kept, and an alarm was raised"
    else:
        return {"next": head.next, "head": head.head}
    raise Refusal(409, f"ledger-{outcome}", message, extra={"next": head.next, "head": head.head})


def _row(batch: Batch, seq: int, written: bytes) -> tuple[dict[str, object], str | None]:
    """The row of an entry, and the code of the alarm that it raises."""
    entry = parse_line(written, seq=seq)
    entries.check(entry, seq)
    kind, recording = str(entry["kind"]), entry.get("recording")
    if recording is not None and not is_uuid(recording):
        raise LedgerError("bad-line", f"ledger entry {seq}: `recording` is no UUID", seq=seq)
    row: dict[str, object] = {
        "device": batch.device,
        "seq": seq,
        "hash": line_hash(written),
        "kind": kind,
        "recording": recording,
        "line": written.decode("utf-8"),
    }
    code = entry.get("what") if kind == "alarm" else None
    return row, code if isinstance(code, str) and code in POLICY_ALARMS else None


def _append(
    connection: Connection, batch: Batch, token: str, read: list[tuple[dict[str, object], str | None]], now: int
) -> tuple[str, LedgerHead]:
    """("continued", "gap" or "fork", where the ledger stands now). A fork is returned and not raised: it is kept.

    In a number of statements that a batch of a thousand alarms does not raise: the one writer serves every other PC
    meanwhile.
    """
    rows = [row for row, _ in read]
    head = ledger_head(connection, batch.device)
    if batch.first > head.next:
        return "gap", head
    known = ledger_hashes(connection, batch.device, batch.first - 1, batch.last)
    repeats = [row for row in rows if row["seq"] in known]
    before = known[batch.first - 1] if batch.first else ZERO
    agrees = batch.prev == before and all(row["hash"] == known[int(str(row["seq"]))] for row in repeats)
    fresh = rows[len(repeats) :]
    sha256 = hashlib.sha256(token.encode("ascii")).hexdigest()
    if agrees and not fresh:
        return "continued", head
    kept = {
        "device": batch.device,
        "first": batch.first,
        "last": batch.last,
        "sha256": sha256,
        "received_at": now,
        "accepted": agrees,
        "token": token,
    }
    if not agrees:
        if add_if_new_batch(connection, kept):
            add_alarm(connection, now, "ledger-fork", batch.device, sequence=batch.first, sha256=sha256)
        return "fork", head
    number = connection.execute(
        insert(schema.ledger_batches).values(**kept).returning(schema.ledger_batches.c.id)
    ).scalar_one()
    connection.execute(insert(schema.ledger_lines), [{**row, "batch": number} for row in fresh])
    raised: dict[str, list[dict[str, object]]] = {}
    for row, code in read[len(repeats) :]:
        if code is not None:
            raised.setdefault(code, []).append({"sequence": row["seq"], "sha256": row["hash"]})
    for code, several in raised.items():
        add_alarms(connection, now, code, batch.device, several)
    reported.settle_entries(connection, batch.device, now)
    return "continued", LedgerHead(batch.last + 1, batch.head)


def add_if_new_batch(connection: Connection, kept: dict[str, object]) -> bool:
    return add_if_new(connection, schema.ledger_batches, **kept)
