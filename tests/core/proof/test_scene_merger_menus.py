"""A menu, a tooltip or a picture that is dragged outlives the page it was painted from: until it is unmapped it counts
with all that its browser had in view meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.model.seen import BROWSERS, WINDOWS, Blind, BrowserWindow, Browsing, Page, Window, WindowKind
from agent.core.proof.timing import PAGE_LAG
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI, Desk, parked, shown, tab, window

FEW = 50  # pages that are followed one by one; of more it is only known that they cannot be

MENU = replace(window(number=9, kind=WindowKind.POPUP), title="")
TAB = tab()
UNREAD = Page((), unread=True)


def settled(*menus: Window, page: Page = PAY) -> Desk:
    desk = Desk().settled(tab(page))
    desk.look(*menus, window())
    desk.browse(tab(page))
    return desk


def test_a_menu_counts_with_the_page_that_was_under_it_until_it_is_unmapped() -> None:
    desk = settled(MENU)
    for _ in range(3):
        desk.wait(10 * PAGE_LAG)
        assert shown(desk.browse(TAB)) == {SHOP}
        assert shown(desk.look(MENU, window())) == {PAY, SHOP}
    assert desk.look(window()).pages == ()
    assert shown(desk.look(MENU, window())) == {SHOP}  # what comes now is another, whatever its number


def test_a_menu_over_pages_that_are_clean_counts_with_those_alone() -> None:
    desk = settled(MENU, page=SHOP)
    desk.browse(tab(WIKI))
    assert shown(desk.look(MENU, window())) == {SHOP, WIKI}


@pytest.mark.parametrize(("after", "pages"), [(0, {PAY, SHOP}), (2 * PAGE_LAG, {SHOP})])
def test_a_menu_that_comes_as_the_page_leaves_may_have_been_painted_from_it(after: int, pages: set[Page]) -> None:
    desk = settled()
    desk.browse(TAB)
    desk.wait(after)
    desk.look(window())  # from now on it may have come
    assert shown(desk.look(MENU, window())) == pages


def test_a_menu_may_have_come_at_any_moment_since_the_look_before() -> None:
    desk = settled()
    desk.browse(TAB)
    desk.wait(10 * PAGE_LAG)
    assert shown(desk.look(MENU, window())) == {PAY, SHOP}


def test_a_menu_of_another_program_is_none_of_the_browsers() -> None:
    desk = settled(replace(MENU, pid=21))
    assert desk.look(replace(MENU, pid=21), window()).pages == ()


def test_a_window_that_is_no_menu_answers_for_itself() -> None:
    other = replace(MENU, kind=WindowKind.NORMAL)
    assert settled(other).look(other, window()).pages == ()


def test_a_menu_that_is_covered_counts_when_it_is_in_view_again() -> None:
    desk = settled(replace(MENU, shown=False))
    desk.browse(TAB)
    assert desk.look(replace(MENU, shown=False), window()).pages == ()
    assert shown(desk.look(MENU, window())) == {PAY, SHOP}


def test_what_only_an_event_showed_may_be_in_a_menu() -> None:
    desk = settled(MENU, page=SHOP)
    desk.page_event(PAY)
    assert shown(desk.look(MENU, window())) == {PAY, SHOP}
    desk.browse(TAB)
    desk.browse(TAB)
    desk.wait(2 * PAGE_LAG)
    assert shown(desk.look(MENU, window())) == {PAY, SHOP}


def test_an_event_from_while_they_were_asked_counts_until_the_next_answer() -> None:
    desk = settled(page=SHOP)
    desk.look(window())
    asked = desk.last.answered
    desk.page_event(PAY)
    desk.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (TAB,)),)), asked=asked)
    desk.wait(2 * PAGE_LAG)
    desk.look(window())
    assert shown(desk.look(MENU, window())) == {PAY, SHOP}


def test_an_event_of_a_browser_whose_windows_nobody_has_told_yet_is_no_menus() -> None:
    desk = settled(MENU, page=SHOP)
    desk.page_event(PAY, browser="f")
    assert shown(desk.look(MENU, window())) == {SHOP}


def test_a_tab_behind_another_stays_behind_it() -> None:
    desk = Desk().settled(TAB, tab(PAY, 2, visible=False))
    scene = desk.look(MENU, window())
    assert (shown(scene), parked(scene)) == ({SHOP}, {Page(PAY.urls)})


def test_a_page_out_of_view_is_in_no_menu() -> None:
    desk = Desk().settled(tab(PAY))
    desk.browse(tab(PAY), minimised=True)
    for _ in range(2):
        desk.look(window(shown=False), window(number=8))
        desk.browse(tab(PAY), minimised=True)
    desk.wait(2 * PAGE_LAG)
    desk.look(window(shown=False), window(number=8))
    assert desk.look(MENU, window(shown=False), window(number=8)).pages == ()


def test_what_its_browser_showed_while_nobody_saw_the_windows_may_be_in_a_menu() -> None:
    desk = settled(page=SHOP)
    desk.take(WINDOWS, Blind.NO_ANSWER)
    desk.browse(tab(PAY))
    desk.browse(TAB)
    desk.wait(2 * PAGE_LAG)
    assert shown(desk.look(MENU, window())) == {PAY, SHOP}


def test_more_than_can_be_followed_is_not_known() -> None:
    for menus in ((MENU,), ()):
        desk = settled(*menus, page=SHOP)
        if not menus:
            desk.take(WINDOWS, Blind.NO_ANSWER)
        for number in range(FEW + 2):
            desk.browse(tab(Page((f"https://shop.example/{number}",))))
            if menus:
                desk.look(MENU, window())
        assert UNREAD in shown(desk.look(MENU, window()))
        assert len(desk.look(MENU, window()).pages) <= FEW


def test_pages_that_are_many_are_no_menus_past() -> None:
    tabs = tuple(tab(Page((f"https://shop.example/{number}",)), number, visible=number == 1) for number in range(1, 99))
    desk = Desk().settled(*tabs)
    desk.look(MENU, window())
    assert UNREAD not in shown(desk.look(MENU, window()))


def test_a_browser_that_has_gone_leaves_its_menus_as_they_are() -> None:
    desk = settled(MENU)
    desk.take(BROWSERS, Browsing())
    desk.wait(2 * PAGE_LAG)
    desk.look(MENU)
    desk.take(BROWSERS, Browsing())
    assert PAY in shown(desk.look(MENU))
