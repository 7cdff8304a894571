"""Several recordings at once: each in its order, one pause for all of them, and an end that waits for nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from agent import durable
from agent.core import backoff
from agent.core.model.times import SECOND
from agent.ports import Sealed
from agent.upload.in_flight import Completion
from agent.upload.uploader import IDLE, STEADY
from agent.wire import Answer
from protocol import api
from protocol.envelope import KEY_PACKET_STREAM, Header
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from testkit.fakes.store import FakeStore, Reply, problem
from tests.agent.recordings import media, new_sealer
from tests.agent.upload.conftest import CHANCE, Pc, start_pc

CHUNKS = "/v1/recordings/"
PARALLEL = 4


class Watch:
    """Stands before a fake store: whose chunks are there at the same time; the first `together` wait
    for each other, before and after their answers are made."""

    def __init__(self, store: FakeStore, together: int = 1) -> None:
        self.inside: list[str] = []
        self.most = 0
        self.twice = False
        self._store_answers = store.answer
        self._together = threading.Barrier(together)
        self._gathered = False
        self._lock = threading.Lock()
        store.answer = self.answer  # type: ignore[method-assign]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if not path.startswith(CHUNKS):
            return self._store_answers(method, path, headers, body)
        recording = path.split("/")[3]
        with self._lock:
            self.twice |= recording in self.inside
            self.inside.append(recording)
            self.most = max(self.most, len(self.inside))
        first = not self._gathered
        if first:
            self._together.wait(30)
        reply = self._store_answers(method, path, headers, body)
        if first:  # each has its own answer before the sender hears of any and sends more
            self._together.wait(30)
            self._gathered = True
        with self._lock:
            self.inside.remove(recording)
        return reply


@pytest.fixture
def wide(pc: Pc) -> Iterator[Pc]:
    """The same PC, which sends four recordings at once."""
    made = start_pc(pc.store, pc.clock, pc.identity.home, pc.identity, PARALLEL)
    yield made
    made.wire.close()


def recorded(pc: Pc, recordings: int, chunks: int) -> list[list[Sealed]]:
    return [pc.record(chunks, NEW_YEAR_2026 + number * SECOND) for number in range(recordings)]


def chunk_paths(pc: Pc, recording: UUID) -> list[str]:
    return [path for path in pc.store.paths("PUT") if path.startswith(f"{CHUNKS}{recording}/")]


def test_four_recordings_travel_at_once_and_each_in_its_order(wide: Pc) -> None:
    wide.settle()
    made = recorded(wide, 7, 5)
    watch = Watch(wide.store, together=PARALLEL)
    assert wide.work() == IDLE
    assert (watch.most, watch.twice) == (PARALLEL, False)
    for recording in made:
        sent = [api.recording_path(s.recording, s.stream, s.sequence) for s in recording]
        assert chunk_paths(wide, recording[0].recording) == sent
        assert recording[0].stream == KEY_PACKET_STREAM
    assert wide.heard == ["receipt"] * 42
    assert wide.spool.waiting() == (0, 0)
    assert wide.store.connections <= 1 + PARALLEL + 1  # the enrolment's; then they are kept


def test_one_token_serves_all(wide: Pc) -> None:
    recorded(wide, 6, 1)
    Watch(wide.store, together=PARALLEL)
    wide.work()
    assert wide.store.paths("POST").count(api.TOKEN) == 1
    wide.store.seconds += 100_000  # the store no longer takes it
    recorded(wide, 6, 3)
    wide.work()
    assert wide.spool.waiting() == (0, 0)
    assert wide.store.paths("POST").count(api.TOKEN) == 2


@pytest.mark.parametrize("reply", [Reply(drop=True), problem(500, "store-fault"), Reply(200, b"<html>")])
def test_what_fails_together_is_one_failure_with_one_pause(wide: Pc, reply: Reply) -> None:
    wide.settle()
    recorded(wide, PARALLEL, 2)
    Watch(wide.store, together=PARALLEL)
    wide.store.says(CHUNKS, *[reply] * PARALLEL)
    assert wide.work() == CHANCE * backoff.BASE
    assert wide.work() == IDLE
    assert wide.spool.waiting() == (0, 0)


def test_a_store_that_stays_down_is_asked_by_nobody_during_the_pause(wide: Pc) -> None:
    wide.settle()
    recorded(wide, 8, 1)
    Watch(wide.store, together=PARALLEL)
    wide.store.says(CHUNKS, *[Reply(drop=True)] * 100)
    pauses = []
    for _ in range(8):
        pauses.append(wide.work())
        wide.outlast(pauses[-1])
    assert pauses == [CHANCE * backoff.BASE * 2**attempt for attempt in range(8)]
    # Four, two, and then one at a time: what is under way when a pause begins may still be counted as begun.
    assert len([path for path in wide.store.paths("PUT") if path.startswith(CHUNKS)]) <= 4 + 2 + 6 + 2


def test_a_line_that_fails_is_shared_by_fewer_until_it_is_steady(wide: Pc) -> None:
    wide.settle()
    recorded(wide, PARALLEL, 1)
    Watch(wide.store, together=PARALLEL)
    wide.store.says(CHUNKS, *[Reply(drop=True)] * PARALLEL)
    wide.work()
    watch = Watch(wide.store, together=2)
    assert wide.work() == IDLE
    assert watch.most == 2
    recorded(wide, 9, 2 * STEADY)
    wide.work()
    watch = Watch(wide.store, together=PARALLEL)
    recorded(wide, 9, 1)
    wide.work()
    assert watch.most == PARALLEL


@pytest.mark.parametrize(
    ("outcome", "later"),
    [(Answer(503, b"", 42), 42), (Answer(503, b"", 86_400), backoff.CAP), (Answer(503, b""), 0), (OSError(), 0)],
)
def test_when_the_store_wants_to_be_asked_again_counts_from_its_answer(outcome: Answer | OSError, later: int) -> None:
    [packet] = [new_sealer().packet()]
    assert Completion(packet, 0, outcome, 5 * SECOND).come_back_at == (5 + later) * SECOND


def test_a_defect_in_a_request_is_not_swallowed(wide: Pc, monkeypatch: pytest.MonkeyPatch) -> None:
    wide.settle()
    recorded(wide, 1, 1)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(wide.uploader._bearer, "send", broken)
    with pytest.raises(ZeroDivisionError):
        wide.work()


# -- hours --------------------------------------------------------------------------------------------------------


def test_outside_of_the_hours_recordings_wait_and_the_account_travels(wide: Pc) -> None:
    wide.let_through = False
    [made] = recorded(wide, 1, 2)
    wide.ledger.write("start")
    wide.outlast(10)
    assert wide.work() == IDLE
    assert wide.waiting() == [sealed.name for sealed in made]
    assert len(wide.store.health) == 1
    assert len(wide.store.devices["device-1"].lines) == 1
    assert not wide.uploader.flush(wide.clock.now() + 10 * SECOND)
    assert wide.store.chunks == {}
    wide.let_through = True
    assert wide.work() == IDLE
    assert wide.waiting() == []


# -- the end ------------------------------------------------------------------------------------------------------


def test_it_runs_until_it_is_told_to_stop_and_leaves_nothing_under_way(wide: Pc) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=wide.uploader.run, args=(stop,))
    thread.start()
    recorded(wide, 6, 3)
    wide.uploader.wake()
    assert wide.received.wait(30)
    stop.set()
    wide.uploader.wake()
    thread.join(30)
    assert not thread.is_alive()
    assert not wide.uploader.under_way
    assert wide.uploader.flush(wide.clock.now() + 10 * SECOND)
    assert all(len(contents) == 1 for contents in wide.store.chunks.values())
    assert len(wide.store.chunks) == 24


def test_a_request_that_is_stuck_does_not_keep_it_from_ending(wide: Pc) -> None:
    wide.settle()
    arrived, go_on = threading.Event(), threading.Event()
    honest = wide.store.answer

    def stuck(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        arrived.set()
        go_on.wait(60)
        return honest(method, path, headers, body)

    wide.store.answer = stuck  # type: ignore[method-assign]
    recorded(wide, 2, 1)
    stop = threading.Event()
    thread = threading.Thread(target=wide.uploader.run, args=(stop,))
    thread.start()
    assert arrived.wait(30)
    stop.set()
    wide.uploader.wake()
    thread.join(30)
    assert not thread.is_alive()
    assert wide.uploader.under_way
    assert wide.spool.waiting()[0] == 4
    go_on.set()
    wide.work()
    assert wide.spool.waiting()[0] == 0


# -- after days without a network ---------------------------------------------------------------------------------


def test_of_twenty_thousand_that_wait_only_those_that_are_sent_are_read(
    store: FakeStore, clock: HandClock, pc: Pc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lists or reads all for each would be at it for hours."""
    many = 20_000
    sealer = new_sealer()
    packet, first = sealer.packet(), sealer.seal(media(0, 0, 64))
    folder = pc.identity.home / "spool" / str(packet.recording)
    folder.mkdir()
    (folder.parent / packet.name).write_bytes(packet.data)
    zero = Header.parse(first.data)
    assert (zero.sequence, first.data[24:32]) == (0, bytes(8))
    for number in range(many - 1):
        (folder / f"00000-{number:010d}").write_bytes(first.data[:24] + number.to_bytes(8) + first.data[32:])
    read: list[str] = []
    read_one = durable.read

    def counted(path: Path) -> bytes:
        if path.parent == folder:
            read.append(path.name)
        return read_one(path)

    after_days = start_pc(store, clock, pc.identity.home, pc.identity, PARALLEL)
    assert after_days.spool.waiting()[0] == many
    monkeypatch.setattr(durable, "read", counted)  # counts what is read, and reads it
    while len(store.chunks) < 50:
        after_days.uploader.step()
    assert [sequence for _, stream, sequence in store.chunks if stream == 0] == list(range(49))
    assert read == [packet.name.rpartition("/")[2], *(f"00000-{number:010d}" for number in range(49))]
    after_days.wire.close()
