"""How long the desktop says that a window's pixels stay, against a watcher that sees them. Its word is never too early.

Programs behind the window that closes, moves or is covered: with a background and without, slow ones, ones that hang,
that paint half, or draw lines across the place before they paint it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.model.times import MILLISECOND, SECOND
from agent.desktop.x11.changing import MOST_DEEDS
from agent.desktop.x11.unpainted import DOUBT, HANGS, STILL, UNSURE
from testkit import displays
from testkit.desktops import X11Stage, is_shown, look_until, x11_stage
from testkit.stale_pixels import (
    ALL,
    BEHIND,
    CLOCK,
    GREY,
    PLACE,
    Trial,
    close,
    lose_track,
    move_off,
    raise_over,
    shrink,
    trial,
    unmap,
)
from testkit.windows import Program, program
from tests.desktop.x11_stages import bare, either, managed

__all__ = ["bare", "either", "managed"]  # fixtures

pytestmark = pytest.mark.desktop

TRIES = 10  # of what has to be done within the second that a doubt lasts
BUSY = "the machine was too busy with something else, ten times"
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
        _, reported = tried.verdict()
        assert reported < left + DOUBT


def test_a_managed_window_closes_over_a_program_that_paints_at_once(managed: X11Stage) -> None:
    with trial(managed, color=GREY) as tried:
        close(tried)
        left = CLOCK.now()
        _, reported = tried.verdict()
        assert reported < left + DOUBT


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
            assert tried.words[-1][1] >= left + UNSURE - SECOND
        finally:
            tried.behind._process.send_signal(signal.SIGCONT)


def test_a_program_that_hangs_while_nobody_follows_owes_for_more_than_a_second(bare: X11Stage) -> None:
    """A flood of changes, then a look that came too late for what happened."""
    with trial(bare) as tried:
        close(tried)
        tried.look()
        other = bare.application.open(x=700, y=500, mapped=False)
        for _ in range(MOST_DEEDS):
            bare.application.map(window=other)
            bare.application.unmap(window=other)
        tried.look()
        lose_track(tried)
        tried.later(2.5, tried.paint)
        last, _ = tried.verdict()
        assert last - tried.began > 2 * SECOND


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_what_is_painted_around_a_look_that_could_not_follow_is_paid(bare: X11Stage, late: bool) -> None:
    with trial(bare) as tried:
        close(tried)
        tried.look()
        if not late:
            tried.paint()
        lose_track(tried, tried.paint if late else lambda: None)
        left = CLOCK.now()
        _, reported = tried.verdict()
        assert reported < left + 2 * DOUBT


def test_what_was_painted_while_nobody_followed_is_no_repaint(bare: X11Stage) -> None:
    """Gone, painted over and back after a look had taken what was painted: still in the damage when it goes again."""

    def flicker() -> None:
        unmap(tried)
        tried.paint()
        bare.application.map(window=tried.window)

    with trial(bare) as tried:
        lose_track(tried, flicker)
        tried.look_until_gone()
        tried.words, tried.began = [], CLOCK.now()
        unmap(tried)
        tried.later(0.6, tried.paint)
        tried.verdict()


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
    for _ in range(TRIES):
        with trial(bare) as tried:
            close(tried)
            for _ in range(3):
                tried.later(
                    0.25, lambda: tried.behind.cross(window=tried.back, width=BEHIND.width, height=BEHIND.height)
                )
            tried.paint()
            tried.look_until_gone()
            if max(tried.watcher.seen, default=tried.began) - tried.began < DOUBT:  # else it was painted too late
                tried.verdict()
                return
    pytest.fail(BUSY)


def test_gone_and_back_and_gone_again_between_two_looks(bare: X11Stage) -> None:
    """What was painted in the first absence is no proof of the second."""
    with trial(bare) as tried:
        unmap(tried)
        tried.paint()
        bare.application.map(window=tried.window)
        unmap(tried)
        tried.later(0.3, tried.paint)
        tried.verdict()


def test_in_front_and_behind_again_between_two_looks(bare: X11Stage) -> None:
    """The order is what it was, and the one in front shows the other until it paints."""
    for _ in range(TRIES):
        with trial(bare) as tried:
            raise_over(tried)
            tried.paint()
            tried.look_until_gone()
            tried.words, tried.began = [], CLOCK.now()
            bare.application.stack(window=tried.window, above=True)
            raise_over(tried)
            tried.later(0.3, tried.paint)
            if CLOCK.now() - tried.began < DOUBT and tried.was_seen():
                tried.verdict()
                return
    pytest.fail(BUSY)


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
        _, reported = tried.verdict()
        assert reported < left + DOUBT


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


def come_at_once(new: Program, _: X11Stage) -> int:
    return int(new.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None))


def come_and_move(new: Program, _: X11Stage) -> int:
    """Created, mapped, moved, resized and raised before anybody looks."""
    window = new.open(x=40, y=60, width=300, height=300, color=None)
    new.move(window=window, x=60, y=80)
    new.resize(window=window, width=BEHIND.width, height=BEHIND.height)
    new.stack(window=window, above=True)
    return int(window)


def come_again(new: Program, stage: X11Stage) -> int:
    """It was here before, and painted all; then it was away."""
    window = new.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None)
    new.paint(window=window, color=GREY, place=ALL)
    stage.desktop.look()
    new.unmap(window=window)
    stage.desktop.look()
    new.map(window=window)
    return int(window)


def grow(new: Program, stage: X11Stage) -> int:
    window = new.open(x=60, y=80, width=40, height=BEHIND.height, color=None)
    new.paint(window=window, color=GREY, place=ALL)
    look_until(stage.desktop, lambda seen: is_shown(seen, window), "the small one")
    new.stack(window=window, above=True)
    new.resize(window=window, width=BEHIND.width, height=BEHIND.height)
    return int(window)


@pytest.mark.parametrize("come", [come_at_once, come_and_move, come_again, grow])
def test_a_new_window_that_paints_after_more_than_a_second(
    either: X11Stage, come: Callable[[Program, X11Stage], int]
) -> None:
    """Until then it shows what was there before, however it came."""
    with trial(either) as tried, program(either.display, "new") as other:
        tried.began = CLOCK.now()
        new = come(other, either)
        tried.later(2.5, lambda: other.paint(window=new, color=GREY, place=ALL))
        last, _ = tried.verdict()
        assert come is not come_at_once or last - tried.began > 2 * SECOND


def test_a_new_window_that_never_paints_owes_for_more_than_ten_seconds(managed: X11Stage) -> None:
    with trial(managed) as tried, program(managed.display, "new") as other:
        come_at_once(other, managed)
        tried.look_while(lambda: tried.words[-1:] == [] or tried.words[-1][1] < tried.began + UNSURE)
        assert tried.was_seen()


def test_a_managed_window_that_the_server_paints_owes_nothing(managed: X11Stage) -> None:
    with trial(managed) as tried, program(managed.display, "new") as other:
        new = other.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=GREY)
        tried.look_while(lambda: not is_shown(managed.desktop.look(), new))
        came = CLOCK.now()
        assert tried.look_until_gone() < came + UNSURE


def test_two_programs_that_hang_one_over_the_other(bare: X11Stage) -> None:
    """What the second has not painted over is of the first's time, not of its own."""
    with trial(bare) as tried, program(bare.display, "third") as third:
        over = third.open(x=60, y=80, width=BEHIND.width, height=BEHIND.height, color=None, mapped=False)
        tried.look()
        tried.look()
        close(tried)
        tried.look()
        [first] = [one for one in bare.desktop.stale_pixels() or () if one.left >= tried.began]
        third.map(window=over)
        tried.later(0.3, lambda: third.paint(window=over, color=GREY, place=ALL))
        assert min(one.left for one in bare.desktop.stale_pixels() or () if one.until > CLOCK.now()) <= first.left
        tried.verdict()


def test_minimised(managed: X11Stage) -> None:
    with trial(managed) as tried:
        managed.minimise(tried.window)
        tried.later(0.4, tried.paint)
        tried.verdict()


def test_with_a_compositor_nobody_can_tell(tmp_path: Path) -> None:
    with displays.xvfb() as name, displays.picom(name, tmp_path), x11_stage(name, managed=False) as stage:
        stage.open(title="composited")
        assert stage.desktop.stale_pixels() is None


def test_a_window_that_paints_beside_the_screen_is_not_believed(bare: X11Stage) -> None:
    """Redirected by whoever shows its picture elsewhere: covers do not clip what it tells."""
    with trial(bare) as tried, displays.connection(bare.display) as link:
        link.composite_query_version()
        link.create_resource_object("window", tried.back).composite_redirect_window(1)
        link.sync()
        tried.paint()
        close(tried)
        left = CLOCK.now()
        reported = tried.look_until_gone()
        assert reported >= left + DOUBT - 50 * MILLISECOND


def test_without_damage_nobody_can_tell() -> None:
    with displays.xvfb("-extension", "DAMAGE") as name, x11_stage(name, managed=False) as stage:
        stage.open(title="behind", width=400)
        window = stage.open(title="above", width=500)
        for _ in range(2):
            stage.destroy(window)
            stage.desktop.look()
            assert stage.desktop.stale_pixels() is None
            window = stage.open(title="alone", x=700)


def test_the_published_constants() -> None:
    assert (STILL, DOUBT, UNSURE) == (350 * MILLISECOND, 1 * SECOND, 10 * SECOND)


def test_a_new_window_that_paints_nothing_owes_what_it_takes_along_until_it_paints(managed: X11Stage) -> None:
    for _ in range(TRIES):
        with trial(managed) as tried:
            size = {"width": PLACE.width, "height": PLACE.height}
            new = tried.behind.open(x=PLACE.x, y=PLACE.y, color=None, **size)
            tried.later(2 * HANGS / SECOND, lambda: None)
            if tried.words[-1][1] < CLOCK.now() + 2 * UNSURE:
                continue  # its damage was emptied too late to be certain that it has painted nothing
            tried.behind.move(window=new, x=PLACE.x + 150, y=PLACE.y + 90)
            tried.look()
            close(tried)
            tried.look()
            tried.paint()
            tried.later(2 * DOUBT / SECOND, lambda: None)
            assert tried.words[-1][1] > CLOCK.now() + 2 * UNSURE
            tried.behind.paint(window=new, color=GREY, place=ALL)
            left = CLOCK.now()
            assert tried.look_until_gone() < left + UNSURE
            return
    pytest.fail(BUSY)
