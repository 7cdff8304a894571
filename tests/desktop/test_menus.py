"""A menu or tooltip that outlives a window of its program may show it still, so the window counts until it has gone."""

from __future__ import annotations

import pytest

from agent.core.model.seen import Box, Window, WindowKind
from agent.desktop.x11.menus import MOST, Menus
from testkit.desktops import X11Stage, settled
from tests.desktop.x11_stages import bare, either, managed

__all__ = ["bare", "either", "managed"]  # fixtures

TIP = 7


def window(number: int, title: str, *, kind: WindowKind = WindowKind.NORMAL, pid: int = 1, **traits: bool) -> Window:
    return Window(number, "till", title, pid, Box(0, 0, 9, 9), **{"shown": True, **traits}, kind=kind)


TOOLTIP = window(TIP, "", kind=WindowKind.POPUP)
FORM = window(1, "form")


def titles(stage: X11Stage) -> list[object]:
    return [one.title for one in settled(stage.desktop).windows if one.shown]


@pytest.mark.desktop
def test_a_window_counts_while_a_tooltip_that_was_open_beside_it_is(either: X11Stage) -> None:
    either.open(title="main", x=400)
    form = either.open(title="form")
    tip = either.open(title=None, override=True, kind="TOOLTIP", x=700, y=500, width=90, height=40)
    either.destroy(form)
    assert "form" in titles(either)
    either.destroy(tip)
    assert "form" not in titles(either)


@pytest.mark.desktop
def test_so_does_the_title_that_it_had(either: X11Stage) -> None:
    form = either.open(title="form")
    tip = either.open(title=None, override=True, kind="TOOLTIP", x=700, y=500, width=90, height=40)
    either.retitle(form, "main")
    assert {"form", "main"} <= set(titles(either))
    either.destroy(tip)
    assert "form" not in titles(either)


def test_a_tooltip_that_came_later_or_is_anothers_keeps_nothing() -> None:
    menus = Menus()
    assert list(menus.take([FORM], ())) == []
    assert list(menus.take([FORM, window(8, "", kind=WindowKind.POPUP, pid=2)], {8})) == []
    assert list(menus.take([TOOLTIP, window(8, "", kind=WindowKind.POPUP, pid=2)], {TIP, 8})) == []


def test_a_tooltip_that_is_covered_for_a_while_keeps_what_it_had() -> None:
    menus = Menus()
    assert list(menus.take([FORM, TOOLTIP], {TIP})) == []
    assert list(menus.take([], {TIP})) == [FORM]
    assert list(menus.take([TOOLTIP], {TIP})) == [FORM]
    assert list(menus.take([], ())) == []


@pytest.mark.parametrize("beside", [window(1, "form", shown=False), window(1, "form", engine=True)])
def test_what_was_not_shown_and_what_is_a_web_engines_is_left_out(beside: Window) -> None:
    menus = Menus()
    assert list(menus.take([beside, TOOLTIP], {TIP})) == []
    assert list(menus.take([TOOLTIP], {TIP})) == []


def test_of_very_many_titles_the_oldest_are_forgotten() -> None:
    menus = Menus()
    for number in range(MOST + 3):
        list(menus.take([window(1, str(number)), TOOLTIP], {TIP}))
    assert [one.title for one in menus.take([TOOLTIP], {TIP})] == [str(number) for number in range(3, MOST + 3)]
