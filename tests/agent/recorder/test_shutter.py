"""The capture thread grabs only when a picture could be proven, and whole whenever the canvas is void."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from agent.core.model.media import Frame, Monitor
from agent.core.model.seen import Box
from agent.core.model.times import SECOND, Span
from agent.core.proof.clearance import Timing
from agent.recorder.shutter import REPEAT_EVERY, Grabbed, Permit, Shutter, Still, capture
from testkit.fakes.clock import HandClock

TIMING = Timing(max_gap=250_000_000)


@dataclass
class StillScreen:
    """A screen that tells what was asked of it; `script` runs at each wait and says whether something was drawn."""

    clock: HandClock
    script: list[bool]
    shutter: Shutter
    did: list[str] = field(default_factory=list)

    def monitors(self) -> tuple[Monitor, ...]:
        return (Monitor(0, Box(0, 0, 2, 2), "one"),)

    def wait(self, timeout: float) -> bool:
        if not self.script:
            self.shutter.stop()
            return False
        drawn = self.script.pop(0)
        if not drawn:
            self.clock.time += round(timeout * SECOND)
        return drawn

    def wake(self) -> None: ...

    def void(self) -> None:
        self.did.append("void")

    def grab(self, *, repeat: bool = False) -> tuple[Frame, ...]:
        self.did.append("repeat" if repeat else "grab")
        now = self.clock.time
        self.clock.time += 1
        self.shutter.set(replace(self.shutter.permit, asked=self.clock.time))
        return (Frame(0, Span(now, now), 2, 2, bytes(6)),)

    def still_until(self) -> int:
        self.did.append("still")
        return self.clock.time

    def close(self) -> None: ...


def play(script: list[bool]) -> tuple[StillScreen, list[Grabbed | Still]]:
    clock = HandClock()
    shutter = Shutter(clock)
    shutter.set(Permit(open=True, after=clock.time - 1, asked=clock.time, canvas=1, timing=TIMING))
    screen = StillScreen(clock, script, shutter)
    delivered: list[Grabbed | Still] = []

    def ask() -> None:
        screen.did.append("ask")
        shutter.set(replace(shutter.permit, asked=clock.time))

    capture(screen, shutter, clock, ask=ask, deliver=delivered.append)
    return screen, delivered


def test_the_first_picture_is_whole_and_needs_no_damage() -> None:
    screen, delivered = play([])
    assert screen.did == ["void", "ask", "grab"]
    assert len(delivered) == 1


def test_what_is_drawn_is_grabbed_and_a_still_screen_repeats_after_a_fresh_look() -> None:
    screen, _ = play([True, False])
    assert screen.did == ["void", "ask", "grab", "ask", "grab", "ask", "repeat"]
    assert 0 < 4 * SECOND - REPEAT_EVERY < SECOND // 2  # a still chunk stays within its length


def test_a_busy_monitor_does_not_keep_a_still_one_from_its_repeat() -> None:
    clock = HandClock()
    shutter = Shutter(clock)
    shutter.set(Permit(open=True, after=clock.time - 1, asked=clock.time, canvas=1, timing=TIMING))

    class Busy(StillScreen):
        def wait(self, timeout: float) -> bool:
            clock.time += SECOND
            shutter.set(replace(shutter.permit, asked=clock.time))
            return super().wait(timeout)

    screen = Busy(clock, [True] * 9, shutter)
    capture(screen, shutter, clock, ask=lambda: None, deliver=lambda _: None)
    assert screen.did == ["void", "grab", *["grab"] * 3, "repeat", *["grab"] * 3, "repeat", "grab"]


def test_a_closed_shutter_lets_nothing_through() -> None:
    clock = HandClock()
    shutter = Shutter(clock)
    shutter.set(Permit(open=False))
    screen = StillScreen(clock, [True] * 9, shutter)
    thread = threading.Thread(target=lambda: capture(screen, shutter, clock, ask=lambda: None, deliver=lambda _: None))
    thread.start()
    shutter.stop()
    thread.join(5)
    assert screen.did == []


def test_an_eye_that_closes_while_a_look_is_asked_owes_a_whole_picture() -> None:
    clock = HandClock()
    shutter = Shutter(clock)
    shutter.set(Permit(open=True, after=clock.time - 1, asked=0, canvas=1, timing=TIMING))
    screen = StillScreen(clock, [], shutter)
    asked = iter(["close", "answer"])

    def ask() -> None:
        if next(asked) == "close":
            shutter.set(replace(shutter.permit, open=False))
            reopen = replace(shutter.permit, open=True)
            threading.Timer(0.01, lambda: shutter.set(reopen)).start()
        else:
            shutter.set(replace(shutter.permit, asked=clock.time))

    capture(screen, shutter, clock, ask=ask, deliver=lambda _: None)
    assert screen.did == ["void", "void", "grab"]


def test_when_the_eye_closes_it_says_once_how_long_the_screen_was_still() -> None:
    clock = HandClock()
    shutter = Shutter(clock)
    shutter.set(Permit(open=True, after=clock.time - 1, asked=clock.time, canvas=1, timing=TIMING))
    told: list[Grabbed | Still] = []

    class Closing(StillScreen):
        def wait(self, timeout: float) -> bool:
            if not any(isinstance(one, Still) for one in told):
                shutter.set(replace(shutter.permit, open=False))
                threading.Timer(0.05, shutter.stop).start()
                return False
            return super().wait(timeout)

    screen = Closing(clock, [], shutter)
    capture(screen, shutter, clock, ask=lambda: None, deliver=told.append)
    assert screen.did == ["void", "grab", "still"]
    assert told[-1] == Still(clock.time)


def test_a_picture_waits_until_the_display_has_settled() -> None:
    clock = HandClock()
    shutter = Shutter(clock)
    shutter.set(Permit(open=True, after=clock.time, asked=clock.time, timing=TIMING))
    settled: list[Permit | None] = []
    thread = threading.Thread(target=lambda: settled.append(shutter.wait_open()))
    thread.start()
    thread.join(0.05)
    assert settled == []
    clock.time += 1
    thread.join(5)
    assert settled == [shutter.permit]
