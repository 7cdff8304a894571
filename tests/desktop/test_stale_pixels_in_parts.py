"""The same where a place is painted in parts, by children, or by a program that comes, goes and moves meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.core.model.times import SECOND
from agent.desktop.x11.unpainted import DOUBT
from testkit.desktops import X11Stage
from testkit.stale_pixels import (
    ALL,
    BEHIND,
    CLOCK,
    GREY,
    Trial,
    close,
    raise_over,
    trial,
    unmap,
)
from tests.desktop.x11_stages import bare, either, managed

__all__ = ["bare", "either", "managed"]  # fixtures

pytestmark = pytest.mark.desktop

TRIES = 10  # of what has to be done within the second that a doubt lasts
BUSY = "the machine was too busy with something else, ten times"


def test_half_of_a_place_painted_is_no_place_painted(bare: X11Stage) -> None:
    with trial(bare) as tried:
        raise_over(tried)
        tried.behind.paint(window=tried.back, color=GREY, place=(0, 0, 120, BEHIND.height))
        tried.later(1.2, tried.paint)
        last, _ = tried.verdict()
        assert last - tried.began > SECOND


@pytest.mark.parametrize(("leave", "delay"), [(close, 0.06), (close, 0.3), (raise_over, 0.3)])
def test_lines_across_a_place_are_no_background(bare: X11Stage, leave: Callable[[Trial], None], delay: float) -> None:
    for _ in range(TRIES):
        with trial(bare) as tried:
            leave(tried)
            tried.behind.cross(window=tried.back, width=BEHIND.width, height=BEHIND.height)
            tried.later(delay, tried.paint)
            if painted_in_time(tried):
                tried.verdict()
                return
    pytest.fail(BUSY)


def painted_in_time(tried: Trial) -> bool:
    """Within the second for which strokes are followed."""
    tried.look_until_gone()
    return max(tried.watcher.seen, default=tried.began) - tried.began < DOUBT


def test_strokes_without_end_are_followed_for_a_second(bare: X11Stage) -> None:
    for _ in range(TRIES):
        with trial(bare) as tried:
            close(tried)
            for _ in range(3):
                tried.later(
                    0.25, lambda: tried.behind.cross(window=tried.back, width=BEHIND.width, height=BEHIND.height)
                )
            tried.paint()
            if painted_in_time(tried):
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
