"""What an extension has said, and what it may say next: the cases that no socket is needed for."""

from __future__ import annotations

import json

import pytest

from agent.witness.browser_extension import MAX_UNANSWERED, Extension, Lost
from agent.witness.browser_peer import Parent
from agent.witness.browser_words import Answer, Hello, Malformed, Scan

FIRST = Scan("first", css=("#pan",))


def hear(extension: Extension, n: int, kind: str, /, **words: object) -> object:
    return extension.hear(json.dumps({"n": n, "kind": kind, **words}).encode())


@pytest.fixture
def extension() -> Extension:
    extension = Extension(1, Parent(4242, "chromium"))
    told = hear(extension, 1, "hello", protocol=2, browser="Chromium", version="1", private=False, extension="1")
    assert isinstance(told, Hello)
    extension.offer(FIRST)
    hear(extension, 2, "policy", hash="first", refused=[])
    return extension


def test_it_scans_for_the_policy_that_it_took_and_for_no_equal_one(extension: Extension) -> None:
    assert extension.scans_for(FIRST)
    assert not extension.scans_for(Scan("first", css=("#pan",)))  # that one never reached it


def test_each_question_is_answered_once(extension: Extension) -> None:
    assert extension.expects_answer(7)
    answer = hear(extension, 3, "look", id=7, policy="first", windows=[])
    assert answer == Answer(7, "first", [])
    with pytest.raises(Malformed):
        hear(extension, 4, "look", id=7, policy="first", windows=[])


def test_it_is_asked_no_more_once_it_owes_too_many_answers(extension: Extension) -> None:
    assert all(extension.expects_answer(number) for number in range(MAX_UNANSWERED))
    assert not extension.expects_answer(MAX_UNANSWERED)
    hear(extension, 3, "look", id=5, policy="first", windows=[])
    assert extension.expects_answer(MAX_UNANSWERED)


def test_it_is_silent_until_it_answers(extension: Extension) -> None:
    extension.expects_answer(7)
    extension.silent = True
    hear(extension, 3, "event", what="commit", tab=1, frame=0, urls=[], fields=[], css=[])
    assert extension.silent
    hear(extension, 4, "look", id=7, policy="first", windows=[])
    assert not extension.silent


def test_a_lost_number_stays_lost(extension: Extension) -> None:
    for n in (4, 2, 3000):
        with pytest.raises(Lost):
            hear(extension, n, "event", what="commit", tab=1, frame=0, urls=[], fields=[], css=[])


def test_a_hello_numbered_otherwise_is_malformed(extension: Extension) -> None:
    with pytest.raises(Malformed):
        hear(extension, 3, "hello", protocol=2, browser="Chromium", version="1", private=False, extension="1")
