"""Accepts sealed bytes once: into the blobs, then into the catalog, and only then is the receipt signed.

Nothing here can open a chunk. What can be checked without a key is checked before a byte is written.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert
from sqlalchemy.exc import SQLAlchemyError

from protocol.api import AGENT_UNSUPPORTED, MAX_NAME
from protocol.envelope import KEY_PACKET_STREAM, MAGIC, Edition, Header, check_signature, check_span
from protocol.errors import EnvelopeError, SignatureError
from protocol.packet import KeyPacket
from protocol.receipt import Receipt
from store.catalog import erasure, inserting, interactions, queries, schema
from store.catalog.alarms import add_alarm
from store.catalog.blobs import BlobFault, BlobMissing, charged, sealed_name
from store.errors import Refusal
from store.server import room
from store.server.auth import revoked, unknown
from store.server.services import Services

TWO_BODIES: Final = "two-bodies"  # two different bodies came under one name: a lie, or a PC was restored
# Bodies of one name, and as many again if the device has signed them: an honest PC has one or two, and every further
# one makes the one writer read all before it.
MOST_BODIES: Final = 16


@dataclass(frozen=True, slots=True)
class Arrival:
    """Sealed bytes and the name they came under. `sender`: id of a device. `sha256`: hex, what the body should have."""

    sender: str
    recording: UUID
    stream: int
    sequence: int
    body: bytes
    sha256: str

    @property
    def blob(self) -> str:
        return sealed_name(self.recording, self.stream, self.sequence, self.sha256)

    @property
    def name(self) -> queries.Name:
        return (str(self.recording), self.stream, self.sequence)

    @property
    def pair(self) -> tuple[str, UUID]:
        return (self.sender, self.recording)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`receipt`: JWS. `alarm`: code of the alarm that this arrival raised, or ""."""

    receipt: str
    alarm: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """Bytes that are durable and go into the catalog. `facts`: of their header, as columns; none for a key packet.

    `reserved`: bytes that its device's quota was charged with."""

    arrival: Arrival
    packet: KeyPacket | None
    facts: dict[str, object]
    at: int
    reserved: int


class _Entered(NamedTuple):
    """`at`: when these bytes were first received. `alarm`: code of the one that they raise, or "". `new`: a row was.
    `erased`: so was their recording, and they are destroyed."""

    at: int
    alarm: str
    new: bool
    erased: bool = False


async def accept(services: Services, arrival: Arrival) -> Accepted:
    """The receipt, once bytes and row are durable; the same one again for the same bytes.

    Other bytes under a name that is taken are kept too, with a receipt of their own and an alarm. Those of a recording
    that was erased are destroyed, and get a receipt: it lets the PC forget its copy, as it should, and go on.
    Refusals: 400 with the protocol's code, wrong-digest or misplaced; 403 foreign-recording, unknown-device,
    device-revoked; 409 no-key-packet; 426 agent-unsupported, unknown-critical; 503, 507.
    """
    loop = asyncio.get_running_loop()
    recorded: asyncio.Future[_Entered] = loop.create_future()

    def tell(done: Future[_Entered]) -> None:
        failure = done.exception()
        if recorded.done():
            return  # the request was given up; what it brought is kept all the same
        if failure is None:
            recorded.set_result(done.result())
        else:
            recorded.set_exception(failure)

    def come(done: Future[_Entered]) -> None:
        loop.call_soon_threadsafe(tell, done)

    services.io_pool.submit(_keep_and_record, services, arrival, come)
    entered = await recorded
    receipt = Receipt(
        arrival.recording, arrival.stream, arrival.sequence, arrival.sha256, at=entered.at, device=arrival.sender
    )
    return Accepted(receipt.sign(services.store_key), entered.alarm)


def _keep_and_record(services: Services, arrival: Arrival, on_done: Callable[[Future[_Entered]], None]) -> None:
    """In a thread, which does not wait for the commit: `on_done` gets the end of it, from whatever thread has it."""
    try:
        entry = _keep(services, arrival)
    except Exception as failure:  # noqa: BLE001 - it is the request's, and this thread's next work must not know it
        failed: Future[_Entered] = Future()
        failed.set_exception(failure)
        on_done(failed)
    else:
        services.writer.submit_to(_record, entry).add_done_callback(
            lambda done: _recorded(services, entry, done, on_done)
        )


def _recorded(
    services: Services, entry: _Entry, done: Future[_Entered], on_done: Callable[[Future[_Entered]], None]
) -> None:
    if entry.reserved and (done.exception() is not None or not done.result().new):
        services.quotas.give_back(entry.arrival.sender, entry.reserved)
    if isinstance(done.exception(), Refusal):
        services.open_recordings.forget(entry.arrival.pair)
        _take_back(services, entry.arrival)
    elif done.exception() is None and done.result().erased:
        services.open_recordings.forget(entry.arrival.pair)
        try:
            services.blobs.shred(entry.arrival.blob)
        except BlobFault as fault:  # no receipt: it comes again, and is destroyed then
            done = Future()
            done.set_exception(_unwritten(fault))
    on_done(done)


def _take_back(services: Services, arrival: Arrival) -> None:
    """Bytes that were written and then refused a row. No later request can earn it: a device is not enrolled again."""
    with suppress(BlobFault, SQLAlchemyError):  # it lies there for nothing, and does no harm
        with services.database.reading() as connection:
            if arrival.sha256 in queries.bodies(connection, [arrival.name]).get(arrival.name, {}):
                return  # a row that was earned before
        services.blobs.remove(arrival.blob)


def _keep(services: Services, arrival: Arrival) -> _Entry:
    """Checks, and makes the bytes durable. In a thread: hashes, asks the catalog and waits for the disk."""
    if hashlib.sha256(arrival.body).hexdigest() != arrival.sha256:
        raise Refusal(400, "wrong-digest", "the body is not the one that its Content-Digest names: send it again")
    _refuse_newer(arrival)
    erased = False
    if arrival.stream == KEY_PACKET_STREAM:
        owner, erased = _owner(services, arrival)
        packet, facts = _check_packet(services, arrival, opens=owner is None), {}
    else:
        owner = arrival.sender
        if arrival.pair not in services.open_recordings:
            owner, erased = _owner(services, arrival)
        packet, facts = None, _header_facts(arrival)
        if owner is None:
            raise _not_open(arrival.recording)
    if owner not in (None, arrival.sender):
        raise _foreign(arrival.recording)
    if packet is None and not erased:
        services.open_recordings.add(arrival.pair)
    reserved = 0 if erased or _is_kept(services, arrival) else _put(services, arrival)
    return _Entry(arrival, packet, facts, services.clock(), reserved)


def _put(services: Services, arrival: Arrival) -> int:
    """Makes the bytes durable where there is room for them; how many its device's quota was charged with."""
    size = charged(len(arrival.body))
    with services.room.writing(size):
        _reserve(services, arrival.sender, size)
        try:
            services.blobs.put(arrival.blob, arrival.body)
        except BlobFault as fault:
            services.quotas.give_back(arrival.sender, size)
            raise _unwritten(fault) from fault
    return size


def _unwritten(fault: BlobFault) -> Refusal:
    status, code = (507, "store-full") if fault.full else (503, "store-fault")
    return Refusal(status, code, "the store could not write it: send it again later", retry_after=60)


def _reserve(services: Services, sender: str, size: int) -> None:
    try:
        services.quotas.reserve(sender, size)
    except Refusal:
        if services.quotas.is_news(sender):
            services.writer.submit(partial(room.raise_alarm, device=sender, now=services.clock()))
        raise


def _owner(services: Services, arrival: Arrival) -> tuple[str | None, bool]:
    """Whose recording it is, None where it was not opened; and whether it was erased."""
    with services.database.reading() as connection:
        enrolled = queries.enrolled(connection, arrival.sender, arrival.recording)
    if enrolled is None:
        raise unknown()
    if enrolled.revoked:
        raise revoked()
    return enrolled.owner, enrolled.erased


def _refuse_newer(arrival: Arrival) -> None:
    """426 for an envelope of a later version: unlike a 400, it makes the agent keep everything until this is mended."""
    magic, version = arrival.body[: len(MAGIC)], arrival.body[len(MAGIC) : len(MAGIC) + 1].decode("latin-1")
    if arrival.stream != KEY_PACKET_STREAM and magic == MAGIC and str(int(max(Edition))) < version <= "9":
        raise Refusal(
            426, AGENT_UNSUPPORTED, f"the agent seals in version {version} of the envelope: upgrade the store first"
        )


def _header_facts(arrival: Arrival) -> dict[str, object]:
    header = Header.parse(arrival.body)
    if (header.recording, header.stream, header.sequence) != (arrival.recording, arrival.stream, arrival.sequence):
        raise Refusal(400, "misplaced", "the sealed chunk says another recording, stream or sequence than its path")
    check_span(header.start, header.end)
    return {
        "kind": int(header.kind),
        "flags": int(header.flags),
        "start": header.start,
        "end": header.end,
        "previous": header.previous.hex(),
    }


def _check_packet(services: Services, arrival: Arrival, *, opens: bool) -> KeyPacket:
    """`opens`: whether its recording is not open yet."""
    if arrival.sequence != 0:
        raise Refusal(400, "misplaced", f"stream {KEY_PACKET_STREAM} holds the key packet alone, at sequence 0")
    with services.database.reading() as connection:
        device = queries.find_device(connection, schema.devices.c.id == arrival.sender)
        taken = opens and interactions.taken(connection, [str(arrival.recording)])
    if device is None:
        raise unknown()
    if taken:
        raise _foreign(arrival.recording)
    try:
        packet = KeyPacket.verify(arrival.body.decode("ascii"), device.evidence_key)
    except UnicodeDecodeError:
        raise SignatureError("malformed", "key packet: not a compact JWS") from None
    if packet.recording != arrival.recording:
        raise Refusal(400, "misplaced", "the key packet says another recording than its path")
    for name, text in (("host", packet.host), ("os_user", packet.os_user)):
        if len(text) > MAX_NAME or "\0" in text:
            message = f"the key packet's `{name}` has more than {MAX_NAME} characters, or a zero byte"
            raise Refusal(400, "bad-field", message)
    if packet.device != device.id:
        raise Refusal(403, "foreign-recording", "the key packet names another device than the one that sends it")
    return packet


def _foreign(recording: UUID) -> Refusal:
    return Refusal(403, "foreign-recording", f"recording {recording} belongs to another device, or is an interaction")


def _not_open(recording: UUID) -> Refusal:
    return Refusal(409, "no-key-packet", f"recording {recording} is not open: send its key packet first")


def _is_kept(services: Services, arrival: Arrival) -> bool:
    """Whether these very bytes have a receipt already and lie whole where they should.

    The blobs are asked first: nearly always there is none, and that costs little.
    """
    try:
        if services.blobs.get(arrival.blob) != arrival.body:
            return False  # damaged, and written anew
    except (BlobMissing, BlobFault):
        return False
    with services.database.reading() as connection:
        return arrival.sha256 in queries.bodies(connection, [arrival.name]).get(arrival.name, {})


def _record(connection: Connection, entries: Sequence[_Entry]) -> list[_Entered | Exception]:
    """What each came to.

    A refusal is returned, since what it concerns must leave nothing here. All is asked once more: a device may have
    been revoked since, or another have opened the same recording.
    """
    erased = erasure.among(connection, {str(entry.arrival.recording) for entry in entries})
    packets = [
        (entry, entry.packet)
        for entry in entries
        if entry.packet is not None and str(entry.arrival.recording) not in erased
    ]
    turned_away = queries.revoked_of(connection, {entry.arrival.sender for entry, _ in packets}) if packets else set()
    taken = interactions.taken(connection, {str(entry.arrival.recording) for entry, _ in packets}) if packets else set()
    for entry, packet in packets:
        if entry.arrival.sender not in turned_away and str(entry.arrival.recording) not in taken:
            _open(connection, entry, packet)
    owners = queries.owners(connection, {entry.arrival.recording for entry in entries})
    bodies = queries.bodies(connection, {entry.arrival.name for entry in entries})
    outcomes: list[_Entered | Exception] = []
    rows: list[dict[str, object]] = []
    added: list[tuple[str, int]] = []
    for entry in entries:
        arrival = entry.arrival
        if arrival.sender in turned_away:
            outcomes.append(revoked())
        elif erased.get(str(arrival.recording)) == arrival.sender:
            outcomes.append(_Entered(entry.at, "", new=False, erased=True))
        elif refusal := _refusal(arrival, *owners.get(arrival.recording, (None, False))):
            outcomes.append(refusal)
        else:
            entered = _enter(connection, entry, bodies.setdefault(arrival.name, {}))
            outcomes.append(entered)
            if isinstance(entered, _Entered) and entered.new:
                rows.append(_row(entry))
                added.append((arrival.sender, charged(len(arrival.body))))
    for kind in (False, True):  # the columns of a statement are those of its first row, and key packets have fewer
        if alike := [row for row in rows if ("kind" in row) is kind]:
            connection.execute(insert(schema.sealed), alike)
    if entries:
        room.keep(connection, added, entries[-1].at)
    return outcomes


def _refusal(arrival: Arrival, owner: str | None, is_revoked: bool) -> Refusal | None:
    if owner is None:
        return _not_open(arrival.recording)
    if owner != arrival.sender:
        return _foreign(arrival.recording)
    return revoked() if is_revoked else None


def _is_one_too_many(connection: Connection, entry: _Entry, here: Mapping[str, int]) -> bool:
    """Who has a PC's token alone may not fill a name before the PC's own body comes: what it signed has more room."""
    if entry.arrival.sha256 in here or len(here) < MOST_BODIES:
        return False
    return len(here) >= 2 * MOST_BODIES or not (entry.packet is not None or _is_signed(connection, entry.arrival))


def _is_signed(connection: Connection, arrival: Arrival) -> bool:
    device = queries.find_device(connection, schema.devices.c.id == arrival.sender)
    try:
        if device is not None:
            check_signature(arrival.body, device.evidence_key)
    except EnvelopeError:
        return False
    return device is not None


def _enter(connection: Connection, entry: _Entry, here: dict[str, int]) -> _Entered | Refusal:
    """`here`: the bodies of its name, SHA-256 -> when it was first received; it is added to them."""
    if _is_one_too_many(connection, entry, here):
        # No 4xx: the sender of the true one keeps it.
        return Refusal(507, "too-many-bodies", "too many different bodies came under this name", retry_after=60)
    sha256 = entry.arrival.sha256
    new = sha256 not in here
    alarm = TWO_BODIES if new and here else ""
    if alarm:
        _raise_alarm(connection, entry, alarm)
    return _Entered(here.setdefault(sha256, entry.at), alarm, new)


def _open(connection: Connection, entry: _Entry, packet: KeyPacket) -> None:
    inserting.add_if_new(
        connection,
        schema.recordings,
        id=str(packet.recording),
        device=entry.arrival.sender,
        start=packet.start,
        host=packet.host,
        os_user=packet.os_user,
        policy=packet.policy,
        opened_at=entry.at,
    )


def _row(entry: _Entry) -> dict[str, object]:
    recording, stream, sequence = entry.arrival.name
    return {
        "recording": recording,
        "stream": stream,
        "sequence": sequence,
        "sha256": entry.arrival.sha256,
        "size": len(entry.arrival.body),
        "received_at": entry.at,
        **entry.facts,
    }


def _raise_alarm(connection: Connection, entry: _Entry, code: str) -> None:
    recording, stream, sequence = entry.arrival.name
    add_alarm(
        connection,
        entry.at,
        code,
        entry.arrival.sender,
        recording=recording,
        stream=stream,
        sequence=sequence,
        sha256=entry.arrival.sha256,
    )
