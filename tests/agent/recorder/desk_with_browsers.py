"""A small world of browser windows on a desktop, with what is really on the screen, and witnesses that tell the truth.

The screen is the worst that the facts allow: new content may be drawn at once, and old content stays for up to three
seconds, until the compositor gets to the new; a window that leaves the view stays for a second; the last picture of a
tab comes up when it is shown again, until it has drawn, and for a while whenever its preview is looked at, if the tab
has not loaded another page since it was parked. A mark that a page shows comes with the first picture of the page as it
then is.
Every sensitive page has a number of its own (`Content`), so that each can be followed to the pictures.

Beyond the promise, and not in this world:
- a page that no event told of and that was gone before any look at it;
- where parked tabs are allowed, what a tab had drawn before it was parked and turned clean, if it flashes up for less
  than a look;
- a tab that is moved into a covered window and back within one look.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Final

from agent.core.model.marks import Request, Sighted
from agent.core.model.media import Frame
from agent.core.model.rules import Attribute, Matcher, Policy, Rule
from agent.core.model.seen import (
    BROWSERS,
    TOP,
    WINDOWS,
    Box,
    BrowserWindow,
    Browsing,
    Document,
    Look,
    Page,
    PageEvent,
    Scene,
    Tab,
    Window,
)
from agent.core.model.times import MILLISECOND, Span

Content = int  # 0: harmless
PID: Final = 20
DRAWN_WITHIN: Final = (1, 15, 40, 150, 600, 3000)
STAYS: Final = 1000
LOOKED_AT: Final = 500  # longer than from one look to the next
CARD_LOSES: Final = (1, 70, 300)  # its picture of a page that has been replaced
TOLD_WITHIN: Final = 50  # an event of a tab that is shown, opened or moved
CARDS: Final = Rule(0, "cards", "", (Matcher(Attribute.URL, ("pay.example",)),))
POLICY: Final = Policy("now", 1, "test", (CARDS,))
NOTES: Final = Window(1, "notes", "Notes", 10, Box(0, 0, 9, 9), shown=True)


def page(tab: int, content: Content) -> Page:
    return Page((f"https://pay.example/{content}" if content else f"https://shop.example/{tab}",))


@dataclass(frozen=True)
class Drawn:
    """Something that may be in a window's picture, since its `turn`."""

    turn: int
    tab: int
    content: Content
    old: bool = False  # left behind, not what the tab in front is showing by itself


@dataclass(eq=False)
class ATab:
    id: int
    content: Content = 0
    document: int = 1  # its number
    card: frozenset[Content] = frozenset()  # what its preview shows
    pictures: frozenset[Content] = frozenset()  # what it may have drawn when it was last in front
    rests_until: int = 0  # moved into a covered window, it stays there until somebody may have looked
    mark: int | None = None  # that its document shows


@dataclass(eq=False)
class AWindow:
    id: int
    tabs: list[ATab]
    front: ATab
    turn: int = 0  # of the last change of what is to be drawn
    painted: bool = True
    surface: set[Drawn] = field(default_factory=set)
    in_view: bool = True
    minimised: bool = False
    drawing: bool = True  # a browser may stop to draw what it knows to be covered
    was_in_view: bool = True  # at any moment since the desktop was last looked at
    open: bool = True
    remains: int = 0  # what it has left behind on the screen
    alike: int = 0  # its title and place; windows with the same one cannot be told apart
    private: bool = False  # the extension does not see it
    pictured: int | None = None  # the mark that its picture shows

    def contents(self) -> frozenset[Content]:
        return frozenset(drawn.content for drawn in self.surface)


class World:
    """`at` puts something on the clock; `run_until` lets time pass. Times in ms."""

    def __init__(self, dice: Random, windows: list[int], *, previews: bool = True) -> None:
        """`windows`: how many tabs each window has at the start. `previews`: whether parked tabs may be looked at."""
        self.now = 0
        self.dice = dice
        self.previews = previews
        self.messages: list[object] = []  # for the daemon, in order
        self.looked_at: set[Content] = set()
        self.told_of: set[Content] = set()  # by an event
        self.screen: list[
            tuple[int, frozenset[Content], frozenset[Content]]
        ] = []  # from when what is on it, fresh and old
        self.grabbed: list[Span] = []
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self._remains: dict[int, frozenset[Content]] = {}  # what stays, or comes up, for a while
        self._desktop: Scene | None = None
        self._gone: list[AWindow] = []  # since the desktop was last looked at
        self._sought: frozenset[int] = frozenset()
        self.windows: list[AWindow] = []
        for tabs in windows:
            self.open_window(tabs)

    def next_number(self) -> int:
        self._number += 1
        return self._number

    # -- time -----------------------------------------------------------------------------------------------------

    def at(self, when: int, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (max(when, self.now), self.next_number(), what))

    def step(self, until: int) -> bool:
        """To the next thing on the clock, if it is due by `until`; else to `until`, and False."""
        if not self._agenda or self._agenda[0][0] > until:
            self.now = max(self.now, until)
            return False
        self.now, _, what = heapq.heappop(self._agenda)
        what()
        drawn = [drawn for window in self.windows if self._is_on_screen(window) for drawn in window.surface]
        fresh = frozenset(one.content for one in drawn if not one.old)
        old = frozenset(one.content for one in drawn if one.old)
        self.screen.append((self.now, fresh - {0}, old.union(*self._remains.values()) - {0}))
        return True

    def _is_on_screen(self, window: AWindow) -> bool:
        return window.in_view

    def _remain(self, contents: frozenset[Content], how_long: int) -> int:
        number = self.next_number()
        self._remains[number] = contents
        self.at(self.now + how_long, lambda: self._remains.pop(number, None) and None)
        return number

    # -- what people do -------------------------------------------------------------------------------------------

    def open_window(self, tabs: int, *, alike: int | None = None) -> AWindow:
        """`alike`: with the title and at the place of another."""
        made = [ATab(self.next_number()) for _ in range(tabs)]
        return self._open(made, alike)

    def open_private_window(self, alike: int) -> AWindow:
        """What is in it nobody may keep, although no witness looks into it."""
        content = self.next_number()
        self.looked_at.add(content)
        window = self._open([ATab(self.next_number(), content)], alike)
        window.private = True
        return window

    def _open(self, tabs: list[ATab], alike: int | None) -> AWindow:
        number = 100 + self.next_number()
        surface = {Drawn(0, tabs[0].id, tabs[0].content)}
        window = AWindow(number, tabs, tabs[0], surface=surface, alike=number if alike is None else alike)
        self.windows.append(window)
        self._redraw(window)
        return window

    def close_window(self, window: AWindow) -> None:
        self.leave(window)
        window.open = False
        self.windows.remove(window)
        if window.was_in_view:  # else nobody need hear of it again
            self._gone.append(window)

    def leave(self, window: AWindow, *, minimised: bool = False, drawing: bool = True) -> None:
        """Covered whole, or minimised."""
        if window.in_view:
            window.remains = self._remain(window.contents(), STAYS)
        window.in_view, window.minimised = False, minimised
        window.surface = {replace(drawn, old=True) for drawn in window.surface}
        if window.drawing and (minimised or not drawing):
            window.drawing = window.painted = False
            window.turn += 1

    def come(self, window: AWindow) -> None:
        if window.in_view:
            return
        window.in_view = window.was_in_view = True
        self._remains.pop(window.remains, None)  # it has drawn over what it had left behind
        window.minimised = False
        if not window.drawing:
            window.drawing = True
            self._redraw(window)

    def change(self, tab: ATab, *, sensitive: bool, told: bool, loads: bool = False) -> None:
        """The page in the tab becomes another: the document changes, or another one is loaded."""
        tab.content = self.next_number() if sensitive else 0
        if loads:
            tab.document = self.next_number()
        if sensitive and told:
            self.at(self.now + self.dice.randint(0, 300), self._telling(tab))
        shown = [window for window in self.windows if window.front is tab]
        for window in shown:
            self._redraw(window)
        if loads and not shown:
            card = tab.card

            def lose() -> None:
                if tab.card is card:  # it has not been parked again
                    tab.card = frozenset()

            self.at(self.now + self.dice.choice(CARD_LOSES), lose)

    def _telling(self, tab: ATab) -> Callable[[], None]:
        """What tells of the tab as it is now."""
        content, document = tab.content, tab.document

        def tell() -> None:
            self.told_of.add(content)
            page_event = PageEvent(BROWSERS, self.now * MILLISECOND, page(tab.id, content), "c", tab.id, top=document)
            self.messages.append(page_event)

        return tell

    def switch(self, window: AWindow, tab: ATab) -> None:
        if tab is window.front:
            return
        self._park(window)
        self._put_in_front(window, tab)

    def _put_in_front(self, window: AWindow, tab: ATab) -> None:
        window.front = tab
        self._flash_up(window, tab)
        self._redraw(window)
        self.at(self.now + self.dice.randint(1, TOLD_WITHIN), self._telling(tab))

    def close_tab(self, window: AWindow, tab: ATab) -> None:
        if len(window.tabs) == 1:
            self.close_window(window)
            return
        window.tabs.remove(tab)
        if window.front is tab:
            self._put_in_front(window, window.tabs[0])

    def move_tab(self, window: AWindow, tab: ATab, other: AWindow) -> None:
        if other is window or len(window.tabs) == 1 or self.now < tab.rests_until:
            return
        if window.front is tab:
            self._park(window)
        self.close_tab(window, tab)
        other.tabs.append(tab)
        if not other.in_view:
            tab.rests_until = self.now + LOOKED_AT
        self.switch(other, tab)

    def preview(self, tab: ATab, how_long: int) -> None:
        """Somebody's pointer is on a parked tab."""
        if self.previews and any(w.in_view and tab in w.tabs and w.front is not tab for w in self.windows):
            self._remain(tab.card, how_long)

    def _park(self, window: AWindow) -> None:
        tab = window.front
        if window.painted:
            tab.pictures = frozenset({tab.content})
        else:
            tab.pictures |= {drawn.content for drawn in window.surface if drawn.tab == tab.id}
        tab.card = frozenset(tab.pictures)

    def _flash_up(self, window: AWindow, tab: ATab) -> None:
        if not self.previews:  # parked tabs say nothing: what comes up is seen when it is seen in front
            tab.pictures = frozenset(
                picture and (picture if picture == tab.content else self.next_number()) for picture in tab.pictures
            )
        if window.drawing:
            window.surface |= {Drawn(window.turn, tab.id, picture, old=True) for picture in tab.pictures}

    def _redraw(self, window: AWindow) -> None:
        """What is in front has to be drawn anew."""
        window.painted = False
        window.turn += 1
        if not window.drawing:
            return
        turn = window.turn
        window.surface = {replace(drawn, old=True) for drawn in window.surface}
        window.surface.add(Drawn(turn, window.front.id, window.front.content))

        def appear() -> None:
            if window.turn == turn:
                window.surface = {drawn for drawn in window.surface if drawn.turn >= turn}
                window.painted = True
                window.pictured = window.front.mark

        self.at(self.now + self.dice.choice(DRAWN_WITHIN), appear)

    # -- marks ----------------------------------------------------------------------------------------------------

    def show(self, request: Request) -> None:
        """The tab's document hears of it in a moment, and its picture has the mark once it is of that time."""
        self.at(self.now + self.dice.choice((1, 15, 40)), lambda: self._show(request.tab, request.marks.get(0)))

    def _show(self, number: int, mark: int | None) -> None:
        for window in self.windows:
            for tab in window.tabs:
                if tab.id == number:
                    tab.mark = mark
                    self.at(self.now + self.dice.choice((1, 15)), partial(self._picture, window, tab))

    def _picture(self, window: AWindow, tab: ATab) -> None:
        if window.front is tab and window.painted:
            window.pictured = tab.mark

    def seek(self, marks: frozenset[int], _: int) -> None:
        if marks and not self._sought:
            self.at(self.now + 25, self._look_for_marks)
        self._sought = marks

    def _look_for_marks(self) -> None:
        if not self._sought:
            return
        shown = {window.pictured for window in self.windows if window.in_view and window.pictured is not None}
        if found := self._sought & shown:
            self.messages.append(Sighted(frozenset(found), self.now * MILLISECOND))
        self.at(self.now + 25, self._look_for_marks)

    # -- what witnesses say ---------------------------------------------------------------------------------------

    def ask(self, witness: str) -> None:
        """It answers in a moment, with what is true at some instant until then."""
        asked = self.now
        look, longest = (self._survey, 3) if witness == WINDOWS else (self._browse, self.dice.choice((2, 10, 30, 40)))
        instant = asked + self.dice.randint(1, longest)
        answered = instant + self.dice.randint(1, longest)

        def see() -> None:
            seen = look()
            answer = Look(witness, asked * MILLISECOND, answered * MILLISECOND, POLICY.hash, seen)
            self.at(answered, lambda: self.messages.append(answer))

        self.at(instant, see)

    def _survey(self) -> Scene:
        told = [NOTES]
        for window in (*self.windows, *self._gone):
            told.append(
                Window(
                    window.id,
                    "chromium",
                    f"Page {window.alike} - Chromium",
                    PID,
                    Box(window.alike, 0, 100, 100),
                    shown=window.was_in_view,
                    engine=True,
                )
            )
            window.was_in_view = window.in_view and window.open
        self._gone.clear()
        scene = Scene(tuple(told))
        if scene != self._desktop:
            self._desktop = scene
        return self._desktop or scene

    def _browse(self) -> Browsing:
        told = []
        for window in self.windows:
            if window.private:
                continue
            for tab in window.tabs:
                if self.previews or (tab is window.front and not window.minimised):
                    self.looked_at |= {tab.content, *(() if self.previews else tab.pictures)}
            tabs = tuple(
                Tab(
                    tab.id,
                    page(tab.id, tab.content),
                    visible=tab is window.front and not window.minimised,
                    documents=(Document(TOP, -1, page(tab.id, tab.content), tab.document),),
                )
                for tab in window.tabs
            )
            box = Box(window.alike, 0, 100, 100)
            told.append(BrowserWindow("c", PID, window.id, f"Page {window.alike}", box, window.minimised, tabs))
        return Browsing(tuple(told))

    def grab(self, length: int) -> None:
        """A picture whose taking begins now."""
        if self.grabbed and self.now * MILLISECOND < self.grabbed[-1].end:
            return  # one at a time
        span = Span(self.now * MILLISECOND, (self.now + length) * MILLISECOND)
        self.grabbed.append(span)
        self.at(self.now + length, lambda: self.messages.append(Frame(0, span, 2, 2, b"", whole=True)))

    def sensitive(self, start: int, end: int) -> frozenset[Content]:
        """What was promised to be closed for and was on the screen at some moment of [start, end] (ns)."""
        shown: set[Content] = set()
        for place, (since, fresh, old) in enumerate(self.screen):
            until = self.screen[place + 1][0] if place + 1 < len(self.screen) else self.now + 1
            if since * MILLISECOND <= end and start < until * MILLISECOND:
                shown |= (fresh | old) & (self.looked_at | self.told_of)
        return frozenset(shown)
