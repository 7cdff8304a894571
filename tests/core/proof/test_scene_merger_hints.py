"""Chromium's words at full screen look like a web notification, but for their place: these may pass, those not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.model.seen import BROWSERS, Box, BrowserWindow, Browsing, Scene, Window, WindowKind
from tests.core.proof.desk import Desk, tab, window

SCREEN = Box(0, 0, 1280, 800)
HINT = Window(9, "chromium", "", 20, Box(381, 45, 518, 51), shown=True, kind=WindowKind.NOTIFICATION, engine=True)


def full(*, full_screen: bool = True, number: int = 1, screen: Box = SCREEN) -> Browsing:
    return Browsing((BrowserWindow("c", 20, number, "Shop", screen, False, (tab(),), full_screen=full_screen),))


def seen(hint: Window, *, full_screen: bool = True, screen: Box = SCREEN) -> Scene:
    """A browser's window is bound and at full screen, then the hint comes."""
    desk = Desk()
    page = replace(window(), box=screen)
    for _ in range(2):
        desk.look(page)
        desk.take(BROWSERS, full(full_screen=full_screen, screen=screen))
    return desk.look(hint, page)


def test_the_hint_is_accounted_for_with_its_window() -> None:
    assert seen(HINT).accounted == {7, 9}


@pytest.mark.parametrize("box", [Box(382, 45, 517, 51), Box(383, 45, 518, 51)], ids=["odd", "four pixels off"])
def test_so_it_is_where_pixels_do_not_divide_by_two(box: Box) -> None:
    assert seen(replace(HINT, box=box)).accounted == {7, 9}


@pytest.mark.parametrize(
    ("box", "is_hint"),
    [
        pytest.param(Box(64, 0, 1152, 160), True, id="at every bound"),
        pytest.param(Box(63, 0, 1154, 160), False, id="nearer to the corners"),
        pytest.param(Box(64, -1, 1152, 160), False, id="above the window"),
        pytest.param(Box(64, 0, 1152, 161), False, id="below the upper fifth"),
    ],
)
def test_where_a_hint_may_be(box: Box, is_hint: bool) -> None:
    assert (9 in seen(replace(HINT, box=box)).accounted) is is_hint


def test_so_it_is_on_a_second_monitor() -> None:
    second = Box(1280, 400, 1280, 800)
    assert seen(replace(HINT, box=Box(1661, 445, 518, 51)), screen=second).accounted == {7, 9}
    assert seen(replace(HINT, box=Box(1661, 1100, 518, 51)), screen=second).accounted == {7}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"box": Box(910, 10, 360, 90)}, id="in the corner"),
        pytest.param({"box": Box(383, 45, 519, 51)}, id="five pixels off the middle"),
        pytest.param({"box": Box(381, 700, 518, 51)}, id="at the bottom"),
        pytest.param({"box": Box(381, 45, 518, 400)}, id="too tall"),
        pytest.param({"box": Box(381, -20, 518, 51)}, id="above the window"),
        pytest.param({"box": Box(10, 45, 1260, 51)}, id="from edge to edge"),
        pytest.param({"pid": 21}, id="another process"),
        pytest.param({"kind": WindowKind.NORMAL}, id="an ordinary window"),
        pytest.param({"engine": False}, id="no engine"),
    ],
)
def test_nothing_else_is(other: dict[str, object]) -> None:
    assert seen(replace(HINT, **other)).accounted == {7}  # type: ignore[arg-type]


def test_nothing_is_where_no_window_is_at_full_screen() -> None:
    assert seen(HINT, full_screen=False).accounted == {7}


def test_nothing_is_over_a_window_that_nobody_answers_for() -> None:
    desk = Desk()
    desk.look(replace(window(), box=SCREEN, title="Other"))
    desk.take(BROWSERS, full())
    assert desk.look(HINT, replace(window(), box=SCREEN, title="Other")).accounted == frozenset()


def test_the_account_is_not_lost_when_the_hint_goes() -> None:
    desk = Desk()
    page = replace(window(), box=SCREEN)
    for _ in range(2):
        desk.look(page)
        desk.take(BROWSERS, full())
    desk.look(HINT, page)
    assert not desk.merger.lost_account
    assert desk.look(page).accounted == {7}
    desk.look(HINT, page)
    desk.take(BROWSERS, full(full_screen=False))
    assert desk.look(HINT, page).accounted == {7}
