"""Every test of a run is dealt out once, whatever it is called and however long each worker takes (tests/shares.py).

The workers are played, as xdist's are: one begins a test when it knows the next, or that none comes.
"""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdist.remote import Producer

from tests.shares import APART, BY_PARAMETER, Dealing, company, share

PLACES = (*BY_PARAMETER, *APART, "tests/core/", "tests/end_to_end/", "tests/installer/")
VALUES = ("[chromium]", "[firefox-a]", "[identity]", "[b]", "")
FILES = [place if place.endswith(".py") else f"{place}test_{file}.py" for place in PLACES for file in range(3)]
NAMES = st.builds("{}::test_{}{}".format, st.sampled_from(FILES), st.integers(0, 9), st.sampled_from(VALUES))


class PlayedWorker:
    """`ran`: what it ran, in order; `waiting`: what it was given and has not run."""

    def __init__(self, number: int, collected: list[str]) -> None:
        self.gateway = SimpleNamespace(id=f"gw{number}")
        self.collected = collected
        self.waiting: list[int] = []
        self.ran: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, numbers: list[int]) -> None:
        assert not self.shutting_down
        self.waiting += numbers

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def begun(self) -> bool:
        return len(self.waiting) > (0 if self.shutting_down else 1)


def dealt(names: list[str], workers: int) -> tuple[Dealing, list[PlayedWorker]]:
    """A run that has just begun."""
    config = SimpleNamespace(option=SimpleNamespace(loadscopereorder=True), getvalue=lambda _: [f"{workers}*popen"])
    dealing = Dealing(cast("Any", config), Producer("played", enabled=False))
    played = [PlayedWorker(number, names) for number in range(workers)]
    for worker in played:
        add(dealing, worker)
    dealing.schedule()
    return dealing, played


def add(dealing: Dealing, worker: PlayedWorker) -> None:
    dealing.add_node(cast("Any", worker))
    dealing.add_node_collection(cast("Any", worker), worker.collected)


def end_one(dealing: Dealing, worker: PlayedWorker) -> None:
    worker.ran.append(worker.waiting.pop(0))
    dealing.mark_test_complete(cast("Any", worker), worker.ran[-1])


def end_at_last(dealing: Dealing, workers: list[PlayedWorker]) -> None:
    """As xdist's session does after each report."""
    if dealing.tests_finished:
        for worker in workers:
            worker.shutdown()


@given(st.lists(NAMES, unique=True, min_size=1, max_size=30), st.integers(1, 6), st.data())
def test_every_test_runs_once_and_every_worker_ends(names: list[str], workers: int, data: st.DataObject) -> None:
    dealing, played = dealt(names, workers)
    while able := [worker for worker in played if worker.begun]:
        end_one(dealing, data.draw(st.sampled_from(able)))
        if dealing.workqueue:
            assert all(worker.waiting for worker in played), "one has nothing to do while something waits"
    assert Counter(number for worker in played for number in worker.ran) == Counter(range(len(names)))
    assert all(worker.shutting_down for worker in played)
    assert dealing.tests_finished


@given(st.lists(NAMES, unique=True, min_size=1, max_size=30), st.integers(1, 4), st.data())
def test_what_a_killed_worker_had_left_is_run(names: list[str], workers: int, data: st.DataObject) -> None:
    """And what it had run is not dealt out again: who is given that alone does nothing, and never asks for more."""
    dealing, played = dealt(names, workers)
    for _ in range(data.draw(st.integers(0, len(names) - 1))):
        end_one(dealing, data.draw(st.sampled_from([worker for worker in played if worker.begun])))
    killed = data.draw(st.sampled_from([worker for worker in played if worker.begun]))
    dealing.remove_node(cast("Any", killed))
    other = PlayedWorker(workers, names)
    add(dealing, other)
    dealing.schedule()
    living = [worker for worker in (*played, other) if worker is not killed]
    end_at_last(dealing, living)
    while able := [worker for worker in living if worker.begun]:
        end_one(dealing, data.draw(st.sampled_from(able)))
        end_at_last(dealing, living)
    ran = Counter(number for worker in (*played, other) for number in worker.ran)
    assert ran == Counter(range(len(names)))


@pytest.mark.parametrize("workers", [2, 6])
def test_each_browser_is_started_by_few_workers(workers: int) -> None:
    """Four folders, of eight files each, in two browsers, and workers that are equally fast."""
    names = [
        f"{place}test_{file}.py::test_{test}[{browser}]"
        for place in BY_PARAMETER
        if place.endswith("/")
        for file in range(8)
        for test in range(4)
        for browser in ("chromium", "firefox")
    ]
    dealing, played = dealt(names, workers)
    while able := [worker for worker in played if worker.begun]:
        for worker in able:
            end_one(dealing, worker)
    starts = sum(len({company(share(names[number])) for number in worker.ran}) for worker in played)
    assert starts <= 8 + workers  # each of eight once, and once more at the end
