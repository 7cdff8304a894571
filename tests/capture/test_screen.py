"""What only the real screen can break: composition, lost damage, a dying X server, an unfit display."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import mss
import numpy as np
import pytest
from Xlib import X
from Xlib.display import Display

from agent.capture.canvas import Canvas
from agent.capture.marks import Glass
from agent.capture.pixels import Pixels
from agent.capture.screen import X11Screen
from agent.core.model.seen import Box
from agent.core.model.times import MILLISECOND, SECOND
from agent.desktop.x11.wire import Wire
from agent.errors import EnvironmentFault
from testkit.displays import connection, monitor, send_event
from tests.capture.colours import BLUE, GREEN, MAGENTA, shows
from tests.capture.displays import Brush, mortal_xvfb, xvfb

pytestmark = pytest.mark.desktop

WIDTH, HEIGHT = 637, 401  # odd on purpose
EVERYTHING = Box(0, 0, WIDTH, HEIGHT)
SOON = 10.0


class HandClock:
    """Moves when told to; `wait` then sleeps on the display alone."""

    def __init__(self) -> None:
        self.at = 1000 * SECOND

    def now(self) -> int:
        return self.at

    def wall(self) -> int:
        return self.at

    def awake(self) -> int:
        return self.now()

    def boot(self) -> str:
        return ""


@pytest.fixture(params=["in place", "without shared memory"])
def display(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    options = ["-extension", "MIT-SHM"] if request.param == "without shared memory" else []
    with xvfb(WIDTH, HEIGHT, tmp_path, *options) as name:
        yield name


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def screen(display: str, clock: HandClock) -> Iterator[X11Screen]:
    one = X11Screen(clock, display)
    yield one
    one.close()


@pytest.fixture
def brush(display: str) -> Iterator[Brush]:
    one = Brush(display)
    yield one
    one.close()


def screenshot(display: str) -> bytes:
    """The whole screen by another road: mss's public `grab`, converted in one piece."""
    with mss.MSS(display=display) as other:
        shot = other.grab((0, 0, WIDTH, HEIGHT))
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.paint(EVERYTHING, np.frombuffer(shot.raw, np.uint8).reshape(HEIGHT, WIDTH, 4))
    return canvas.picture()


def test_shared_memory_is_read_in_place_where_there_is_some(screen: X11Screen, request: pytest.FixtureRequest) -> None:
    assert screen._pixels.in_place == ("in place" in request.node.name)


def test_the_composed_picture_is_the_screen(screen: X11Screen, brush: Brush, clock: HandClock, display: str) -> None:
    random = np.random.default_rng(7)
    screen.grab()
    composed = 0
    for _ in range(60):
        for _ in range(random.integers(1, 8)):
            x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
            width = int(random.integers(1, min(120, WIDTH - x) + 1))
            height = int(random.integers(1, min(60, HEIGHT - y) + 1))
            brush.put(Box(x, y, width, height), random.bytes(width * height * 4))
        clock.at += SECOND
        (frame,) = screen.grab()
        composed += not frame.whole
        assert frame.pixels == screenshot(display)
    assert composed == 60


def test_a_change_without_damage_is_in_the_next_repeat(screen: X11Screen, brush: Brush, clock: HandClock) -> None:
    screen.grab()
    screen.grab(repeat=True)
    brush.fill(Box(10, 10, 50, 50), MAGENTA)
    screen._damage.take()  # as if the driver had drawn past the X server
    clock.at += SECOND
    assert screen.grab() == ()
    (frame,) = screen.grab(repeat=True)
    assert shows(frame, 30, 30, MAGENTA)


def test_drawing_the_same_again_is_no_frame(screen: X11Screen, brush: Brush, clock: HandClock) -> None:
    brush.fill(Box(10, 10, 50, 50), MAGENTA)
    screen.grab()
    clock.at += SECOND
    brush.fill(Box(10, 10, 50, 50), MAGENTA)
    assert screen.wait(SOON)
    assert screen.grab() == ()


def test_small_changes_come_five_times_a_second_large_ones_twice(
    screen: X11Screen, brush: Brush, clock: HandClock
) -> None:
    screen.grab()
    clock.at += SECOND
    brush.fill(EVERYTHING, GREEN)
    assert len(screen.grab()) == 1
    brush.fill(EVERYTHING, BLUE)
    clock.at += 499 * MILLISECOND
    assert screen.grab() == ()
    assert not screen.wait(0)
    clock.at += MILLISECOND
    assert screen.wait(SOON)
    assert shows(screen.grab()[0], 50, 50, BLUE)
    brush.fill(Box(0, 0, 20, 20), GREEN)
    clock.at += 199 * MILLISECOND
    assert screen.grab() == ()
    clock.at += MILLISECOND
    assert shows(screen.grab()[0], 10, 10, GREEN)


def test_a_change_after_the_repeat_of_a_still_screen_does_not_wait_for_it(
    screen: X11Screen, brush: Brush, clock: HandClock
) -> None:
    screen.grab()
    clock.at += 5 * SECOND
    assert len(screen.grab(repeat=True)) == 1
    brush.fill(Box(10, 10, 20, 20), GREEN)
    assert screen.wait(SOON)
    assert len(screen.grab()) == 1
    brush.fill(Box(10, 10, 20, 20), BLUE)
    assert screen.grab() == ()  # five frames a second still holds
    clock.at += SECOND // 5
    assert len(screen.grab()) == 1


@pytest.mark.parametrize(
    "place",
    [
        Box(0, 0, WIDTH + 1, HEIGHT),
        Box(0, 0, 8, 8),
        Box(WIDTH // 2, 0, WIDTH, HEIGHT),
        Box(WIDTH, 0, WIDTH, HEIGHT),
    ],
    ids=["a pixel too wide", "tiny", "half of it", "beside"],
)
def test_a_monitor_set_by_hand_hides_nothing_that_the_screen_shows(display: str, clock: HandClock, place: Box) -> None:
    geometry = f"{place.width}/1x{place.height}/1+{place.x}+{place.y}"
    with closing(X11Screen(clock, display)) as screen, monitor(display, "wide", geometry):
        screen.void()
        assert len(screen.grab()) == 1
        assert [monitor.box for monitor in screen.monitors()] == [EVERYTHING]
        with closing(Wire(display)) as wire:  # by which a lock screen is known
            assert [box for _, box in wire.captured()] == [EVERYTHING]


def test_a_screen_split_in_two_by_hand_is_two_pictures(display: str, clock: HandClock) -> None:
    left, right = Box(0, 0, 300, HEIGHT), Box(300, 0, WIDTH - 300, HEIGHT)
    with (
        monitor(display, "left", f"300/1x{HEIGHT}/1+0+0"),
        monitor(display, "right", f"{right.width}/1x{HEIGHT}/1+300+0", "none"),
        closing(X11Screen(clock, display)) as screen,
    ):
        assert [monitor.box for monitor in screen.monitors()] == [left, right]


def test_a_display_that_tells_of_no_screens_is_one_picture(clock: HandClock, tmp_path: Path) -> None:
    with xvfb(WIDTH, HEIGHT, tmp_path, "-extension", "RANDR") as name, closing(X11Screen(clock, name)) as screen:
        assert [monitor.box for monitor in screen.monitors()] == [EVERYTHING]


def windows_of_ours(link: Display) -> list[int]:
    return [child.id for child in link.screen().root.query_tree().children if child.get_geometry().width == 1]


@pytest.mark.parametrize("extension", ["RANDR", "XFIXES"])
def test_an_event_that_nobody_knows_is_read_past(screen: X11Screen, display: str, extension: str) -> None:
    screen.grab()
    with connection(display) as link:
        first = link.query_extension(extension).first_event
        for window in windows_of_ours(link):
            for number in range(first, first + 2):
                send_event(link, window, bytes([number, 77]))
    screen._damage.take()
    assert screen.grab() == ()
    assert not screen._lost


def test_what_another_program_says_was_drawn_or_when_is_not_believed(screen: X11Screen, display: str) -> None:
    screen.grab()
    with connection(display) as link:
        for window in windows_of_ours(link):
            send_event(link, window, bytes([link.query_extension("DAMAGE").first_event]))
            send_event(link, window, bytes([X.PropertyNotify]))  # stamped at the server's start
    lead = screen._damage._lead
    screen._damage.untouched_until()
    assert screen._damage.drawn_at is None
    assert abs(screen._damage._lead - lead) < SECOND


def test_a_connection_that_another_program_cuts_is_made_anew(
    screen: X11Screen, brush: Brush, clock: HandClock, display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.grab()
    last = clock.at
    pauses: list[float] = []
    monkeypatch.setattr(
        screen._damage, "pause", lambda seconds: pauses.append(seconds) or False
    )  # how often, not how long
    brush.fill(Box(10, 10, 50, 50), MAGENTA)
    for early in (0, 0.75):
        with connection(display) as link:
            for window in windows_of_ours(link):
                link.create_resource_object("window", window).kill_client()
            link.sync()
        assert screen.grab() == ()
        clock.at += SECOND // 4
        assert screen.still_until() == 0
        assert pauses[-1] == early
        assert screen.wait(SOON)
        (frame,) = screen.grab()
        assert frame.whole
        assert frame.drawn_at == last
        last = clock.at
        assert shows(frame, 30, 30, MAGENTA)


def test_a_connection_for_pixels_that_another_program_cuts_is_made_anew(screen: X11Screen, display: str) -> None:
    screen.grab()
    with closing(Glass(display)) as glass, connection(display) as link:
        for pixels in (screen._pixels, glass._pixels):
            if pixels._shared is None:
                pytest.skip("there is no resource by which it could be named")
            link.create_resource_object("window", pixels._shared.segment.value).kill_client()
        link.sync()
        assert [glass.find({1}), glass.find({1})] == [frozenset()] * 2  # the second on a new connection
        assert glass._pixels.grab(EVERYTHING).shape[:2] == (HEIGHT, WIDTH)
    assert screen.grab(repeat=True) == ()
    assert len(screen.grab(repeat=True)) == 1


@pytest.mark.parametrize("cut", ["reopen", "monitors"])
def test_a_connection_for_marks_that_is_cut_while_it_is_made_is_made_again(
    display: str, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    def fail(_: Pixels) -> None:
        raise EnvironmentFault(cut)

    with closing(Glass(display)) as glass:
        glass._pixels.close()
        monkeypatch.setattr(Pixels, cut, fail)  # no server can be cut at this moment from outside
        assert [glass.find({1}) for _ in range(3)] == [frozenset()] * 3
        monkeypatch.undo()
        assert glass.find({1}) == frozenset()
        assert glass._pixels.grab(EVERYTHING).shape[:2] == (HEIGHT, WIDTH)


def test_marks_are_looked_for_until_the_display_is_gone(tmp_path: Path) -> None:
    with mortal_xvfb(320, 240, tmp_path) as (name, server), closing(Glass(name)) as glass:
        server.kill()
        server.wait()
        with pytest.raises(EnvironmentFault):
            glass.find({1})


def test_a_window_of_ours_that_another_program_destroys_is_made_anew(screen: X11Screen, display: str) -> None:
    screen.grab()
    with connection(display) as link:
        for window in windows_of_ours(link):
            link.create_resource_object("window", window).destroy()
        link.sync()
    screen.still_until()
    assert screen.grab() == ()
    assert len(screen.grab()) == 1


def test_the_end_of_the_x_server_is_told_in_words(tmp_path: Path, clock: HandClock) -> None:
    with mortal_xvfb(320, 240, tmp_path) as (name, server), ExitStack() as stack:
        grabbing, waiting = X11Screen(clock, name), X11Screen(clock, name)
        for screen in (grabbing, waiting):
            stack.callback(screen.close)
            screen.grab()
        server.kill()
        server.wait()
        assert grabbing.grab(repeat=True) == ()
        with pytest.raises(EnvironmentFault, match=f"X display {name} .*"):
            grabbing.grab(repeat=True)
        assert not waiting.wait(SOON)
        with pytest.raises(EnvironmentFault, match=f"X display {name} is gone"):
            waiting.wait(SOON)


def test_a_display_that_is_not_there_is_told_in_words(clock: HandClock, tmp_path: Path) -> None:
    with xvfb(64, 48, tmp_path) as name:
        pass  # free again
    with pytest.raises(EnvironmentFault, match=f"X display {name} cannot be opened: start Eyelid inside"):
        X11Screen(clock, name)


def test_a_server_without_damage_is_refused_in_words(clock: HandClock, tmp_path: Path) -> None:
    with (
        xvfb(64, 48, tmp_path, "-extension", "DAMAGE") as name,
        pytest.raises(EnvironmentFault, match="has no DAMAGE extension"),
    ):
        X11Screen(clock, name)


def test_a_server_with_few_colours_is_refused_in_words(clock: HandClock, tmp_path: Path) -> None:
    with xvfb(64, 48, tmp_path, depth=16) as name, pytest.raises(EnvironmentFault, match="cannot be captured: "):
        X11Screen(clock, name)
