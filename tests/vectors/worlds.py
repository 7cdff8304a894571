"""Random recordings on a store's disk, of which two programs must say the same.

They are written straight into catalog and blobs, because a store would refuse half of it. A seed says what each is;
keys are fresh. What is done to them stands in tests/vectors/tampering.py.
"""

from __future__ import annotations

import json
import random
import sqlite3
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.bundle import Bundle
from protocol.envelope import (
    KEY_PACKET_STREAM,
    SCENE_STREAM,
    SOUND_STREAM,
    Edition,
    Flag,
    Header,
    Kind,
    digest,
    seal,
)
from protocol.keys import RecipientPrivate, public_to_text, stream_key
from protocol.ledger import line_hash
from store.catalog.blobs import sealed_name
from testkit.fakes.pc import SECOND, FakeRecording, Pc

Row = dict[str, Any]
HOLDS: Final = ("user", "locked", "spool-full", "blind", 5)
RULES: Final = ([0], [1, "unreadable"], ["blind"], ["blind", 2], [], "none", [True, 3], [0, {"odd": 1}])
LANES: Final = ("screen", "audio")
STREAMS: Final = (0, 1, SOUND_STREAM, SCENE_STREAM, 40_000)
HEADS: Final = (  # that no PC of ours signs
    [], {"0": [True, "a" * 64]}, {"00": [1, "a" * 64]}, {"0": [0, "a" * 64]}, {"1": [2, "b" * 64, 3]}, {"x": 5},
    {"65535": [1, "a" * 64]}, {"1": [1, 7]}, {"32768": [10**19, "a" * 64]},
)  # fmt: skip
ENDS: Final = ("closed", "closed with until", "died", "died and came back", "open")


class Disk:
    """A store's catalog and blobs as somebody with its disk writes them: nothing is checked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._database = sqlite3.connect(home / "store.db", isolation_level=None)
        self._database.execute("BEGIN")

    def close(self) -> None:
        self._database.execute("COMMIT")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()

    def insert(self, table: str, **row: object) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join("?" * len(row))
        self._database.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', list(row.values()))  # noqa: S608 - no foreign text

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(statement, values).fetchall()

    def blob(self, recording: UUID, stream: int, sequence: int, body: bytes) -> Path:
        path = self.home / "blobs" / sealed_name(recording, stream, sequence, digest(body).hex())
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, recording: UUID, stream: int, sequence: int, body: bytes, at: int = 5, **row: object) -> None:
        self.blob(recording, stream, sequence, body).write_bytes(body)
        self.insert(
            "sealed", recording=str(recording), stream=stream, sequence=sequence, sha256=digest(body).hex(),
            size=len(body), received_at=at, **row,
        )  # fmt: skip

    def put_chunk(self, body: bytes, at: int = 5, **row: object) -> None:
        header = Header.parse(body)
        said = {
            "kind": int(header.kind), "flags": int(header.flags), "start": header.start, "end": header.end,
            "previous": header.previous.hex(),
        }  # fmt: skip
        self.put(header.recording, header.stream, header.sequence, body, at, **said | row)


@dataclass
class World:
    """A recording and the ledger around it; `done`: what was done to it."""

    disk: Disk
    chance: random.Random
    pc: Pc
    recording: FakeRecording
    reader: RecipientPrivate
    bundle: Bundle
    sealed: list[bytes] = field(default_factory=list)
    at: int = 0
    done: str = "nothing"

    @property
    def id(self) -> str:
        return str(self.recording.id)

    def write(self, kind: str, **fields: object) -> None:
        self.pc.ledger.write(kind, at=max(0, self.at), **fields)

    def seal(self, stream: int, **fields: Any) -> None:
        body = self.recording.seal(self.chance.randbytes(self.chance.randint(0, 40)), stream=stream, **fields)
        self.sealed.append(body)

    def chunk(self) -> bytes:
        return self.chance.choice(self.sealed)

    def where(self, body: bytes) -> tuple[str, int, int]:
        header = Header.parse(body)
        return self.id, header.stream, header.sequence

    def blob(self, body: bytes) -> Path:
        header = Header.parse(body)
        return self.disk.blob(self.recording.id, header.stream, header.sequence, body)

    def replace_packet(self, body: bytes) -> None:
        self.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ?", self.id, KEY_PACKET_STREAM)
        self.disk.put(self.recording.id, KEY_PACKET_STREAM, 0, body)

    def repack(self, **changes: object) -> None:
        self.replace_packet(self.recording.make_packet(**changes))

    def forge(self, stream: int, sequence: int, *, edition: Edition, at: int = 5, before: bytes = b"") -> bytes:
        header = Header(
            Kind.MEDIA, Flag.KEY_FRAME, stream, self.recording.id, sequence, sequence * SECOND,
            (sequence + 1) * SECOND, digest(before or self.recording.packet), edition=edition,
        )  # fmt: skip
        signer = Ed25519PrivateKey.generate() if edition.is_signed else None
        key = stream_key(self.recording.key, self.recording.id, stream) if signer else self.recording.key
        body = seal(key, header, b"it never was", signer)
        self.disk.put_chunk(body, at)
        return body


# -- what a PC and its store leave --------------------------------------------------------------------------------


def make_world(seed: int, disk: Disk, bundle: Bundle, reader: RecipientPrivate) -> World:
    chance = random.Random(seed)
    pc = Pc(cast("httpx.Client", None))  # it never talks to a store: what it seals and signs is written down here
    pc.device = str(UUID(int=chance.getrandbits(128)))
    edition = chance.choice(tuple(Edition))
    world = World(disk, chance, pc, FakeRecording(pc, bundle.recipients, edition=edition), reader, bundle)
    _run(world, ENDS[seed % len(ENDS)])
    _store(world)
    return world


def _run(world: World, end: str) -> None:
    chance, own, streams = world.chance, world.id, world.chance.sample(STREAMS, world.chance.randint(1, 3))
    world.at = chance.randint(0, 50) * SECOND
    for _ in range(chance.randint(0, 3)):
        _event(world)
    world.write("start", boot="b")
    for _ in range(chance.randint(0, 3)):
        _event(world)
    world.at += chance.randint(0, 2 * SECOND)
    zero = chance.choice(({}, {"zero": world.at - chance.randint(-1, SECOND)}))
    world.write("recording-open", recording=own, policy=world.recording.policy, **zero)
    for stream in streams:
        world.seal(stream, kind=Kind.HEADER, length=0)
    for _ in range(chance.randint(1, 12)):
        match chance.choice("eeccch"):
            case "e":
                _event(world)
            case "c":
                length = chance.choice((0, SECOND, 3 * SECOND))
                world.seal(chance.choice(streams), length=length, gap=chance.choice((0, 0, 2 * SECOND)))
            case _:
                world.write("heads", recording=own, heads=world.recording.heads())
    _end(world, end)
    if end == "open":
        world.seal(chance.choice(streams), length=SECOND)
    for _ in range(chance.randint(0, 2)):
        _event(world)


def _end(world: World, end: str) -> None:
    chance, own, heads = world.chance, world.id, world.recording.heads()
    match end:
        case "closed":
            world.write("recording-closed", recording=own, heads=heads, why="stop")
            if chance.random() < 0.3:
                world.write("start")
                world.write("heads", recording=own, heads={}, final=True)
                world.write("blind-since", why="died", to=world.at + 1, **{"from": 0})  # of a later run
        case "closed with until":
            until = max(0, world.at - chance.randint(-1, 3 * SECOND))
            world.write("recording-closed", recording=own, heads=heads, why="hour", until=until)
        case "died and came back":
            world.write("blind-since", why="died", to=world.at + 1, **{"from": max(0, world.at - SECOND)})
            world.write("heads", recording=own, heads=heads, final=chance.random() < 0.7)
            world.write("start")
        case "died":
            world.write("start")
        case _:
            pass


def _another(world: World) -> None:
    chance, other = world.chance, str(UUID(int=world.chance.getrandbits(128)))
    world.write("recording-open", recording=other, policy="c" * 64)
    if chance.random() < 0.4:
        world.write("given-up", recording=other, stream=chance.choice((0, KEY_PACKET_STREAM)), sequence=0)
    if chance.random() < 0.4:
        world.write("recording-closed", recording=other, heads={}, why="stop")


def _event(world: World) -> None:
    """Any entry, some of a shape that no PC of ours writes."""
    chance = world.chance
    world.at = max(0, world.at + chance.choice((0, SECOND // 3, SECOND, 2 * SECOND, -SECOND // 2)))
    lane = chance.choice(LANES)
    from_ = max(0, world.at - chance.randint(0, 3 * SECOND))
    match chance.randrange(12):
        case 0 | 1:
            more = chance.choice(({}, {"reason": 1, "policy": "d" * 64}, {"reason": "other"}, {"reason": [1]}))
            world.write("hold", hold=chance.choice(HOLDS), **more)
        case 2 | 3:
            world.write("release", hold=chance.choice(HOLDS))
        case 4 | 5:
            world.write("lane-closed", lane=lane, rules=chance.choice(RULES), policy=chance.choice(("c" * 64, "", 7)))
        case 6:
            world.write("lane-open", lane=lane)
        case 7:
            to = chance.choice((world.at, from_ - 1, "late", True))
            world.write("slept", to=to, **{"from": from_})
        case 8:
            world.write("heads", recording=world.id, heads=chance.choice(HEADS), final=1)
        case 10:  # of which nothing came
            _another(world)
        case 9:
            for number in range(34):  # more at once than a state tells
                world.write("hold", hold=f"h{number}")
            for number in chance.sample(range(34), 32):
                world.write("release", hold=f"h{number}")
        case _:
            world.write(
                chance.choice(("would-close", "policy", "unheard-of")), lane="screen", rules=[0], policy="e" * 64
            )


def _store(world: World) -> None:
    disk, pc, recording, chance = world.disk, world.pc, world.recording, world.chance
    enrolment = str(uuid4())
    disk.insert(
        "enrolments", id=enrolment, secret_sha256=enrolment, group_name="", uses_left=0, expires_at=0, created_at=0
    )
    disk.insert(
        "devices", id=pc.device, host="pc-7", os="Linux", agent_version="0.1.0", group_name="", enrolment=enrolment,
        token_key=public_to_text(pc.token_key.public_key()), token_kid=pc.device, enrolled_at=0,
        evidence_key=public_to_text(pc.evidence_key.public_key()),
    )  # fmt: skip
    disk.insert(
        "recordings", id=world.id, device=pc.device, start=recording.start, host="pc-7", os_user="lovelace",
        policy=recording.policy, opened_at=0,
    )  # fmt: skip
    disk.put(recording.id, KEY_PACKET_STREAM, 0, recording.packet)
    for body in world.sealed:
        disk.put_chunk(body)
    cuts = sorted({0, *(chance.randrange(len(pc.ledger.lines)) for _ in range(3)), len(pc.ledger.lines)})
    for first, following in pairwise(cuts):
        token = pc.ledger.batch(first, following - 1)
        put_batch(world, token, first, following - 1)
    pc.ledger.sent = len(pc.ledger.lines)
    put_report(world)


def put_batch(world: World, token: str, first: int, last: int) -> None:
    sha256 = digest(token.encode()).hex()
    row = {"device": world.pc.device, "first": first, "last": last, "sha256": sha256, "received_at": 1, "accepted": 1}
    world.disk.insert("ledger_batches", token=token, **row)
    [[batch]] = world.disk.run("SELECT id FROM ledger_batches WHERE sha256 = ?", sha256)
    for seq in range(first, last + 1):
        written = world.pc.ledger.lines[seq]
        entry = json.loads(written)
        recording = entry.get("recording")
        world.disk.insert(
            "ledger_lines", device=world.pc.device, seq=seq, hash=line_hash(written), kind=entry["kind"],
            recording=recording, batch=batch, line=written.decode(),
        )  # fmt: skip


def put_report(world: World, token: str | None = None, **changes: Any) -> None:
    report = world.pc.report(world.recording, **changes)
    body = {"ledger": {"next": 0, "head": "0" * 64}, "report": token or report.sign(world.pc.evidence_key)}
    world.disk.run("DELETE FROM health WHERE device = ?", world.pc.device)
    world.disk.insert("health", device=world.pc.device, at=1, body=json.dumps(body))
