"""What every Spool promises; the fake that other tests use passes the same suite as the one on disk.

What only a disk promises (durability, recovery) is in tests/agent/test_spool.py and test_spool_disk.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.model.times import SECOND
from agent.errors import SpoolFull
from agent.ports import Sealed, Spool
from agent.spool import DiskSpool
from protocol.envelope import KEY_PACKET_STREAM, digest
from testkit.fakes.clock import NEW_YEAR_2026
from testkit.fakes.spool import MemorySpool
from tests.agent.recordings import header, media, new_sealer, sealed_recording

ROOM = 100_000


def on_disk(folder: Path, max_bytes: int) -> Spool:
    return DiskSpool(folder / "spool", max_bytes=max_bytes, keep_free=0, alarm=pytest.fail)


def in_memory(folder: Path, max_bytes: int) -> Spool:
    del folder
    return MemorySpool(max_bytes=max_bytes)


MAKERS: dict[str, Callable[[Path, int], Spool]] = {"disk": on_disk, "memory": in_memory}
Make = Callable[[int], Spool]


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a new, empty spool for so many bytes."""
    return lambda max_bytes: MAKERS[request.param](tmp_path_factory.mktemp("spool"), max_bytes)


def test_hands_out_what_was_put_byte_for_byte(make: Make) -> None:
    spool = make(ROOM)
    put = list(sealed_recording(4))
    for sealed in put:
        spool.put(sealed)
    assert list(spool.pending()) == put
    assert spool.waiting() == (4, sum(len(sealed.data) for sealed in put))


def test_nothing_waits_in_a_new_one(make: Make) -> None:
    spool = make(ROOM)
    assert list(spool.pending()) == []
    assert spool.waiting() == (0, 0)


def test_handing_out_takes_nothing_away(make: Make) -> None:
    spool = make(ROOM)
    [packet] = sealed_recording(1)
    spool.put(packet)
    assert list(spool.pending()) == list(spool.pending()) == [packet]


def test_older_recordings_come_first_whenever_they_were_put(make: Make) -> None:
    spool = make(ROOM)
    old = list(sealed_recording(3, NEW_YEAR_2026))
    new = list(sealed_recording(3, NEW_YEAR_2026 + SECOND))
    for sealed in (*new, *old):
        spool.put(sealed)
    assert list(spool.pending()) == [*old, *new]


def test_the_key_packet_comes_before_its_chunks_although_its_stream_number_is_the_highest(make: Make) -> None:
    spool = make(ROOM)
    packet, *chunks = sealed_recording(3)
    for sealed in (*chunks, packet):
        spool.put(sealed)
    assert next(spool.pending()).stream == KEY_PACKET_STREAM


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=12), chance=st.randoms())
def test_any_order_of_putting_gives_the_order_of_the_moments_shown(
    make: Make, lengths: list[tuple[int, int]], chance: random.Random
) -> None:
    """Streams that advance at any pace: what comes out follows time across streams, and the sequence within each."""
    sealer = new_sealer()
    ends = [0, 0, 0]
    all_sealed = [sealer.packet()]
    all_sealed += [sealer.seal(header(stream)) for stream in sorted({stream for stream, _ in lengths})]
    starts: dict[str, int] = {}
    for stream, seconds in lengths:
        sealed = sealer.seal(media(stream, ends[stream], seconds=seconds))
        starts[sealed.name] = ends[stream]
        ends[stream] += seconds
        all_sealed.append(sealed)
    spool = make(ROOM)
    chance.shuffle(all_sealed)
    for sealed in all_sealed:
        spool.put(sealed)

    out = list(spool.pending())

    assert len(out) == len(all_sealed)
    assert out[0].stream == KEY_PACKET_STREAM
    moments = [starts.get(sealed.name, 0) for sealed in out]
    assert moments == sorted(moments)
    for stream in range(3):
        sequences = [sealed.sequence for sealed in out if sealed.stream == stream]
        assert sequences == list(range(len(sequences)))


def test_forgets_one_and_keeps_the_others(make: Make) -> None:
    spool = make(ROOM)
    first, second, third = sealed_recording(3)
    for sealed in (first, second, third):
        spool.put(sealed)
    spool.forget(second.name)
    assert list(spool.pending()) == [first, third]
    assert spool.waiting() == (2, len(first.data) + len(third.data))


def test_forgetting_twice_is_no_mistake(make: Make) -> None:
    spool = make(ROOM)
    [packet] = sealed_recording(1)
    spool.put(packet)
    spool.forget(packet.name)
    spool.forget(packet.name)
    assert spool.waiting() == (0, 0)


def test_what_is_forgotten_while_it_is_being_handed_out_does_not_come(make: Make) -> None:
    spool = make(ROOM)
    first, second, third = sealed_recording(3)
    for sealed in (first, second, third):
        spool.put(sealed)
    pending = spool.pending()
    assert next(pending) == first
    spool.forget(second.name)
    assert list(pending) == [third]


def test_leaves_out_recordings_that_are_passed_over(make: Make) -> None:
    spool = make(ROOM)
    old = list(sealed_recording(2, NEW_YEAR_2026))
    new = list(sealed_recording(2, NEW_YEAR_2026 + SECOND))
    for sealed in (*old, *new):
        spool.put(sealed)
    assert list(spool.pending({old[0].recording})) == new


def test_the_same_chunk_again_is_no_mistake(make: Make) -> None:
    spool = make(ROOM)
    [packet] = sealed_recording(1)
    spool.put(packet)
    spool.put(packet)
    assert spool.waiting() == (1, len(packet.data))


def test_another_content_under_the_same_number_is_refused_and_changes_nothing(make: Make) -> None:
    spool = make(ROOM)
    packet, chunk = sealed_recording(2)
    data = chunk.data[:-1] + bytes([chunk.data[-1] ^ 1])
    spool.put(packet)
    spool.put(chunk)
    with pytest.raises(ValueError, match="two sealed chunks under one number"):
        spool.put(Sealed(chunk.recording, chunk.stream, chunk.sequence, data, digest(data)))
    assert list(spool.pending()) == [packet, chunk]


def test_full_means_refused_and_nothing_written(make: Make) -> None:
    packet, chunk = sealed_recording(2)
    spool = make(len(packet.data) + len(chunk.data) - 1)
    spool.put(packet)
    with pytest.raises(SpoolFull):
        spool.put(chunk)
    assert list(spool.pending()) == [packet]
    spool.forget(packet.name)
    spool.put(chunk)
    assert list(spool.pending()) == [chunk]


def test_a_budget_used_to_the_last_byte_is_not_full(make: Make) -> None:
    packet, chunk = sealed_recording(2)
    spool = make(len(packet.data) + len(chunk.data))
    spool.put(packet)
    spool.put(chunk)
    assert spool.waiting()[0] == 2


def test_set_aside_leaves_the_queue_but_not_the_budget(make: Make) -> None:
    """Else a store that refuses everything would fill the disk."""
    packet, chunk = sealed_recording(2)
    spool = make(len(packet.data) + len(chunk.data) - 1)
    spool.put(packet)
    spool.set_aside(packet.name, "the store refused it: foreign-recording (403)")
    assert list(spool.pending()) == []
    assert spool.waiting() == (0, 0)
    with pytest.raises(SpoolFull):
        spool.put(chunk)
