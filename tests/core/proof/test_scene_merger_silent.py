"""A browser that is busy, or whose extension starts anew, is in no look for a while: what it had drawn still counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.model.seen import BROWSERS, WINDOWS, Blind, BrowserWindow, Browsing, Scene, Tab, WindowKind
from agent.core.proof.timing import CARD_LINGERS, PAGE_LAG
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI, Desk, parked, shown, tab, window

MENU = replace(window(number=9, kind=WindowKind.POPUP), title="")


def browse(desk: Desk, *tabs: Tab, browser: str = "c", pid: int = 20) -> Scene:
    return desk.take(BROWSERS, Browsing((BrowserWindow(browser, pid, 1, "Shop", PLACE, False, tabs),)))


def with_a_card(top: int = 0) -> Desk:
    """A tab is parked with its picture of a page that has left it since."""
    desk = Desk().settled(tab(PAY, top=top), tab(SHOP, 2, visible=False))
    for page in (PAY, WIKI, WIKI):
        behind = browse(desk, tab(page, top=top, visible=False), tab(SHOP, 2))
    assert parked(behind) == {PAY, WIKI}
    return desk


@pytest.mark.parametrize(("browser", "top"), [("c", 5), ("d", 6), ("d", 0)], ids=["silent", "anew", "without a script"])
def test_a_parked_tab_keeps_its_picture_while_its_browser_is_silent(browser: str, top: int) -> None:
    desk = with_a_card(top=5)
    for _ in range(2):
        assert desk.take(BROWSERS, Browsing()).pages == ()
        desk.look(window())
    for _ in range(3):  # an extension that starts anew numbers its documents anew
        assert parked(browse(desk, tab(WIKI, top=top, visible=False), tab(SHOP, 2), browser=browser)) == {PAY, WIKI}
        desk.wait(CARD_LINGERS)
    assert parked(browse(desk, tab(WIKI, top=top), tab(SHOP, 2, visible=False), browser=browser)) == {SHOP}
    browse(desk, tab(WIKI, top=top), tab(SHOP, 2, visible=False), browser=browser)
    assert parked(browse(desk, tab(WIKI, top=top, visible=False), tab(SHOP, 2), browser=browser)) == {WIKI}


def test_the_tab_of_another_program_is_another_whatever_its_number() -> None:
    desk = with_a_card()
    assert parked(browse(desk, tab(WIKI, visible=False), tab(SHOP, 2), browser="d", pid=21)) == {WIKI}


def test_of_a_browser_that_has_gone_nothing_is_kept() -> None:
    desk = with_a_card()
    desk.look()
    desk.take(BROWSERS, Browsing())
    desk.wait(2 * PAGE_LAG)
    desk.look()
    assert list(desk.merger.remembered()) == []
    desk.look(window())
    assert parked(browse(desk, tab(WIKI, visible=False), tab(SHOP, 2))) == {WIKI}


def test_while_nothing_is_known_of_the_windows_no_browser_counts_as_gone() -> None:
    desk = with_a_card()
    desk.take(WINDOWS, Blind.NO_DISPLAY)
    desk.take(BROWSERS, Browsing())
    desk.look(window())
    assert parked(browse(desk, tab(WIKI, visible=False), tab(SHOP, 2))) == {PAY, WIKI}


def test_a_menu_may_have_been_painted_from_what_a_silent_browser_still_has_in_view() -> None:
    desk = Desk().settled(tab(PAY))
    desk.take(BROWSERS, Browsing())
    desk.wait(10 * PAGE_LAG)
    desk.look(window())
    desk.look(MENU, window())
    browse(desk, tab(SHOP))
    assert PAY in shown(desk.look(MENU, window()))
