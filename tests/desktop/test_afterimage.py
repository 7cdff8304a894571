"""How long the desktop says that a window's pixels stay, against a watcher that sees them. Its word is never too early.

Programs behind the window that closes, moves or is covered: with a background and without, slow ones, ones that hang,
that paint half, or draw lines across the place before they paint it. The watcher has a connection of its own and looks
at the pixels; the desktop looks at none.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from Xlib import X

from agent.core.model import MILLISECOND, SECOND, Box
from agent.desktop.clock import BootClock
from agent.desktop.x11.ghosts import DOUBT, OWED, STILL
from tests.stage import displays
from tests.stage.desktops import X11Stage, look_until, x11_stage
from tests.stage.windows import Program, program

pytestmark = pytest.mark.desktop

SENSITIVE = 0xFF00FF
GREY = 0x808080
PLACE = Box(120, 140, 200, 100)  # of the sensitive window
BEHIND = Box(60, 80, 500, 400)
ALL = (0, 0, BEHIND.width, BEHIND.height)
WITHIN = 20 * SECOND
CLOCK = BootClock()


class Watcher:
    """Looks at the pixels of a place as often as it can; `seen`: when each look that saw the colour began, ns."""

    def __init__(self, name: str, place: Box) -> None:
        self.seen: list[int] = []
        self.looks = 0
        self.place = place
        self._name, self._ending = name, False
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        colour = SENSITIVE.to_bytes(3, "little")
        with displays.connection(self._name) as link:
            root = link.screen().root
            while not self._ending:
                at = CLOCK.now()
                box = self.place
                pixels = root.get_image(box.x, box.y, box.width, box.height, X.ZPixmap, 0xFFFFFFFF).data
                if any(pixels[place : place + 3] == colour for place in range(0, len(pixels), 4 * 7)):
                    self.seen.append(at)
                self.looks += 1

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()


@dataclass
class Trial:
    """`words`: at each look when it was answered, and until when the display shows something of before, ns."""

    stage: X11Stage
    behind: Program
    back: int
    window: int
    watcher: Watcher
    began: int = 0
    words: list[tuple[int, int]] = field(default_factory=list)

    def look(self) -> int:
        self.stage.desktop.look()
        ghosts = self.stage.desktop.ghosts()
        assert ghosts is not None
        until = max((ghost.until for ghost in ghosts if ghost.left >= self.began), default=0)
        self.words.append((CLOCK.now(), until))
        return until

    def look_while(self, goes_on: Callable[[], bool]) -> None:
        end = CLOCK.now() + WITHIN
        while goes_on():
            assert CLOCK.now() < end
            self.stage.desktop.wait(0.02)
            self.look()

    def look_until_gone(self) -> int:
        """Looks until by the desktop's own word nothing is left; returns that word."""
        self.look()
        self.look_while(lambda: self.words[-1][1] > self.words[-1][0])
        return self.words[-1][1]

    def later(self, seconds: float, deed: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, deed)
        timer.start()
        self.look_while(timer.is_alive)

    def paint(self) -> None:
        self.behind.paint(window=self.back, color=GREY, place=ALL)

    def verdict(self) -> tuple[int, int]:
        """(when the colour was last seen, when the desktop says that it was gone). Fails where the word was early."""
        told = self.look_until_gone()
        seen = [at for at in self.watcher.seen if at > self.began]
        for answered, until in self.words:
            early = [at for at in seen if until < at <= answered]
            assert not early or until == 0, f"said {until}, seen {early[-1] - until} ns later"
        last = max(seen, default=self.began)
        assert last < told
        return last, told


def haunted(stage: X11Stage) -> bool:
    return any(ghost.until > CLOCK.now() for ghost in stage.desktop.ghosts() or ())


@contextlib.contextmanager
def trial(stage: X11Stage, *, color: int | None = None, override: bool = False) -> Iterator[Trial]:
    """A sensitive window above a program's, which has painted itself."""
    with program(stage.display, "behind") as behind:
        size = {"width": BEHIND.width, "height": BEHIND.height}
        back = behind.open(title="behind", x=BEHIND.x, y=BEHIND.y, color=color, override=override, **size)
        look_until(stage.desktop, lambda seen: any(w.id == back and w.shown for w in seen.windows), "the one behind")
        behind.paint(window=back, color=GREY, place=ALL)
        window = stage.open(
            title="card", x=PLACE.x, y=PLACE.y, width=PLACE.width, height=PLACE.height, color=SENSITIVE,
            override=override,
        )  # fmt: skip
        behind.paint(window=back, color=GREY, place=ALL)  # under the cover, which nobody may take for a repaint
        look_until(stage.desktop, lambda _: not stage.desktop.wait(0.1) and not haunted(stage), "a quiet desktop")
        with displays.connection(stage.display) as link:
            there = link.screen().root.translate_coords(window, 0, 0)
            place = Box(there.x, there.y, PLACE.width, PLACE.height)
        with Watcher(stage.display, place) as watcher:
            yield Trial(stage, behind, back, window, watcher, began=CLOCK.now())


@pytest.fixture
def bare(bare_display: str) -> Iterator[X11Stage]:
    with x11_stage(bare_display, managed=False) as stage:
        yield stage


@pytest.fixture
def managed(openbox_display: str) -> Iterator[X11Stage]:
    with x11_stage(openbox_display, managed=True) as stage:
        yield stage


@pytest.fixture(params=["bare", "managed"])
def either(request: pytest.FixtureRequest) -> X11Stage:
    stage: X11Stage = request.getfixturevalue(request.param)
    return stage


def close(tried: Trial) -> None:
    tried.stage.destroy(tried.window)


def unmap(tried: Trial) -> None:
    tried.stage.application.unmap(window=tried.window)


def raise_over(tried: Trial) -> None:
    tried.behind.stack(window=tried.back, above=True)


def move_off(tried: Trial) -> None:
    tried.stage.application.move(window=tried.window, x=700, y=500)


def shrink(tried: Trial) -> None:
    place = tried.watcher.place
    tried.watcher.place = Box(place.x + 50, place.y + 30, place.width - 50, place.height - 30)
    tried.stage.application.resize(window=tried.window, width=40, height=20)


LEAVINGS = [close, unmap, raise_over, move_off, shrink]


@pytest.mark.parametrize(("leave", "delay"), [*((leave, 0.3) for leave in LEAVINGS), (close, 0.06)])
def test_a_program_without_a_background_that_paints_late(
    either: X11Stage, leave: Callable[[Trial], None], delay: float
) -> None:
    with trial(either) as tried:
        leave(tried)
        tried.later(delay, tried.paint)
        tried.verdict()


@pytest.mark.parametrize("leave", [close, unmap, raise_over, shrink])
def test_a_window_that_the_server_paints_is_gone_as_soon_as_it_is_still(
    bare: X11Stage, leave: Callable[[Trial], None]
) -> None:
    with trial(bare, color=GREY) as tried:
        leave(tried)
        left = CLOCK.now()
        _, told = tried.verdict()
        assert told < left + DOUBT


def test_a_managed_window_closes_over_a_program_that_paints_at_once(managed: X11Stage) -> None:
    with trial(managed, color=GREY) as tried:
        close(tried)
        left = CLOCK.now()
        _, told = tried.verdict()
        assert told < left + DOUBT


def test_a_program_that_paints_after_more_than_a_second(bare: X11Stage) -> None:
    with trial(bare) as tried:
        close(tried)
        tried.later(2.5, tried.paint)
        last, _ = tried.verdict()
        assert last - tried.began > 2 * SECOND


def test_a_program_that_hangs_owes_for_ten_seconds(bare: X11Stage) -> None:
    with trial(bare) as tried:
        tried.behind._process.send_signal(signal.SIGSTOP)
        try:
            close(tried)
            left = CLOCK.now()
            tried.look()
            assert tried.words[-1][1] >= left + OWED - SECOND
        finally:
            tried.behind._process.send_signal(signal.SIGCONT)


def test_half_of_a_place_painted_is_no_place_painted(bare: X11Stage) -> None:
    with trial(bare) as tried:
        raise_over(tried)
        tried.behind.paint(window=tried.back, color=GREY, place=(0, 0, 120, BEHIND.height))
        tried.later(1.2, tried.paint)
        last, _ = tried.verdict()
        assert last - tried.began > SECOND


@pytest.mark.parametrize(("leave", "delay"), [(close, 0.06), (close, 0.3), (raise_over, 0.3)])
def test_lines_across_a_place_are_no_background(bare: X11Stage, leave: Callable[[Trial], None], delay: float) -> None:
    with trial(bare) as tried:
        leave(tried)
        tried.behind.cross(window=tried.back, width=BEHIND.width, height=BEHIND.height)
        tried.later(delay, tried.paint)
        tried.verdict()


def test_strokes_without_end_are_followed_for_a_second(bare: X11Stage) -> None:
    with trial(bare) as tried:
        close(tried)
        for _ in range(3):
            tried.later(0.25, lambda: tried.behind.cross(window=tried.back, width=BEHIND.width, height=BEHIND.height))
        tried.paint()
        tried.verdict()


def test_gone_and_back_and_gone_again_between_two_looks(bare: X11Stage) -> None:
    """What was painted in the first absence is no proof of the second."""
    with trial(bare) as tried:
        unmap(tried)
        tried.paint()
        bare.application.map(window=tried.window)
        unmap(tried)
        tried.later(0.3, tried.paint)
        tried.verdict()


def test_gone_and_back_and_gone_again_over_several_looks(bare: X11Stage) -> None:
    with trial(bare) as tried:
        unmap(tried)
        tried.paint()
        tried.look()
        bare.application.map(window=tried.window)
        tried.look()
        unmap(tried)
        tried.later(0.3, tried.paint)
        tried.verdict()


def test_a_program_that_moves_with_what_it_owes(bare: X11Stage) -> None:
    """The server copies the old pixels along, and tells that as painted."""
    with trial(bare) as tried:
        close(tried)
        tried.look()
        tried.behind.move(window=tried.back, x=BEHIND.x + 9, y=BEHIND.y + 7)
        tried.later(0.3, tried.paint)
        tried.verdict()


def test_a_child_that_paints_pays_for_the_window_that_it_is_in(bare: X11Stage) -> None:
    with trial(bare) as tried:
        child = tried.behind.open(parent=tried.back, width=BEHIND.width, height=BEHIND.height, color=None)
        tried.look()
        tried.look()
        close(tried)
        left = CLOCK.now()
        tried.behind.paint(window=child, color=GREY, place=ALL)
        _, told = tried.verdict()
        assert told < left + DOUBT


def test_a_child_that_paints_a_part_pays_for_a_part(bare: X11Stage) -> None:
    with trial(bare) as tried:
        child = tried.behind.open(parent=tried.back, width=130, height=BEHIND.height, color=None)
        tried.look()
        tried.look()
        close(tried)
        tried.behind.paint(window=child, color=GREY, place=(0, 0, 130, BEHIND.height))
        tried.later(1.2, tried.paint)
        last, _ = tried.verdict()
        assert last - tried.began > SECOND


@pytest.mark.parametrize("color", [None, GREY], ids=["without a background", "with one"])
def test_unmanaged_windows(either: X11Stage, color: int | None) -> None:
    with trial(either, color=color, override=True) as tried:
        close(tried)
        tried.later(0.3, tried.paint)
        tried.verdict()


def test_a_new_window_without_a_background_over_it(bare: X11Stage) -> None:
    with trial(bare) as tried:
        new = tried.behind.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None)
        tried.later(0.3, lambda: tried.behind.paint(window=new, color=GREY, place=ALL))
        tried.verdict()


def test_two_programs_that_hang_one_over_the_other(bare: X11Stage) -> None:
    """What the second has not painted over is of the first's time, not of its own."""
    with trial(bare) as tried, program(bare.display, "third") as third:
        over = third.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None, mapped=False)
        tried.look()
        tried.look()
        close(tried)
        tried.look()
        [first] = [ghost for ghost in bare.desktop.ghosts() or () if ghost.left >= tried.began]
        third.map(window=over)
        tried.later(0.3, lambda: third.paint(window=over, color=GREY, place=ALL))
        assert min(ghost.left for ghost in bare.desktop.ghosts() or () if ghost.until > CLOCK.now()) <= first.left
        tried.verdict()


def test_minimised(managed: X11Stage) -> None:
    with trial(managed) as tried:
        managed.minimise(tried.window)
        tried.later(0.4, tried.paint)
        tried.verdict()


def test_with_a_compositor_nobody_can_tell(tmp_path: Path) -> None:
    with displays.xvfb() as name, displays.picom(name, tmp_path), x11_stage(name, managed=False) as stage:
        stage.open(title="composited")
        assert stage.desktop.ghosts() is None


def test_a_window_that_paints_beside_the_screen_is_not_believed(bare: X11Stage) -> None:
    """Redirected by whoever shows its picture elsewhere: covers do not clip what it tells."""
    with trial(bare) as tried, displays.connection(bare.display) as link:
        link.composite_query_version()
        link.create_resource_object("window", tried.back).composite_redirect_window(1)
        link.sync()
        tried.paint()
        close(tried)
        left = CLOCK.now()
        told = tried.look_until_gone()
        assert told >= left + DOUBT - 50 * MILLISECOND


def test_without_damage_nobody_can_tell() -> None:
    with displays.xvfb("-extension", "DAMAGE") as name, x11_stage(name, managed=False) as stage:
        stage.open(title="behind", width=400)
        window = stage.open(title="above", width=500)
        for _ in range(2):
            stage.destroy(window)
            stage.desktop.look()
            assert stage.desktop.ghosts() is None
            window = stage.open(title="alone", x=700)


def test_the_published_constants() -> None:
    assert (STILL, DOUBT, OWED) == (350 * MILLISECOND, 1 * SECOND, 10 * SECOND)
