"""Accepts sealed bytes once: into the blobs, then into the catalog, and only then is the receipt signed.

Nothing here can open a chunk. What can be checked without a key is checked before a byte is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from protocol.api import AGENT_UNSUPPORTED
from protocol.claims import MAX_INTEGER
from protocol.envelope import KEY_PACKET_STREAM, MAGIC, Header
from protocol.errors import SignatureError
from protocol.packet import KeyPacket
from protocol.receipt import Receipt
from store import schema
from store.blobs import BlobFault, BlobMissing, sealed_name
from store.catalog import Device, add_alarm, add_if_new, find_recording
from store.depot import Depot
from store.errors import Refusal

TWO_BODIES: Final = "two-bodies"  # two different bodies came under one name: somebody lies, or a PC was restored


@dataclass(frozen=True, slots=True)
class Arrival:
    """Sealed bytes and the name they came under. `sha256`: hex, of `body`."""

    recording: UUID
    stream: int
    sequence: int
    body: bytes
    sha256: str

    @property
    def blob(self) -> str:
        return sealed_name(self.recording, self.stream, self.sequence, self.sha256)

    def row(self) -> dict[str, object]:
        return {
            "recording": str(self.recording),
            "stream": self.stream,
            "sequence": self.sequence,
            "sha256": self.sha256,
            "size": len(self.body),
        }


@dataclass(frozen=True, slots=True)
class Accepted:
    """`receipt`: JWS. `alarm`: code of the alarm that this arrival raised, or ""."""

    receipt: str
    alarm: str


def accept(depot: Depot, device: Device, arrival: Arrival) -> Accepted:
    """The receipt, once bytes and row are durable; the same one again for the same bytes.

    Other bytes under a name that is taken are kept too, with a receipt of their own and an alarm.
    Refusals: 400 with the protocol's code, or misplaced; 403 foreign-recording; 409 no-key-packet; 426
    agent-unsupported; 503, 507.
    """
    _refuse_newer(arrival)
    if arrival.stream == KEY_PACKET_STREAM:
        packet = _check_packet(device, arrival)
        header = None
    else:
        packet = None
        header = Header.parse(arrival.body)
        if (header.recording, header.stream, header.sequence) != (
            arrival.recording,
            arrival.stream,
            arrival.sequence,
        ):
            raise Refusal(400, "misplaced", "the sealed chunk says another recording, stream or sequence than its path")
        if header.end > MAX_INTEGER:
            raise Refusal(400, "bad-span", "the sealed chunk's span ends in hundreds of years")
    if not _is_kept(depot, arrival, device, opens=packet is not None):
        try:
            depot.blobs.put(arrival.blob, arrival.body)
        except BlobFault as fault:
            status, code = (507, "store-full") if fault.full else (503, "store-fault")
            raise Refusal(status, code, "the store could not write it: send it again later", retry_after=60) from fault

    receipt = Receipt(
        arrival.recording, arrival.stream, arrival.sequence, arrival.sha256, at=depot.clock(), device=device.id
    )
    received_at, alarm = depot.writer.write(lambda connection: _record(connection, arrival, receipt, packet, header))
    return Accepted(replace(receipt, at=received_at).sign(depot.store_key), alarm)


def _refuse_newer(arrival: Arrival) -> None:
    """426 for an envelope of a later version: unlike a 400, it makes the agent keep everything until this is mended."""
    magic = arrival.body[: len(MAGIC)]
    if arrival.stream != KEY_PACKET_STREAM and magic[:3] == MAGIC[:3] and MAGIC[3:] < magic[3:] <= b"9":
        version = magic[3:].decode("ascii")
        raise Refusal(
            426, AGENT_UNSUPPORTED, f"the agent seals in version {version} of the envelope: upgrade the store first"
        )


def _check_packet(device: Device, arrival: Arrival) -> KeyPacket:
    if arrival.sequence != 0:
        raise Refusal(400, "misplaced", f"stream {KEY_PACKET_STREAM} holds the key packet alone, at sequence 0")
    try:
        packet = KeyPacket.verify(arrival.body.decode("ascii"), device.evidence_key)
    except SignatureError as error:
        if error.code not in {"unknown-version", "unknown-suite"}:
            raise
        raise Refusal(426, AGENT_UNSUPPORTED, f"{error}: upgrade the store first") from None
    except UnicodeDecodeError:
        raise SignatureError("malformed", "key packet: not a compact JWS") from None
    if packet.recording != arrival.recording:
        raise Refusal(400, "misplaced", "the key packet says another recording than its path")
    if packet.device != device.id:
        raise Refusal(403, "foreign-recording", "the key packet names another device than the one that sends it")
    return packet


def _foreign(recording: UUID) -> Refusal:
    return Refusal(403, "foreign-recording", f"recording {recording} belongs to another device")


def _is_kept(depot: Depot, arrival: Arrival, device: Device, *, opens: bool) -> bool:
    """Whether these very bytes have a receipt already and lie whole where they should.

    Refuses what belongs to another device, and chunks of a recording that nobody has opened.
    """
    columns = schema.sealed.c
    with depot.database.reading() as connection:
        recording = find_recording(connection, arrival.recording)
        size = connection.scalar(select(columns.size).where(*_same_name(arrival), columns.sha256 == arrival.sha256))
    if recording is None and not opens:
        raise Refusal(409, "no-key-packet", f"recording {arrival.recording} is not open: send its key packet first")
    if recording is not None and recording.device != device.id:
        raise _foreign(arrival.recording)
    try:
        return size is not None and depot.blobs.size(arrival.blob) == size
    except (BlobMissing, BlobFault):
        return False  # written anew


def _same_name(arrival: Arrival) -> tuple[ColumnElement[bool], ...]:
    columns = schema.sealed.c
    return (
        columns.recording == str(arrival.recording),
        columns.stream == arrival.stream,
        columns.sequence == arrival.sequence,
    )


def _record(
    connection: Connection, arrival: Arrival, receipt: Receipt, packet: KeyPacket | None, header: Header | None
) -> tuple[int, str]:
    """(when these bytes were first received, ns since 1970; code of the alarm that they raise, or "")."""
    if packet is not None:
        add_if_new(
            connection,
            schema.recordings,
            id=str(packet.recording),
            device=receipt.device,
            start=packet.start,
            host=packet.host,
            os_user=packet.os_user,
            policy=packet.policy,
            opened_at=receipt.at,
        )
        known = find_recording(connection, packet.recording)
        if known is None or known.device != receipt.device:
            raise _foreign(packet.recording)
    facts: dict[str, object] = {}
    if header is not None:
        facts = {
            "kind": header.kind,
            "flags": header.flags,
            "start": header.start,
            "end": header.end,
            "previous": header.previous.hex(),
        }
    columns = schema.sealed.c
    new = add_if_new(connection, schema.sealed, **arrival.row(), received_at=receipt.at, **facts)
    bodies = connection.execute(select(columns.sha256, columns.received_at).where(*_same_name(arrival))).all()
    alarm = TWO_BODIES if new and len(bodies) > 1 else ""
    if alarm:
        add_alarm(
            connection,
            receipt.at,
            alarm,
            receipt.device,
            recording=str(arrival.recording),
            stream=arrival.stream,
            sequence=arrival.sequence,
            sha256=arrival.sha256,
        )
    return next(int(body.received_at) for body in bodies if body.sha256 == arrival.sha256), alarm
