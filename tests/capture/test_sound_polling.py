"""The thread that looks after devices: it looks while it is on, and has let go whenever it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from agent.capture.sound_polling import Poll

SOON = 20.0  # s: more than anything takes
NEVER = 3600.0


class Devices:
    """Notes what is done to them, and in which thread."""

    def __init__(self) -> None:
        self.done: SimpleQueue[str] = SimpleQueue()
        self.threads: set[int] = set()

    def look(self) -> None:
        self._note("look")

    def let_go(self) -> None:
        self._note("let go")

    def _note(self, what: str) -> None:
        self.threads.add(threading.get_ident())
        self.done.put(what)

    def next(self) -> str:
        return self.done.get(timeout=SOON)


@pytest.fixture
def devices() -> Devices:
    return Devices()


@pytest.fixture
def poll(devices: Devices) -> Iterator[Poll]:
    made = Poll(devices.look, devices.let_go, NEVER)
    assert devices.next() == "let go"
    yield made
    made.close()


def test_it_looks_when_it_is_turned_on_and_lets_go_when_it_is_turned_off(devices: Devices, poll: Poll) -> None:
    poll.turn(on=True)
    assert devices.next() == "look"
    poll.nudge()
    assert devices.next() == "look"
    poll.turn(on=False)
    assert devices.next() == "let go"
    assert devices.threads.isdisjoint({threading.get_ident()})
    assert len(devices.threads) == 1


def test_it_looks_again_by_itself(devices: Devices) -> None:
    poll = Poll(devices.look, devices.let_go, 0.001)
    poll.turn(on=True)
    assert [devices.next() for _ in range(5)][-3:] == ["look"] * 3
    poll.close()


def test_it_has_let_go_once_it_is_closed_and_does_nothing_after(devices: Devices) -> None:
    poll = Poll(devices.look, devices.let_go, NEVER)
    assert devices.next() == "let go"
    poll.turn(on=True)
    assert devices.next() == "look"
    poll.close()
    assert devices.next() == "let go"
    poll.turn(on=True)
    poll.close()
    assert devices.done.empty()


def test_a_sound_system_that_hangs_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    goes_on = threading.Event()

    def hang() -> None:
        goes_on.wait()

    poll = Poll(lambda: None, hang, every=60)
    poll.close(patience=0.05)
    assert "hangs" in caplog.text
    goes_on.set()
    poll.close()
