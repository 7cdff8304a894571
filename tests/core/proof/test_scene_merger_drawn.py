"""A picture outlives its page: what was drawn counts until something else is known to be drawn over it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.model.seen import ANY, BROWSERS, BrowserWindow, Browsing, Page, Tab
from agent.core.proof.timing import CARD_LINGERS
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI, Desk, parked, shown, tab, window

FEW = 50  # pages that are followed one by one; of more it is only known that they cannot be


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


def test_a_tab_that_says_it_has_drawn_behind_another_has_not_been_seen_to() -> None:
    desk = Desk().settled(tab(PAY))
    behind = Tab(1, SHOP, visible=False, painted=True)
    for _ in range(3):
        scene = desk.browse(behind, tab(WIKI, 2))
    assert PAY in parked(scene)


def test_behind_another_tab_a_picture_lasts_as_long_as_its_document_and_a_moment() -> None:
    desk = Desk().settled(tab(PAY, top=5))
    front = tab(WIKI, 2, top=6)
    for _ in range(3):
        desk.browse(tab(SHOP, visible=False, top=5), front)
    desk.wait(2 * CARD_LINGERS)
    assert parked(desk.browse(tab(SHOP, visible=False, top=5), front)) == {PAY, SHOP}
    desk.browse(tab(SHOP, visible=False, top=7), front)
    since = desk.last.answered
    assert parked(desk.take(BROWSERS, _both(tab(SHOP, visible=False, top=7), front), asked=since)) == {PAY, SHOP}
    desk.wait(CARD_LINGERS - 10)
    assert parked(desk.browse(tab(SHOP, visible=False, top=7), front)) == {PAY, SHOP}
    desk.wait(10)
    assert parked(desk.browse(tab(SHOP, visible=False, top=7), front)) == {SHOP}
    assert PAY in shown(desk.browse(tab(SHOP, painted=False, top=7), tab(WIKI, 2, visible=False, top=6)))


def _both(*tabs: Tab) -> Browsing:
    return Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, tabs),))


def test_the_picture_of_a_document_without_a_script_is_of_any() -> None:
    desk = Desk().settled(tab(PAY))
    front = tab(WIKI, 2, top=6)
    for top in (0, 0, 7, 7):
        scene = desk.browse(tab(SHOP, visible=False, top=top), front)
        desk.wait(2 * CARD_LINGERS)
    assert parked(scene) == {PAY, SHOP}


@pytest.mark.parametrize(("top", "stays"), [(ANY, True), (5, True), (0, False), (4, False)])
def test_what_an_event_told_behind_another_tab_is_the_picture_of_the_document_that_it_names(
    top: int, *, stays: bool
) -> None:
    tabs = tab(WIKI, 2, top=6), tab(SHOP, visible=False, top=5)
    desk = Desk().settled(*tabs)
    desk.page_event(PAY, top=top)
    desk.browse(*tabs)
    desk.wait(2 * CARD_LINGERS)
    assert (PAY in parked(desk.browse(*tabs))) is stays


def test_what_a_tab_went_behind_another_with_is_the_picture_of_the_document_that_it_then_had() -> None:
    """It may have loaded that and not drawn it yet: its hover card shows what was there before."""
    front = tab(WIKI, 2, top=6)
    desk = Desk().settled(tab(PAY, top=5), tab(WIKI, 2, visible=False, top=6))
    for _ in range(3):
        scene = desk.browse(tab(SHOP, visible=False, top=7), front)
        desk.wait(2 * CARD_LINGERS)
    assert parked(scene) == {PAY, SHOP}
    desk.browse(tab(SHOP, visible=False, top=8), front)
    desk.wait(2 * CARD_LINGERS)
    assert parked(desk.browse(tab(SHOP, visible=False, top=8), front)) == {SHOP}


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_pages_that_were_not_drawn_are_followed_and_no_more(more: int) -> None:
    """The one before and those that came are all what the window may still show."""
    desk = Desk().settled(tab(SHOP))
    for number in range(FEW - 1 + more):
        scene = desk.browse(tab(Page((f"https://shop.example/{number}",)), painted=False))
    assert any(page.unread for page in scene.pages) is bool(more)


def test_beside_a_page_that_closes_by_its_rule_nothing_counts_as_unread_until_it_has_left() -> None:
    desk = Desk().settled(tab(SHOP))
    loading = Page(PAY.urls, unread=True)
    desk.browse(tab(loading, painted=False))
    closing = replace(tab(PAY, painted=False), unknown=10_000, closes=True)
    for _ in range(3):
        assert shown(desk.browse(closing)) >= {SHOP, PAY}
        assert not any(page.unread for page in desk.browse(closing).pages)
    assert shown(desk.browse(tab(SHOP, painted=False))) >= {SHOP, PAY, loading}
    assert shown(desk.browse(tab(SHOP))) == {SHOP}


def test_so_it_is_beside_a_second_tab_in_front_that_closes_nothing() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.browse(tab(Page(PAY.urls, unread=True), painted=False))
    closing = replace(tab(PAY, painted=False), closes=True)
    for _ in range(2):
        assert not any(page.unread for page in desk.browse(closing, tab(WIKI, 2)).pages)


def test_but_where_another_tab_cannot_be_read_now_that_counts() -> None:
    desk = Desk().settled(tab(SHOP))
    unread = tab(Page(WIKI.urls, unread=True), 2, visible=False)
    for _ in range(2):
        scene = desk.browse(replace(tab(PAY, painted=False), closes=True), unread)
    assert any(page.unread for page in scene.pages)


def test_but_where_it_is_not_in_view_what_could_not_be_read_counts() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.browse(tab(Page(PAY.urls, unread=True), painted=False))
    desk.look(window(shown=False))
    for _ in range(3):
        scene = desk.browse(replace(tab(PAY, painted=False), closes=True))
    assert any(page.unread for page in scene.pages)


def test_a_page_that_was_not_seen_yet_is_unread_and_believed_gone_behind_another_tab_in_time() -> None:
    desk = Desk().settled(tab(WIKI, 2))
    unknown = replace(tab(painted=False), unknown=10_000)
    assert Page(SHOP.urls, unread=True) in shown(desk.browse(unknown, tab(WIKI, 2, visible=False)))
    behind = tab(visible=False), tab(WIKI, 2)
    for _ in range(3):
        scene = desk.browse(*behind)
    assert [page.unread for page in scene.pages if page.parked] == [False, True]
    desk.wait(10_000)
    assert [page.unread for page in desk.browse(*behind).pages if page.parked] == [False]
