"""Tabs, a clock and the marks of proof.marks, for tests: looks, events and pictures come in the order of the test."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from zlib import crc32

from agent.core.matching.decide import NOT_ALLOWED, UNLISTED
from agent.core.model.marks import Answer, Marked, Sighted
from agent.core.model.rules import Reason
from agent.core.model.seen import BROWSERS, BrowserWindow, Browsing, Document, Look, Page, PageEvent, Tab
from agent.core.proof.marks import Marks
from tests.core.proof.desk import PAY, PLACE, SHOP

BOTH = Page((*SHOP.urls, "https://bank.example/"))
CARDS, PAIR = Reason("cards", 0), Reason("pair", 1)


def reasons(page: Page) -> tuple[Reason, ...]:
    """One rule names PAY, another SHOP and a bank together; `news` is named by nothing, unlisted and not allowed."""
    found = [CARDS] if PAY.urls[0] in page.urls or page.fields else []
    found += [PAIR] if {*BOTH.urls} <= {*page.urls} else []
    found += [Reason("unseen-page")] if page.unread else []
    found += [UNLISTED, NOT_ALLOWED] if "https://news.example/" in page.urls else []
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

    def page_event(self, page: Page, tab: int = 1, document: int = 0) -> None:
        self.now += 1
        self.marks.page_event(PageEvent(BROWSERS, self.now, page, "c", tab, document))

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


def closes(desk: Desk, *tabs: Tab, browser: str = "c", pid: int = 20) -> bool:
    """Whether a look at these in front closes for a page that could not be read."""
    desk.now += 2
    window = BrowserWindow(browser, pid, 1, "Shop", PLACE, False, tabs)
    look = desk.marks.take(Look(BROWSERS, desk.now - 1, desk.now, "now", Browsing((window,))))
    assert isinstance(look.seen, Browsing)
    return any(one.unknown > 0 for one in look.seen.windows[0].tabs)


def told(number: int, *tabs: Tab) -> BrowserWindow:
    return BrowserWindow("c", 20, number, "Shop", PLACE, False, tabs)
