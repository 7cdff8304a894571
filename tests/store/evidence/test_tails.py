"""The end of a recording against somebody with a reader's key and the store's disk: what they do to it is named.

Worlds and attacks are drawn, not listed. The attacker reads the recording's key out of its packet as any reader can,
and writes to catalog and blobs as the store does. What they lack is the device's key.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, update

from protocol.bundle import Bundle
from protocol.envelope import (
    SIGNATURE_SIZE,
    SOUND_STREAM,
    Edition,
    Flag,
    Header,
    Kind,
    digest,
    seal,
)
from protocol.keys import RecipientPrivate
from protocol.ledger import line
from protocol.packet import KeyPacket
from store.admin.home import Home
from store.admin.init import RECIPIENT
from store.catalog import queries, schema
from store.catalog.blobs import sealed_name
from store.evidence.verify.sweep import check_ledger
from store.server.services import Services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.conftest import Examine

SEEDS: Final = range(32)
ENDS: Final = ("closed", "died", "died and came back", "open")
NewPc = Callable[[], Pc]


@dataclass
class World:
    """A recording of which the store has all. `named`: stream -> next sequence of the last head that was signed."""

    pc: Pc
    recording: FakeRecording
    end: str
    sealed: dict[int, list[bytes]] = field(default_factory=dict)
    named: dict[int, int] = field(default_factory=dict)
    at: int = 100 * SECOND

    def seal(self, rounds: int) -> None:
        for _ in range(rounds):
            for stream in self.sealed:
                body = self.recording.seal(os.urandom(40), stream=stream, length=SECOND)
                self.sealed[stream].append(body)
                assert self.pc.put_sealed(body).is_success
            self.at += SECOND

    def tell(self, kind: str, **more: object) -> None:
        heads = self.recording.heads()
        self.pc.ledger.write(kind, at=self.at, recording=str(self.recording.id), heads=heads, **more)
        self.note()

    def note(self) -> None:
        self.named = {stream: place.next for stream, place in self.recording.streams.items()}

    @property
    def beyond(self) -> int:
        return sum(len(bodies) - self.named.get(stream, 0) for stream, bodies in self.sealed.items())


def make_world(seed: int, pc: Pc, bundle: Bundle, edition: Edition = Edition.KEYED) -> World:
    chance = random.Random(seed)
    recording = pc.open_recording(bundle, edition=edition)
    world = World(pc, recording, ENDS[seed % len(ENDS)])
    world.sealed = {stream: [] for stream in chance.sample((0, 1, SOUND_STREAM), chance.randint(1, 3))}
    write = pc.ledger.write
    write("start", at=world.at)
    write("recording-open", at=world.at, recording=str(recording.id), policy=recording.policy, zero=world.at)
    world.seal(chance.randint(1, 4))
    for _ in range(chance.randint(0, 2)):
        world.tell("heads")
        world.seal(chance.randint(1, 3))
    if world.end == "closed":
        world.tell("recording-closed", why="stop")
        write("stop", at=world.at, why="stop")
    elif world.end == "died and came back":
        write("blind-since", at=5, why="died", to=5, **{"from": world.at})
        world.tell("heads", final=True)
        write("start", at=6)
    assert pc.send_ledger().is_success
    goes_on = world.end in ("open", "died")  # as far as its PC has said
    assert pc.put_health(pc.report(recording if goes_on else None)).is_success
    if goes_on:
        world.note()
        world.seal(chance.randint(0, 2))
    return world


@dataclass
class Attacker:
    """Has the store's disk and the key of one reader."""

    services: Services
    home: Home
    reader: RecipientPrivate
    chance: random.Random
    done: list[str] = field(default_factory=list)

    def key_of(self, world: World, stream: int) -> bytes:
        packet = KeyPacket.verify(world.recording.packet.decode(), world.pc.evidence_key.public_key())
        return packet.stream_key(packet.open_key(self.reader), stream)

    def cut(self, world: World, stream: int, first: int) -> None:
        columns = schema.sealed.c
        of_stream = (columns.recording == str(world.recording.id), columns.stream == stream, columns.sequence >= first)
        with self.services.database.writing() as connection:
            connection.execute(delete(schema.sealed).where(*of_stream))
            connection.execute(delete(schema.reported_heads))
        for sequence, body in enumerate(world.sealed[stream][first:], first):
            self.services.blobs.remove(sealed_name(world.recording.id, stream, sequence, digest(body).hex()))
        self.done.append(f"cut stream {stream} from {first}")

    def forge(
        self, world: World, stream: int, first: int, count: int, editions: Sequence[Edition] = tuple(Edition)
    ) -> None:
        """`count` chunks from sequence `first` on, whole and well chained; what can be of a signature, is."""
        before = world.sealed[stream][first - 1] if first else world.recording.packet
        for sequence in range(first, first + count):
            header = Header(
                Kind.MEDIA, Flag.KEY_FRAME, stream, world.recording.id, sequence,
                sequence * SECOND, (sequence + 1) * SECOND, digest(before),
                edition=self.chance.choice(editions),
            )  # fmt: skip
            signer = Ed25519PrivateKey.generate() if header.edition.is_signed else None
            body = seal(self.key_of(world, stream), header, b"it never was", signer)
            if signer and self.chance.random() < 0.5:
                body = body[:-SIGNATURE_SIZE] + world.sealed[stream][-1][-SIGNATURE_SIZE:]
            self.put(header, body)
            before = body
        self.done.append(f"forge {count} in stream {stream} from {first}")

    def put(self, header: Header, body: bytes) -> None:
        sha256 = digest(body).hex()
        self.services.blobs.put(sealed_name(header.recording, header.stream, header.sequence, sha256), body)
        row = {
            "recording": str(header.recording), "stream": header.stream, "sequence": header.sequence,
            "sha256": sha256, "size": len(body), "received_at": self.chance.choice([1, 2**62]),
            "kind": int(header.kind), "flags": int(header.flags), "start": header.start, "end": header.end,
            "previous": header.previous.hex(),
        }  # fmt: skip
        with self.services.database.writing() as connection:
            connection.execute(insert(schema.sealed).values(**row))

    def cut_ledger(self, world: World, first: int) -> None:
        device = world.pc.device
        lines, batches = schema.ledger_lines.c, schema.ledger_batches.c
        with self.services.database.writing() as connection:
            connection.execute(delete(schema.ledger_lines).where(lines.device == device, lines.seq >= first))
            connection.execute(delete(schema.ledger_batches).where(batches.device == device, batches.first >= first))
        self.done.append(f"cut the ledger from {first}")


@pytest.fixture
def attack(services: Services, home: Home, readers: dict[str, RecipientPrivate]) -> Callable[[World, int], list[str]]:
    """Does what the seed says to the end of the recording; what was done."""

    def do(world: World, seed: int) -> list[str]:
        chance = random.Random(seed)
        attacker = Attacker(services, home, readers[RECIPIENT], chance)
        stream = chance.choice(list(world.sealed))
        count, named = len(world.sealed[stream]), world.named.get(stream, 0)
        match chance.choice(["add", "cut", "replace", "exchange", "cut all"]):
            case "cut" if named:
                attacker.cut(world, stream, chance.randrange(named))
            case "replace":
                first = chance.randrange(count)
                attacker.cut(world, stream, first)
                attacker.forge(world, stream, first, chance.randint(1, count - first + 2))
            case "exchange":  # beside the true ones
                attacker.forge(world, stream, chance.randrange(count), 1)
            case "cut all":  # chunks and account, back to a moment before
                first = chance.randrange(1, world.pc.ledger.sent)
                attacker.cut_ledger(world, first)
                if chance.random() < 0.5:
                    attacker.cut(world, stream, chance.randrange(count))
            case _:
                attacker.forge(world, stream, count, chance.randint(1, 5))
        return attacker.done

    return do


@pytest.mark.parametrize("end", ENDS)
def test_whatever_is_done_to_the_end_is_named(
    end: str, new_pc: NewPc, bundle: Bundle, examined: Examine, attack: Callable[[World, int], list[str]],
    services: Services,
) -> None:  # fmt: skip
    for seed in SEEDS:
        if ENDS[seed % len(ENDS)] != end:
            continue
        world = make_world(seed, new_pc(), bundle)
        for reader in ({}, {"reader": None}):
            before = examined(world.recording, **reader)
            assert before.findings == (), seed
        done = attack(world, seed)
        with services.database.reading() as connection:
            device = queries.find_device(connection, schema.devices.c.id == world.pc.device)
        assert device is not None
        ledger, *_ = check_ledger(services.database, device)
        for reader in ({}, {"reader": None}):
            report = examined(world.recording, **reader)
            found = [finding.code for finding in (*report.findings, *ledger)]
            found += [note for note in report.notes if "the device did not sign it" in note]  # and it is not played
            assert found, f"seed {seed}: {done} was not named"


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if ENDS[seed % len(ENDS)] != "closed"][:9])
def test_of_an_earlier_agent_s_recording_nothing_is_vouched_for_that_could_be_forged(
    seed: int, pc: Pc, bundle: Bundle, examined: Examine, services: Services, home: Home,
    readers: dict[str, RecipientPrivate],
) -> None:  # fmt: skip
    """Its chunks carry no signature, so one more behind the last signed head cannot be told from a true one."""
    world = make_world(seed, pc, bundle, Edition.FIRST)
    attacker = Attacker(services, home, readers[RECIPIENT], random.Random(seed))
    for stream, bodies in world.sealed.items():
        attacker.forge(world, stream, len(bodies), 2, (Edition.FIRST,))
    report = examined(world.recording)
    assert report.sound
    assert {check for check, _ in report.not_checked} == {"signatures", "heads"}
    count = world.beyond + 2 * len(world.sealed)
    assert f"{count} chunks lie after the last signed head" in dict(report.not_checked)["heads"]


# (number of the row, what its column `kind` says) of what is put into the ledger, in order.
INVENTED: Final[dict[str, list[tuple[float, str]]]] = {
    "between two entries": [(3.5, "start"), (3.7, "heads")],
    "between two pages": [(499.5, "start"), (499.7, "heads")],
    "before all": [(-3, "recording-open"), (-2, "recording-closed")],
    "one opening": [(-1, "recording-open")],
    "after all": [(10_000, "start"), (10_001, "heads")],
    "after the last, broken": [(9_999.5, "start"), (9_999.7, "heads")],
}


@dataclass
class Cut:
    """A closed recording of which somebody with the disk alone cut the end off."""

    world: World
    services: Services
    head: str
    batch: int

    def invent(self, seq: float, kind: str) -> None:
        own, number = str(self.world.recording.id), max(0, int(seq))
        fields = {"recording": own, "heads": {"0": [3, self.head]}, "final": True, "zero": self.world.at}
        row = {
            "device": self.world.pc.device, "seq": seq, "hash": "0" * 64, "kind": kind, "recording": own,
            "batch": self.batch,
            "line": line(number, "0" * 64, at=self.world.at, wall=6, kind=kind, **fields).decode(),
        }  # fmt: skip
        with self.services.database.writing() as connection:
            connection.execute(insert(schema.ledger_lines).values(**row))

    def change(self, seq: int, **columns: object) -> None:
        where = (schema.ledger_lines.c.device == self.world.pc.device, schema.ledger_lines.c.seq == seq)
        with self.services.database.writing() as connection:
            connection.execute(update(schema.ledger_lines).where(*where).values(**columns))

    def whole(self) -> set[str]:
        """Codes of what is wrong with the device's ledger."""
        with self.services.database.reading() as connection:
            device = queries.find_device(connection, schema.devices.c.id == self.world.pc.device)
        assert device is not None
        return {one.code for one in check_ledger(self.services.database, device)[0]}


@pytest.fixture
def cut(
    pc: Pc, bundle: Bundle, services: Services, home: Home, readers: dict[str, RecipientPrivate], examined: Examine
) -> Cut:
    recording = pc.open_recording(bundle)
    world = World(pc, recording, "closed", {0: []})
    pc.ledger.write("start", at=world.at)
    pc.ledger.write("recording-open", at=world.at, recording=str(recording.id), policy=recording.policy, zero=world.at)
    for _ in range(6):
        world.seal(1)
        world.tell("heads")
    for _ in range(500):  # more than a page of the sweep
        pc.ledger.write("lane-open", at=world.at, lane="screen")
    world.tell("recording-closed", why="stop")
    pc.ledger.write("stop", at=world.at, why="stop")
    assert pc.send_ledger().is_success
    assert pc.put_health(pc.report(None)).is_success
    assert examined(recording).sound
    Attacker(services, home, readers[RECIPIENT], random.Random(1)).cut(world, 0, 3)
    with services.database.reading() as connection:
        [row, *_] = queries.ledger_lines(connection, pc.device, 0, 0)
    made = Cut(world, services, digest(world.sealed[0][2]).hex(), row.batch)
    assert not made.whole()
    return made


@pytest.mark.parametrize("rows", INVENTED.values(), ids=list(INVENTED))
def test_no_row_that_nobody_signed_ends_a_recording(rows: list[tuple[float, str]], cut: Cut, examined: Examine) -> None:
    for seq, kind in rows:
        cut.invent(seq, kind)
    assert "changed-catalog" in {one.code for one in examined(cut.world.recording, reader=None).findings}
    assert "changed-catalog" in cut.whole()


@pytest.mark.parametrize("kind", ["start", "blind-since", "recording-open", "recording-closed"])
@pytest.mark.parametrize("seq", [0, 4])
def test_no_column_that_nobody_signed_ends_a_recording(seq: int, kind: str, cut: Cut, examined: Examine) -> None:
    """A true line, found under another kind or recording; the first one is no entry of the recording's."""
    cut.change(seq, kind=kind, recording=str(cut.world.recording.id))
    assert not examined(cut.world.recording, reader=None).sound
    assert "changed-catalog" in cut.whole()


def test_a_line_after_the_run_is_compared_with_what_was_signed(cut: Cut, examined: Examine) -> None:
    cut.change(4, kind="start")
    codes = {(one.code, one.where) for one in examined(cut.world.recording, reader=None).findings}
    assert ("changed-catalog", "entry 4") in codes
    cut.change(5, line="{}")
    codes = {(one.code, one.where) for one in examined(cut.world.recording, reader=None).findings}
    assert {("changed-catalog", "entry 4"), ("unsigned", "entry 5")} <= codes
