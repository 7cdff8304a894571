"""Marks are found wherever they are in the picture, and nothing else is taken for one."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from Xlib.display import Display

from agent.capture.marks import CELLS, FIRST, Glass, numbers, read
from agent.capture.pixels import BGRA
from testkit import displays

MARK = 0xA61C00FF
HEIGHT, WIDTH = 40, 150


def paint(pixels: BGRA, mark: int, left: int, top: int, *, inverted: bool = False, height: int = 8) -> None:
    for cell in range(CELLS):
        on = bool(mark >> (CELLS - 1 - cell) & 1) is not inverted
        pixels[top : top + height, left + 2 * cell : left + 2 * cell + 2, :3] = (0, 255 * on, 0)


def noise(seed: int) -> BGRA:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


marks = st.integers(0, 2**24 - 1).map(lambda rest: FIRST << 24 | rest)


@settings(max_examples=200)
@given(marks, st.integers(0, WIDTH - 64), st.integers(0, HEIGHT - 8), st.booleans(), st.integers(0, 9))
def test_a_mark_is_found_at_any_place_and_inverted_too(
    mark: int, left: int, top: int, inverted: bool, seed: int
) -> None:
    pixels = noise(seed)
    assert read(pixels, [mark, MARK ^ 1]) == frozenset()
    paint(pixels, mark, left, top, inverted=inverted)
    assert read(pixels, [mark, MARK ^ 1]) == {mark}


@given(marks, st.integers(0, CELLS - 1))
def test_one_cell_that_is_another_makes_another_mark(mark: int, cell: int) -> None:
    pixels = noise(0)
    paint(pixels, mark ^ (1 << cell), 10, 10)
    assert read(pixels, [mark]) == frozenset()


def test_several_marks_are_told_apart() -> None:
    pixels = noise(1)
    paint(pixels, MARK, 0, 0)
    paint(pixels, MARK ^ 1, 70, 20)
    assert read(pixels, [MARK, MARK ^ 1, MARK ^ 2]) == {MARK, MARK ^ 1}
    assert read(pixels, []) == frozenset()


@pytest.mark.parametrize(("share", "found"), [(0.7, True), (0.6, False), (0.4, False)])
def test_a_mark_beneath_a_dialog_that_dims_the_page_is_none(share: float, found: bool) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    paint(pixels, MARK, 10, 10)
    assert read((pixels * share).astype(np.uint8), [MARK]) == ({MARK} if found else frozenset())


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_line_that_looks_like_a_mark_is_none(height: int) -> None:
    pixels = noise(2)
    paint(pixels, MARK, 10, 9, height=height)
    assert read(pixels, [MARK]) == frozenset()


def test_a_picture_that_is_too_narrow_shows_none() -> None:
    assert read(np.zeros((20, 63, 4), np.uint8), [MARK]) == frozenset()
    narrow = np.zeros((8, 64, 4), np.uint8)
    paint(narrow, MARK, 0, 0)
    assert read(narrow, [MARK]) == {MARK}


def test_no_flat_picture_begins_a_mark_and_no_two_marks_are_alike() -> None:
    many = list(islice(numbers(), 1000))
    assert all(mark >> 24 == FIRST for mark in many)
    assert len(set(many)) > 990
    cells = f"{FIRST:08b}"
    assert sum(one != other for one, other in pairwise(cells)) >= 4


def draw(server: Display, left: int, top: int) -> None:
    """The mark on the root window."""
    root = server.screen().root
    green, black = (root.create_gc(foreground=ink) for ink in (0x00FF00, 0))
    for cell in range(CELLS):
        ink = green if MARK >> (CELLS - 1 - cell) & 1 else black
        root.fill_rectangle(ink, left + 2 * cell, top, 2, 8)
    server.sync()


@pytest.mark.desktop
def test_the_glass_reads_the_display(bare_display: str) -> None:
    glass = Glass(bare_display)
    with displays.connection(bare_display) as server:
        draw(server, 301, 203)
        assert glass.find([MARK, MARK ^ 1]) == {MARK}
        server.screen().root.clear_area()
        server.sync()
        assert glass.find([MARK]) == frozenset()
    glass.close()


@pytest.mark.desktop
def test_monitors_that_change_are_read_anew(bare_display: str) -> None:
    with displays.connection(bare_display) as server:
        screen = server.screen()
        right = f"{screen.width_in_pixels - 400}/1x{screen.height_in_pixels}/1+400+0"
        with (
            displays.monitor(bare_display, "left", f"400/1x{screen.height_in_pixels}/1+0+0"),
            displays.monitor(bare_display, "right", right, "none"),
        ):
            glass = Glass(bare_display)
            draw(server, 371, 203)  # a part of it on each
            assert glass.find([MARK]) == frozenset()
        displays.await_true(lambda: glass.find([MARK]) == {MARK}, "the mark on the only monitor")
        server.screen().root.clear_area()
        server.sync()
    glass.close()
