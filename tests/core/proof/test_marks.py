"""When the picture counts as past a sensitive page: marks asked for, seen, missed, and void."""

from __future__ import annotations

from itertools import count, pairwise

import pytest

from agent.core.model.marks import Answer, Request
from agent.core.model.seen import (
    BROWSERS,
    WINDOWS,
    BrowserWindow,
    Browsing,
    Document,
    Look,
    Page,
    PageEvent,
    Scene,
    Tab,
)
from agent.core.proof.marks import ASK_AGAIN, ASK_AGAIN_AT_MOST, LATE, UNKNOWN_FOR, UNMARKED_FOR, Marks
from tests.core.proof.desk import PAY, PLACE, SHOP, WIKI
from tests.core.proof.marks_desk import BOTH, Desk, closes, reasons, tab, told
from tests.core.proof.published import published


def test_each_time_is_the_published_one() -> None:
    assert published("mark asked again") == [ASK_AGAIN, 2 * ASK_AGAIN, ASK_AGAIN_AT_MOST]
    assert published("late mark") == [LATE]
    assert published("not known, in front") == [UNKNOWN_FOR]
    assert published("no mark possible") == [UNMARKED_FOR]


def test_from_the_first_moment_on_what_was_in_front_is_not_known() -> None:
    desk = Desk()
    desk.now = 1
    assert desk.look(tab(SHOP)) == [False]
    desk.see_all()
    assert desk.look(tab(SHOP)) == [True]


def test_what_leaves_a_document_is_in_the_picture_until_its_mark_is() -> None:
    desk = Desk().settled(tab(SHOP))
    assert desk.look(tab(PAY)) == [False]
    assert desk.shown() == {}  # it is closed anyway, and a mark proves nothing
    assert desk.look(tab(SHOP)) == [False]
    ((mark,),) = (shown.values() for shown in desk.shown().values())
    assert desk.marks.sought == {mark}
    assert desk.look(tab(SHOP)) == [False]
    assert not desk.sight(mark + 1)
    assert desk.sight(mark)
    assert desk.look(tab(SHOP)) == [True]
    assert desk.shown() == {1: {}}
    assert desk.marks.sought == frozenset()
    assert desk.marks.seen == 2


def test_a_harmless_tab_shows_no_mark() -> None:
    desk = Desk().settled(tab(SHOP))
    assert desk.look(tab(WIKI)) == [True]
    assert desk.look(tab(WIKI), tab(SHOP, number=2, visible=False)) == [True, True]
    assert desk.look(tab(WIKI, visible=False), tab(SHOP, number=2)) == [True, True]
    assert desk.shown() == {}
    assert list(desk.marks.due()) == []


def test_a_browser_shows_what_it_is_when_it_is_first_looked_at() -> None:
    desk = Desk()
    assert desk.look(tab(SHOP)) == [False]
    assert desk.shown() == {1: {0: 1}}
    assert desk.sight(1)
    assert desk.look(tab(SHOP)) == [True]
    other = BrowserWindow("c", 20, 2, "Wiki", PLACE, False, (tab(WIKI, number=2),))
    first = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),))
    assert desk.look(windows=(first, other)) == [True, True]  # a new window of a browser that is known
    stranger = BrowserWindow("d", 20, 2, "Wiki", PLACE, False, (tab(WIKI, number=2),))
    assert desk.look(windows=(first, stranger)) == [True, False]


def test_documents_are_seen_from_the_innermost_outward() -> None:
    desk = Desk().settled(tab(SHOP, (5, 0, SHOP), (6, 5, PAY)))
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, SHOP), (6, 5, PAY)))
    clean = tab(SHOP, (5, 0, SHOP), (6, 5, WIKI))
    assert desk.look(clean) == [False]
    assert desk.shown() == {1: {6: 1}}
    assert not desk.sight(1)
    assert desk.shown() == {1: {5: 2}}
    assert not desk.sight(1)  # again
    assert not desk.sight(2)
    assert desk.shown() == {1: {0: 3}}
    assert desk.sight(3)
    assert desk.look(clean) == [True]


def test_a_document_that_is_gone_is_vouched_for_by_the_nearest_that_is_there() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, SHOP), (6, 5, SHOP), (7, 6, PAY)))
    desk.look(tab(SHOP, (5, 0, SHOP)))
    assert desk.shown() == {1: {5: 1}}
    desk.look(tab(SHOP))  # gone while it was waited for
    assert not desk.say(1, Answer.EMPTY)
    assert not desk.sight(1)
    assert desk.shown() == {1: {0: 2}}
    assert desk.sight(2)


def test_another_document_in_the_place_of_one_that_was_asked_is_asked_at_once() -> None:
    desk = Desk()
    desk.look(tab(SHOP))
    assert desk.shown() == {1: {0: 1}}
    desk.look(tab(SHOP))
    assert desk.shown() == {}
    desk.look(Tab(1, WIKI, visible=True, documents=(Document(0, -1, WIKI, number=2),)))
    assert desk.shown() == {1: {0: 2}}
    assert desk.sight(1)


def test_where_another_document_is_within_what_was_sensitive_its_mark_is_needed_too() -> None:
    """A rule names the page around a frame: the frame's old picture stays until its next document has drawn itself."""

    def around(top: Page, number: int) -> Tab:
        return tab(top, (5, 0, WIKI, number), (6, 5, WIKI, 60), (7, 0, WIKI, 70), top_number=3)

    desk = Desk().settled(around(SHOP, 50))
    desk.look(around(PAY, 50))
    desk.look(around(PAY, 0))  # its script is still to come
    desk.look(around(PAY, 51))
    desk.look(around(SHOP, 51))
    assert desk.shown()[1].keys() == {5}
    desk.look(around(SHOP, 52))  # while it is asked
    assert desk.shown()[1].keys() == {5}
    desk.see_all()
    assert desk.look(around(SHOP, 52)) == [True]
    assert desk.look(around(SHOP, 53)) == [True]  # of what is clean nothing old is left


def test_where_a_document_within_is_not_known_for_a_moment_and_then_the_same_it_needs_no_mark() -> None:
    def around(top: Page, number: int) -> Tab:
        return tab(top, (5, 0, WIKI, number), top_number=3)

    desk = Desk().settled(around(SHOP, 50))
    for seen in (around(PAY, 50), around(SHOP, 0), around(SHOP, 50)):
        desk.look(seen)
    assert desk.shown()[1].keys() == {0}


def test_over_another_connection_all_that_was_within_what_was_sensitive_needs_a_mark() -> None:
    """Documents have other numbers there, and one may have been replaced meanwhile."""
    desk = Desk().settled(tab(SHOP, (5, 0, WIKI, 50), top_number=3))
    desk.look(tab(PAY, (5, 0, WIKI, 50), top_number=3))
    desk.look(windows=())
    closes(desk, tab(SHOP, (5, 0, WIKI, 8), top_number=7), browser="c/2")
    (shown,) = desk.shown().values()
    assert shown.keys() == {5}


def test_a_document_that_stays_within_what_was_sensitive_needs_no_mark() -> None:
    desk = Desk().settled(tab(SHOP, (5, 0, WIKI, 50), top_number=3))
    desk.look(tab(PAY, (5, 0, WIKI, 50), top_number=3))
    desk.look(tab(SHOP, (5, 0, WIKI, 50), top_number=3))
    (shown,) = desk.shown().values()
    assert shown.keys() == {0}


def test_a_document_whose_parents_are_in_a_circle_is_vouched_for_by_the_top() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (5, 6, PAY), (6, 5, PAY)))
    desk.look(tab(SHOP))
    assert desk.shown() == {1: {0: 1}}
    desk.look(tab(SHOP, (5, 6, PAY), (6, 5, PAY)))
    desk.look(tab(SHOP, (5, 6, SHOP), (6, 5, SHOP)))
    assert desk.shown() == {1: {0: 2}}
    assert not desk.sight(2)
    assert desk.shown() == {1: {}}  # each waits for the other: closed
    assert desk.look(tab(SHOP, (5, 6, SHOP), (6, 5, SHOP))) == [False]


def test_what_only_several_documents_are_together_is_asked_of_each() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, Page(BOTH.urls[1:])), (6, 0, WIKI)))
    desk.look(tab(SHOP, (5, 0, WIKI), (6, 0, WIKI)))
    assert desk.shown() == {1: {5: 1, 6: 2}}


def test_what_is_said_of_the_whole_tab_is_asked_of_its_top() -> None:
    for page in (tab(Page(("https://news.example/",)), (5, 0, WIKI)), tab(SHOP, (5, 0, WIKI))):
        desk = Desk()
        desk.look(Tab(1, Page(page.page.urls, unread=True), visible=True, documents=page.documents))
        desk.look(tab(SHOP, (5, 0, WIKI)))
        assert desk.shown() == {1: {0: 1}}


def test_a_document_that_could_not_be_read_is_asked_itself() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, Page(("about:blank",), unread=True))))
    desk.look(tab(SHOP, (5, 0, WIKI)))
    assert desk.shown() == {1: {5: 1}}


def test_a_mark_from_before_the_last_sensitive_moment_proves_nothing() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(tab(PAY))
    desk.look(tab(SHOP))
    desk.shown()
    (before,) = desk.marks.sought
    desk.look(tab(PAY))
    assert desk.marks.sought == frozenset()
    desk.look(tab(SHOP))
    desk.shown()
    assert not desk.sight(before)
    assert desk.look(tab(SHOP)) == [False]
    desk.see_all()
    assert desk.look(tab(SHOP)) == [True]


def test_an_event_voids_what_was_seen_before() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.page_event(WIKI)
    desk.page_event(Page((), unread=True, extension="a"), tab=-1)  # no document's
    assert desk.look(tab(SHOP)) == [True]
    desk.page_event(PAY)
    assert desk.look(tab(SHOP)) == [False]
    desk.shown()
    (mark,) = desk.marks.sought
    desk.page_event(PAY)
    assert not desk.sight(mark)
    assert desk.look(tab(SHOP)) == [False]


def test_a_look_that_was_asked_before_an_event_begins_no_proof() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.marks.page_event(PageEvent(BROWSERS, desk.now + 1, PAY, "c", 1))  # when the next look is asked
    assert desk.look(tab(SHOP)) == [False]
    assert desk.shown() == {}
    assert desk.look(tab(SHOP)) == [False]
    assert desk.shown() != {}


def test_an_event_of_a_document_is_asked_of_that_document() -> None:
    desk = Desk().settled(tab(SHOP, (5, 0, WIKI)))
    desk.page_event(PAY, document=5)
    desk.look(tab(SHOP, (5, 0, WIKI)))
    assert {*desk.shown()[1]} == {5}


def test_an_event_may_be_of_any_window_of_its_browser_for_tabs_move() -> None:
    windows = tuple(
        BrowserWindow(browser, 20, number, "Shop", PLACE, False, (tab(SHOP, number=number),))
        for browser, number in (("c", 1), ("c", 2), ("d", 3))
    )
    desk = Desk()
    desk.look(windows=windows)
    desk.see_all()
    assert desk.look(windows=windows) == [True, True, True]
    desk.page_event(PAY, tab=9)
    assert desk.look(windows=windows) == [False, False, True]
    desk.see_all()
    desk.look(windows=windows)
    desk.page_event(PAY, tab=2)
    assert desk.look(windows=windows) == [False, False, True]


def test_another_tab_in_front_has_to_be_seen_over_a_sensitive_one() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, number=2, visible=False))
    desk.look(tab(PAY), tab(WIKI, number=2, visible=False))
    behind = tab(PAY, visible=False), tab(WIKI, number=2)
    assert desk.look(*behind)[1] is False  # the first may have been in front until a moment ago
    assert desk.look(*behind)[1] is False
    assert {*desk.shown()} == {2}
    desk.see_all()
    assert desk.look(*behind)[1] is True
    third = tab(PAY, visible=False), tab(WIKI, number=2, visible=False), tab(WIKI, number=3)
    assert desk.look(*third)[2] is True  # what it replaces has been seen to be clean
    assert desk.look(tab(SHOP), *third[1:2])[0] is False  # its own old picture may come up
    desk.see_all()
    assert desk.look(tab(SHOP), *third[1:2])[0] is True


def test_in_split_view_every_tab_in_front_has_to_be_seen() -> None:
    both = tab(SHOP), tab(WIKI, number=2)
    desk = Desk().settled(*both)
    desk.look(tab(PAY), tab(WIKI, number=2))
    assert desk.look(*both) == [False, False]
    shown = desk.shown()
    assert {*shown} == {1, 2}
    desk.sight(*shown[2].values())
    assert desk.look(*both) == [False, True]
    assert desk.look(tab(SHOP), tab(WIKI, number=2, visible=False), tab(WIKI, number=3))[2] is False
    desk.see_all()
    assert all(desk.look(tab(SHOP), tab(WIKI, number=2, visible=False), tab(WIKI, number=3)))


def test_a_tab_that_turned_sensitive_and_was_parked_within_one_look_was_in_the_picture() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, number=2, visible=False))
    assert desk.look(tab(PAY, visible=False), tab(WIKI, number=2))[1] is False


def test_a_sensitive_tab_that_no_look_has_shown_in_front_was_not_in_the_picture() -> None:
    behind = tab(PAY, number=2, visible=False)
    desk = Desk().settled(tab(SHOP))
    assert desk.look(tab(SHOP), behind)[0] is True
    for browser, silent in (("c", True), ("c/2", True), ("c/2", False)):
        desk = Desk().settled(tab(SHOP), behind)
        if silent:
            desk.look(windows=())
        assert closes(desk, tab(SHOP), behind, browser=browser)  # what was there meanwhile is not known
        assert desk.shown()[1].keys() == {0}  # but nothing came after this look was asked


def test_a_tab_behind_another_shows_no_mark_and_is_asked_anew_when_it_comes() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, number=2, visible=False))
    desk.look(tab(PAY))
    desk.look(tab(SHOP))
    assert desk.shown() == {1: {0: 2}}
    desk.look(tab(SHOP, visible=False))
    assert desk.shown() == {1: {}}
    assert not desk.sight(2)
    desk.look(tab(SHOP))
    assert desk.shown() == {1: {0: 3}}


def test_a_mark_that_is_not_seen_is_replaced_and_still_counts() -> None:
    desk = Desk()
    desk.look(tab(SHOP))
    assert desk.shown() == {1: {0: 1}}
    assert desk.shown() == {}
    assert list(desk.marks.due()) == [desk.now + ASK_AGAIN]
    moments = []
    for _ in range(4):
        desk.now = min(desk.marks.due())
        moments.append(desk.now)
        assert desk.shown() != {}
    assert [after - before for before, after in pairwise(moments)] == [
        2 * ASK_AGAIN,
        ASK_AGAIN_AT_MOST,
        ASK_AGAIN_AT_MOST,
    ]
    assert desk.marks.sought == {1, 2, 3, 4, 5}
    assert desk.sight(1)
    assert desk.marks.late == 1


def test_what_is_asked_once_more_is_sought_since_it_was_first() -> None:
    desk = Desk()
    assert desk.marks.since == 0
    desk.look(tab(SHOP, (5, 0, PAY)))
    desk.look(tab(SHOP, (5, 0, WIKI)))
    begun = desk.now - 1
    desk.shown()
    desk.now += ASK_AGAIN
    desk.shown()
    assert desk.marks.since == begun
    desk.sight(1)
    assert desk.marks.since == desk.now
    desk.see_all()
    assert desk.marks.since == 0


def test_marks_that_take_long_are_told_of() -> None:
    desk = Desk()
    desk.look(tab(SHOP))
    begun = desk.now - 1
    assert not desk.marks.waits(begun + LATE)
    assert desk.marks.waits(begun + LATE + 1)
    desk.see_all()
    assert not desk.marks.waits(begun + LATE + 1)
    assert (desk.marks.seen, desk.marks.late) == (1, 0)


@pytest.mark.parametrize("over", [0, 1])
def test_a_tab_that_was_waited_for_longer_than_two_seconds_was_late(over: int) -> None:
    desk = Desk()
    desk.look(tab(SHOP))
    begun = desk.now - 1
    desk.shown()
    desk.now = begun + LATE + over - 1
    assert desk.sight(1)  # a moment later
    assert desk.marks.late == over


def test_a_frame_without_an_area_is_vouched_for_by_its_parent() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, PAY)))
    desk.look(tab(SHOP, (5, 0, WIKI)))
    assert desk.shown() == {1: {5: 1}}
    assert not desk.say(1, Answer.SHOWN)
    assert desk.shown() == {}
    assert not desk.say(1, Answer.EMPTY)
    assert desk.shown() == {1: {5: 1, 0: 2}}  # it may be displayed again, with its old picture
    assert not desk.say(2, Answer.EMPTY)
    assert not desk.say(2, Answer.OUTSIDE)  # nothing is around the top document
    assert not desk.say(7, Answer.EMPTY)
    assert not desk.say(2, Answer.EMPTY, tab=9)
    assert desk.sight(2)
    assert not desk.say(2, Answer.EMPTY)


def test_a_frame_out_of_view_has_to_be_seen_when_it_comes_into_view() -> None:
    clean = tab(SHOP, (5, 0, WIKI))
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, PAY)))
    desk.look(clean)
    assert desk.shown() == {1: {5: 1}}
    assert not desk.say(1, Answer.OUTSIDE)
    assert desk.shown() == {1: {5: 1, 0: 2}}
    assert desk.sight(2)
    assert desk.look(clean) == [True]
    assert desk.shown() == {1: {5: 1}}
    assert list(desk.marks.due()) == [desk.now + ASK_AGAIN_AT_MOST]
    desk.now += ASK_AGAIN_AT_MOST
    assert desk.shown() == {1: {5: 1}}  # said again: it is taken away otherwise
    assert not desk.say(1, Answer.EMPTY)
    assert desk.look(clean) == [True]
    assert not desk.say(1, Answer.SHOWN)
    assert desk.look(clean) == [False]
    assert {*desk.shown()[1]} == {5}


def test_a_frame_out_of_view_that_goes_is_forgotten() -> None:
    desk = Desk()
    desk.look(tab(SHOP, (5, 0, PAY)))
    desk.look(tab(SHOP, (5, 0, WIKI)))
    desk.shown()
    desk.say(1, Answer.OUTSIDE)
    desk.shown()
    desk.sight(2)
    desk.look(tab(SHOP))
    assert desk.shown() == {1: {}}


def test_an_alarm_and_a_policy_void_everything() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.now += 1
    desk.marks.alarm(desk.now)
    assert desk.look(tab(SHOP)) == [False]
    desk.see_all()
    assert desk.look(tab(SHOP)) == [True]
    desk.now += 1
    desk.marks.judge_with(reasons, desk.now)
    assert desk.look(tab(SHOP)) == [False]


def test_without_a_policy_every_page_is_sensitive() -> None:
    marks = Marks(count())
    window = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),))
    look = marks.take(Look(BROWSERS, 1, 2, "", Browsing((window,))))
    assert look.seen == Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (
        Tab(1, SHOP, visible=True, painted=False, closes=True, documents=(Document(0, -1, SHOP),)),
    )),))  # fmt: skip
    assert list(marks.requests(3)) == []


def test_a_look_of_another_witness_and_one_in_which_all_is_painted_are_handed_on_as_they_are() -> None:
    desk = Desk().settled(tab(SHOP))
    for seen in (Scene(), Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),))):
        look = Look(WINDOWS if isinstance(seen, Scene) else BROWSERS, 50, 51, "now", seen)
        assert desk.marks.take(look) == look


def test_a_request_names_its_browser() -> None:
    desk = Desk()
    desk.look(tab(SHOP))
    assert list(desk.marks.requests(desk.now)) == [Request("c", 1, {0: 1})]


def test_two_frames_are_asked_at_once_and_the_mark_of_one_counts_after_the_other_was_seen() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(tab(SHOP, (5, 0, PAY), (6, 0, PAY), (7, 0, WIKI)))
    desk.look(tab(SHOP, (5, 0, WIKI), (6, 0, WIKI), (7, 0, WIKI)))
    (shown,) = desk.shown().values()
    assert shown.keys() == {5, 6}  # nothing was in 7
    desk.sight(shown[5])
    desk.sight(shown[6])
    (shown,) = desk.shown().values()
    assert shown.keys() == {0}
    assert desk.sight(shown[0])


def test_an_event_of_another_tab_at_the_moment_of_the_question_voids_it() -> None:
    """Equal times prove nothing."""
    tabs = tab(SHOP), tab(WIKI, number=2, visible=False)
    desk = Desk().settled(*tabs)
    desk.look(tab(PAY), tabs[1])
    desk.look(*tabs)
    (mark,) = desk.shown()[1].values()
    desk.marks.page_event(PageEvent(BROWSERS, desk.now - 1, PAY, "c", 2))  # when that look was asked
    desk.look(*tabs)
    assert not desk.sight(mark)


def test_of_two_windows_the_later_question_tells_since_when_and_the_older_whether_it_takes_long() -> None:
    first, second = tab(SHOP), tab(WIKI, number=2)
    desk = Desk()
    desk.look(windows=(told(1, first), told(2, second)))
    desk.see_all()
    desk.now = 100 * LATE
    desk.look(windows=(told(1, tab(PAY)), told(2, second)))
    desk.look(windows=(told(1, first), told(2, second)))
    begun = desk.now - 1
    desk.now += LATE
    desk.look(windows=(told(1, first), told(2, tab(PAY, number=2))))
    assert desk.marks.since == begun
    desk.look(windows=(told(1, first), told(2, second)))
    assert desk.marks.since == desk.now - 1
    assert desk.marks.waits(desk.now)
    late = desk.marks.late
    desk.see_all()
    assert desk.marks.late == late + 1  # the first alone


def test_a_request_is_said_again_only_after_a_time() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.now = 100 * ASK_AGAIN_AT_MOST
    desk.look(tab(PAY))
    desk.look(tab(SHOP))
    assert len(desk.shown()) == 1
    desk.now += 1
    assert desk.shown() == {}
