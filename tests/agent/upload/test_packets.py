"""A store that was put back from an old backup gets the key packet again; it goes from here when nothing can follow."""

from __future__ import annotations

import pytest

from agent.core import backoff
from agent.core.model.rules import Hold
from agent.core.model.times import SECOND
from agent.ports import Sealed
from agent.upload.answers import NO_KEY_PACKET
from agent.upload.packets import KeptPackets
from agent.upload.sync_tasks import HEALTH_EVERY
from agent.upload.uploader import IDLE
from protocol import api
from testkit.fakes.clock import NEW_YEAR_2026
from testkit.fakes.store import Reply, problem
from tests.agent.upload.conftest import CHANCE, Pc, start_pc

FORGOTTEN = problem(409, NO_KEY_PACKET)


def path_of(sealed: Sealed) -> str:
    return api.recording_path(sealed.recording, sealed.stream, sealed.sequence)


def half_sent(pc: Pc) -> tuple[Sealed, Sealed]:
    """A recording's packet that the store has and no longer knows, and a chunk that waits."""
    pc.settle()
    packet, chunk = pc.record(1)
    pc.store.says(path_of(chunk), Reply(drop=True))
    assert pc.work() == CHANCE * backoff.BASE
    assert pc.waiting() == [chunk.name]
    pc.store.chunks.clear()
    pc.store.requests.clear()
    pc.heard.clear()
    return packet, chunk


def kept(pc: Pc) -> list[str]:
    return sorted(path.name for path in (pc.identity.home / "key-packets").iterdir())


def minute(pc: Pc) -> None:
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()


# -- what the store asks for again --------------------------------------------------------------------------------


def test_a_store_that_forgot_the_key_packet_gets_it_again_and_then_the_chunk(pc: Pc) -> None:
    packet, chunk = half_sent(pc)
    pc.store.says(path_of(chunk), FORGOTTEN)
    assert pc.work() == IDLE
    assert pc.store.paths("PUT") == [path_of(chunk), path_of(packet), path_of(chunk)]
    for sealed in (packet, chunk):
        assert pc.store.chunks[sealed.recording, sealed.stream, sealed.sequence] == {sealed.sha256.hex(): sealed.data}
    assert pc.waiting() == []
    assert pc.spool.aside() == 0
    assert pc.heard == ["receipt"]


def test_so_it_does_after_a_restart(pc: Pc) -> None:
    packet, chunk = half_sent(pc)
    again = start_pc(pc.store, pc.clock, pc.identity.home, pc.identity)
    again.store.says(path_of(chunk), FORGOTTEN)
    assert again.work() == IDLE
    again.wire.close()
    assert (packet.recording, packet.stream, 0) in pc.store.chunks
    assert again.waiting() == []


@pytest.mark.parametrize("why", ["it is gone", "the store refuses it"])
def test_without_a_key_packet_the_chunk_is_set_aside_with_its_reason(pc: Pc, why: str) -> None:
    packet, chunk = half_sent(pc)
    pc.store.says(path_of(chunk), FORGOTTEN)
    if why == "it is gone":
        (pc.identity.home / "key-packets" / str(packet.recording)).unlink()
    else:
        pc.store.says(path_of(packet), problem(422, "bad-packet"))
    assert pc.work() == IDLE
    assert pc.waiting() == []
    assert pc.heard == ["alarm chunk-refused"]
    [reason] = (pc.identity.home / "spool" / "set_aside").glob("*.why")
    assert reason.read_text() == "the store refused it: no-key-packet (409)\n"


@pytest.mark.parametrize("reply", [Reply(drop=True), problem(503, "busy"), Reply(200, b'{"receipt": "thanks"}')])
def test_a_key_packet_that_does_not_arrive_keeps_the_chunk(pc: Pc, reply: Reply) -> None:
    packet, chunk = half_sent(pc)
    pc.store.says(path_of(chunk), FORGOTTEN, FORGOTTEN)
    pc.store.says(path_of(packet), reply)
    assert pc.work() > 0
    assert pc.waiting() == [chunk.name]
    for _ in range(3):
        pc.outlast_everything()
        pc.work()
    assert pc.waiting() == []
    assert pc.spool.aside() == 0


def test_a_store_that_forgets_again_and_again_is_asked_ever_more_seldom_and_others_go_on(pc: Pc) -> None:
    packet, chunk = half_sent(pc)
    pc.store.says(path_of(chunk), *[FORGOTTEN] * 10_000)
    other = pc.record(1, NEW_YEAR_2026 + SECOND)
    until = pc.clock.now() + 3600 * SECOND
    while pc.clock.now() < until:
        pc.outlast(pc.work())
    assert pc.waiting() == [chunk.name]
    assert pc.spool.aside() == 0
    assert all((one.recording, one.stream, one.sequence) in pc.store.chunks for one in other)
    # 90 s is what CHANCE makes of five minutes.
    assert 3600 / 90 / 2 < pc.store.paths("PUT").count(path_of(chunk)) < 3600 / 90 + 20
    assert pc.heard.count("alarm store-forgets") == 1
    pc.store.forgive(path_of(chunk))
    pc.outlast_everything()
    assert pc.work() == IDLE
    assert "cleared store-forgets" in pc.heard
    assert pc.waiting() == []
    assert (packet.recording, packet.stream, 0) in pc.store.chunks


# -- until when they stay -----------------------------------------------------------------------------------------


def test_it_goes_when_its_recording_is_closed_and_receipted(pc: Pc) -> None:
    pc.settle()
    first, *_ = pc.record(2)
    pc.open_recording = str(first.recording)
    pc.work()
    for _ in range(3):
        minute(pc)
        assert kept(pc) == [str(first.recording)]
    pc.open_recording = None
    minute(pc)
    assert kept(pc) == [str(first.recording)]  # it might be one that is just being opened
    minute(pc)
    assert kept(pc) == []


def test_it_stays_while_anything_waits(pc: Pc) -> None:
    pc.settle()
    packet, chunk = pc.record(1)
    pc.store.says(path_of(chunk), *[problem(500, "store-fault")] * 1000)
    for _ in range(5):
        minute(pc)
        assert pc.waiting() == [chunk.name]
    assert kept(pc) == [str(packet.recording)]


def test_it_stays_while_sealed_chunks_wait_for_room(pc: Pc) -> None:
    pc.settle()
    [packet] = pc.record(0)
    pc.work()
    pc.holds = [Hold.SPOOL_FULL]
    for _ in range(5):
        minute(pc)
    assert kept(pc) == [str(packet.recording)]


def test_a_disk_that_refuses_it_costs_no_receipt(pc: Pc) -> None:
    pc.settle()
    folder = pc.identity.home / "key-packets"
    folder.rmdir()
    folder.write_text("in the way")
    pc.record(1)
    assert pc.work() == IDLE
    assert pc.waiting() == []


def test_what_was_half_written_never_counted(pc: Pc) -> None:
    folder = pc.identity.home / "key-packets"
    (folder / ".part-0123").write_bytes(b"ey")
    KeptPackets(folder)
    assert kept(pc) == []
