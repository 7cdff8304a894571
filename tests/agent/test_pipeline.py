"""Mailbox and stage: bounded, in order, and an end that everybody sees."""

from __future__ import annotations

import threading

from agent.pipeline import Mailbox, Stage


def test_a_full_mailbox_says_so_and_counts() -> None:
    box: Mailbox[int] = Mailbox(2)
    assert [box.put(n) for n in range(3)] == [True, True, False]
    assert box.refused == 1
    assert box.put(9, must=True)
    assert [box.get(0) for _ in range(3)] == [0, 1, 9]


def test_what_was_put_before_the_close_is_still_handed_out() -> None:
    box: Mailbox[int] = Mailbox(2)
    box.put(1)
    box.close()
    assert not box.put(2)
    assert not box.put(2, must=True)
    assert not box.ended
    assert list(box) == [1]
    assert box.ended
    assert len(box) == 0


def test_an_empty_mailbox_answers_none_after_the_timeout() -> None:
    assert Mailbox[int](1).get(0) is None


def test_a_close_wakes_whoever_waits() -> None:
    box: Mailbox[int] = Mailbox(1)
    got: list[int | None] = []
    waiting = threading.Thread(target=lambda: got.append(box.get()))
    waiting.start()
    box.close()
    waiting.join(5)
    assert got == [None]


def test_a_stage_that_dies_says_of_what() -> None:
    told: list[tuple[str, BaseException]] = []

    def work() -> None:
        raise ValueError("broken")

    stage = Stage("capture", work, lambda name, failure: told.append((name, failure)))
    stage.start()
    stage.join(5)
    assert told[0][0] == "capture"
    assert isinstance(told[0][1], ValueError)


def test_a_stage_that_ends_says_nothing() -> None:
    told: list[str] = []
    stage = Stage("upload", lambda: None, lambda name, _: told.append(name))
    stage.start()
    stage.join(5)
    assert told == []
