"""When a recording ended: by the store's clock, and not before what its device signed.

Periods count from it. The store's rows say when bytes came, and who owns the database can write others there; the key
packet and the account are signed by the device, whose clock may be wrong. The later counts: neither alone can make a
recording die sooner. Where nothing signed says when it was, it goes on ending now.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.packet import KeyPacket
from review.governance.times import DAY, day_of
from store.catalog.blobs import BlobStore, packets_of
from store.evidence.evidence import Evidence

# A PC's clock may be wrong by so much, and its recording is a day older or younger.
_APART: Final = DAY


class End(NamedTuple):
    """`at`: ns. `unsure`: why it may have been another; "" where nothing speaks against it. `since`: ns, no part of it
    is older, by a clock that is wrong by less than a day; 0 where nothing says so.
    """

    at: int
    unsure: str
    since: int = 0


def ended_at(
    evidence: Evidence, packet: KeyPacket | None, blobs: BlobStore, *, length: int, signed: bool, now: int
) -> End:
    """`packet`: as its device signed it; None where it is not here or not sound. `length`: ns, by signatures alone.
    `signed`: whether the account is; else start and length say what is the least.
    """
    received = max((one.received_at for one in evidence.stored), default=now)
    moments = [] if packet is None else [packet.start] if signed else [packet.start, packet.start + length]
    # A packet that is not sound, or lies there though no row names it, is no reason to believe the account alone.
    if signed and (packet is not None or not (evidence.chosen.packet or _has_packet(evidence, blobs))):
        moments += [wall for entry in evidence.entries if (wall := entry.time("wall")) is not None]
    if not moments:
        return End(max(received, now), "nothing that its device signed says when it was")
    return end_of(received, min(moments), max(moments), length)


def end_of(received: int, first: int, last: int, length: int) -> End:
    """Of what came at `received`; `first`, `last`: times that were signed. All in ns."""
    if last <= received + _APART:
        return End(max(received, last), "", max(0, min(first, received - length)))
    # By how much that clock is wrong nothing says, nor how long it waited on the PC.
    return End(
        last, f"its own clock says that it ended on {day_of(last)}, and the store's that it came by {day_of(received)}"
    )


def _has_packet(evidence: Evidence, blobs: BlobStore) -> bool:
    return next(iter(blobs.names(packets_of(evidence.recording.id))), None) is not None
