"""What the custodian wants to see of a recording, each signed by whom it is to come from (docs/custodian.md)."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from protocol.origin import Origin
from store.catalog.blobs import BlobStore
from store.catalog.queries import ledger_batch, ledger_lines, successors
from store.errors import StoreError
from store.evidence.evidence import Evidence
from store.evidence.opening import Unsound, read_body, read_packet


def papers(
    connection: Connection, evidence: Evidence, blobs: BlobStore, store_key: Ed25519PrivateKey
) -> dict[str, Any]:
    """Raises StoreError where it has no packet, or no end that its device signed."""
    which = f"recording {evidence.recording.id}"
    stored = evidence.chosen.packet
    own = str(evidence.recording.id)
    ends = (one for one in evidence.later_entries if one.kind == "heads" and one.fields.get("final") is True)
    closing = evidence.closing or next((one for one in ends if one.fields.get("recording") == own), None)
    if stored is None or closing is None:
        raise StoreError(f"{which} has no {'end that its device signed' if stored else 'key packet'} yet")
    try:
        packet = read_packet(blobs, stored, evidence.device)
    except Unsound as error:
        raise StoreError(f"{which}, key packet: {error} ({error.code})") from None
    row = next(iter(ledger_lines(connection, evidence.device.id, closing.seq, closing.seq)))
    batch = ledger_batch(connection, row.batch)
    if batch is None:
        raise StoreError(f"{which}: the batch that its device signed is gone from the catalog")
    origin = Origin(
        packet.recording, stored.sha256, packet.device, evidence.device.evidence_key, evidence.device.group,
        stored.received_at,
    )  # fmt: skip
    return {
        "origin": origin.sign(store_key),
        "packet": read_body(blobs, stored).decode("ascii"),
        "closing": batch[1],
        "successors": successors(connection),
    }
