"""The thread that looks for marks: only while some are wanted, and each is reported once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from queue import Queue

import pytest

from agent.core.model.marks import Sighted
from agent.core.model.times import SECOND
from agent.recorder.seeking import EVERY, LATER, LONG, SELDOM, SOON, Seeker
from testkit.fakes.clock import HandClock

WITHIN = 30.0  # seconds; far more than it takes


class Picture:
    """A display that shows what the test puts there; every look at it is counted."""

    def __init__(self) -> None:
        self.shows: frozenset[int] = frozenset()
        self.looks: Queue[frozenset[int]] = Queue()

    def find(self, marks: Collection[int]) -> frozenset[int]:
        self.looks.put(frozenset(marks))
        return self.shows & frozenset(marks)


class Rig:
    def __init__(self) -> None:
        self.clock, self.picture = HandClock(), Picture()
        self.told: Queue[Sighted] = Queue()
        self.seeker = Seeker(self.clock, self.told.put)
        self.thread = threading.Thread(target=self.seeker.run, args=(self.picture,))

    def looked_for(self) -> frozenset[int]:
        return self.picture.looks.get(timeout=WITHIN)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.thread.start()
    yield rig
    rig.seeker.stop()
    rig.thread.join(WITHIN)
    assert not rig.thread.is_alive()


def test_what_is_sought_is_told_once_with_the_time_before_the_grab(rig: Rig) -> None:
    rig.clock.time = 7 * SECOND
    rig.picture.shows = frozenset({1, 3})
    rig.seeker.seek(frozenset({1, 2}), 1)
    assert rig.told.get(timeout=WITHIN) == Sighted(frozenset({1}), 7 * SECOND)
    for _ in range(3):
        assert rig.looked_for() == {1, 2}
    rig.seeker.seek(frozenset({1, 2, 3}), 1)
    assert rig.told.get(timeout=WITHIN) == Sighted(frozenset({1, 3}), 7 * SECOND)
    assert rig.told.empty()


def test_a_mark_that_is_seen_again_later_is_told_again(rig: Rig) -> None:
    rig.picture.shows = frozenset({1})
    rig.seeker.seek(frozenset({1}), 1)
    rig.told.get(timeout=WITHIN)
    rig.picture.shows = frozenset()
    while not rig.picture.looks.empty():
        rig.looked_for()
    rig.looked_for()
    rig.looked_for()
    rig.picture.shows = frozenset({1})
    assert rig.told.get(timeout=WITHIN).marks == {1}


def test_nothing_is_grabbed_while_nothing_is_sought(rig: Rig) -> None:
    rig.seeker.seek(frozenset({1}), 1)
    rig.looked_for()
    rig.seeker.seek(frozenset(), 1)
    rig.seeker.stop()
    rig.thread.join(WITHIN)
    while not rig.picture.looks.empty():
        assert rig.looked_for() == {1}


def test_what_does_not_come_soon_is_looked_for_less_often() -> None:
    clock = HandClock()
    seeker = Seeker(clock, lambda _: None)
    begun = clock.time
    for waited, pause in ((0, EVERY), (SOON - 1, EVERY), (SOON, LATER), (LONG - 1, LATER), (LONG, SELDOM)):
        clock.time = begun + waited
        seeker.seek(frozenset({waited}), begun)  # asked once more
        assert seeker.pause == pause
    seeker.seek(frozenset({LONG, 1}), clock.time)  # another page has left
    assert seeker.pause == EVERY


def test_another_page_that_leaves_does_not_wait_for_the_pause_to_end(rig: Rig) -> None:
    rig.clock.time = LONG * LONG
    rig.seeker.seek(frozenset({1}), 1)
    rig.looked_for()
    rig.picture.shows = frozenset({2})
    rig.seeker.seek(frozenset({1, 2}), rig.clock.time)
    assert rig.told.get(timeout=WITHIN).marks == {2}
