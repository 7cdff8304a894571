"""Chromium's words at full screen look like a web notification, but for their place: these may pass, those not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.model.seen import BROWSERS, Box, BrowserWindow, Browsing, Scene, Window, WindowKind
from tests.core.proof.desk import Desk, tab, window

SCREEN = Box(0, 0, 1280, 800)
HINT = Window(9, "chromium", "", 20, Box(381, 45, 518, 51), shown=True, kind=WindowKind.NOTIFICATION, engine=True)


def full(*, full_screen: bool = True, number: int = 1) -> Browsing:
    return Browsing((BrowserWindow("c", 20, number, "Shop", SCREEN, False, (tab(),), full_screen=full_screen),))


def seen(hint: Window, *, full_screen: bool = True) -> Scene:
    """A browser's window is bound and at full screen, then the hint comes."""
    desk = Desk()
    page = replace(window(), box=SCREEN)
    for _ in range(2):
        desk.look(page)
        desk.take(BROWSERS, full(full_screen=full_screen))
    return desk.look(hint, page)


def test_the_hint_is_accounted_for_with_its_window() -> None:
    assert seen(HINT).accounted == {7, 9}


def test_so_it_is_where_pixels_do_not_divide_by_two() -> None:
    assert seen(replace(HINT, box=Box(382, 45, 517, 51))).accounted == {7, 9}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"box": Box(910, 10, 360, 90)}, id="in the corner"),
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
