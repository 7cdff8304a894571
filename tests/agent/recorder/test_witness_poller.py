"""Whom the daemon asks, and when: the windows first, the browsers right after them, one question in flight to each."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Frame, Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Browsing, Look, Scene
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.clearance import ANSWERS_WITHIN
from agent.core.proof.gate import PATIENCE
from agent.core.proof.timing import timings
from agent.pipeline import Mailbox
from agent.recorder.lane_pipeline import FrameOutlet, LanePipeline
from agent.recorder.messages import GrabWanted
from agent.recorder.recording import Order
from agent.recorder.witness_poller import WitnessPoller
from testkit.fakes.clock import HandClock
from tests.agent.recorder.daemon_rig import NOTES, POLICY, Asked, Rig

EMPTY = Scene(pages_only=True)


@dataclass
class Witnesses:
    """Both of them, one lane, and a clock that the test moves."""

    clock: HandClock = field(default_factory=HandClock)
    windows: Asked = field(default_factory=Asked)
    browsers: Asked = field(default_factory=lambda: Asked(BROWSERS))

    def __post_init__(self) -> None:
        orders: Mailbox[Order] = Mailbox(8)
        names, now = (WINDOWS, BROWSERS), self.clock.now()
        self.accounted: AccountedProof[Frame] = AccountedProof(Lane.SCREEN, names, PATIENCE[Lane.SCREEN], now)
        self.accounted.put_in_force(POLICY, timings(POLICY, Lane.SCREEN), now)
        lane = LanePipeline(Lane.SCREEN, self.accounted, FrameOutlet(orders), orders, now)
        self.questions = WitnessPoller((self.windows, self.browsers), (lane,), self.clock)

    def ask(self, *, held: bool = False) -> tuple[int, int]:
        """As at the end of a turn; how often each was asked so far."""
        self.questions.ask(self.clock.now(), held=held)
        return self.windows.questions, self.browsers.questions

    def answer(self, name: str, seen: Scene | Blind | Browsing, *, held: bool = False, took: int = 1) -> None:
        """As the daemon takes an answer that has just come."""
        look = Look(name, self.clock.time, self.clock.time + took, POLICY.hash, seen)
        self.clock.time += took + 1
        self.questions.answered(look)
        self.questions.judged(look)
        self.accounted.see(look)
        if name == WINDOWS:
            self.questions.ask_browsers(held=held)

    def looked(self, *, took: int = 1) -> Witnesses:
        """Both have answered, and all is quiet."""
        self.clock.time += SECOND
        self.ask()
        self.answer(WINDOWS, NOTES, took=took)
        self.answer(BROWSERS, EMPTY)
        return self

    def beat(self) -> int:
        """ms from the last look at the windows to the next."""
        return round((min(self.questions.due(held=False)) - (self.accounted.proof.asked(WINDOWS) or 0)) / MILLISECOND)


def test_the_windows_are_asked_whoever_is_due_and_the_browsers_after_their_answer() -> None:
    made = Witnesses()
    made.clock.time += 2 * SECOND
    assert made.ask() == (1, 0)
    assert made.ask() == (1, 0)  # until they have answered
    made.answer(WINDOWS, NOTES)
    assert (made.windows.questions, made.browsers.questions) == (1, 1)
    made.answer(WINDOWS, NOTES)
    assert made.browsers.questions == 1


def test_while_nothing_changes_the_browsers_are_left_alone_until_they_are_due() -> None:
    made = Witnesses().looked()
    made.answer(WINDOWS, NOTES)
    assert made.browsers.questions == 1
    made.answer(WINDOWS, Scene(NOTES.windows))  # another scene
    assert made.browsers.questions == 2
    made.answer(BROWSERS, EMPTY)
    made.answer(WINDOWS, Blind.EMPTY)
    assert made.browsers.questions == 3


def test_an_event_of_a_page_is_asked_about_at_once_where_the_page_closes() -> None:
    made = Witnesses().looked()
    made.questions.pages_moved()
    assert made.ask() == (1, 1)  # all is open: it may wait
    made.answer(BROWSERS, Blind.NO_ANSWER)
    assert made.ask() == (2, 1)
    made.answer(WINDOWS, NOTES)
    assert made.browsers.questions == 2
    made.answer(BROWSERS, Blind.NO_ANSWER)
    made.answer(WINDOWS, NOTES)
    assert made.browsers.questions == 2  # it was about that event, and there was no other


def test_in_a_hold_nobody_is_asked() -> None:
    made = Witnesses()
    made.clock.time += 2 * SECOND
    assert made.ask(held=True) == (0, 0)
    made.answer(WINDOWS, NOTES, held=True)
    assert made.browsers.questions == 0
    assert list(made.questions.due(held=True)) == []


def test_who_does_not_answer_in_time_is_silent_and_is_asked_again() -> None:
    made = Witnesses()
    made.clock.time += 2 * SECOND
    made.ask()
    asked = made.clock.time
    assert min(made.questions.due(held=False)) == asked + ANSWERS_WITHIN + 1
    made.clock.time += ANSWERS_WITHIN
    assert list(made.questions.silent(made.clock.time)) == []
    made.clock.time += 1
    assert list(made.questions.silent(made.clock.time)) == [WINDOWS]
    assert list(made.questions.silent(made.clock.time)) == []
    assert made.ask() == (2, 0)


def test_a_policy_is_told_to_all() -> None:
    made = Witnesses()
    made.questions.judge_with(Policy("hash-2", 2, "next", ()))
    assert (made.windows.policy, made.browsers.policy) == ("hash-2", "hash-2")
    assert made.questions.names == (WINDOWS, BROWSERS)


# -- at work in the daemon ----------------------------------------------------------------------------------------


def test_a_question_without_an_answer_closes_the_eye() -> None:
    rig = Rig().opened()
    rig.wait(1100)
    rig.daemon.turn(None)
    assert rig.witness.questions > 0
    rig.clock.time += ANSWERS_WITHIN + MILLISECOND
    rig.daemon.turn(None)
    assert not rig.shutter.permit.open
    assert ("lane-closed", {"lane": "screen", "rules": ["blind"], "policy": "hash-1"}) in rig.ledger.entries


def test_an_unasked_look_does_not_answer_the_question_that_is_out() -> None:
    rig = Rig().opened()
    rig.wait(1100)
    stale = rig.clock.time - MILLISECOND
    rig.daemon.turn(None)
    asked = rig.witness.questions
    rig.daemon.turn(Look("window", stale, stale + 1, "hash-1", NOTES))
    rig.clock.time += ANSWERS_WITHIN + MILLISECOND
    rig.daemon.turn(None)
    assert rig.witness.questions >= asked
    assert not rig.shutter.permit.open


def test_a_wanted_grab_is_answered_with_a_fresh_look_in_the_beat_of_the_last() -> None:
    rig = Rig().opened()
    rig.wait(140)
    before = rig.witness.questions
    rig.daemon.turn(GrabWanted())
    assert rig.witness.questions == before
    rig.wait(10)
    rig.daemon.turn(None)
    assert rig.witness.questions == before + 1


def test_the_beat_is_four_fifths_of_the_gap_and_three_for_a_while_after_a_slow_look() -> None:
    made = Witnesses().looked()
    made.questions.grab_wanted = True
    assert made.beat() == 150  # nothing is known yet
    for _ in range(30):
        made.looked()
    assert made.beat() == 200
    made.looked(took=SECOND)
    beats = []
    for _ in range(30):
        made.looked()
        beats.append(made.beat())
    assert beats == [150] * 28 + [200] * 2
