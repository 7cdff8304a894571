"""What windows and browsers say, put together: each look becomes a scene that can be judged by itself.

The desktop knows which window is in view, the browser what is in it. A page counts if its window was in view at any
moment since the browsers were last asked, and with what it showed before, wherever that picture may still be there.

No moment falls between the two (proof): the desktop's looks cover all time up to the last; a browser look is only as
old as the desktop's look before it (`asked`); what came into view between them is in the next desktop look, whose
windows count for the next browser look, together with what their pages showed at the one before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from agent.core.model.seen import (
    ANY,
    BROWSERS,
    TOP,
    Blind,
    Box,
    BrowserWindow,
    Browsing,
    Look,
    Page,
    PageEvent,
    Scene,
    Tab,
    Window,
    WindowKind,
)
from agent.core.proof.timing import CARD_LINGERS, EXTENSION_LINGERS, PAGE_HINDSIGHT, PAGE_LAG, PAGE_SETTLE
from agent.core.proof.window_correlation import Key, Place, WindowCorrelation, key_of

FEW: Final = 50  # pages that may all be what a tab has drawn last
ROUNDED: Final = 4  # pixels that the two sides of what stands in the middle may differ by
FAR_FROM_CORNERS: Final = 64  # pixels; a web notification keeps 10 from the edge, more on a scaled desktop
UNFOLLOWED: Final = Page(urls=(), unread=True)

FOR_GOOD: Final = sys.maxsize  # ns
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Picture:
    """What a tab may have drawn, while it had the top document of this number. It is believed gone at `until`, ns."""

    page: Page
    top: int = ANY
    until: int = FOR_GOOD


@dataclass(frozen=True, slots=True)
class _Tab:
    """A tab at the last look. `moved`, `was_in_front`: from, or in its window at, the look before. `since`: when a look
    first showed its top document, of this number. `pictures`: what may have been drawn in it when last in front.
    """

    home: Key
    pid: int
    in_front: bool = False
    moved: bool = False
    was_in_front: bool = False
    top: int = ANY
    since: int = 0
    pictures: tuple[_Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A browser's window at the last look: its pages as they count, and what may be drawn in it.

    `since`: when the first look that showed it was answered.
    """

    since: int
    shown: bool = True
    full_screen: bool = False
    pages: tuple[Page, ...] = ()
    drawn: tuple[Page, ...] = ()
    extensions: Mapping[str, int] = field(default_factory=dict)  # those that may show something in it -> until when


class SceneMerger:
    """`take` every look in the order in which they come."""

    def __init__(self) -> None:
        self._scene: Scene | None = None  # the desktop's last; None before the first and while it is blind
        self._asked = 0  # when it was asked for
        self._first_seen: dict[int, int] = {}  # window -> when the look that first saw it was answered
        self._shown: frozenset[int] = frozenset()
        self._in_view: frozenset[int] = frozenset()  # shown at any moment since the last look at the browsers
        self._all_in_view = True  # after a moment of blindness, and under an overview
        self._correlation = WindowCorrelation()
        self._seen: dict[Key, _Seen] = {}
        self._tabs: dict[Place, _Tab] = {}
        self._inside: dict[int, dict[Page, int]] = {}  # the desktop's window -> its pages -> until when it had them
        self._leaving: dict[int, int] = {}  # windows no longer in view -> when the look that found it was answered
        self._relied_on: frozenset[int] = frozenset()  # windows that the correlation accounted for in the last survey
        self._last_left = -PAGE_HINDSIGHT  # when a browser's window was last found gone from the view
        self._browsers_asked = 0
        self._surveyed = Scene()
        self._event_pictures: dict[Place, dict[_Picture, int]] = {}  # from events since browsers were asked -> when
        self._pids: dict[str, int] = {}  # connection -> the browser's process
        self._paintable: dict[str, dict[Page, int]] = {}  # connection -> what a menu of it may paint -> until when
        self._menus: dict[int, tuple[Page, ...]] = {}  # menus and the like -> what they may have painted
        # What browsers last said, as it counts: with pictures that may still be there. `accounted`: their windows.
        self.pages = Scene(pages_only=True)

    def remembered(self) -> Iterator[Page]:
        """Every page that may count again although no further look or event shows it; some more than once."""
        for seen in self._seen.values():
            yield from (*seen.pages, *seen.drawn)
        for kept in (self._inside, self._paintable, self._menus):
            for pages in kept.values():
                yield from pages
        for pictures in (*(tab.pictures for tab in self._tabs.values()), *self._event_pictures.values()):
            yield from (picture.page for picture in pictures)

    @property
    def lost_account(self) -> bool:
        """Whether a window that is still in view is no longer accounted for, and has not been looked at since."""
        return not (self._relied_on - self._correlation.accounted).isdisjoint(self._shown)

    def take(self, look: Look) -> Look:
        """The look with a scene that `decide` can judge by itself."""
        match look.seen:
            case Browsing():
                # core.proof.marks has told from the picture which tabs are painted: the display is not behind that.
                return replace(look, asked=min(look.asked, self._asked), seen=self._browse(look.seen, look), lag=0)
            case Scene():
                return replace(look, seen=self._survey(look.seen, look))
            case Blind() if look.witness != BROWSERS:
                self._scene, self._shown, self._all_in_view = None, frozenset(self._first_seen), True
        return look

    def page_event(self, page_event: PageEvent) -> None:
        """An event has shown this page, which a rule closes for: it may be drawn, and be gone before anybody looks."""
        pictures = self._event_pictures.setdefault((page_event.browser, page_event.tab), {})
        picture = _Picture(page_event.page, page_event.top) if len(pictures) < FEW else _Picture(UNFOLLOWED)
        pictures[picture] = page_event.at
        self._paintable.setdefault(page_event.browser, {})[picture.page] = FOR_GOOD

    # -- the desktop ----------------------------------------------------------------------------------------------

    def _survey(self, scene: Scene, look: Look) -> Scene:
        """The windows, with what is accounted for, and the pages of those that have just left the view.

        These count once more, as windows do: their pixels stay until what was behind them has drawn itself. A window
        that is found gone left before the look that last had it, so what it held by then counts as well as now.
        """
        self._first_seen = {window.id: self._first_seen.get(window.id, look.answered) for window in scene.windows}
        self._correlation = self._correlation.within(self._first_seen)
        shown = frozenset(window.id for window in scene.windows if window.shown) | _behind_menus(scene)
        gone = self._shown - shown
        self._leaving |= dict.fromkeys(gone, look.answered)
        if not gone.isdisjoint(self._inside):
            self._last_left = look.answered
        left = (replace(page, shown=True, parked=False) for page in self._left_behind())
        pages = tuple(dict.fromkeys((*left, *self._in_menus(scene, look.asked))))
        self._inside = {
            window: {page: until for page, until in pages.items() if until >= look.asked}
            for window, pages in self._inside.items()
            if window in self._first_seen
        }
        # Once more after the browsers were asked again: that look tells what they held when they left.
        self._leaving = {
            window: at for window, at in self._leaving.items() if self._browsers_asked <= at and window in self._inside
        }
        self._all_in_view |= any(window.shown and window.kind is WindowKind.OVERVIEW for window in scene.windows)
        self._in_view |= shown
        bound = self._correlation.partners
        full = (bound.get(key, frozenset()) for key, seen in self._seen.items() if seen.full_screen)
        accounted = self._correlation.accounted.union(_hints(scene, frozenset().union(*full)))
        surveyed = replace(scene, pages=pages, accounted=accounted)
        # While nothing changes it is the very same object: the browsers are asked when it is another one.
        if scene is not self._scene or surveyed != self._surveyed:
            self._surveyed = surveyed
        self._scene, self._asked, self._shown, self._relied_on = scene, look.asked, shown, self._correlation.accounted
        return self._surveyed

    def _left_behind(self) -> Iterator[Page]:
        """What may still be in the pixels that windows have left, whichever tab an event was of, and late."""
        for window in self._leaving:
            yield from self._inside.get(window, ())
        for pictures in self._event_pictures.values():
            yield from (picture.page for picture, at in pictures.items() if at <= self._last_left + PAGE_HINDSIGHT)

    def _in_menus(self, scene: Scene, asked: int) -> Iterator[Page]:
        """What menus, tooltips and pictures that are dragged may show. A browser paints them from its pages, and they
        may outlive these: until one is unmapped it counts with all that it may have painted so far.
        """
        menus = [window for window in scene.windows if window.kind is WindowKind.POPUP]
        self._menus = {menu.id: self._painted_in(menu) for menu in menus}
        for browser, pages in self._paintable.items():
            self._paintable[browser] = {page: until for page, until in pages.items() if until >= asked}
        for menu in menus:
            yield from self._menus[menu.id] if menu.shown else ()

    def _painted_in(self, menu: Window) -> tuple[Page, ...]:
        mine = (pages for browser, pages in self._paintable.items() if self._pids.get(browser) == menu.pid)
        now = tuple(page for pages in mine for page in pages)
        return (*_few((page for page in self._menus.get(menu.id, ()) if page not in now), UNFOLLOWED), *now)

    # -- the browsers ---------------------------------------------------------------------------------------------

    def _browse(self, browsing: Browsing, look: Look) -> Scene:
        asked = self._browsers_asked = look.asked
        windows = () if self._scene is None else self._scene.windows
        # One that came while they were being asked may be the partner of a window that else would find another.
        seeking = windows if all(self._first_seen[window.id] < asked for window in windows) else ()
        known = {key for key, seen in self._seen.items() if seen.since < self._asked}
        # The desktop must have been asked since: else a new window would find only what resembles it.
        bindable = tuple(window for window in browsing.windows if key_of(window) in known)
        self._correlation = self._correlation.renewed(bindable, seeking)
        here = {
            (window.browser, tab.id): self._tab(window, tab, look.answered)
            for window in browsing.windows
            for tab in window.tabs
        }
        followed = {(tab.pid, number) for (_, number), tab in here.items()}
        answered = {window.browser for window in browsing.windows}
        self._tabs = here | {
            place: tab
            for place, tab in self._tabs.items()
            if self._is_silent(place[0], tab.pid, answered) and (tab.pid, place[1]) not in followed
        }
        self._seen = {key_of(window): self._look_into(window, look) for window in browsing.windows}
        self._put_inside(look.answered + max(PAGE_SETTLE, look.lag))
        self._forget(min(asked, self._asked))
        self._put_in_menus(browsing, answered, look.answered + PAGE_LAG)
        self._in_view, self._all_in_view = self._shown, self._scene is None
        pages = tuple(page for seen in self._seen.values() for page in seen.pages)
        self.pages = Scene(pages=pages, accounted=self._correlation.accounted, pages_only=True)
        return self.pages

    def _is_silent(self, browser: str, pid: int | None, answered: set[str]) -> bool:
        """Whether it did not answer and is still there: what it has drawn may come up again."""
        there = self._scene is None or any(window.pid == pid for window in self._scene.windows)
        return there and browser not in answered

    def _tab(self, window: BrowserWindow, tab: Tab, answered: int) -> _Tab:
        home = key_of(window)
        top = next((document.number for document in tab.documents if document.id == TOP), 0)  # 0: without a script
        before = self._tabs.get((window.browser, tab.id)) or self._over_another_connection(window.pid, tab.id, home)
        moved, since = before.home != home, before.since if before.top == top else answered
        return _Tab(home, window.pid, tab.visible, moved, before.in_front and not moved, top, since, before.pictures)

    def _over_another_connection(self, pid: int, number: int, home: Key) -> _Tab:
        """What is known of the tab from before its extension started anew. It numbers documents anew."""
        for (_, of_tab), tab in self._tabs.items():
            if (tab.pid, of_tab) == (pid, number):
                return replace(tab, top=ANY, pictures=tuple(replace(one, top=ANY) for one in tab.pictures))
        return _Tab(home, pid)

    def _put_inside(self, until: int) -> None:
        """Until then the display may still have what is in a window no more, or was there between two looks."""
        event_pages = tuple(picture.page for pictures in self._event_pictures.values() for picture in pictures)
        inside = self._correlation.inside({key: seen.pages for key, seen in self._seen.items()})
        for window, pages in inside.items():
            before = self._inside.get(window, {})
            left = {page: until if at == FOR_GOOD else at for page, at in before.items()}
            self._inside[window] = left | dict.fromkeys(event_pages, until) | dict.fromkeys(pages, FOR_GOOD)

    def _put_in_menus(self, browsing: Browsing, answered: set[str], until: int) -> None:
        """Until then a menu may come that still has what is in view no more. A silent browser may have it in view."""
        now: dict[str, dict[Page, int]] = {browser: {} for browser in self._paintable}
        for window in browsing.windows:
            self._pids[window.browser] = window.pid
            in_view = (page for page in self._seen[key_of(window)].pages if page.shown)
            now.setdefault(window.browser, {}).update(dict.fromkeys(in_view, FOR_GOOD))
        for (browser, _), pictures in self._event_pictures.items():
            now.setdefault(browser, {}).update(dict.fromkeys((picture.page for picture in pictures), FOR_GOOD))
        for browser, pages in now.items():
            before = self._paintable.get(browser, {})
            at_most = FOR_GOOD if self._is_silent(browser, self._pids.get(browser), answered) else until
            past = {page: min(at, at_most) for page, at in before.items() if page not in pages}
            # They are many where the windows were not looked at for long.
            now[browser] = {**(past if len(past) <= FEW else {UNFOLLOWED: until}), **pages}
        self._paintable = {browser: pages for browser, pages in now.items() if pages}
        self._pids = {browser: pid for browser, pid in self._pids.items() if browser in self._paintable}

    def _look_into(self, window: BrowserWindow, look: Look) -> _Seen:
        before = self._seen.get(key_of(window), _Seen(look.answered))
        shown = self._is_in_view(window)
        in_front = [tab for tab in window.tabs if tab.visible]
        pages = [page for tab in window.tabs for page in self._look_at(window, tab, look, shown=shown)]
        drawn = tuple(tab.page for tab in in_front)
        if not in_front or not all(tab.painted for tab in in_front):
            # Until all that is in front has drawn itself the picture may be what it was, or became before it was left.
            left = [tab.page for tab in window.tabs if self._tabs[window.browser, tab.id].was_in_front]
            drawn = _few((*before.drawn, *left, *drawn, *self._passed_by(window, shown=shown)), UNFOLLOWED)
            pages += [replace(page, shown=shown) for page in drawn]
        if shown and not before.shown:
            # What was drawn while it was out of view may flash up, and may have been left before anybody looked.
            pages += [replace(page, shown=True) for page in before.pages]
        if shown and any(tab.closes for tab in in_front) and not any(tab.page.unread for tab in window.tabs):
            # It is closed by a rule then. What could not be read before counts as unread again once that page has left.
            pages = [replace(page, unread=False) for page in pages]
        extensions = {one: until for one, until in before.extensions.items() if until > look.asked}
        extensions |= dict.fromkeys(window.extensions, look.answered + EXTENSION_LINGERS)
        pages += [Page((), shown=shown, unread=True, extension=one) for one in extensions]
        return _Seen(before.since, shown, window.full_screen, tuple(dict.fromkeys(pages)), drawn, extensions)

    def _passed_by(self, window: BrowserWindow, *, shown: bool) -> Iterator[Page]:
        """What events showed that the window may have drawn. In view, any tab may have come and gone."""
        for place, pictures in self._event_pictures.items():
            tab = self._tabs.get(place)
            its_own = tab is None or tab.moved or tab.home == key_of(window)
            if place[0] == window.browser and (shown or its_own):
                yield from (picture.page for picture in pictures)

    def _is_in_view(self, window: BrowserWindow) -> bool:
        partners = self._correlation.partners.get(key_of(window))
        return partners is None or self._all_in_view or not partners.isdisjoint(self._in_view)

    def _look_at(self, window: BrowserWindow, tab: Tab, look: Look, *, shown: bool) -> Iterator[Page]:
        """What the tab shows, and what it last had in front where that picture may come up again.

        Behind another tab only a hover card shows that. It loses what another document has drawn
        (bench/leaks: card_of_another_document).
        """
        place = window.browser, tab.id
        known = self._tabs[place]
        pictures = tuple(one for one in known.pictures if one.until > look.asked)
        page = replace(tab.page, unread=tab.page.unread or tab.unknown > 0)
        # In front at the look before: this page may have been there too, until it was parked.
        yield replace(page, shown=shown, parked=not tab.visible and not known.was_in_front)
        fresh = tab.visible and tab.painted
        may_flash_up = tab.visible or known.was_in_front or look.asked <= known.since + CARD_LINGERS
        if not (fresh and known.was_in_front):
            for picture in pictures:
                if may_flash_up or picture.top in {ANY, known.top}:
                    yield replace(picture.page, shown=shown, parked=not tab.visible)
        now = _Picture(tab.page, known.top or ANY)
        if fresh:
            drawn = (now,)
        elif tab.visible or known.was_in_front:
            # It may have drawn this page, or one that only an event showed, between two looks. The picture in its hover
            # card may be from after this document began.
            unknown = (_Picture(page, until=tab.unknown),) if tab.unknown else ()
            drawn = tuple(
                replace(one, top=now.top) for one in (*pictures, now, *unknown, *self._event_pictures.get(place, ()))
            )
        else:
            drawn = (*pictures, *self._event_pictures.get(place, ()))
        self._tabs[place] = replace(known, pictures=_few(drawn, _Picture(UNFOLLOWED)))

    def _forget(self, asked: int) -> None:
        """Events from before this question: what they left is known."""
        for place, pictures in list(self._event_pictures.items()):
            self._event_pictures[place] = {picture: at for picture, at in pictures.items() if at >= asked}
            if not self._event_pictures[place]:
                del self._event_pictures[place]


def _behind_menus(scene: Scene) -> frozenset[int]:
    """A menu or list of suggestions over covered windows may show what they hold: then they count as shown."""
    menus = {window.pid for window in scene.windows if window.shown and window.kind is WindowKind.POPUP}
    owners = {window.pid for window in scene.windows if window.shown and window.kind is not WindowKind.POPUP}
    return frozenset(window.id for window in scene.windows if window.pid in menus - owners)


def _hints(scene: Scene, full_screen: frozenset[int]) -> Iterator[int]:
    """Chromium's words at full screen, a window of their own that looks like a web notification. Those stand in a
    corner, and these near the top of the window and in its middle.
    """
    under = [window for window in scene.windows if window.id in full_screen]
    for window in scene.windows:
        over = (_is_above_in_the_middle(window.box, other.box) for other in under if other.pid == window.pid)
        if window.kind is WindowKind.NOTIFICATION and window.engine and any(over):
            yield window.id


def _is_above_in_the_middle(small: Box, large: Box) -> bool:
    left, right = small.x - large.x, large.x + large.width - small.x - small.width
    below = small.y + small.height - large.y
    return (
        abs(left - right) <= ROUNDED and left >= FAR_FROM_CORNERS and small.y >= large.y and below * 5 <= large.height
    )


def _few(things: Iterable[T], unfollowed: T) -> tuple[T, ...]:
    """Each once. A page that goes on changing and never draws cannot be followed for ever: then it is not known."""
    each = tuple(dict.fromkeys(things))
    return each if len(each) <= FEW else (unfollowed,)
