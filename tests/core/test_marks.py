"""When the picture counts as past a sensitive page: marks asked for, seen, missed, and void."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count, pairwise
from zlib import crc32

import pytest

from agent.core.decide import UNLISTED
from agent.core.marks import (
    ADDRESS_SETTLES,
    ASK_AGAIN,
    ASK_AGAIN_AT_MOST,
    LATE,
    UNKNOWN_FOR,
    UNMARKED_FOR,
    Answer,
    Marked,
    Marks,
    Request,
    Sighted,
)
from agent.core.model import (
    BROWSERS,
    WINDOWS,
    BrowserWindow,
    Browsing,
    Document,
    Glimpse,
    Look,
    Page,
    Reason,
    Scene,
    Tab,
)
from tests.core.desk import PAY, PLACE, SHOP, WIKI

BOTH = Page((*SHOP.urls, "https://bank.example/"))
CARDS, PAIR = Reason("cards", 0), Reason("pair", 1)


def reasons(page: Page) -> tuple[Reason, ...]:
    """One rule names PAY, another SHOP and a bank together; `news` is named by nothing and unlisted."""
    found = [CARDS] if PAY.urls[0] in page.urls or page.fields else []
    found += [PAIR] if {*BOTH.urls} <= {*page.urls} else []
    found += [Reason("unseen-page")] if page.unread else []
    found += [UNLISTED] if "https://news.example/" in page.urls else []
    return tuple(found)


def tab(
    top: Page,
    *inner: tuple[int, int, Page] | tuple[int, int, Page, int],
    number: int = 1,
    visible: bool = True,
    top_number: int = 0,
) -> Tab:
    """`inner`: id, parent and page of each document inside, and its own number, by default another for another page.
    `top_number`: of the top one."""
    frames = [one if len(one) == 4 else (*one, crc32(one[2].urls[0].encode())) for one in inner]
    documents = (Document(0, -1, top, top_number), *(Document(*one) for one in frames))
    pages = [document.page for document in documents]
    fields = frozenset().union(*(one.fields for one in pages))
    page = Page(tuple(url for one in pages for url in one.urls), fields, unread=any(one.unread for one in pages))
    return Tab(number, page, visible=visible, documents=documents)


class Desk:
    """Marks and a clock; marks are numbered from 1."""

    def __init__(self) -> None:
        self.marks = Marks(count(1))
        self.now = 10
        self.marks.judge_with(reasons, self.now)

    def look(self, *tabs: Tab, windows: Iterable[BrowserWindow] | None = None) -> list[bool]:
        """Which of the tabs have painted."""
        self.now += 2
        told = (BrowserWindow("c", 20, 1, "Shop", PLACE, False, tabs),) if windows is None else tuple(windows)
        look = self.marks.take(Look(BROWSERS, self.now - 1, self.now, "now", Browsing(told)))
        assert isinstance(look.seen, Browsing)
        return [one.painted for window in look.seen.windows for one in window.tabs]

    def shown(self) -> dict[int, dict[int, int]]:
        """The requests of this moment: tab -> document -> mark."""
        return {request.tab: dict(request.marks) for request in self.marks.requests(self.now)}

    def sight(self, *marks: int) -> bool:
        self.now += 1
        return self.marks.sighted(Sighted(frozenset(marks), self.now))

    def say(self, mark: int, how: Answer, tab: int = 1) -> bool:
        self.now += 1
        return self.marks.answer(Marked("c", tab, mark, how, self.now))

    def glimpse(self, page: Page, tab: int = 1, document: int = 0) -> None:
        self.now += 1
        self.marks.glimpse(Glimpse(BROWSERS, self.now, page, "c", tab, document))

    def settled(self, *tabs: Tab) -> Desk:
        """All that is in front has been seen."""
        self.look(*tabs)
        self.see_all()
        self.look(*tabs)
        assert self.shown() in ({}, {one.id: {} for one in tabs})
        return self

    def see_all(self) -> None:
        """The picture shows every mark that is asked for, until none is."""
        self.shown()
        while self.marks.sought:
            self.sight(*self.marks.sought)
            self.shown()


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
    desk.glimpse(WIKI)
    desk.glimpse(Page((), unread=True, extension="a"), tab=-1)  # no document's
    assert desk.look(tab(SHOP)) == [True]
    desk.glimpse(PAY)
    assert desk.look(tab(SHOP)) == [False]
    desk.shown()
    (mark,) = desk.marks.sought
    desk.glimpse(PAY)
    assert not desk.sight(mark)
    assert desk.look(tab(SHOP)) == [False]


def test_a_look_that_was_asked_before_an_event_begins_no_proof() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.marks.glimpse(Glimpse(BROWSERS, desk.now + 1, PAY, "c", 1))  # when the next look is asked
    assert desk.look(tab(SHOP)) == [False]
    assert desk.shown() == {}
    assert desk.look(tab(SHOP)) == [False]
    assert desk.shown() != {}


def test_an_event_of_a_document_is_asked_of_that_document() -> None:
    desk = Desk().settled(tab(SHOP, (5, 0, WIKI)))
    desk.glimpse(PAY, document=5)
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
    desk.glimpse(PAY, tab=9)
    assert desk.look(windows=windows) == [False, False, True]
    desk.see_all()
    desk.look(windows=windows)
    desk.glimpse(PAY, tab=2)
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
        Tab(1, SHOP, visible=True, painted=False, documents=(Document(0, -1, SHOP),)),
    )),))  # fmt: skip
    assert list(marks.requests(3)) == []


def test_a_look_of_another_witness_and_one_without_change_are_handed_on_as_they_are() -> None:
    desk = Desk().settled(tab(SHOP))
    for seen in (Scene(), Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(SHOP),)),))):
        look = Look(WINDOWS if isinstance(seen, Scene) else BROWSERS, 50, 51, "now", seen)
        assert desk.marks.take(look) is look


def test_a_request_names_its_browser() -> None:
    desk = Desk()
    desk.look(tab(SHOP))
    assert list(desk.marks.requests(desk.now)) == [Request("c", 1, {0: 1})]


# -- what is not known ------------------------------------------------------------------------------------------------


def closes(desk: Desk, *tabs: Tab, browser: str = "c", pid: int = 20) -> bool:
    """Whether a look at these in front closes for a page that could not be read."""
    desk.now += 2
    window = BrowserWindow(browser, pid, 1, "Shop", PLACE, False, tabs)
    look = desk.marks.take(Look(BROWSERS, desk.now - 1, desk.now, "now", Browsing((window,))))
    assert isinstance(look.seen, Browsing)
    return any(one.unknown > 0 for one in look.seen.windows[0].tabs)


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
    assert closes(desk, tab(SHOP)) is False  # and what was seen of it stands for what is still in the picture


def test_what_nobody_saw_is_believed_gone_after_ten_seconds_unless_it_is_known_to_have_been_sensitive() -> None:
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


def test_a_document_that_only_an_event_told_of_may_have_been_inside_any_other() -> None:
    clean = tab(SHOP, (3, 0, WIKI))
    desk = Desk().settled(clean)
    desk.glimpse(PAY, document=5)  # it came and went between two looks
    desk.look(clean)
    assert desk.shown() == {1: {3: 2}}


def test_an_error_page_in_a_frame_shows_no_mark_and_has_nothing_inside() -> None:
    failed = Tab(1, SHOP, visible=True, documents=(Document(0, -1, SHOP, 1), Document(3, 0, WIKI)))
    desk = Desk().settled(failed)
    desk.glimpse(PAY, document=5)
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


def test_a_new_window_may_have_shown_what_an_event_told_of_last() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.glimpse(PAY, tab=8)
    first = BrowserWindow("c", 20, 1, "", PLACE, False, (tab(SHOP),))
    second = BrowserWindow("c", 20, 2, "", PLACE, False, (tab(WIKI, number=9),))
    assert desk.look(windows=(first, second)) == [False, False]


def test_an_event_of_a_browser_that_no_look_has_shown_yet_counts_from_its_first_look_on() -> None:
    desk = Desk()
    desk.glimpse(PAY, document=5)
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


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["top", "frame"])
def test_a_document_that_changes_its_address_is_asked_after_it_may_have_drawn_what_belongs_to_the_new_one(
    document: str,
) -> None:
    def one(page: Page, number: int = 7) -> Tab:
        return tab(page, top_number=number) if document == "top" else tab(WIKI, (5, 0, page, number), top_number=3)

    desk = Desk().settled(one(SHOP))
    desk.look(one(PAY))
    desk.look(one(SHOP))
    settles = desk.now + ADDRESS_SETTLES
    desk.now = settles - 1
    desk.look(one(SHOP))  # asked at `settles`
    assert desk.shown() == {}
    desk.look(one(SHOP))
    (request,) = desk.marks.requests(desk.now)
    assert request.moved == request.marks.keys()
    desk.see_all()
    assert desk.look(one(SHOP)) == [True]
    desk.look(one(PAY, 8))
    desk.look(one(SHOP, 8))
    desk.look(one(PAY, 8))  # and back
    desk.now += ADDRESS_SETTLES
    desk.look(one(SHOP, 9))
    (request,) = desk.marks.requests(desk.now)
    assert request.moved == frozenset()


def test_another_document_has_nothing_of_the_address_before_and_a_field_is_in_no_address() -> None:
    desk = Desk().settled(tab(SHOP, top_number=7))
    desk.look(tab(PAY, top_number=7))
    desk.look(tab(SHOP, top_number=8))
    assert len(desk.shown()) == 1
    desk.see_all()
    desk.look(tab(replace(SHOP, fields=frozenset({"cc-number"})), top_number=8))
    desk.look(tab(SHOP, top_number=8))
    assert len(desk.shown()) == 1


# -- found by mutants -------------------------------------------------------------------------------------------------


def told(number: int, *tabs: Tab) -> BrowserWindow:
    return BrowserWindow("c", 20, number, "Shop", PLACE, False, tabs)


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


def test_an_alarm_counts_for_a_tab_that_moves_to_a_new_window() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, number=2))
    desk.now += 1
    desk.marks.alarm(desk.now)
    windows = told(1, tab(WIKI, number=2)), told(2, tab(SHOP))
    look = desk.marks.take(Look(BROWSERS, desk.now + 1, desk.now + 2, "now", Browsing(windows)))
    assert isinstance(look.seen, Browsing)
    assert [one.unknown > 0 for window in look.seen.windows for one in window.tabs] == [True, True]


def test_an_event_of_another_tab_at_the_moment_of_the_question_voids_it() -> None:
    """Equal times prove nothing."""
    tabs = tab(SHOP), tab(WIKI, number=2, visible=False)
    desk = Desk().settled(*tabs)
    desk.look(tab(PAY), tabs[1])
    desk.look(*tabs)
    (mark,) = desk.shown()[1].values()
    desk.marks.glimpse(Glimpse(BROWSERS, desk.now - 1, PAY, "c", 2))  # when that look was asked
    desk.look(*tabs)
    assert not desk.sight(mark)


def test_one_that_is_waited_for_long_is_not_painted_either() -> None:
    desk = Desk().settled(tab(SHOP))
    desk.look(tab(PAY))
    desk.look(tab(SHOP))
    desk.now += LATE
    assert desk.look(tab(SHOP)) == [False]


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


def test_of_two_browsers_that_are_silent_each_is_known_again() -> None:
    other = replace(told(1, tab(PAY)), browser="d", pid=21)
    desk = Desk()
    desk.look(windows=(told(1, tab(PAY)), other))
    desk.look(windows=())
    desk.look(windows=())
    assert closes(desk, tab(SHOP), browser="d/2", pid=21)
    assert closes(desk, tab(SHOP), browser="c/2", pid=20)
