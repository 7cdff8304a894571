"""What the custodian wants to see of a recording, each signed by whom it is to come from (docs/custodian.md)."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from protocol.origin import Origin
from store.catalog.blobs import BlobStore
from store.catalog.queries import ledger_batch, ledger_lines
from store.catalog.statements import successors
from store.errors import StoreError
from store.evidence.evidence import Evidence
from store.evidence.opening import Unsound, read_body, read_packet


def papers(
    connection: Connection, evidence: Evidence, blobs: BlobStore, store_key: Ed25519PrivateKey
) -> dict[str, Any]:
    """Raises StoreError where it has no packet, or no end that its device signed."""
    which = f"recording {evidence.recording.id}"
    made = identity(connection, evidence, blobs, store_key)
    own = str(evidence.recording.id)
    ends = (one for one in evidence.later_entries if one.kind == "heads" and one.fields.get("final") is True)
    closing = evidence.closing or next((one for one in ends if one.fields.get("recording") == own), None)
    if closing is None:
        raise StoreError(f"{which} has no end that its device signed yet")
    row = next(iter(ledger_lines(connection, evidence.device.id, closing.seq, closing.seq)))
    batch = ledger_batch(connection, row.batch)
    if batch is None:
        raise StoreError(f"{which}: the batch that its device signed is gone from the catalog")
    return made | {"closing": batch[1]}


def identity(
    connection: Connection, evidence: Evidence, blobs: BlobStore, store_key: Ed25519PrivateKey
) -> dict[str, Any]:
    """Its packet and where it is from, whether it is over or not. Raises StoreError."""
    which, stored = f"recording {evidence.recording.id}", evidence.chosen.packet
    if stored is None:
        raise StoreError(f"{which} has no key packet yet")
    try:
        packet = read_packet(blobs, stored, evidence.device)
    except Unsound as error:
        raise StoreError(f"{which}, key packet: {error} ({error.code})") from None
    origin = Origin(
        packet.recording, stored.sha256, packet.device, evidence.device.evidence_key, evidence.device.group,
        stored.received_at,
    )  # fmt: skip
    return {
        "origin": origin.sign(store_key),
        "packet": read_body(blobs, stored).decode("ascii"),
        "successors": successors(connection),
    }
