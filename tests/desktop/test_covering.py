"""Rectangle arithmetic against counting pixels one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.seen import Box
from agent.desktop.x11.covering import MOST_PIECES, overlap, seen, without

SCREEN = Box(0, 0, 24, 16)
boxes = st.builds(Box, st.integers(-6, 26), st.integers(-6, 18), st.integers(0, 20), st.integers(0, 20))


def pixels(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}


@given(boxes, boxes)
def test_overlap_is_the_shared_pixels(one: Box, other: Box) -> None:
    shared = overlap(one, other)
    assert (pixels(shared) if shared else set()) == pixels(one) & pixels(other)


@given(boxes, boxes)
def test_without_leaves_the_other_pixels_each_once(box: Box, cover: Box) -> None:
    rests = without(box, cover)
    counted = [pixel for rest in rests for pixel in pixels(rest)]
    assert len(counted) == len(set(counted))
    assert set(counted) == pixels(box) - pixels(cover)


@given(boxes, st.lists(boxes, max_size=6), st.lists(boxes, min_size=1, max_size=3))
def test_seen_is_whether_a_pixel_is_left_in_view(box: Box, covers: list[Box], views: list[Box]) -> None:
    in_view = {pixel for view in views for pixel in pixels(box) & pixels(view)}
    left = in_view.difference(*map(pixels, covers))
    assert seen(box, covers, views) is bool(left)


def test_a_window_behind_a_sieve_counts_as_seen_without_being_settled() -> None:
    """Two sets of stripes together cover everything, but only after more pieces than anybody should count."""
    sieve = [Box(2 * column, 2 * row, 1, 1) for column in range(20) for row in range(20)]
    lid = Box(0, 0, 40, 40)
    assert len(sieve) > MOST_PIECES
    assert seen(lid, [*sieve, lid], [lid])
    assert not seen(lid, [lid], [lid])
