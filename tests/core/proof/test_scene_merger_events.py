"""What only an event told of, between two looks: it counts wherever it may have been seen, and for no longer."""

from __future__ import annotations

import pytest

from agent.core.model.seen import BROWSERS, WINDOWS, BrowserWindow, Browsing, Page, Scene, Window
from agent.core.model.times import MILLISECOND
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI, Desk, parked, shown, tab, window

FEW = 50  # pages that are followed one by one; of more it is only known that they cannot be


def test_what_an_event_showed_counts_until_the_tab_in_front_has_drawn_itself() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY)
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}
    assert shown(desk.browse(tab(SHOP))) == {SHOP}


def test_what_an_event_showed_does_not_outlive_the_page_that_has_drawn_over_it() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY)
    desk.look(window())
    assert shown(desk.browse(tab(SHOP))) == {SHOP}
    assert shown(desk.browse(tab(SHOP, painted=False))) == {SHOP}


def test_what_an_event_showed_may_have_been_in_any_window_in_view_of_its_browser() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY, browser="d")
    assert shown(desk.browse(tab(SHOP, painted=False))) == {SHOP}
    desk.page_event(PAY, tab=9)  # it came and went between two looks
    assert shown(desk.browse(tab(SHOP, painted=False))) == {PAY, SHOP}


@pytest.mark.parametrize(
    ("shown_in", "then_in", "counts"),
    [(1, 1, True), (3, 5, False), (4, 5, False), (3, 1, True), (1, 5, True), (3, None, True), (4, None, True)],
    ids=["its own", "another's", "another's new", "come", "gone", "closed", "come and gone"],
)
def test_out_of_view_an_event_counts_where_its_tab_may_have_been(
    shown_in: int, then_in: int | None, *, counts: bool
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
    desk.page_event(PAY, shown_in)
    after = {number: home for number, home in before.items() if number != shown_in}
    after |= {} if then_in is None else {shown_in: then_in}
    for _ in range(2):
        desk.take(BROWSERS, told(after))
        desk.look(*windows)
    desk.look(window(), windows[1])
    desk.take(BROWSERS, told({6: 1, 2: 5}))
    assert (PAY in shown(desk.take(BROWSERS, told({6: 1, 2: 5})))) is counts


def test_an_event_counts_for_the_window_that_the_tab_has_left_and_for_the_one_it_came_to() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    desk.page_event(PAY)
    old = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(WIKI, 2, painted=False),))
    new = BrowserWindow("c", 20, 2, "Shop", PLACE, False, (tab(SHOP, painted=False),))
    scene = desk.take(BROWSERS, Browsing((old, new)))
    assert [page.urls for page in scene.pages].count(PAY.urls) == 2


def test_an_event_from_before_both_were_asked_is_forgotten_once_they_have_answered() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY)
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
        desk.page_event(PAY, at=now)  # equal times prove nothing
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
    desk.page_event(PAY, tab=2)
    assert PAY in shown(desk.take(BROWSERS, told(painted=False)))


def test_what_a_tab_was_when_it_first_came_to_the_front_may_be_its_picture() -> None:
    desk = Desk().settled(tab(WIKI, 2), tab(SHOP, visible=False))
    desk.browse(tab(WIKI, 2, visible=False), tab(PAY, painted=False))
    behind = tab(WIKI, 2), tab(SHOP, visible=False)
    desk.browse(*behind)
    assert PAY in parked(desk.browse(*behind))


def test_what_an_event_showed_may_be_the_picture_of_a_tab_that_was_parked_since() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    desk.page_event(PAY)
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    assert parked(desk.browse(*behind)) == {PAY, SHOP}


def test_what_an_event_showed_may_be_the_picture_of_a_tab_that_has_not_drawn_since() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY)
    desk.browse(tab(SHOP, painted=False))
    behind = tab(SHOP, visible=False), tab(WIKI, 2)
    desk.browse(*behind)
    assert PAY in parked(desk.browse(*behind))


def test_what_an_event_showed_counts_for_any_window_that_leaves() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY, tab=9)
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_an_event_may_come_late_for_a_window_that_has_left() -> None:
    for late, expected in ((300 * MILLISECOND, {PAY}), (300 * MILLISECOND + 1, set())):
        desk = Desk().settled(tab(SHOP))
        desk.look()
        gone = desk.last.answered
        desk.browse()
        desk.look()
        desk.page_event(PAY, at=gone + late)
        assert shown(desk.look()) == expected


def test_what_an_event_showed_may_be_on_the_display_when_the_window_leaves_after_the_next_look() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY)
    desk.look(window())
    desk.browse(tab(SHOP))
    assert shown(desk.look(window(shown=False))) == {PAY, SHOP}


def test_what_leaves_beside_browsers_takes_no_page_along() -> None:
    desk = Desk().settled(tab(SHOP))
    notes = Window(8, "notes", "Notes", 21, PLACE, shown=True)
    desk.look(window(), notes)
    desk.page_event(PAY)
    assert desk.look(window()).pages == ()


def test_what_an_event_showed_may_be_the_picture_of_a_tab_that_was_never_seen_in_front() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    desk.page_event(PAY, tab=2)
    desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))
    assert parked(desk.browse(tab(SHOP), tab(WIKI, 2, visible=False))) == {PAY, WIKI}


def test_events_of_a_page_that_changes_without_end_are_no_longer_told_apart() -> None:
    def page(number: int) -> Page:
        return Page((f"https://pay.example/{number}",))

    desk = Desk().settled(tab(SHOP))
    for number in range(FEW):
        desk.page_event(page(number))
    assert desk.look(window(shown=False)).pages == (SHOP, *(page(number) for number in range(FEW)))
    desk.page_event(page(FEW))
    desk.page_event(page(FEW + 1))
    pages = desk.look(window(shown=False)).pages
    assert [page.unread for page in pages] == [False] * (FEW + 1) + [True]
