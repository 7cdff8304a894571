"""How a recording is erased: its key packet first, everywhere, then what that opened. The decision is signed elsewhere.

Each step is durable before the next begins, and can be done again: a process that is killed in between is followed by
one that goes on from the step that stands in the catalog.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import ColumnElement, Connection, case, delete, insert, select, update

from protocol import jws
from protocol.claims import Claims
from protocol.envelope import KEY_PACKET_STREAM, MAGIC
from protocol.erasure import Erasure, hash_of
from protocol.errors import KeyProblem, ProtocolError, SignatureError
from protocol.keys import public_from_text, public_to_text, thumbprint
from store.catalog import inserting, interactions, queries, schema
from store.catalog.blobs import BlobStore, charged, folder_of, is_sealed, packets_of
from store.catalog.database import Database
from store.errors import StoreError

_PAGE: Final = 500
_CHUNKS_RECORDING: Final = slice(8, 24)  # bytes of a chunk's header
_PACKETS_RECORDING: Final = re.compile(rb'"recording" ?: ?"([0-9a-f-]{36})"')


class Step(StrEnum):
    """The last that was done."""

    ORDERED = "ordered"  # nothing more is taken of it
    SHREDDED = "shredded"  # its key packet is gone, here and in every replica
    REMOVED = "removed"  # and so is what that opened
    ERASED = "erased"  # and the certificate is here


class OnHoldError(StoreError):
    """What is under a legal hold is not erased."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there was to destroy. `packets`: SHA-256 (hex) of each.

    `absent`: places that lacked one of them before any was shredded; None until that was looked for. `again`: by a log
    that was followed anew it was destroyed before.
    """

    packets: tuple[str, ...]
    objects: int
    bytes: int
    absent: tuple[str, ...] | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """`order`, `certificate`: what was signed; None where nothing was, or by another key, or about something else.

    `found`: None where it is not signed, or another's. `step`, `shredded_at`: they are not signed, and no erasure is
    carried out or certified by them.
    """

    recording: str
    device: str
    step: str
    position: int
    found: Found | None
    order: Erasure | None
    certificate: Erasure | None
    signer: str
    token: str  # the certificate, as it was signed

    @property
    def explained(self) -> bool:
        return self.order is not None and (self.certificate is not None) == (self.step == Step.ERASED)

    @property
    def certificate_hash(self) -> str:
        return hash_of(self.token) if self.token else ""

    @property
    def day(self) -> str | None:
        """On which it was destroyed, as the certificate says."""
        if self.certificate is None or self.certificate.destroyed is None:
            return None
        return _day(self.certificate.destroyed.at)

    def __str__(self) -> str:
        """For a person, after the recording's id."""
        if self.order is None or not self.explained:
            return "GONE, AND NOTHING SIGNED SAYS WHY"
        why = f"class {self.order.rule}" if self.order.basis == "period" else f"request {self.order.reference}"
        if self.certificate is None:
            now: dict[str, str] = {Step.ORDERED: "its key is not destroyed yet", Step.SHREDDED: "its key is destroyed"}
            left = now.get(self.step, "its certificate is not written yet")
            return f"being erased since {_day(self.order.at)}, {why}: {left}"
        return f"erased on {self.day}, {why}, certificate {self.certificate_hash}"

    def facts(self) -> dict[str, object]:
        order = self.order
        said: dict[str, object] = {"step": self.step, "explained": self.explained, "signer": self.signer}
        if order is not None:
            said |= {"basis": order.basis, "class": order.rule, "request": order.reference, "position": order.position}
        return said | {"on": self.day, "certificate": self.certificate_hash or None}


def _day(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).date().isoformat()


# -- the log that decides -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decider:
    """The audit log whose orders count, and its first entry that was not followed yet. `decided`: signed by its key."""

    log: str
    key: str
    applied: int
    generation: str
    decided: str

    @property
    def public(self) -> Ed25519PublicKey | None:
        try:
            return public_from_text(self.key)
        except KeyProblem:
            return None


def decider(connection: Connection) -> Decider | None:
    row = connection.execute(select(schema.lifecycle)).first()
    return None if row is None else Decider(row.log, row.key, row.applied, row.generation, row.decided)


def appoint(connection: Connection, log: str, key: Ed25519PublicKey, applied: int, decided: str = "") -> str:
    """From now on this log decides. Returns the new generation, for the file beside the database."""
    generation = secrets.token_hex(32)
    connection.execute(delete(schema.lifecycle))
    values = {"log": log, "key": public_to_text(key), "applied": applied, "generation": generation}
    values["decided"] = decided
    connection.execute(insert(schema.lifecycle).values(**values))
    return generation


def follow(connection: Connection, applied: int, decided: str) -> None:
    connection.execute(update(schema.lifecycle).values(applied=applied, decided=decided))


def forget_decisions(connection: Connection) -> None:
    """What people decided: for who then follows the log again, from its beginning."""
    connection.execute(delete(schema.holds))
    connection.execute(delete(schema.erasure_requests))


# -- holds --------------------------------------------------------------------------------------------------------


def _active(*also: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return (schema.holds.c.released_at.is_(None), *also)


def held(connection: Connection, recordings: Collection[str]) -> dict[str, list[str]]:
    """recording -> the holds on it, of those that have any."""
    columns = schema.holds.c
    found: dict[str, list[str]] = {}
    for some in _pages(recordings):
        rows = connection.execute(select(columns.recording, columns.hold).where(*_active(columns.recording.in_(some))))
        for row in rows:
            found.setdefault(row.recording, []).append(row.hold)
    return found


def holds_on(connection: Connection, recordings: Collection[str]) -> dict[str, list[tuple[str, int, str]]]:
    """recording -> (hold, since when (ns), day of its review), of those that have any."""
    columns = schema.holds.c
    found: dict[str, list[tuple[str, int, str]]] = {}
    for some in _pages(recordings):
        asked = select(schema.holds).where(*_active(columns.recording.in_(some))).order_by(columns.hold)
        for row in connection.execute(asked):
            found.setdefault(row.recording, []).append((row.hold, row.placed_at, row.review))
    return found


def place(connection: Connection, hold: str, recordings: Iterable[str], **facts: object) -> None:
    """`facts`: why, owner, review, placed_at."""
    for recording in recordings:
        inserting.add_if_new(connection, schema.holds, hold=hold, recording=recording, **facts)


def release(connection: Connection, hold: str, at: int) -> None:
    connection.execute(update(schema.holds).where(*_active(schema.holds.c.hold == hold)).values(released_at=at))


def ask(connection: Connection, recording: str, reference: str) -> None:
    """It is to be erased as soon as it may be."""
    inserting.add_if_new(connection, schema.erasure_requests, recording=recording, reference=reference)


def asked(connection: Connection, recordings: Collection[str]) -> dict[str, str]:
    """recording -> reference of the request, of those that were asked for."""
    columns = schema.erasure_requests.c
    found: dict[str, str] = {}
    for some in _pages(recordings):
        rows = connection.execute(select(schema.erasure_requests).where(columns.recording.in_(some)))
        found |= {row.recording: row.reference for row in rows}
    return found


# -- tombstones ---------------------------------------------------------------------------------------------------


def tombstones(connection: Connection, *which: ColumnElement[bool]) -> list[Tombstone]:
    """In the order in which they were ordered, both signatures of each checked: a PC has thousands in a few years.

    A damaged row is read as far as it can be: it must not stop what is said of its PC, nor the erasure of others.
    """
    columns = schema.erasures.c
    rows = connection.execute(select(schema.erasures).where(*which).order_by(columns.position, columns.recording)).all()
    named = decider(connection) if rows else None
    key = named.public if named is not None else None
    made = []
    for row in rows:
        order, certificate = (_signed(key, token, row) for token in (row.order, row.certificate))
        if certificate is not None and certificate.destroyed is None:
            certificate = None
        made.append(
            Tombstone(
                recording=queries.legible(row.recording),
                device=queries.legible(row.device),
                step=queries.legible(row.step),
                position=row.position,
                found=None if row.step == Step.ERASED else _found(key, row.found, row),
                order=order,
                certificate=certificate,
                signer="" if key is None else thumbprint(key),
                token="" if certificate is None else row.certificate,
            )
        )
    return made


def _found(key: Ed25519PublicKey | None, token: object, row: object) -> Found | None:
    if key is None:
        return None
    try:
        said = Claims(jws.verify(jws.FOUND, queries.legible(token), key), "found", SignatureError)
        if (said.text("recording"), said.integer("position")) != (row.recording, row.position):  # type: ignore[attr-defined]
            return None
        absent = said.texts("absent") if said.has("absent") else None
        return Found(said.texts("packets"), said.integer("objects"), said.integer("bytes"), absent, said.flag("again"))
    except ProtocolError:
        return None


def _written(found: Found, recording: str, position: int, private: Ed25519PrivateKey) -> str:
    said = {name: value for name, value in asdict(found).items() if value is not None}
    return jws.sign(jws.FOUND, said | {"recording": recording, "position": position}, private)


def _signed(key: Ed25519PublicKey | None, token: object, row: object) -> Erasure | None:
    if key is None or token is None:
        return None
    try:
        said = Erasure.verify(queries.legible(token), key)
    except ProtocolError:
        return None
    known = (str(said.recording), said.device, said.position)
    return said if known == (row.recording, row.device, row.position) else None  # type: ignore[attr-defined]


def tombstone(connection: Connection, recording: UUID, device: str) -> Tombstone | None:
    """Of this device's recording. An order about another device's explains nothing of it: who has disk and catalog can
    put another PC's packet of the same id here, and have that erased.
    """
    found = tombstones(connection, schema.erasures.c.recording == str(recording))
    if not found or found[0].device == device:
        return found[0] if found else None
    return replace(found[0], order=None, certificate=None, token="")


def explained(connection: Connection, recordings: Collection[str], device: str) -> frozenset[str]:
    """Those of this device's recordings that are gone for a signed reason, which names the device."""
    columns = schema.erasures.c
    pages = ((columns.recording.in_(some), columns.device == device) for some in _pages(recordings))
    return frozenset(one.recording for page in pages for one in tombstones(connection, *page) if one.explained)


def certified(connection: Connection, recordings: Collection[str] | None = None) -> frozenset[str]:
    """Those of them that have a certificate; without `recordings` of all."""
    columns = schema.erasures.c
    pages = [()] if recordings is None else [(columns.recording.in_(some),) for some in _pages(recordings)]
    found = (one for page in pages for one in tombstones(connection, *page, columns.step == Step.ERASED))
    return frozenset(one.recording for one in found if one.explained)


def unfinished(connection: Connection) -> list[Tombstone]:
    return tombstones(connection, schema.erasures.c.step != Step.ERASED)


def without_row(
    connection: Connection, limit: int, *, after: str = "", beginning: str = "", device: str | None = None
) -> list[Tombstone]:
    """Those of which `recordings` has no row, in the order of their ids: who deletes one may say that it was erased."""
    columns, recordings = schema.erasures.c, schema.recordings.c
    which = (
        recordings.id.is_(None),
        columns.recording > after,
        columns.recording.startswith(beginning, autoescape=True),
    )
    chosen = select(columns.recording).outerjoin(schema.recordings, recordings.id == columns.recording).where(*which)
    if device is not None:
        chosen = chosen.where(columns.device == device)
    page = connection.scalars(chosen.order_by(columns.recording).limit(limit)).all()
    return sorted(tombstones(connection, columns.recording.in_(page)), key=lambda one: one.recording)


def signer(connection: Connection) -> str:
    """Fingerprint of the key whose orders count here; "" without one."""
    named = decider(connection)
    key = None if named is None else named.public
    return "" if key is None else thumbprint(key)


def among(connection: Connection, recordings: Collection[str]) -> dict[str, str]:
    """recording -> its device, of those that are or are being erased. Every chunk asks it."""
    columns = schema.erasures.c
    rows = connection.execute(
        select(columns.recording, columns.device).where(columns.recording.in_(queries.padded(recordings)))
    )
    return {row.recording: row.device for row in rows}


def order(connection: Connection, said: Erasure, private: Ed25519PrivateKey) -> None:
    """Signs it. The first step, in the caller's transaction: from its end on nothing more is taken of the recording.

    Raises OnHoldError. What was ordered before stays as it was.
    """
    recording = str(said.recording)
    if holds := held(connection, [recording]).get(recording):
        raise OnHoldError(f"recording {recording} is under the legal hold {', '.join(sorted(holds))}: it is not erased")
    columns = schema.sealed.c
    rows = connection.execute(
        select(columns.stream, columns.sha256, columns.size).where(columns.recording == recording)
    ).all()
    packets = sorted(row.sha256 for row in rows if row.stream == KEY_PACKET_STREAM)
    found = Found(tuple(packets), len(rows) - len(packets), sum(row.size for row in rows))
    # Whose it is, the signed order says: a row of an interaction may have been put beside a recording's.
    if (sent := interactions.find(connection, recording)) is not None and sent.integration == said.device:
        found = Found((interactions.said(connection, sent)[0].packet,), 1, sent.size)
    inserting.add_if_new(
        connection,
        schema.erasures,
        recording=recording,
        device=said.device,
        position=said.position,
        order=said.sign(private),
        step=Step.ORDERED,
        found=_written(found, recording, said.position, private),
    )


def carry_out(
    database: Database,
    places: Sequence[tuple[str, BlobStore]],
    which: Tombstone,
    now: int,
    private: Ed25519PrivateKey,
) -> Found:
    """Up to REMOVED; what there was. `places`: this store's blobs and every replica's, each with its name. Raises
    BlobFault where one cannot be reached: then it stays at the step that it had; StoreError where order or `found` are
    not signed, or the row is damaged.

    From the beginning, whatever step the row says: of a process that was killed there is then nothing left to do.
    Everything in the recording's folder goes, and not only what the catalog names: also wraps that were made later.
    """
    if which.order is None:
        raise StoreError(f"the order to erase recording {which.recording} is not signed: nothing of it is destroyed")
    if (found := which.found) is None or which.step not in tuple(Step):
        message = "what the catalog says of its erasure is damaged, or not signed: put the database back from a backup"
        raise StoreError(f"recording {which.recording}: {message}")
    folder = folder_of(UUID(which.recording))
    packets = packets_of(UUID(which.recording))
    if found.absent is None:  # else a process that was killed looked, and may have shredded some
        found = replace(found, absent=_absent(places, which.recording, found, packets))
        if not found.again:  # rows do not say how much there is
            sizes = {name: places[0][1].size(name) for name in places[0][1].names(folder) if is_sealed(name)}
            objects = sum(not name.startswith(packets) for name in sizes)
            found = replace(found, objects=objects, bytes=sum(sizes.values()))
        with database.writing() as connection:
            _set(connection, which.recording, found=_written(found, which.recording, which.position, private))
    for _, blobs in places:
        for name in [*blobs.names(packets), *_unfinished(blobs, {which.recording})]:
            blobs.shred(name)
    with database.writing() as connection:
        _set(connection, which.recording, step=Step.SHREDDED, shredded_at=now)
    for _, blobs in places:
        for name in list(blobs.names(folder)):
            (blobs.shred if name.startswith(packets) else blobs.remove)(name)
    with database.writing() as connection:
        _forget(connection, which.recording)
        _set(connection, which.recording, step=Step.REMOVED)
    return found


def _absent(places: Sequence[tuple[str, BlobStore]], recording: str, found: Found, packets: str) -> tuple[str, ...]:
    """Raises StoreError where this store lacks a packet that the catalog has: its disk may only not be mounted."""
    here = ((place, {name.rpartition("-")[2] for name in blobs.names(packets)}) for place, blobs in places)
    absent = tuple(place for place, lying in here if not lying.issuperset(found.packets))
    if places[0][0] in absent and not found.again:
        message = "is not there, so it cannot be destroyed: is the disk mounted? Else put the packet back"
        raise StoreError(f"the key packet of recording {recording} in {places[0][0]} {message}")
    return absent


def was_destroyed(connection: Connection, recording: str, private: Ed25519PrivateKey) -> None:
    """The log says so of what is ordered here: its catalog was put back, and its key packet may be gone."""
    for one in tombstones(
        connection, (schema.erasures.c.recording == recording), schema.erasures.c.step == Step.ORDERED
    ):
        if one.found is not None:
            again = replace(one.found, again=True)
            _set(connection, recording, found=_written(again, recording, one.position, private))


def certify(connection: Connection, recording: str, token: str) -> None:
    _set(connection, recording, step=Step.ERASED, certificate=token)


def left_over(blobs: BlobStore, recordings: Iterable[str]) -> list[str]:
    """Names of bytes that lie there although their recordings were erased: a server was killed as it refused them, or a
    backup brought them back.
    """
    asked = set(recordings)
    there = [name for recording in sorted(asked) for name in blobs.names(folder_of(UUID(recording)))]
    return [*there, *_unfinished(blobs, asked)]


def _unfinished(blobs: BlobStore, recordings: Collection[str]) -> list[str]:
    """Names of what a server is writing of them, or was killed while it wrote: maybe a whole key packet."""
    return [name for name, body in blobs.unfinished() if not _recordings_in(body).isdisjoint(recordings)]


def _recordings_in(body: bytes) -> set[str]:
    """Of a sealed chunk's header, or of a key packet as far as it was written.

    Never of a key packet's beginning: it is the same in all of them, and a PC may give a recording that id.
    """
    if body.startswith(MAGIC):
        return {str(UUID(bytes=body[_CHUNKS_RECORDING]))} if len(body) >= _CHUNKS_RECORDING.stop else set()
    payload = b"".join(body.split(b".")[1:2])
    try:
        claims = base64.urlsafe_b64decode(payload[: len(payload) // 4 * 4])
    except ValueError:  # no packet
        return set()
    return {found.decode() for found in _PACKETS_RECORDING.findall(claims)}


def _set(connection: Connection, recording: str, **values: object) -> None:
    columns = schema.erasures.c
    connection.execute(update(schema.erasures).where(columns.recording == recording).values(**values))


def _forget(connection: Connection, recording: str) -> None:
    """What the catalog knows of its content, and whose it was. The device's account stays, which is chained."""
    sealed, stored = schema.sealed, schema.stored
    sizes = connection.scalars(select(sealed.c.size).where(sealed.c.recording == recording)).all()
    owner = select(schema.recordings.c.device).where(schema.recordings.c.id == recording).scalar_subquery()
    freed = stored.c.total - sum(map(charged, sizes))
    connection.execute(update(stored).where(stored.c.device == owner).values(total=case((freed > 0, freed), else_=0)))
    connection.execute(delete(sealed).where(sealed.c.recording == recording))
    connection.execute(delete(schema.reported_heads).where(schema.reported_heads.c.recording == recording))
    connection.execute(update(schema.recordings).where(schema.recordings.c.id == recording).values(os_user=""))
    interactions.forget(connection, recording)


def _pages(recordings: Collection[str]) -> Iterable[list[str]]:
    asked = sorted(recordings)
    return (asked[place : place + _PAGE] for place in range(0, len(asked), _PAGE))
