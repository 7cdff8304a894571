"""What is captured against counting pixels one by one: whatever monitors a program sets, no screen is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.seen import Box
from agent.desktop.x11.monitors import MOST, Named, captured
from tests.desktop.test_covering import pixels

ROOT = Box(0, 0, 24, 16)
LEFT, RIGHT = Box(0, 0, 12, 16), Box(12, 0, 12, 16)
boxes = st.builds(Box, st.integers(-6, 26), st.integers(-6, 18), st.integers(0, 26), st.integers(0, 18))
named = st.lists(st.tuples(st.sampled_from(["", "DP-1", "DP-2"]), boxes), max_size=5)
# Both random ones, and such as fit together.
tiles = st.sampled_from([[("", ROOT)], [("a", LEFT), ("b", RIGHT)], [("a", LEFT)], [("a", ROOT), ("b", LEFT)]])
layouts = named | tiles | st.lists(st.tuples(st.just(""), boxes), min_size=MOST, max_size=MOST + 8)


def covered(places: list[Named]) -> set[tuple[int, int]]:
    return set().union(*(pixels(box) for _, box in places)) & pixels(ROOT)


@given(layouts, layouts)
def test_every_pixel_that_a_screen_shows_is_captured(crtcs: list[Named], monitors: list[Named]) -> None:
    found = captured(ROOT, crtcs, monitors)
    assert covered(list(found)) >= (covered(crtcs) or pixels(ROOT))
    assert 0 < len(found) <= MOST
    assert len({box for _, box in found}) == len(found)
    assert all(pixels(box) and pixels(box) <= pixels(ROOT) and name for name, box in found)


def test_monitors_that_cover_every_screen_are_believed() -> None:
    assert captured(ROOT, [("DP-1", ROOT)], [("DP-1", LEFT), ("", RIGHT)]) == (("DP-1", LEFT), ("monitor 2", RIGHT))
    assert captured(ROOT, [("DP-1", LEFT), ("DP-2", RIGHT)], [("DP-1", ROOT)]) == (("DP-1", ROOT),)


def test_monitors_that_overlap_or_leave_something_out_are_not() -> None:
    screens = (("DP-1", LEFT), ("DP-2", RIGHT))
    assert captured(ROOT, screens, [("DP-1", LEFT)]) == screens
    assert captured(ROOT, screens, [("DP-1", ROOT), ("DP-2", RIGHT)]) == screens
    assert captured(ROOT, screens, [(f"{x}", Box(x % 24, x // 24, 1, 1)) for x in range(24 * 16)]) == screens


def test_screens_that_show_the_same_are_one_picture_and_of_different_size_two() -> None:
    assert captured(ROOT, [("DP-1", LEFT), ("DP-2", LEFT)], [("DP-1", LEFT), ("DP-2", LEFT)]) == (("DP-1", LEFT),)
    mirrored = (("DP-1", ROOT), ("DP-2", LEFT))
    assert captured(ROOT, mirrored, mirrored) == mirrored


def test_without_screens_or_with_too_many_it_is_the_root_window() -> None:
    assert captured(ROOT, [], [("tiny", Box(0, 0, 1, 1))]) == (("monitor 1", ROOT),)
    assert captured(
        ROOT, [(f"{x}", Box(x, 0, 1, 1)) for x in range(24)] + [(f"{x}", Box(x, 1, 1, 1)) for x in range(24)], []
    ) == (("monitor 1", ROOT),)
