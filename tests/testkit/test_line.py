"""A bad line does what tests and the bench of losses rely on: no fault, no proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import Transient
from agent.wire import Wire
from protocol import api
from testkit.fakes.clock import HandClock
from testkit.fakes.line import EatAnswer, Fault, Line, ResetAt, Says
from testkit.fakes.store import FakeStore


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[FakeStore]:
    with FakeStore(tls=tmp_path) as store:
        yield store


@pytest.fixture
def line(behind: FakeStore, tmp_path: Path) -> Iterator[Line]:
    with Line(behind.address, tmp_path, aims_at=lambda _method, _path: True) as made:
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
