"""How long the desktop says that a window's pixels stay, against a watcher that sees them. Its word is never too early.

Programs behind the window that closes, moves or is covered: with a background and without, slow ones, ones that hang,
that paint half, or draw lines across the place before they paint it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from agent.core.model.times import SECOND
from agent.desktop.x11.changing import MOST_DEEDS
from agent.desktop.x11.unpainted import DOUBT, UNSURE
from testkit.desktops import X11Stage
from testkit.stale_pixels import (
    CLOCK,
    GREY,
    Trial,
    close,
    lose_track,
    move_off,
    raise_over,
    shrink,
    trial,
    unmap,
)
from tests.desktop.x11_stages import bare, either, managed

__all__ = ["bare", "either", "managed"]  # fixtures

pytestmark = pytest.mark.desktop

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


@pytest.mark.slow(reason="what was painted unwatched is held until it is certain to be gone")
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
