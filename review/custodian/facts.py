"""What is known of a recording, each fact from whom it is to come: the store, its device, people, or the signed rules.

The papers come through the console, which is believed nothing. What no paper says yet is absent: there is no redacted
rendition; the rules refuse what needs it. What was drawn: review.samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from protocol import successor
from protocol.claims import Claims
from protocol.envelope import KEY_PACKET_STREAM, SOUND_STREAM, Edition
from protocol.errors import SignatureError
from protocol.keys import public_from_text, public_to_text
from protocol.ledger import Batch, parse_line
from protocol.numbers import read_number
from protocol.origin import Origin
from protocol.packet import KeyPacket
from review.governance.model import Channel, Consent, Governance, Recording
from review.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Facts:
    """`streams`: those that the device signed at the recording's end. `evidence`: the device's key."""

    packet: KeyPacket
    evidence: str
    recording: Recording
    streams: frozenset[int]


def establish(
    papers: Claims, recording: UUID, store_key: str, governance: Governance, consents: Mapping[Channel, Consent]
) -> Facts:
    """`papers`: origin (by the store), packet and closing (by the device), successors (of the store's key).
    `consents`: what people signed of it.

    Raises Refusal; ProtocolError, as the formats refuse what is not what it should be.
    """
    packet, origin, start = identify(papers, store_key)
    if packet.recording != recording:
        raise Refusal("other-recording", "the papers are of another recording than what was asked for")
    end, streams = _closing(Batch.verify(papers.text("closing"), origin.evidence_key), packet)
    channels = [Channel.VOICE] if SOUND_STREAM in streams else []
    channels += [Channel.SCREEN] if any(one < SOUND_STREAM for one in streams) else []
    known = Recording(
        person=governance.person_of(packet.os_user),
        group=origin.group,
        teams=governance.teams_of(origin.group, packet.os_user),
        start=start,
        end=max(start, end),
        consent={one: consents.get(one, Consent.MISSING) for one in channels},
    )
    return Facts(packet, public_to_text(origin.evidence_key), known, streams)


def identify(papers: Claims, store_key: str) -> tuple[KeyPacket, Origin, int]:
    """Its packet, where it is from, and its start; not whether it is over. Raises as `establish`."""
    stores = successor.trusted(public_from_text(store_key), papers.texts("successors"))
    origin = Origin.verify(papers.text("origin"), stores)
    written = papers.text("packet")
    packet = KeyPacket.verify(written, origin.evidence_key)
    if (packet.recording, packet.device) != (origin.recording, origin.device):
        raise Refusal("other-recording", "the papers are not all of one recording and device")
    if hashlib.sha256(written.encode()).hexdigest() != origin.packet:
        raise Refusal("other-packet", "the store did not receive this key packet for the recording")
    if packet.edition is Edition.FIRST:
        raise Refusal(
            "no-stream-keys", "an earlier agent sealed it with one key, of which no stream can be given alone"
        )
    return packet, origin, min(packet.start, origin.at)  # a PC whose clock is ahead does not make it younger


def _closing(batch: Batch, packet: KeyPacket) -> tuple[int, frozenset[int]]:
    """(wall clock, streams) of the entry that ended it: its closing, or after a death what the next start signed."""
    if batch.device != packet.device:
        raise Refusal("other-recording", "the account is another device's")
    for number, written in enumerate(batch.lines, batch.first):
        entry = parse_line(written, seq=number)
        ends = entry["kind"] == "recording-closed" or (entry["kind"] == "heads" and entry.get("final") is True)
        if ends and entry.get("recording") == str(packet.recording):
            names = Claims(entry, "ledger entry", SignatureError).object("heads").names()
            numbers = {read_number(name, KEY_PACKET_STREAM - 1) for name in names}
            return int(str(entry["wall"])), frozenset(one for one in numbers if one is not None)
    raise Refusal("not-closed", "its device has not signed its end yet: a recording that goes on is not opened")
