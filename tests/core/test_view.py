"""What desktop and browsers say, put together: no moment falls between them, no old picture is forgotten early."""

from __future__ import annotations

from itertools import count

import pytest

from agent.core.model import (
    BROWSERS,
    MILLISECOND,
    WINDOWS,
    Blind,
    Box,
    BrowserWindow,
    Browsing,
    Glimpse,
    Look,
    Page,
    Scene,
    Tab,
    Window,
    WindowKind,
)
from agent.core.view import FEW, View

PLACE = Box(0, 0, 800, 600)
SHOP, PAY, WIKI = (Page((f"https://{host}.example/",)) for host in ("shop", "pay", "wiki"))


def window(shown: bool = True, number: int = 7, kind: WindowKind = WindowKind.NORMAL) -> Window:
    return Window(number, "chromium", "Shop - Chromium", 20, PLACE, shown=shown, engine=True, kind=kind)


def tab(page: Page = SHOP, number: int = 1, *, visible: bool = True, painted: bool = True) -> Tab:
    return Tab(number, page, visible=visible, painted=visible and painted)


class Desk:
    """A view and a clock: every look is asked and answered a moment after the one before."""

    def __init__(self) -> None:
        self.view = View()
        self._moments = count(1)

    def wait(self, nanoseconds: int) -> None:
        self._moments = count(next(self._moments) + nanoseconds - 1)

    def glimpse(self, page: Page, tab: int = 1, browser: str = "c", *, at: int | None = None) -> None:
        self.view.glimpse(Glimpse(BROWSERS, next(self._moments) if at is None else at, page, browser, tab))

    def look(self, *windows: Window) -> Scene:
        return self.take(WINDOWS, Scene(windows))

    def take(self, witness: str, seen: Scene | Browsing | Blind, *, asked: int | None = None, lag: int = 0) -> Scene:
        begun = next(self._moments)
        look = Look(witness, begun if asked is None else asked, next(self._moments), "now", seen, lag=lag)
        self.last = self.view.take(look)
        return self.last.seen if isinstance(self.last.seen, Scene) else Scene()

    def browse(self, *tabs: Tab, minimised: bool = False) -> Scene:
        return self.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, minimised, tabs),)))

    def settled(self, *tabs: Tab) -> Desk:
        """The window is bound, in view, and has been looked into twice."""
        self.look(window())
        self.browse(*tabs)
        self.look(window())
        self.browse(*tabs)
        return self


def shown(scene: Scene) -> set[Page]:
    """The pages that count as shown in front."""
    return {Page(page.urls, unread=page.unread) for page in scene.pages if page.shown and not page.parked}


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


def test_nothing_that_changed_is_the_very_same_scene() -> None:
    desk = Desk().settled(tab())
    scene = Scene((window(),))
    desk.take(WINDOWS, scene)
    assert desk.take(WINDOWS, scene) is desk.take(WINDOWS, scene)
    assert desk.browse(tab()) is desk.browse(tab())


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


# -- what may still be drawn --------------------------------------------------------------------------------------


def test_until_a_page_has_drawn_itself_the_one_before_counts() -> None:
    desk = Desk().settled(tab(PAY))
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP))) == {SHOP}


def test_a_page_that_nobody_saw_draw_itself_may_have_been_drawn() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.browse(tab(PAY, painted=False))
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}


def test_behind_a_new_tab_the_old_one_counts_until_the_new_one_has_drawn() -> None:
    desk = Desk().settled(tab(PAY))
    assert shown(desk.browse(tab(SHOP, 2, painted=False))) == {PAY, SHOP}  # the old one was closed
    assert shown(desk.browse(tab(SHOP, 2))) == {SHOP}


def test_a_tab_moved_to_another_window_leaves_its_picture_behind() -> None:
    desk = Desk().settled(tab(PAY), tab(WIKI, 2, visible=False))
    windows = (
        BrowserWindow("c", 20, 2, "Shop", PLACE, False, (tab(SHOP, 1),)),
        BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(WIKI, 2, painted=False),)),
    )
    desk.take(BROWSERS, Browsing(windows))
    assert shown(desk.take(BROWSERS, Browsing(windows))) == {PAY, SHOP, WIKI}


def test_a_minimised_window_keeps_its_picture() -> None:
    desk = Desk().settled(tab(PAY))
    desk.look(window(shown=False))
    desk.browse(tab(PAY, visible=False), tab(SHOP, 2, visible=False), minimised=True)
    desk.browse(tab(SHOP, 2, visible=False), minimised=True)
    desk.browse(tab(SHOP, 2, visible=False), minimised=True)
    desk.look(window())
    assert shown(desk.browse(tab(SHOP, 2))) == {PAY, SHOP}


def parked(scene: Scene) -> set[Page]:
    return {Page(page.urls) for page in scene.pages if page.shown and page.parked}


def test_a_parked_tab_keeps_its_picture_until_it_is_seen_drawn_in_front() -> None:
    desk = Desk().settled(tab(PAY))
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    desk.browse(*behind)
    assert parked(desk.browse(*behind)) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))) >= {PAY, SHOP}  # the old picture may flash up
    assert shown(desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))) == {SHOP}


def test_a_tab_that_was_in_front_a_look_ago_may_have_shown_what_it_holds_now() -> None:
    desk = Desk().settled(tab(SHOP))
    assert shown(desk.browse(tab(PAY, visible=False), tab(WIKI, 2))) == {PAY, WIKI}
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    assert parked(desk.browse(*behind)) == {PAY, SHOP}


def test_a_closed_tab_is_forgotten_once_something_else_has_drawn() -> None:
    desk = Desk().settled(tab(WIKI, 2), tab(PAY, visible=False))
    desk.browse(tab(WIKI, 2, visible=False), tab(PAY))
    desk.browse(tab(WIKI, 2, visible=False), tab(PAY))
    desk.browse(tab(WIKI, 2))
    assert shown(desk.browse(tab(WIKI, 2))) == {WIKI}
    assert parked(desk.browse(tab(WIKI, 2))) == set()


def test_a_page_that_changes_without_end_and_never_draws_is_no_longer_known() -> None:
    desk = Desk().settled(tab(SHOP))
    for number in range(FEW + 1):
        scene = desk.browse(tab(Page((f"https://shop.example/{number}",)), painted=False))
    assert any(page.unread and page.shown for page in scene.pages)
    assert len(scene.pages) < FEW
    assert shown(desk.browse(tab(SHOP))) == {SHOP}


def test_what_was_drawn_out_of_view_flashes_up_even_where_it_has_been_closed() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(window(shown=False))
    desk.browse(tab(PAY, 2), tab(SHOP, visible=False))
    desk.browse(tab(PAY, 2), tab(SHOP, visible=False))
    desk.look(window())
    assert shown(desk.browse(tab(SHOP))) == {PAY, SHOP}


def test_in_split_view_all_that_is_in_front_must_have_drawn_itself() -> None:
    desk = Desk().settled(tab(PAY), tab(WIKI, 2))
    assert PAY in shown(desk.browse(tab(SHOP, painted=False), tab(WIKI, 2)))
    assert PAY in shown(desk.browse(tab(SHOP, 3, painted=False), tab(WIKI, 2)))
    assert shown(desk.browse(tab(SHOP, 3), tab(WIKI, 2))) == {SHOP, WIKI}


def test_what_a_tab_became_before_it_was_minimised_is_in_the_windows_picture() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.browse(tab(PAY, visible=False), minimised=True)
    desk.browse(minimised=True)
    assert PAY in shown(desk.browse(tab(WIKI, 2, painted=False)))


def test_a_parked_tab_that_was_never_in_front_leaves_no_picture() -> None:
    desk = Desk().settled(tab(SHOP), tab(PAY, 2, visible=False))
    assert parked(desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))) == {WIKI}
    assert shown(desk.browse(tab(SHOP, painted=False), tab(WIKI, 2, visible=False))) == {SHOP}


def test_of_two_windows_only_the_one_in_view_shows_its_pages() -> None:
    desk = Desk()
    browsers = tuple(BrowserWindow("c", 20, number, f"{number}", PLACE, False, (tab(),)) for number in (1, 2))
    windows = tuple(Window(n, "chromium", f"{n} - Chromium", 20, PLACE, shown=n == 1, engine=True) for n in (1, 2))
    for _ in range(2):
        desk.look(*windows)
        desk.take(BROWSERS, Browsing(browsers))
    assert len(shown(desk.take(BROWSERS, Browsing(browsers)))) == 1


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


def test_before_the_desktop_was_looked_at_browsers_prove_nothing() -> None:
    desk = Desk()
    desk.browse(tab())
    assert desk.last.asked == 0


def test_no_browser_at_all_is_no_blindness() -> None:
    assert Desk().take(BROWSERS, Browsing()).pages_only


def test_equal_times_do_not_tell_what_a_window_held_when_it_left() -> None:
    desk = Desk().settled(tab(SHOP))
    hidden = window(shown=False)
    desk.look(hidden)
    same = desk.last.answered
    desk.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),)), asked=same)
    desk.look(hidden)
    desk.browse(tab(PAY))
    assert PAY in shown(desk.look(hidden))


def test_a_tab_that_says_it_has_drawn_behind_another_has_not_been_seen_to() -> None:
    desk = Desk().settled(tab(PAY))
    behind = Tab(1, SHOP, visible=False, painted=True)
    for _ in range(3):
        scene = desk.browse(behind, tab(WIKI, 2))
    assert PAY in parked(scene)


# -- what only an event told of -----------------------------------------------------------------------------------


def test_what_an_event_showed_counts_until_the_tab_in_front_has_drawn_itself() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY)
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP))) == {SHOP}


def test_what_an_event_showed_does_not_outlive_the_page_that_has_drawn_over_it() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY)
    desk.look(window())
    assert shown(desk.browse(tab(SHOP))) == {SHOP}
    assert shown(desk.browse(tab(SHOP, painted=False))) == {SHOP}


def test_what_an_event_showed_may_have_been_in_any_window_in_view_of_its_browser() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY, browser="d")
    assert shown(desk.browse(tab(SHOP, painted=False))) == {SHOP}
    desk.glimpse(PAY, tab=9)  # it came and went between two looks
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}


@pytest.mark.parametrize(
    ("glimpsed", "then_in", "counts"),
    [(1, 1, True), (3, 5, False), (4, 5, False), (3, 1, True), (1, 5, True), (3, None, True), (4, None, True)],
    ids=["its own", "another's", "another's new", "come", "gone", "closed", "come and gone"],
)
def test_out_of_view_an_event_counts_where_its_tab_may_have_been(
    glimpsed: int, then_in: int | None, *, counts: bool
) -> None:
    def told(homes: dict[int, int]) -> Browsing:
        tabs = {home: tuple(tab(WIKI, n, painted=False) for n in homes if homes[n] == home) for home in (1, 5)}
        own = BrowserWindow("c", 20, 1, "Shop", PLACE, False, tabs[1])
        other = BrowserWindow("c", 20, 5, "Other", PLACE, True, tabs[5])
        return Browsing((own, other))

    windows = window(shown=False), Window(8, "chromium", "Other - Chromium", 20, PLACE, shown=False, engine=True)
    desk, before = Desk(), {1: 1, 2: 5, 3: 5}
    for _ in range(3):
        desk.look(*windows)
        desk.take(BROWSERS, told(before))
    desk.glimpse(PAY, glimpsed)
    after = {number: home for number, home in before.items() if number != glimpsed}
    after |= {} if then_in is None else {glimpsed: then_in}
    for _ in range(2):
        desk.take(BROWSERS, told(after))
        desk.look(*windows)
    desk.look(window(), windows[1])
    desk.take(BROWSERS, told({6: 1, 2: 5}))
    assert (PAY in shown(desk.take(BROWSERS, told({6: 1, 2: 5})))) is counts


def test_an_event_counts_for_the_window_that_the_tab_has_left_and_for_the_one_it_came_to() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    desk.glimpse(PAY)
    old = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(WIKI, 2, painted=False),))
    new = BrowserWindow("c", 20, 2, "Shop", PLACE, False, (tab(SHOP, painted=False),))
    scene = desk.take(BROWSERS, Browsing((old, new)))
    assert [page.urls for page in scene.pages].count(PAY.urls) == 2


def test_an_event_from_before_both_were_asked_is_forgotten_once_they_have_answered() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY)
    desk.look(window())
    desk.browse(tab(SHOP))
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    assert PAY not in parked(desk.browse(*behind))


def test_an_event_from_while_they_were_asked_is_remembered_for_the_next_answer() -> None:
    desk = Desk().settled(tab(SHOP))
    told = Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),))
    for desktop, browsers, expected in ((0, 1, {PAY, SHOP}), (1, 0, {PAY, SHOP}), (1, 1, {SHOP})):
        desk.wait(10)
        now = desk.last.answered + 5
        desk.glimpse(PAY, at=now)  # equal times prove nothing
        desk.take(WINDOWS, Scene((window(),)), asked=now + desktop)
        desk.take(BROWSERS, told, asked=now + browsers)
        assert shown(desk.browse(tab(SHOP, painted=False))) == expected
        desk.look(window())
        desk.browse(tab(SHOP))


def test_in_view_a_tab_may_have_come_from_another_window_and_gone_back() -> None:
    def told(*, painted: bool) -> Browsing:
        own = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP, painted=painted),))
        return Browsing((own, BrowserWindow("c", 20, 5, "Other", PLACE, True, (tab(WIKI, 2),))))

    desk = Desk()
    for _ in range(3):
        desk.look(window())
        desk.take(BROWSERS, told(painted=True))
    desk.glimpse(PAY, tab=2)
    assert PAY in shown(desk.take(BROWSERS, told(painted=False)))


def test_what_a_tab_was_when_it_first_came_to_the_front_may_be_its_picture() -> None:
    desk = Desk().settled(tab(WIKI, 2), tab(SHOP, visible=False))
    desk.browse(tab(WIKI, 2, visible=False), tab(PAY, painted=False))
    behind = tab(WIKI, 2), tab(SHOP, visible=False)
    desk.browse(*behind)
    assert PAY in parked(desk.browse(*behind))


def test_what_an_event_showed_may_be_the_picture_of_a_tab_that_was_parked_since() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    desk.glimpse(PAY)
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    assert parked(desk.browse(*behind)) == {PAY, SHOP}


def test_what_an_event_showed_may_be_the_picture_of_a_tab_that_has_not_drawn_since() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY)
    desk.browse(tab(SHOP, painted=False))
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    assert PAY in parked(desk.browse(*behind))


def test_what_an_event_showed_counts_for_any_window_that_leaves() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY, tab=9)
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_an_event_may_come_late_for_a_window_that_has_left() -> None:
    for late, expected in ((300 * MILLISECOND, {PAY}), (300 * MILLISECOND + 1, set())):
        desk = Desk().settled(tab(SHOP))
        desk.look()
        gone = desk.last.answered
        desk.browse()
        desk.look()
        desk.glimpse(PAY, at=gone + late)
        assert shown(desk.look()) == expected


def test_what_an_event_showed_may_be_on_the_display_when_the_window_leaves_after_the_next_look() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY)
    desk.look(window())
    desk.browse(tab(SHOP))
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_what_leaves_beside_browsers_takes_no_page_along() -> None:
    desk = Desk().settled(tab(SHOP))
    notes = Window(8, "notes", "Notes", 21, PLACE, shown=True)
    desk.look(window(), notes)
    desk.glimpse(PAY)
    assert desk.look(window()).pages == ()


def test_what_an_event_showed_may_be_the_picture_of_a_tab_that_was_never_seen_in_front() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    desk.glimpse(PAY, tab=2)
    desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))
    assert parked(desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))) == {PAY, WIKI}


def test_events_of_a_page_that_changes_without_end_are_no_longer_told_apart() -> None:
    def page(number: int) -> Page:
        return Page((f"https://pay.example/{number}",))

    desk = Desk().settled(tab(SHOP))
    for number in range(FEW):
        desk.glimpse(page(number))
    assert desk.look(window(shown=False)).pages == (SHOP, *(page(number) for number in range(FEW)))
    desk.glimpse(page(FEW))
    desk.glimpse(page(FEW + 1))
    pages = desk.look(window(shown=False)).pages
    assert [page.unread for page in pages] == [False] * (FEW + 1) + [True]


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


def test_what_browsers_last_told_can_be_asked_for() -> None:
    desk = Desk()
    assert desk.view.pages == Scene(pages_only=True)
    desk.look(window())
    told = desk.browse(tab(PAY))
    assert desk.view.pages == told
    assert [page.urls for page in told.pages] == [PAY.urls]
