"""The window witness: answers when asked, speaks up when something changes, and never claims to have seen what it
has not.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agent.core.model.rules import Policy
from agent.core.model.seen import Alarm, Blind, Box, Look, Scene, Window
from agent.core.model.times import MILLISECOND
from agent.desktop.clock import BootClock
from agent.errors import EnvironmentFault
from agent.witness.window import REST, WindowWitness
from testkit import displays
from testkit.desktops import X11Stage, is_shown, x11_stage
from testkit.fakes.desktop import FakeDesktop

WITHIN = 20.0  # seconds for a message that must come
TILL = Window(1, "till", "Till", 100, Box(0, 0, 300, 200), shown=True)


class Heard:
    """What a witness has delivered, in order."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Look | Alarm] = queue.SimpleQueue()
        self.all: list[Look | Alarm] = []

    def __call__(self, message: Look | Alarm) -> None:
        self._messages.put(message)

    def next(self) -> Look | Alarm:
        message = self._messages.get(timeout=WITHIN)
        self.all.append(message)
        return message

    def until(self, fits: Callable[[Look], bool]) -> Look:
        while True:
            message = self.next()
            if isinstance(message, Look) and fits(message):
                return message

    @property
    def silent(self) -> bool:
        return self._messages.empty()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def desktop() -> FakeDesktop:
    return FakeDesktop(TILL)


@pytest.fixture
def witness(desktop: FakeDesktop, heard: Heard) -> Iterator[WindowWitness]:
    witness = WindowWitness(desktop, BootClock(), heard, policy="first")
    witness.start()
    heard.until(lambda look: isinstance(look.seen, Scene))  # what is in view at the start is a change
    yield witness
    witness.close()


def test_an_answer_lies_between_its_own_question_and_its_own_time(witness: WindowWitness, heard: Heard) -> None:
    clock = BootClock()
    before = clock.now()
    witness.ask()
    look = heard.until(lambda look: look.asked >= before)
    assert before <= look.asked <= look.answered <= clock.now()
    assert (look.witness, look.policy, look.seen) == ("window", "first", Scene(windows=(TILL,)))


def test_every_question_has_a_look_that_was_asked_after_it(witness: WindowWitness, heard: Heard) -> None:
    for _ in range(50):
        now = BootClock().now()
        witness.ask()
        heard.until(lambda look, now=now: look.asked >= now)  # type: ignore[misc]


def test_questions_that_nobody_has_taken_up_are_one(desktop: FakeDesktop, heard: Heard) -> None:
    witness = WindowWitness(desktop, BootClock(), heard)
    for _ in range(100):
        witness.ask()
    witness.start()
    heard.next()
    witness.close()
    assert heard.silent
    assert desktop.looks == 1


@pytest.mark.usefixtures("witness")
def test_a_change_is_told_unasked(desktop: FakeDesktop, heard: Heard) -> None:
    assert heard.silent
    desktop.put(replace(TILL, title="Card entry"))
    look = heard.until(lambda look: isinstance(look.seen, Scene) and look.seen.windows[0].title == "Card entry")
    assert look.policy == "first"


@pytest.mark.usefixtures("witness")
def test_what_did_not_change_is_not_told_unasked(desktop: FakeDesktop, heard: Heard) -> None:
    looks = desktop.looks
    desktop.put(TILL)
    heard_of_the_next_change = replace(TILL, title="other")
    while desktop.looks == looks:
        threading.Event().wait(0.001)
    desktop.put(heard_of_the_next_change)
    look = heard.next()
    assert isinstance(look, Look)
    assert look.seen == Scene(windows=(heard_of_the_next_change,))


@pytest.mark.usefixtures("witness")
def test_a_window_that_flashes_is_told_even_in_a_storm(desktop: FakeDesktop, heard: Heard) -> None:
    """Thousands of changes, far more than one a rest: every flash is in some look, and looks keep their distance."""
    flashes = [replace(TILL, id=number, title=str(number)) for number in range(2, 400)]
    for flash in flashes:
        desktop.put(flash)
        desktop.take(flash.id)
    last = replace(TILL, title="last")
    desktop.put(last)
    heard.until(lambda look: isinstance(look.seen, Scene) and look.seen.windows == (last,))
    looks = [message for message in heard.all if isinstance(message, Look)]
    told = {window.id for look in looks if isinstance(look.seen, Scene) for window in look.seen.windows if window.shown}
    assert told >= {flash.id for flash in flashes}
    gaps = [after.asked - before.answered for before, after in itertools.pairwise(looks)]
    assert min(gaps[1:]) >= REST  # the first look of all was not one of the storm


def test_a_question_does_not_wait_for_the_rest_after_a_change(heard: Heard) -> None:
    """On a clock that stands still no rest ever ends."""
    still = StandingClock()
    own = FakeDesktop(TILL)
    other = WindowWitness(own, still, heard)
    other.start()
    heard.until(lambda look: look.asked == still.time)
    own.put(replace(TILL, title="changed"))
    other.ask()
    look = heard.until(lambda look: isinstance(look.seen, Scene) and look.seen.windows[0].title == "changed")
    assert look.asked == still.time
    other.close()


class StandingClock:
    time = 1_000 * MILLISECOND

    def now(self) -> int:
        return self.time

    def wall(self) -> int:
        return 0

    def awake(self) -> int:
        return self.now()

    def boot(self) -> str:
        return ""


def test_a_new_policy_is_in_every_look_asked_after_it(witness: WindowWitness, heard: Heard) -> None:
    witness.judge_with(Policy("second", 2, "test", ()))
    now = BootClock().now()
    witness.ask()
    assert heard.until(lambda look: look.asked >= now).policy == "second"


@pytest.mark.usefixtures("witness")
def test_blindness_is_told_at_once_and_so_is_its_end(desktop: FakeDesktop, heard: Heard) -> None:
    desktop.go_blind(Blind.UNEXPLAINED)
    assert heard.until(lambda _: True).seen is Blind.UNEXPLAINED
    desktop.go_blind(None)
    assert heard.until(lambda _: True).seen == Scene(windows=(TILL,))


@pytest.mark.parametrize("failure", [EnvironmentFault("the display has gone"), OSError(5, "input/output")])
def test_a_look_that_fails_is_blind(
    witness: WindowWitness, desktop: FakeDesktop, heard: Heard, failure: Exception
) -> None:
    desktop.failure = failure
    witness.ask()
    assert heard.until(lambda _: True).seen is Blind.NO_DISPLAY
    desktop.failure = None
    now = BootClock().now()
    witness.ask()
    assert heard.until(lambda look: look.asked >= now).seen == Scene(windows=(TILL,))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_witness_that_died_says_that_it_sees_nothing(desktop: FakeDesktop, heard: Heard) -> None:
    witness = WindowWitness(desktop, BootClock(), heard)
    desktop.failure = ZeroDivisionError("a mistake of our own")
    witness.ask()
    witness.start()
    last = heard.next()
    assert isinstance(last, Look)
    assert last.seen is Blind.NO_DISPLAY
    witness.ask()
    again = heard.next()
    assert isinstance(again, Look)
    assert again.seen is Blind.NO_DISPLAY
    witness.close()


def test_a_compositor_that_comes_is_an_alarm_and_then_a_look(
    witness: WindowWitness, desktop: FakeDesktop, heard: Heard
) -> None:
    assert not witness.composited
    desktop.start_compositor(True)
    alarm = heard.next()
    assert isinstance(alarm, Alarm)
    assert (alarm.witness, alarm.why) == ("window", "compositor")
    assert witness.composited
    now = BootClock().now()
    witness.ask()
    assert heard.until(lambda look: look.asked >= now).asked > alarm.at


def test_close_closes_the_desktop(desktop: FakeDesktop, heard: Heard) -> None:
    witness = WindowWitness(desktop, BootClock(), heard)
    witness.start()
    witness.close()
    assert desktop.look() is Blind.NO_DISPLAY


# -- on a real display ------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(bare_display: str) -> Iterator[X11Stage]:
    with x11_stage(bare_display, managed=False) as stage:
        yield stage


@pytest.mark.desktop
def test_a_real_window_is_told_unasked_from_opening_to_closing(stage: X11Stage, heard: Heard) -> None:
    witness = WindowWitness(stage.desktop, BootClock(), heard)
    witness.start()
    window = stage.application.open(title="Card entry")
    heard.until(lambda look: is_shown(look.seen, window))
    stage.retitle(window, "Card details")
    heard.until(lambda look: any(w.title == "Card details" for w in look.seen.windows))  # type: ignore[union-attr]
    stage.application.unmap(window=window)
    heard.until(lambda look: not is_shown(look.seen, window))
    witness.close()


@pytest.mark.desktop
def test_every_real_window_that_flashes_is_told(stage: X11Stage, heard: Heard) -> None:
    witness = WindowWitness(stage.desktop, BootClock(), heard)
    witness.start()
    for _ in range(20):
        known = len(heard.all)
        stage.flash(title="flash")
        heard.until(lambda look: any(w.shown for w in look.seen.windows))  # type: ignore[union-attr]
        heard.until(lambda look: not any(w.shown for w in look.seen.windows))  # type: ignore[union-attr]
        assert len(heard.all) >= known + 2
    witness.close()


@pytest.mark.desktop
def test_a_lost_display_is_told_unasked(heard: Heard) -> None:
    with contextlib.ExitStack() as server:
        display = server.enter_context(displays.xvfb(displays.own_number()))
        with x11_stage(display, managed=False) as stage:
            witness = WindowWitness(stage.desktop, BootClock(), heard)
            witness.start()
            heard.next()
            server.close()
            heard.until(lambda look: look.seen is Blind.NO_DISPLAY)
            witness.close()
