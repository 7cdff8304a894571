"""Two days without the network, with a restart in their middle, and then all of it in order: nothing is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from agent.core import backoff
from agent.core.model.times import SECOND
from agent.state.identity import enrol
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from testkit.fakes.store import FakeStore, Reply
from tests.agent.upload.conftest import Pc, start_pc

HOUR = 3600
DAY = 24 * HOUR
DOWN = Reply(drop=True)


def an_hour_offline(pc: Pc, chunks: int) -> list[str]:
    """A recording is made and told of; meanwhile the store is tried again and again, and never answers."""
    made = [sealed.name for sealed in pc.record(chunks, pc.clock.wall())]
    pc.ledger.write("heads", recording=made[0].partition("/")[0])
    until = pc.clock.now() + HOUR * SECOND
    while pc.clock.now() < until:
        pause = pc.work()
        assert 0 < pause <= backoff.CAP
        pc.outlast(max(pause, 120))  # it has other things to do than to count every try
    return made


@pytest.mark.slow(reason="thousands of chunks are sealed, kept and sent")
def test_two_days_offline_are_sent_in_order_and_nothing_is_lost(store: FakeStore, tmp_path: Path) -> None:
    clock, home = HandClock(), tmp_path / "home"
    identity = enrol(store.pasted(), home, clock, host="pc-17", user="alice", system="Debian 13", agent_version="0.1.0")
    pc = start_pc(store, clock, home, identity, parallel=2)
    pc.settle()
    began = clock.now()
    store.says("/v1", *[DOWN] * 10_000)
    made: list[list[str]] = []
    for hour in range(48):
        made.append(an_hour_offline(pc, chunks=hour % 4))
        if hour == 20:
            pc.wire.close()
            clock.ahead = NEW_YEAR_2026 + 7 * SECOND  # and its wall clock was a little off
            pc = start_pc(store, clock, home, identity, parallel=2)
    assert clock.now() - began >= 2 * DAY * SECOND
    assert not store.chunks
    assert pc.waiting() == [name for recording in made for name in recording]  # oldest first

    store.forgive("/v1")
    for _ in range(400):
        pc.outlast(pc.work())
        if not pc.waiting() and pc.ledger.due(at_once=True) is None:
            break
    assert pc.waiting() == []
    assert sorted(pc.spool.forgotten) == sorted(name for recording in made for name in recording)
    for recording in made:  # two travel at once, each in its order
        assert [name for name in pc.spool.forgotten if name in recording] == recording
    starts = [pc.spool.forgotten.index(recording[0]) for recording in made]
    assert all(start <= later + 8 for start, later in pairwise(starts))
    assert {len(bodies) for bodies in store.chunks.values()} == {1}
    (device,) = store.devices.values()
    assert len(device.lines) == pc.ledger.head()[0]
    assert pc.heard.count("receipt") == len(pc.spool.forgotten)
    pc.wire.close()
