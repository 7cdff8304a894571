"""What every Screen promises: the real one on Xvfb and on Xorg's dummy driver, and the fake that other tests use."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.capture.screen import X11Screen
from agent.core.model.media import Frame
from agent.core.model.seen import Box
from agent.core.model.times import MILLISECOND
from agent.desktop.clock import BootClock
from agent.ports import Screen
from testkit.fakes.screen import FakeScreen
from tests.capture import displays
from tests.capture.colours import BLUE, GREEN, MAGENTA, WHITE, Colour, shows

CLOCK = BootClock()
Plugged = tuple[tuple[str, int, int], ...]  # name, width and height of all monitors, from left to right

STAMP = 2 * MILLISECOND  # an X server stamps in whole milliseconds, and what is in doubt was earlier
SOON = 10.0  # s: more than any event takes, so that a test that waits for it in vain fails


def cannot_plug(monitors: Plugged) -> None:
    raise NotImplementedError(f"this rig cannot show {monitors}: use the fixture `plugged`")


@dataclass
class Rig:
    """A screen and the means to draw on what it looks at. Two rigs can also `plug` monitors in and out."""

    screen: Screen
    draw: Callable[[Box, Colour], None]
    plug: Callable[[Plugged], None] = cannot_plug

    def settle(self) -> tuple[Frame, ...]:
        """Whole pictures of everything that was drawn until now; nothing new is left to say."""
        self.screen.void()
        return self.screen.grab()

    def next_frames(self) -> tuple[Frame, ...]:
        assert self.screen.wait(SOON)
        return self.screen.grab()


def fake(folder: Path, stack: ExitStack) -> Rig:
    del folder
    screen = FakeScreen(CLOCK, [("FAKE0", Box(0, 0, 320, 240))])
    stack.callback(screen.close)

    def plug(monitors: Plugged) -> None:
        left, placed = 0, []
        for name, width, height in monitors:
            placed.append((name, Box(left, 0, width, height)))
            left += width
        screen.plug(placed)

    return Rig(screen, screen.draw, plug)


def xvfb(folder: Path, stack: ExitStack) -> Rig:
    return _real(stack.enter_context(displays.xvfb(640, 480, folder)), stack)


def xorg(folder: Path, stack: ExitStack) -> Rig:
    if (missing := displays.missing_for_plugging()) is not None:
        pytest.skip(missing)
    display = stack.enter_context(displays.xorg_dummy(folder))
    plugs = displays.Plugs(display)
    outputs: list[str] = ["DUMMY0"]

    def plug(monitors: Plugged) -> None:
        for output in [one for one in outputs if one not in {name for name, _, _ in monitors}]:
            outputs.remove(output)
            plugs.off(output)
        left = None
        for name, width, height in monitors:
            plugs.on(name, width, height, right_of=left)
            outputs.append(name)
            left = name

    rig = _real(display, stack)
    rig.plug = plug
    return rig


def _real(display: str, stack: ExitStack) -> Rig:
    screen = X11Screen(CLOCK, display)
    stack.callback(screen.close)
    brush = displays.Brush(display)
    stack.callback(brush.close)
    return Rig(screen, brush.fill)


MAKERS: dict[str, Callable[[Path, ExitStack], Rig]] = {"fake": fake, "xvfb": xvfb, "xorg": xorg}
pytestmark = pytest.mark.desktop


@pytest.fixture(params=sorted(MAKERS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield MAKERS[request.param](tmp_path, stack)


@pytest.fixture(params=["fake", "xorg"])
def plugged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield MAKERS[request.param](tmp_path, stack)


def test_the_first_grab_is_whole_on_every_monitor(rig: Rig) -> None:
    rig.draw(Box(0, 0, 100, 100), MAGENTA)
    frames = rig.screen.grab()
    assert [frame.stream for frame in frames] == [monitor.stream for monitor in rig.screen.monitors()]
    assert all(frame.whole for frame in frames)
    assert shows(frames[0], 50, 50, MAGENTA)
    for frame, monitor in zip(frames, rig.screen.monitors(), strict=True):
        assert (frame.width, frame.height) == (monitor.box.width, monitor.box.height)  # even, here
        assert len(frame.pixels) == frame.width * frame.height * 3 // 2


def test_what_is_drawn_ends_the_wait_and_is_in_the_next_frame(rig: Rig) -> None:
    rig.draw(Box(0, 0, 200, 200), WHITE)
    rig.settle()
    rig.draw(Box(40, 60, 20, 20), BLUE)
    (frame,) = rig.next_frames()
    assert not frame.whole
    assert shows(frame, 50, 70, BLUE)
    assert shows(frame, 150, 150, WHITE)


def test_nothing_drawn_is_no_frame(rig: Rig) -> None:
    rig.settle()
    assert not rig.screen.wait(0.05)
    assert rig.screen.grab() == ()


def test_a_repeat_is_a_whole_frame_of_every_monitor_with_the_same_pixels(rig: Rig) -> None:
    before = rig.settle()
    after = rig.screen.grab(repeat=True)
    assert [frame.pixels for frame in after] == [frame.pixels for frame in before]
    assert all(frame.whole for frame in after)


def test_a_picture_says_since_when_the_one_before_it_was_true_no_more(rig: Rig) -> None:
    rig.settle()
    still = CLOCK.now()
    assert rig.screen.grab(repeat=True)[0].repeats
    rig.draw(Box(0, 0, 64, 64), GREEN)
    (frame,) = rig.next_frames()
    assert not frame.repeats
    assert still < frame.changed < frame.span.start
    (whole,) = rig.settle()
    assert not whole.repeats  # nobody knows what was there before
    assert whole.changed == whole.span.start


def test_still_until_something_is_drawn_that_was_not_grabbed(rig: Rig) -> None:
    rig.settle()
    before = CLOCK.now()
    first = rig.screen.still_until()
    assert before <= first <= CLOCK.now()
    rig.draw(Box(0, 0, 64, 64), GREEN)
    drawn = CLOCK.now()
    second = rig.screen.still_until()
    assert before - STAMP <= second < drawn
    assert rig.screen.still_until() == second
    assert rig.screen.wait(SOON)
    assert rig.screen.still_until() == second
    rig.screen.grab(repeat=True)
    assert rig.screen.still_until() > drawn
    rig.screen.void()
    assert rig.screen.still_until() == 0


def test_a_repeat_holds_what_was_drawn_meanwhile(rig: Rig) -> None:
    rig.settle()
    rig.draw(Box(0, 0, 64, 64), GREEN)
    assert shows(rig.screen.grab(repeat=True)[0], 30, 30, GREEN)
    assert not rig.screen.wait(0.05)


def test_void_makes_the_next_grab_whole_and_only_that(rig: Rig) -> None:
    rig.settle()
    rig.screen.void()
    assert all(frame.whole for frame in rig.screen.grab())
    assert rig.screen.grab() == ()


def test_a_span_lies_within_its_grab(rig: Rig) -> None:
    for repeat in (False, True):
        rig.screen.void()
        before = CLOCK.now()
        frames = rig.screen.grab(repeat=repeat)
        after = CLOCK.now()
        assert all(before < frame.span.start < frame.span.end < after for frame in frames)


def test_spans_of_a_stream_follow_each_other(rig: Rig) -> None:
    frames = [rig.screen.grab(repeat=True)[0] for _ in range(4)]
    for earlier, later in itertools.pairwise(frames):
        assert earlier.span.end < later.span.start


def test_a_frame_owns_its_pixels(rig: Rig) -> None:
    rig.draw(Box(0, 0, 64, 64), WHITE)
    (kept,) = rig.settle()
    rig.draw(Box(0, 0, 64, 64), BLUE)
    assert shows(rig.screen.grab(repeat=True)[0], 30, 30, BLUE)
    assert shows(kept, 30, 30, WHITE)


def test_wake_ends_a_wait(rig: Rig) -> None:
    rig.settle()
    waited: list[bool] = []
    waiting = threading.Thread(target=lambda: waited.append(rig.screen.wait(SOON * 10)))
    waiting.start()
    rig.screen.wake()  # also when it comes before the wait
    waiting.join(SOON)
    assert waited == [False]


def test_close_ends_a_wait_and_nothing_is_grabbed_after_it(rig: Rig) -> None:
    rig.settle()
    waited: list[bool] = []
    waiting = threading.Thread(target=lambda: waited.append(rig.screen.wait(SOON * 10)))
    waiting.start()
    rig.screen.close()
    waiting.join(SOON)
    assert waited == [False]
    assert not rig.screen.wait(0)
    assert rig.screen.grab() == ()
    rig.screen.wake()
    rig.screen.void()
    rig.screen.close()


def test_a_plugged_monitor_is_a_new_stream_and_the_old_one_goes_on(plugged: Rig) -> None:
    plugged.plug((("DUMMY0", 320, 240),))
    plugged.settle()
    (only,) = plugged.screen.monitors()
    plugged.plug((("DUMMY0", 320, 240), ("DUMMY1", 480, 640)))
    frames = plugged.next_frames()
    left, right = plugged.screen.monitors()
    assert left == only
    assert right.stream > left.stream
    assert [frame.stream for frame in frames] == [left.stream, right.stream]
    assert (frames[1].width, frames[1].height) == (480, 640)
    assert all(frame.whole for frame in frames)


def test_each_monitor_has_a_picture_of_its_own(plugged: Rig) -> None:
    plugged.plug((("DUMMY0", 320, 240), ("DUMMY1", 240, 320)))
    plugged.settle()
    plugged.draw(Box(0, 0, 320, 240), GREEN)
    plugged.draw(Box(320, 0, 240, 320), WHITE)
    left, right = plugged.settle()
    assert shows(left, 310, 230, GREEN)
    assert shows(right, 10, 310, WHITE)
    plugged.draw(Box(330, 10, 20, 20), MAGENTA)  # on the right one alone
    (only,) = plugged.next_frames()
    assert only.stream == right.stream
    assert shows(only, 20, 20, MAGENTA)


def test_an_unplugged_monitor_ends_and_its_number_never_comes_back(plugged: Rig) -> None:
    both = (("DUMMY0", 320, 240), ("DUMMY1", 240, 320))
    plugged.plug(both)
    plugged.settle()
    _, right = plugged.screen.monitors()
    plugged.plug(both[:1])
    (frame,) = plugged.next_frames()
    assert [monitor.stream for monitor in plugged.screen.monitors()] == [frame.stream]
    plugged.plug(both)
    plugged.settle()
    _, again = plugged.screen.monitors()
    assert again.box == right.box
    assert again.stream > right.stream


def test_another_size_is_another_monitor(plugged: Rig) -> None:
    plugged.plug((("DUMMY0", 320, 240),))
    plugged.settle()
    (before,) = plugged.screen.monitors()
    plugged.plug((("DUMMY0", 240, 320),))
    plugged.settle()
    (after,) = plugged.screen.monitors()
    assert after.box == Box(0, 0, 240, 320)
    assert after.stream > before.stream


def test_an_odd_size_repeats_its_edge(plugged: Rig) -> None:
    plugged.plug((("DUMMY0", 321, 241),))
    plugged.draw(Box(300, 220, 40, 40), MAGENTA)
    (frame,) = plugged.settle()
    assert (frame.width, frame.height) == (322, 242)
    assert shows(frame, 321, 241, MAGENTA)
