"""What pages wait for and keep: rounds that go on at the same time, one answer's time for several questions."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from review.languages import local
from review.web import asked, custody
from review.web.beside import Beside
from review.web.custody import KEPT, Custody
from review.web.words import Words


class Meeting(Beside[str]):
    """A round ends once that of the other has begun."""

    def __init__(self, barrier: Barrier) -> None:
        super().__init__("meeting")
        self._barrier = barrier

    def _due(self, last: str) -> bool:
        return not last

    def _round(self) -> str:
        self._barrier.wait(60)
        return "met"


def test_rounds_that_a_page_needs_go_on_at_the_same_time() -> None:
    barrier = Barrier(2)
    several = Meeting(barrier), Meeting(barrier)
    with ExitStack() as stack:
        for one in several:
            stack.enter_context(one.looking(pytest.fail))
        assert Beside.together(*several, within=60) == ["met", "met"]


def test_a_custodian_that_does_not_answer_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custody, "WITHIN", 0.3)
    papers = list[UUID]()

    def asked_for(one: UUID) -> dict[str, Any]:
        papers.append(one)
        return {"papers": "x"}

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "custodian"))
        silent.listen()
        made = Custody(tmp_path / "custodian", asked_for, "")
        found = made.left(uuid4(), ["coaching", "audit"], "ann@example.com")
        assert found == {one: {"error": "no-custodian"} for one in ("coaching", "audit")}
        assert len(papers) == 1
        silent.setblocking(False)
        asked_for_sample = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked_for_sample += 1
        assert asked_for_sample <= 1  # for the second there is no time left
    assert made.left(uuid4(), [], "ann@example.com") == {}
    assert len(papers) == 1


def test_what_is_played_is_kept_while_it_is_asked_for_and_its_session_lasts(tmp_path: Path) -> None:
    made, playing = Custody(tmp_path, lambda _: {}, ""), Any
    several = [uuid4() for _ in range(KEPT + 1)]
    for one in several[:-1]:
        made.keep("a", one, playing)
    assert made.kept("a", several[0]) is playing  # so that it is not the one that goes
    made.keep("b", several[-1], playing)
    assert made.kept("a", several[0]) is playing
    assert made.kept("a", several[1]) is None
    made.forget("a")
    assert [made.kept("a", one) for one in several] == [None] * len(several)
    assert made.kept("b", several[-1]) is playing


def test_of_an_hour_that_comes_twice_both_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        words = Words("en")
        first = asked.moment("2026-10-25T02:30", words)
        second = asked.moment("2026-10-25T02:30+01:00", words)
        assert second - first == 3600 * 10**9
        assert asked.written_moment(first) == "2026-10-25T02:30"
        assert asked.written_moment(second) == "2026-10-25T02:30+01:00"
        assert local(second).hour == 2
    finally:
        monkeypatch.undo()
        time.tzset()
