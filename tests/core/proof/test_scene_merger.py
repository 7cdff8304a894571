"""What desktop and browsers say, put together: no moment falls between them, no old picture is forgotten early."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.model.seen import BROWSERS, WINDOWS, Blind, BrowserWindow, Browsing, Page, Scene, Window, WindowKind
from agent.core.model.times import MILLISECOND
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI, Desk, shown, tab, window


def test_a_page_counts_while_its_window_is_in_view() -> None:
    desk = Desk().settled(tab())
    assert shown(desk.browse(tab())) == {SHOP}
    desk.look(window(shown=False))
    desk.browse(tab())
    assert shown(desk.browse(tab())) == set()


def test_a_window_that_was_in_view_at_any_moment_since_the_browsers_were_asked_counts() -> None:
    desk = Desk().settled(tab())
    desk.look(window(shown=False))
    desk.browse(tab())
    desk.browse(tab())
    desk.look(window())
    desk.look(window(shown=False))
    assert shown(desk.browse(tab(PAY))) >= {PAY}
    assert shown(desk.browse(tab(PAY))) == set()


def test_what_browsers_say_is_only_as_fresh_as_what_is_known_of_the_windows() -> None:
    desk = Desk().settled(tab())
    asked_of_the_desktop = desk.take(WINDOWS, Scene((window(),))) and desk.last.asked
    desk.browse(tab())
    assert desk.last.asked == asked_of_the_desktop
    desk.take(BROWSERS, Browsing(), asked=2)
    assert desk.last.asked == 2


def test_a_window_is_accounted_for_only_by_browsers_asked_after_it_was_first_seen() -> None:
    desk = Desk()
    desk.look(window())
    first_answered = desk.last.answered
    told = Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(),)),))
    assert desk.take(BROWSERS, told, asked=first_answered).accounted == frozenset()
    assert desk.look(window()).accounted == frozenset()
    assert desk.take(BROWSERS, told).accounted == {7}
    assert desk.look(window()).accounted == {7}


def test_a_new_window_seeks_no_partner_before_the_desktop_was_asked_again() -> None:
    desk = Desk()
    desk.look(window())  # a private one that looks like the new one
    told = Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(),)),))
    assert desk.take(BROWSERS, told).accounted == frozenset()
    desk.take(WINDOWS, Scene((window(),)), asked=desk.last.answered)
    assert desk.take(BROWSERS, told).accounted == frozenset()
    desk.look(window(), window(number=8))
    assert desk.take(BROWSERS, told).accounted == frozenset()  # either may be it
    desk.look(window())
    assert desk.take(BROWSERS, told).accounted == {7}


def test_nobody_seeks_a_partner_while_a_window_has_come_that_may_be_it() -> None:
    desk = Desk()
    told = Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(),)),))
    desk.look(window())
    desk.take(BROWSERS, told)
    desk.look(window(), window(number=8))
    assert desk.take(BROWSERS, told, asked=desk.last.answered).accounted == frozenset()


def test_nor_while_any_other_has_come_which_may_become_it() -> None:
    desk = Desk()
    told = Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(),)),))
    desk.look(window())
    desk.take(BROWSERS, told)
    other = replace(window(number=8), title="Another", pid=99)
    desk.look(window(), other)
    assert desk.take(BROWSERS, told, asked=desk.last.answered).accounted == frozenset()
    desk.look(window(), other)
    assert desk.take(BROWSERS, told).accounted == {7}


def test_a_window_that_came_as_the_browsers_were_asked_is_nobodys_partner_yet() -> None:
    desk = Desk()
    told = Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(),)),))
    desk.take(BROWSERS, told)
    desk.look(window())
    assert desk.take(BROWSERS, told, asked=desk.last.answered).accounted == frozenset()
    desk.look(window())
    assert desk.take(BROWSERS, told).accounted == {7}


def test_pages_of_a_window_that_nobody_has_found_count_as_shown() -> None:
    assert shown(Desk().browse(tab())) == {SHOP}


def test_windows_of_which_nothing_changed_are_the_very_same_scene() -> None:
    desk = Desk().settled(tab())
    scene = Scene((window(),))
    desk.take(WINDOWS, scene)
    assert desk.take(WINDOWS, scene) is desk.take(WINDOWS, scene)
    unchanged = desk.take(WINDOWS, scene)
    assert desk.take(WINDOWS, replace(scene)) is not unchanged  # the desktop says that something has moved
    desk.page_event(PAY)
    desk.browse(tab(WIKI))
    assert desk.take(WINDOWS, scene) is not unchanged


def test_before_the_desktop_was_looked_at_browsers_prove_nothing() -> None:
    desk = Desk()
    desk.browse(tab())
    assert desk.last.asked == 0


def test_no_browser_at_all_is_no_blindness() -> None:
    assert Desk().take(BROWSERS, Browsing()).pages_only


def test_of_two_windows_only_the_one_in_view_shows_its_pages() -> None:
    desk = Desk()
    browsers = tuple(BrowserWindow("c", 20, number, f"{number}", PLACE, False, (tab(),)) for number in (1, 2))
    windows = tuple(Window(n, "chromium", f"{n} - Chromium", 20, PLACE, shown=n == 1, engine=True) for n in (1, 2))
    for _ in range(2):
        desk.look(*windows)
        desk.take(BROWSERS, Browsing(browsers))
    assert len(shown(desk.take(BROWSERS, Browsing(browsers)))) == 1


def test_what_browsers_last_told_can_be_asked_for() -> None:
    desk = Desk()
    assert desk.merger.pages == Scene(pages_only=True)
    desk.look(window())
    told = desk.browse(tab(PAY))
    assert desk.merger.pages == told
    assert [page.urls for page in told.pages] == [PAY.urls]


# -- what leaves the view -----------------------------------------------------------------------------------------


def test_a_window_that_leaves_counts_with_what_it_held_until_the_browsers_were_asked_again() -> None:
    desk = Desk().settled(tab(PAY))
    hidden = window(shown=False)
    assert shown(desk.look(hidden)) == {PAY}
    assert shown(desk.look(hidden)) == {PAY}
    desk.browse(tab(PAY))
    assert shown(desk.look(hidden)) == {PAY}
    assert desk.look(hidden).pages == ()


def test_what_it_turned_clean_after_it_had_left_does_not_hide_what_it_left_with() -> None:
    desk = Desk().settled(tab(PAY))
    desk.look(window())  # it left just before: shown at some moment since the look before
    desk.browse(tab(SHOP))
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_what_browsers_tell_after_it_was_found_gone_counts_too() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(window(shown=False))
    desk.browse(tab(PAY))
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_a_window_that_was_closed_counts_once_more() -> None:
    desk = Desk().settled(tab(PAY))
    assert shown(desk.look()) == {PAY}
    assert desk.look().pages == ()


def test_after_blindness_anything_may_have_been_in_view() -> None:
    desk = Desk().settled(tab(PAY))
    desk.look(window(shown=False))
    desk.browse(tab(PAY))
    desk.browse(tab(PAY))
    desk.look(window(shown=False))
    desk.look(window(shown=False))
    assert desk.take(WINDOWS, Blind.NO_ANSWER) == Scene()
    assert shown(desk.browse(tab(PAY))) == {PAY}
    assert shown(desk.look(window(shown=False))) == {PAY}


def test_blind_browsers_change_nothing() -> None:
    desk = Desk().settled(tab(PAY))
    desk.take(BROWSERS, Blind.NO_ANSWER)
    assert desk.last.seen is Blind.NO_ANSWER
    assert shown(desk.look(window(shown=False))) == {PAY}


def test_under_an_overview_every_window_may_be_in_view() -> None:
    desk = Desk().settled(tab(PAY))
    overview = window(number=8, kind=WindowKind.OVERVIEW)
    desk.look(window(shown=False), overview)
    desk.browse(tab(PAY))
    assert shown(desk.browse(tab(PAY))) == set()
    desk.look(window(shown=False), overview)
    assert shown(desk.browse(tab(PAY))) == {PAY}


def test_what_was_drawn_out_of_view_may_flash_up() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(window(shown=False))
    desk.browse(tab(PAY))
    desk.browse(tab(PAY))
    desk.look(window())
    assert shown(desk.browse(tab(SHOP))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP))) == {SHOP}


def test_an_overview_that_is_not_in_view_shows_nothing() -> None:
    desk = Desk().settled(tab(PAY))
    for _ in range(3):
        desk.look(window(shown=False), window(shown=False, number=8, kind=WindowKind.OVERVIEW))
        scene = desk.browse(tab(PAY))
    assert shown(scene) == set()


def test_a_look_at_the_browsers_from_before_a_window_left_is_not_the_one_that_tells_what_it_held() -> None:
    desk = Desk().settled(tab(SHOP))
    hidden = window(shown=False)
    before = desk.last.answered
    desk.look(hidden)
    desk.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),)), asked=before)
    desk.look(hidden)
    desk.browse(tab(PAY))
    assert PAY in shown(desk.look(hidden))


def test_equal_times_do_not_tell_what_a_window_held_when_it_left() -> None:
    desk = Desk().settled(tab(SHOP))
    hidden = window(shown=False)
    desk.look(hidden)
    same = desk.last.answered
    desk.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),)), asked=same)
    desk.look(hidden)
    desk.browse(tab(PAY))
    assert PAY in shown(desk.look(hidden))


# -- what the display may still have when a window goes -----------------------------------------------------------

STILL_THERE = 60 * MILLISECOND


def left(*, since: int, lag: int = 0) -> tuple[Desk, int]:
    """A desk whose window held PAY at one answer and SHOP from the next on, `since` ns before the next look."""
    desk = Desk().settled(tab(PAY))
    desk.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),)), lag=lag)
    answered = desk.last.answered
    desk.take(WINDOWS, Scene((window(),)), asked=answered + since)
    return desk, answered


def test_a_window_that_leaves_may_still_show_what_its_page_has_just_left() -> None:
    desk, _ = left(since=STILL_THERE)
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_what_has_gone_from_the_display_before_the_window_was_last_seen_does_not_leave_with_it() -> None:
    desk, _ = left(since=STILL_THERE + 1)
    assert shown(desk.look(window(shown=False))) == {SHOP}


@pytest.mark.parametrize(("since", "pages"), [(500, {PAY, SHOP}), (501, {SHOP})])
def test_a_display_that_is_behind_has_it_for_longer(since: int, pages: set[Page]) -> None:
    desk, _ = left(since=since * MILLISECOND, lag=500 * MILLISECOND)
    assert shown(desk.look(window(shown=False))) == pages


def test_each_page_that_was_left_has_a_time_of_its_own() -> None:
    desk, answered = left(since=1)
    desk.wait(STILL_THERE // 2)
    desk.browse(tab(WIKI))
    desk.take(WINDOWS, Scene((window(),)), asked=answered + STILL_THERE + 1)
    assert shown(desk.look(window(shown=False))) == {SHOP, WIKI}


def test_a_window_leaves_with_all_that_its_page_has_just_been() -> None:
    desk, _ = left(since=1)
    desk.browse(tab(WIKI))
    desk.look(window())
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP, WIKI}


def test_a_window_that_its_browser_no_longer_tells_of_leaves_with_what_it_last_held() -> None:
    desk = Desk().settled(tab(PAY))
    desk.take(BROWSERS, Browsing())
    assert shown(desk.look()) == {PAY}


def test_what_the_window_holds_again_has_not_been_left() -> None:
    desk, _ = left(since=1)
    desk.browse(tab(PAY))
    desk.browse(tab(PAY))
    desk.take(WINDOWS, Scene((window(),)), asked=desk.last.answered + STILL_THERE + 1)
    assert shown(desk.look(window(shown=False))) == {PAY}


def test_what_a_closed_window_had_is_forgotten_with_it() -> None:
    desk, _ = left(since=1)
    desk.look()
    desk.browse()
    desk.look()
    assert desk.look(window(shown=False)).pages == ()


# -- menus --------------------------------------------------------------------------------------------------------


def menu(number: int = 8, *, shown: bool = True) -> Window:
    return window(shown=shown, number=number, kind=WindowKind.POPUP)


def covered(*others: Window) -> set[Page]:
    """What counts of a covered window's page once nothing of its time in view is left, with these beside it."""
    desk = Desk().settled(tab(PAY))
    for _ in range(3):
        desk.look(window(shown=False), *others)
        scene = desk.browse(tab(PAY))
    return shown(scene)


def test_a_menu_over_a_covered_window_may_show_what_it_holds() -> None:
    assert covered(menu()) == {PAY}


def test_a_menu_shows_nothing_of_a_window_while_another_of_its_process_is_in_view() -> None:
    assert covered(menu(), window(number=9)) == set()


def test_a_menu_that_is_not_in_view_shows_nothing() -> None:
    assert covered(menu(shown=False)) == set()


def test_a_menu_of_another_process_shows_nothing() -> None:
    foreign = Window(8, "notes", "", 21, PLACE, shown=True, kind=WindowKind.POPUP)
    assert covered(foreign) == set()


def test_a_covered_window_leaves_the_view_with_the_menu_over_it() -> None:
    desk = Desk().settled(tab(PAY))
    hidden = window(shown=False)
    for _ in range(3):
        desk.look(hidden, menu())
        desk.browse(tab(PAY))
    assert shown(desk.look(hidden)) == {PAY}
    desk.browse(tab(PAY))
    desk.look(hidden)
    assert desk.look(hidden).pages == ()
