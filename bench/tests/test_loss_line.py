"""The bad line and the jumping clock of bench/loss do what its cases rely on: no fault, no proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model.times import SECOND
from agent.desktop.clock import BootClock
from agent.errors import Transient
from agent.wire import Wire
from bench.loss_agent import JumpingClock, jump
from bench.loss_proxy import EatAnswer, Fault, Line, ResetAt, Says
from protocol import api
from testkit.fakes.clock import HandClock
from testkit.fakes.store import FakeStore
from testkit.fleet import Store


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[FakeStore]:
    (tmp_path / "tls").mkdir()
    with FakeStore(tls=tmp_path / "tls") as store:
        for name in ("server.crt", "server.key"):
            (tmp_path / "tls" / name).write_bytes((tmp_path / "tls" / "store.pem").read_bytes())
        (tmp_path / "tls" / "ca.crt").write_text(store.ca)
        yield store


@pytest.fixture
def line(behind: FakeStore, tmp_path: Path) -> Iterator[Line]:
    with Line(Store(tmp_path, behind.address, tmp_path / "none"), aims_at=lambda _method, _path: True) as made:
        yield made


@pytest.fixture
def wire(behind: FakeStore, line: Line) -> Iterator[Wire]:
    made = Wire(line.address, behind.ca, HandClock(), agent_version="0.1.0")
    yield made
    made.close()


def test_without_a_fault_everything_passes(behind: FakeStore, line: Line, wire: Wire) -> None:
    assert wire.send("GET", api.HEALTH).status == 200
    assert wire.send("PUT", api.RECORDING, body=bytes(100_000)).status == 401
    assert len(behind.requests) == 2
    assert line.happened == {}


def test_an_answer_is_eaten_after_the_store_has_given_it(behind: FakeStore, line: Line, wire: Wire) -> None:
    line.arm(EatAnswer())
    with pytest.raises(Transient):
        wire.send("GET", api.HEALTH)
    assert len(behind.requests) == 1
    assert line.happened[EatAnswer] == 1
    assert wire.send("GET", api.HEALTH).status == 200


@pytest.mark.parametrize("fault", [ResetAt(0.5), Says(b"nonsense\r\n\r\n", "Garbage")])
def test_what_breaks_never_reaches_the_store_whole(behind: FakeStore, line: Line, wire: Wire, fault: Fault) -> None:
    line.arm(fault)
    with pytest.raises(Transient):
        wire.send("PUT", api.RECORDING, body=bytes(100_000))
    assert behind.paths("PUT") == []
    assert line.happened[type(fault)] == 1


def test_the_line_answers_itself(behind: FakeStore, line: Line, wire: Wire) -> None:
    line.arm(Says.http(503, b"busy", "Retry-After: 7"))
    answer = wire.send("PUT", api.RECORDING, body=b"sealed")
    assert (answer.status, answer.retry_after, behind.requests) == (503, 7.0, [])


def test_a_clock_jumps_when_told_to_and_runs_on(tmp_path: Path) -> None:
    jump(tmp_path / "offsets", wall=0, slept=0)
    clock, real = JumpingClock(tmp_path / "offsets"), BootClock()
    assert clock.now() - real.now() < SECOND
    jump(tmp_path / "offsets", wall=-3600 * SECOND, slept=600 * SECOND)
    assert 599 * SECOND < clock.now() - real.now() <= 600 * SECOND
    assert -3000 * SECOND - SECOND < clock.wall() - real.wall() <= -3000 * SECOND
    assert clock.awake() <= real.awake()
