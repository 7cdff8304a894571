"""Sealed bytes over HTTPS: accepted once and for good, or refused with a status, a code and nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select, update

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM, Kind, digest
from protocol.receipt import Receipt
from store.admin.home import Home
from store.catalog import schema
from store.catalog.blobs import BlobFault, sealed_name
from store.server import ingest
from store.server.routes.bodies import Intake
from store.server.services import Services
from testkit.fakes.blobs import MemoryBlobs
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.conftest import SetClock, serving


def rows(services: Services) -> int:
    with services.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(schema.sealed)) or 0


def alarms(services: Services) -> list[tuple[str, int | None, int | None]]:
    with services.database.reading() as connection:
        found = connection.execute(select(schema.alarms).order_by(schema.alarms.c.id))
        return [(row.code, row.stream, row.sequence) for row in found]


def everything(home: Home) -> list[str]:
    """Every file of the blobs, half-written ones too."""
    folder = home.folder / "blobs"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def recording(pc: Pc, bundle: Bundle) -> FakeRecording:
    return pc.open_recording(bundle)


# -- accepted -----------------------------------------------------------------------------------------------------


def test_a_chunk_is_kept_and_receipted(
    pc: Pc, recording: FakeRecording, services: Services, clock: SetClock, home: Home
) -> None:
    sealed = recording.seal(b"moof")
    answer = pc.put_sealed(sealed)
    assert answer.status_code == 200
    receipt = Receipt.verify(answer.json()["receipt"], services.store_key.public_key())
    assert receipt == Receipt(recording.id, 0, 0, digest(sealed).hex(), clock(), pc.device)
    assert services.blobs.get(sealed_name(recording.id, 0, 0, receipt.sha256)) == sealed
    assert len(everything(home)) == 2  # with the key packet, and nothing half-written


def test_the_same_again_gets_the_same_receipt(
    pc: Pc, recording: FakeRecording, services: Services, clock: SetClock
) -> None:
    sealed = recording.seal()
    first = pc.put_sealed(sealed).json()
    clock.pass_by(10)
    assert pc.put_sealed(sealed).json() == first
    assert rows(services) == 2
    assert alarms(services) == []


def test_the_key_packet_again_gets_the_same_receipt(
    pc: Pc, recording: FakeRecording, services: Services, clock: SetClock
) -> None:
    clock.pass_by(10)
    receipt = Receipt.verify(pc.put_packet(recording).json()["receipt"], services.store_key.public_key())
    assert receipt.at == clock() - 10 * 10**9
    assert rows(services) == 1


def test_chunks_may_come_in_any_order_and_at_once(pc: Pc, recording: FakeRecording, services: Services) -> None:
    sealed = [recording.seal(str(number).encode()) for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(pc.put_sealed, sealed[::-1]))
    assert {answer.status_code for answer in answers} == {200}
    assert rows(services) == 13


def test_one_chunk_sent_by_many_hands_at_once_is_one_chunk(
    pc: Pc, recording: FakeRecording, services: Services
) -> None:
    sealed = recording.seal()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: pc.put_sealed(sealed).json()["receipt"], range(16)))
    assert len(set(answers)) == 1
    assert rows(services) == 2
    assert alarms(services) == []


def test_other_bytes_under_one_name_are_kept_too_with_an_alarm(
    pc: Pc, recording: FakeRecording, services: Services
) -> None:
    one = recording.seal(b"one")
    recording.streams.clear()
    other = recording.seal(b"other")
    first, second = pc.put_sealed(one), pc.put_sealed(other)
    assert [first.status_code, second.status_code] == [200, 200]
    hashes = [
        Receipt.verify(answer.json()["receipt"], services.store_key.public_key()).sha256 for answer in (first, second)
    ]
    assert hashes == [digest(one).hex(), digest(other).hex()]
    assert [services.blobs.get(sealed_name(recording.id, 0, 0, sha256)) for sha256 in hashes] == [one, other]
    pc.put_sealed(other)
    assert alarms(services) == [("two-bodies", 0, 0)]


@pytest.mark.parametrize(
    "damaged",
    [pytest.param(lambda body: body[:50], id="cut"), pytest.param(lambda body: flipped(body, 100), id="flipped")],
)
def test_a_damaged_blob_is_healed_by_sending_it_again(
    pc: Pc, recording: FakeRecording, home: Home, damaged: Callable[[bytes], bytes]
) -> None:
    sealed = recording.seal()
    first = pc.put_sealed(sealed).json()
    path = home.folder / "blobs" / sealed_name(recording.id, 0, 0, digest(sealed).hex())
    path.write_bytes(damaged(sealed))
    assert pc.put_sealed(sealed).json() == first
    assert path.read_bytes() == sealed


# -- between the check and the row ---------------------------------------------------------------------------------


def revoke(services: Services, pc: Pc) -> None:
    with services.database.writing() as connection:
        connection.execute(
            update(schema.devices).where(schema.devices.c.id == pc.device).values(revoked_at=services.clock())
        )


@pytest.mark.parametrize("is_packet", [True, False])
def test_a_device_revoked_while_its_bytes_are_written_leaves_nothing(
    pc: Pc, bundle: Bundle, services: Services, home: Home, monkeypatch: pytest.MonkeyPatch, is_packet: bool
) -> None:
    recording = FakeRecording(pc, bundle.recipients) if is_packet else pc.open_recording(bundle)
    before = everything(home), rows(services)
    kept = ingest._keep

    def keep_and_revoke(services: Services, arrival: ingest.Arrival) -> object:
        entry = kept(services, arrival)
        revoke(services, pc)
        return entry

    monkeypatch.setattr(ingest, "_keep", keep_and_revoke)
    answer = pc.put_packet(recording) if is_packet else pc.put_sealed(recording.seal())
    assert (answer.status_code, answer.json()["error"]) == (403, "device-revoked")
    with services.database.reading() as connection:
        opened = connection.scalar(select(func.count()).select_from(schema.recordings))
    assert opened == (0 if is_packet else 1)
    assert (everything(home), rows(services)) == before


def test_a_device_revoked_after_many_chunks_is_refused_at_once_and_leaves_nothing(
    pc: Pc, recording: FakeRecording, services: Services, home: Home
) -> None:
    """The store remembers that the recording was open for it."""
    for _ in range(3):
        assert pc.put_sealed(recording.seal()).status_code == 200
    before = everything(home), rows(services)
    revoke(services, pc)
    for _ in range(2):
        assert pc.put_sealed(recording.seal()).json()["error"] == "device-revoked"
    assert (everything(home), rows(services)) == before


def test_what_had_a_receipt_stays_when_its_device_is_revoked(
    pc: Pc, recording: FakeRecording, services: Services, home: Home
) -> None:
    sealed = recording.seal()
    assert pc.put_sealed(sealed).status_code == 200
    before = everything(home)
    revoke(services, pc)
    assert pc.put_sealed(sealed).json()["error"] == "device-revoked"
    assert everything(home) == before


# -- refused ------------------------------------------------------------------------------------------------------


@dataclass
class Scene:
    """What a refused request may need."""

    pc: Pc
    other: Pc
    recording: FakeRecording
    bundle: Bundle
    clock: SetClock

    def chunk(self) -> bytes:
        return self.recording.seal()


Send = Callable[[Scene], httpx.Response]


def put(scene: Scene, body: bytes, *, stream: int | str = 0, sequence: int | str = 0, **headers: str) -> httpx.Response:
    return scene.pc.put(scene.recording.id, stream, sequence, body, **headers)


def put_packet(scene: Scene, body: bytes, sequence: int = 0) -> httpx.Response:
    fresh = FakeRecording(scene.pc, scene.bundle.recipients)
    return scene.pc.put(fresh.id, KEY_PACKET_STREAM, sequence, body)


def fresh_packet(scene: Scene, sender: Pc | None = None, **changes: object) -> httpx.Response:
    recording = FakeRecording(sender or scene.pc, scene.bundle.recipients)
    return scene.pc.put(recording.id, KEY_PACKET_STREAM, 0, recording.make_packet(**changes))


def flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def resigned(packet: bytes) -> bytes:
    """With another signature of the right form."""
    return packet[:-10] + (b"A" if packet[-10:-9] != b"A" else b"B") + packet[-9:]


def cut_behind_its_digest(scene: Scene) -> httpx.Response:
    body = scene.chunk()
    return put(scene, body[:-1], Content_Digest=api.content_digest(body))


def as_other(scene: Scene) -> httpx.Response:
    return scene.other.put(scene.recording.id, 0, 0, scene.chunk())


def with_token(scene: Scene, token: str) -> httpx.Response:
    return put(scene, scene.chunk(), Authorization=token)


def after(scene: Scene, seconds: float) -> httpx.Response:
    scene.clock.pass_by(seconds)
    return put(scene, scene.chunk())


REFUSED: dict[str, tuple[Send, int, str]] = {
    # the body
    "empty": (lambda s: put(s, b""), 400, "truncated"),
    "truncated": (lambda s: put(s, s.chunk()[:100]), 400, "truncated"),
    "truncated behind its digest": (cut_behind_its_digest, 400, "wrong-digest"),
    "not an envelope": (lambda s: put(s, bytes(200)), 400, "bad-magic"),
    "of an unknown kind": (lambda s: put(s, flipped(s.chunk(), 4)[:4] + b"\x09" + s.chunk()[5:]), 400, "unknown-kind"),
    "with a span beyond the catalog": (lambda s: put(s, s.recording.seal(length=2**63)), 400, "bad-span"),
    "oversized": (lambda s: put(s, bytes(api.MAX_CHUNK_BODY + 1)), 413, "oversized"),
    "without a digest": (lambda s: put(s, s.chunk(), Content_Digest=""), 400, "no-digest"),
    "with a bad digest": (lambda s: put(s, s.chunk(), Content_Digest="md5=:AAAA:"), 400, "bad-digest"),
    "with another's digest": (lambda s: put(s, s.chunk(), Content_Digest=api.content_digest(b"")), 400, "wrong-digest"),
    # the place
    "under another sequence": (lambda s: put(s, s.chunk(), sequence=7), 400, "misplaced"),
    "under another stream": (lambda s: put(s, s.chunk(), stream=7), 400, "misplaced"),
    "before its key packet": (
        lambda s: s.pc.put_sealed(FakeRecording(s.pc, s.bundle.recipients).seal()),
        409,
        "no-key-packet",
    ),
    "for another recording of its own": (
        lambda s: s.pc.put(s.pc.open_recording(s.bundle).id, 0, 0, s.chunk()),
        400,
        "misplaced",
    ),
    "stream not a number": (lambda s: put(s, s.chunk(), stream="one"), 400, "bad-path"),
    "stream too high": (lambda s: put(s, s.chunk(), stream=65536), 400, "bad-path"),
    "sequence negative": (lambda s: put(s, s.chunk(), sequence=-1), 400, "bad-path"),
    "sequence beyond the catalog": (lambda s: put(s, s.chunk(), sequence=2**63), 400, "bad-path"),
    "recording not a UUID": (lambda s: s.pc.put("../../etc", 0, 0, s.chunk()), 404, "no-such-path"),
    "recording nearly a UUID": (lambda s: s.pc.put("0193-nope", 0, 0, s.chunk()), 400, "bad-path"),
    # the key packet
    "packet, garbage": (lambda s: put_packet(s, b"garbage"), 400, "malformed"),
    "packet, not ASCII": (lambda s: put_packet(s, b"\xff\xfe"), 400, "malformed"),
    "packet at sequence 1": (lambda s: put_packet(s, s.recording.packet, sequence=1), 400, "misplaced"),
    "packet of another recording": (lambda s: put_packet(s, s.recording.packet), 400, "misplaced"),
    "packet with another signature": (lambda s: put_packet(s, resigned(s.recording.packet)), 400, "bad-signature"),
    "packet signed by another": (lambda s: fresh_packet(s, sender=s.other), 400, "wrong-signer"),
    "packet naming another device": (lambda s: fresh_packet(s, device=s.other.device), 403, "foreign-recording"),
    "packet too large": (lambda s: put_packet(s, bytes(api.MAX_PACKET_BODY + 1)), 413, "oversized"),
    # who asks
    "for a foreign recording": (as_other, 403, "foreign-recording"),
    "packet over a foreign recording": (
        lambda s: s.other.put(
            s.recording.id, KEY_PACKET_STREAM, 0, FakeRecording(s.other, s.bundle.recipients, id=s.recording.id).packet
        ),
        403,
        "foreign-recording",
    ),
    "without a token": (lambda s: with_token(s, ""), 401, "no-token"),
    "with another scheme": (lambda s: with_token(s, "Basic YTpi"), 401, "no-token"),
    "with garbage for a token": (lambda s: with_token(s, "Bearer garbage"), 401, "bad-token"),
    "with an assertion for a token": (
        lambda s: with_token(s, f"Bearer {s.pc.assertion(s.clock.seconds)}"),
        401,
        "bad-token",
    ),
    "with an expired token": (lambda s: after(s, 601), 401, "expired-token"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_is_refused_with_its_code_and_nothing_written(
    case: str, new_pc: Callable[[], Pc], bundle: Bundle, clock: SetClock, services: Services, home: Home
) -> None:
    send, status, code = REFUSED[case]
    pc = new_pc()
    scene = Scene(pc, new_pc(), pc.open_recording(bundle), bundle, clock)
    opened = case == "for another recording of its own"  # one more, on its way
    before = (rows(services) + opened, len(everything(home)) + opened)
    answer = send(scene)
    problem = answer.json()
    assert (answer.status_code, problem["error"]) == (status, code)
    assert problem["message"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert (rows(services), len(everything(home))) == before
    assert alarms(services) == []
    assert not any(name.startswith(".incoming") for name in everything(home))


def test_a_forged_chunk_costs_nothing_but_its_place(pc: Pc, recording: FakeRecording, services: Services) -> None:
    """Without the key the store cannot tell a wrong tag: it keeps both, and the auditor's key decides."""
    sealed = recording.seal()
    assert pc.put_sealed(flipped(sealed, -1)).status_code == 200
    assert pc.put_sealed(sealed).status_code == 200
    assert alarms(services) == [("two-bodies", 0, 0)]


# -- a store in trouble -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("full", "status", "code"), [(False, 503, "store-fault"), (True, 507, "store-full")])
def test_a_disk_that_fails_gives_no_receipt(
    home: Home,
    services: Services,
    clock: SetClock,
    secret: Callable[..., str],
    bundle: Bundle,
    full: bool,
    status: int,
    code: str,
) -> None:
    blobs = MemoryBlobs()
    with serving(home, replace(services, blobs=blobs)) as client:
        pc = Pc(client)
        pc.enrol(secret())
        pc.ask_token(clock.seconds)
        recording = pc.open_recording(bundle)
        sealed = recording.seal()
        blobs.fail_next = [BlobFault("no", full=full)]
        answer = pc.put_sealed(sealed)
        assert (answer.status_code, answer.json()["error"]) == (status, code)
        assert int(answer.headers["Retry-After"]) > 0
        assert rows(services) == 1
        assert pc.put_sealed(sealed).status_code == 200


def test_more_than_the_memory_set_aside_is_asked_to_come_again(
    home: Home, services: Services, clock: SetClock, secret: Callable[..., str], bundle: Bundle
) -> None:
    with serving(home, services, Intake(8000)) as client:
        pc = Pc(client)
        pc.enrol(secret())
        pc.ask_token(clock.seconds)
        recording = pc.open_recording(bundle)
        answer = pc.put_sealed(recording.seal(bytes(8000)))
        assert (answer.status_code, answer.json()["error"]) == (503, "busy")
        assert answer.headers["Retry-After"] == "2"
        recording.streams.clear()
        assert pc.put_sealed(recording.seal(bytes(2000))).status_code == 200  # what was refused holds nothing


def test_a_body_cut_short_leaves_nothing(pc: Pc, recording: FakeRecording, services: Services, home: Home) -> None:
    sealed = recording.seal()

    def half() -> Iterator[bytes]:
        yield sealed[:60]
        raise ConnectionError("the network went")

    headers = pc.bearer | {
        api.CONTENT_DIGEST_HEADER: api.content_digest(sealed),
        "Content-Length": str(len(sealed)),
    }
    with pytest.raises(ConnectionError):
        pc.client.put(f"/v1/recordings/{recording.id}/0/0", content=half(), headers=headers)
    assert pc.put_sealed(sealed).status_code == 200
    assert rows(services) == 2
    assert len(everything(home)) == 2


def test_the_header_of_a_stream_is_a_chunk_like_any_other(pc: Pc, recording: FakeRecording) -> None:
    assert pc.put_sealed(recording.seal(b"ftyp moov", kind=Kind.HEADER, length=0)).status_code == 200


def test_an_unknown_recording_and_a_foreign_one_are_told_apart_only_to_the_enrolled(client: httpx.Client) -> None:
    answer = client.put(f"/v1/recordings/{uuid4()}/0/0", content=b"x")
    assert answer.status_code == 401


def test_files_lie_in_one_folder_a_recording(pc: Pc, recording: FakeRecording, home: Home) -> None:
    pc.put_sealed(recording.seal())
    folders = {Path(name).parent.as_posix() for name in everything(home)}
    assert folders == {f"{recording.id.hex[-2:]}/{recording.id}"}


def test_a_name_takes_so_many_bodies_and_the_devices_own_behind_those_of_a_thief(
    pc: Pc, recording: FakeRecording, services: Services
) -> None:
    """Each further body made the one writer read all before it: a PC could slow all others down by the hour."""
    true = [replace(recording, streams={}).seal(b"fragment") for _ in range(ingest.MOST_BODIES + 1)]
    forged = [body[:-1] + bytes([body[-1] ^ 1]) for body in true]
    assert [pc.put_sealed(body).status_code for body in forged] == [200] * ingest.MOST_BODIES + [507]
    assert [pc.put_sealed(body).status_code for body in true] == [200] * ingest.MOST_BODIES + [507]
    assert pc.put_sealed(forged[0]).status_code == 200  # it has its receipt again
    refused = pc.put_sealed(true[-1])
    assert refused.json()["error"] == "too-many-bodies"
    assert rows(services) == 1 + 2 * ingest.MOST_BODIES
