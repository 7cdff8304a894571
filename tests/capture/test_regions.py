"""Nothing that was drawn may fall between the rectangles that are grabbed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.capture.regions import ALIGN_X, ALIGN_Y, aligned, area, around, clip, gather
from agent.core.model.seen import Box

WIDTH, HEIGHT = 400, 300


@st.composite
def boxes(draw: st.DrawFn, width: int = WIDTH, height: int = HEIGHT) -> Box:
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Box(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


def covered(some: list[Box] | tuple[Box, ...]) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for box in some:
        mask[box.y : box.y + box.height, box.x : box.x + box.width] = True
    return mask


@given(st.lists(boxes(), max_size=30))
def test_what_is_gathered_covers_what_was_drawn(drawn: list[Box]) -> None:
    assert not np.any(covered(drawn) & ~covered(gather(drawn)))


@given(st.lists(boxes(), max_size=30))
def test_gathering_is_never_more_boxes_and_never_the_same_pixels_as_before_plus_more_than_a_grab(
    drawn: list[Box],
) -> None:
    gathered = gather(drawn)
    assert len(gathered) <= len(drawn)
    assert gather(gathered) == gathered or len(gather(gathered)) < len(gathered)


def test_small_and_far_apart_stays_apart() -> None:
    clock, caret = Box(1800, 4, 100, 20), Box(300, 900, 2, 18)
    assert set(gather([clock, caret])) == {clock, caret}


def test_a_page_of_glyphs_becomes_one() -> None:
    glyphs = [Box(100 + 9 * column, 100 + 18 * row, 8, 14) for row in range(40) for column in range(80)]
    (page,) = gather(glyphs)
    assert page == Box(100, 100, 719, 716)


@given(boxes(), boxes())
def test_around_is_the_smallest_box_that_holds_both(a: Box, b: Box) -> None:
    together = around(a, b)
    rows, columns = np.nonzero(covered([a, b]))
    assert together == Box(
        int(columns.min()),
        int(rows.min()),
        int(columns.max() - columns.min() + 1),
        int(rows.max() - rows.min() + 1),
    )
    assert area(together) >= max(area(a), area(b))


@given(boxes(), boxes())
def test_clip_keeps_what_is_inside_and_only_that(box: Box, frame: Box) -> None:
    part = clip(box, frame)
    inside = covered([box]) & covered([frame])
    assert (part is None) == (not inside.any())
    if part is not None:
        moved = Box(part.x + frame.x, part.y + frame.y, part.width, part.height)
        assert np.array_equal(covered([moved]), inside)


@given(boxes(), st.integers(0, 7), st.integers(0, 7))
def test_aligned_covers_the_box_and_keeps_chroma_whole(box: Box, less_wide: int, less_high: int) -> None:
    width, height = WIDTH - less_wide, HEIGHT - less_high
    inside = clip(box, Box(0, 0, width, height))
    if inside is None:
        return
    grid = aligned(inside, width, height)
    assert not np.any(covered([inside]) & ~covered([grid]))
    assert grid.x % ALIGN_X == 0
    assert grid.y % 2 == 0
    assert grid.x + grid.width == width or (grid.x + grid.width) % ALIGN_X == 0
    assert grid.y + grid.height == height or (grid.y + grid.height) % ALIGN_Y == 0
    assert grid.height > ALIGN_Y // 2


def test_a_monitor_of_one_row_is_one_row() -> None:
    assert aligned(Box(3, 0, 1, 1), 40, 1) == Box(0, 0, 16, 1)
