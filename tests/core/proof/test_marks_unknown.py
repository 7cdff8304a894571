"""Where no look says what was in front, or no mark can be shown."""

from __future__ import annotations

from dataclasses import replace

from agent.core.model.seen import BROWSERS, BrowserWindow, Browsing, Document, Look, Page, Tab
from agent.core.proof.marks import LATE, UNKNOWN_FOR, UNMARKED_FOR
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI
from tests.core.proof.marks_desk import BOTH, Desk, closes, tab, told


def test_where_it_is_not_known_what_was_in_front_nothing_but_a_mark_opens() -> None:
    desk = Desk()
    assert closes(desk, tab(SHOP))  # the first look at a browser
    desk.see_all()
    assert not closes(desk, tab(SHOP))
    desk.now += 1
    desk.marks.alarm(desk.now)
    assert closes(desk, tab(SHOP))
    desk.see_all()
    assert not closes(desk, tab(SHOP))
    assert closes(desk, tab(PAY)) is False  # the page itself closes
    assert closes(desk, tab(SHOP)) is False  # as known, and no longer as unread


def test_what_is_not_known_is_believed_gone_after_ten_seconds_and_what_was_sensitive_is_not() -> None:
    desk = Desk()
    assert closes(desk, tab(SHOP))
    begun = desk.now - 2  # when it was not known yet
    desk.now = begun + UNKNOWN_FOR - 2
    assert closes(desk, tab(SHOP))
    desk.now = begun + UNKNOWN_FOR - 1
    assert not closes(desk, tab(SHOP))
    assert desk.shown() == {1: {0: 1}}  # its mark is still asked for
    desk = Desk()
    assert closes(desk, tab(PAY))
    desk.now += UNKNOWN_FOR
    assert closes(desk, tab(SHOP))


def test_one_that_held_something_and_whose_mark_does_not_come_counts_as_unread_too() -> None:
    """So that the account says why it is closed for long."""
    desk = Desk().settled(tab(SHOP))
    desk.look(tab(PAY))
    begun = desk.now + 1
    assert not closes(desk, tab(SHOP))
    desk.now = begun + LATE - 1
    assert not closes(desk, tab(SHOP))
    assert closes(desk, tab(SHOP))
    desk.see_all()
    assert not closes(desk, tab(SHOP))


def test_a_browser_that_did_not_answer_is_asked_for_what_its_documents_held_before() -> None:
    for browser in ("c", "c/2"):  # the same connection, or another one of the same browser
        desk = Desk()
        assert closes(desk, tab(SHOP, (5, 0, PAY)))
        desk.look(windows=())
        assert closes(desk, tab(SHOP, (5, 0, WIKI)), browser=browser)
        assert desk.shown() == {1: {5: 1}}
    desk = Desk()
    assert closes(desk, tab(SHOP, (5, 0, PAY)))
    desk.look(windows=())
    assert closes(desk, tab(SHOP, (5, 0, WIKI)), browser="d", pid=21)  # another browser
    assert desk.shown() == {1: {0: 1}}


def test_a_browser_that_held_nothing_and_went_is_forgotten() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(windows=())
    assert desk.marks.sought == frozenset()
    assert closes(desk, tab(SHOP))


def test_a_document_that_only_an_event_showed_may_have_been_inside_any_other() -> None:
    clean = tab(SHOP, (3, 0, WIKI))
    desk = Desk().settled(clean)
    desk.page_event(PAY, document=5)  # it came and went between two looks
    desk.look(clean)
    assert desk.shown() == {1: {3: 2}}


def test_an_error_page_in_a_frame_shows_no_mark_and_has_nothing_inside() -> None:
    failed = Tab(1, SHOP, visible=True, documents=(Document(0, -1, SHOP, 1), Document(3, 0, WIKI)))
    desk = Desk().settled(failed)
    desk.page_event(PAY, document=5)
    desk.look(failed)
    assert desk.shown() == {1: {0: 2}}


def test_but_it_may_not_be_drawn_yet_where_its_frame_held_something() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (3, 0, PAY)))
    failed = Tab(1, SHOP, visible=True, documents=(Document(0, -1, SHOP, 1), Document(3, 0, WIKI)))
    desk.look(failed)
    assert [*desk.shown()[1]] == [3]  # which it cannot show
    assert desk.look(failed) == [False]
    desk.look(tab(SHOP))
    desk.see_all()
    assert desk.look(tab(SHOP)) == [True]


def test_a_rule_of_several_documents_is_not_hidden_by_one_of_a_single_one() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (3, 0, Page(BOTH.urls[1:])), (5, 0, PAY)))
    desk.look(tab(SHOP, (3, 0, WIKI), (5, 0, WIKI)))
    assert {*desk.shown()[1]} == {3, 5}


def test_a_sensitive_tab_that_has_moved_was_in_front_where_it_went() -> None:
    def desktop(*where: tuple[int, bool]) -> tuple[BrowserWindow, ...]:
        """Each tab in a window of the number, in front or not."""
        found: dict[int, list[Tab]] = {}
        for number, (window, visible) in enumerate(where, start=1):
            found.setdefault(window, []).append(tab(PAY if number == 1 else SHOP, number=number, visible=visible))
        return tuple(BrowserWindow("c", 20, number, "", PLACE, False, tuple(tabs)) for number, tabs in found.items())

    desk = Desk()
    before = desktop((1, True), (2, True))
    for _ in range(2):
        desk.look(windows=before)
        desk.see_all()
    assert desk.look(windows=before) == [False, True]
    assert desk.look(windows=desktop((2, False), (2, True)))[-1] is False


def test_a_new_window_may_have_shown_what_an_event_showed_last() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(PAY, tab=8)
    first = BrowserWindow("c", 20, 1, "", PLACE, False, (tab(SHOP),))
    second = BrowserWindow("c", 20, 2, "", PLACE, False, (tab(WIKI, number=9),))
    assert desk.look(windows=(first, second)) == [False, False]


def test_an_event_of_a_browser_that_no_look_has_shown_yet_counts_from_its_first_look_on() -> None:
    desk = Desk()
    desk.page_event(PAY, document=5)
    assert desk.look(windows=()) == []
    assert desk.look(tab(SHOP, (5, 0, WIKI))) == [False]
    assert desk.shown() == {1: {5: 1}}


def test_a_page_that_can_show_no_mark_is_believed_after_ten_seconds_where_it_may_be_shown() -> None:
    for number, opens in ((0, True), (1, False)):
        desk = Desk().settled(tab(SHOP))
        desk.look(tab(PAY))
        stained = desk.now
        desk.now = stained + UNMARKED_FOR - 1
        assert desk.look(tab(WIKI, top_number=number)) == [False]  # asked at `stained` + 10 s
        assert desk.look(tab(WIKI, top_number=number)) == [opens]
        assert desk.look(tab(SHOP, number=2, top_number=2), tab(WIKI, top_number=number, visible=False))[0] is opens


def test_an_alarm_counts_for_a_tab_that_moves_to_a_new_window() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, number=2))
    desk.now += 1
    desk.marks.alarm(desk.now)
    windows = told(1, tab(WIKI, number=2)), told(2, tab(SHOP))
    look = desk.marks.take(Look(BROWSERS, desk.now + 1, desk.now + 2, "now", Browsing(windows)))
    assert isinstance(look.seen, Browsing)
    assert [one.unknown > 0 for window in look.seen.windows for one in window.tabs] == [True, True]


def test_one_that_is_waited_for_long_is_not_painted_either() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(tab(PAY))
    desk.look(tab(SHOP))
    desk.now += LATE
    assert desk.look(tab(SHOP)) == [False]


def test_of_two_browsers_that_are_silent_each_is_known_again() -> None:
    for again, pid in (("d/2", 21), ("c/2", 20)):
        held = tab(SHOP, (5, 0, PAY))
        desk = Desk()
        desk.look(windows=(told(1, held), replace(told(1, held), browser="d", pid=21)))
        desk.look(windows=())
        desk.look(windows=())
        assert closes(desk, tab(SHOP, (5, 0, WIKI)), browser=again, pid=pid)
        assert desk.shown() == {1: {5: 1}}


def test_what_an_alarm_says_of_the_moment_of_a_question_no_answer_to_it_proves() -> None:
    desk = Desk()
    closes(desk, tab(SHOP))
    asked = desk.now - 1
    desk.see_all()
    desk.marks.alarm(asked)
    assert closes(desk, tab(SHOP))


def test_a_document_of_which_only_an_old_place_was_known_may_have_been_inside_any_other() -> None:
    clean = tab(SHOP, (3, 0, WIKI))
    desk = Desk().settled(tab(SHOP, (3, 0, WIKI), (5, 0, WIKI)))
    desk.look(tab(PAY, (3, 0, WIKI)))
    desk.look(clean)
    desk.see_all()
    desk.page_event(PAY, document=5)
    desk.look(clean)
    assert desk.shown()[1].keys() == {3}
