"""A desk for tests of the view: windows and tabs to show it, and a clock that moves on by itself."""

from __future__ import annotations

from itertools import count

from agent.core.model.seen import (
    ANY,
    BROWSERS,
    TOP,
    WINDOWS,
    Blind,
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
    WindowKind,
)
from agent.core.proof.scene_merger import SceneMerger

PLACE = Box(0, 0, 800, 600)
SHOP, PAY, WIKI = (Page((f"https://{host}.example/",)) for host in ("shop", "pay", "wiki"))


def window(shown: bool = True, number: int = 7, kind: WindowKind = WindowKind.NORMAL) -> Window:
    return Window(number, "chromium", "Shop - Chromium", 20, PLACE, shown=shown, engine=True, kind=kind)


def tab(page: Page = SHOP, number: int = 1, *, visible: bool = True, painted: bool = True, top: int = 0) -> Tab:
    """`top`: the number of its top document; 0: it has no script."""
    documents = (Document(TOP, -1, page, top),) if top else ()
    return Tab(number, page, visible=visible, painted=visible and painted, documents=documents)


class Desk:
    """A view and a clock: every look is asked and answered a moment after the one before."""

    def __init__(self) -> None:
        self.merger = SceneMerger()
        self._moments = count(1)

    def wait(self, nanoseconds: int) -> None:
        self._moments = count(next(self._moments) + nanoseconds - 1)

    def page_event(
        self, page: Page, tab: int = 1, browser: str = "c", *, at: int | None = None, top: int = ANY
    ) -> None:
        now = next(self._moments) if at is None else at
        self.merger.page_event(PageEvent(BROWSERS, now, page, browser, tab, top=top))

    def look(self, *windows: Window) -> Scene:
        return self.take(WINDOWS, Scene(windows))

    def take(self, witness: str, seen: Scene | Browsing | Blind, *, asked: int | None = None, lag: int = 0) -> Scene:
        begun = next(self._moments)
        look = Look(witness, begun if asked is None else asked, next(self._moments), "now", seen, lag=lag)
        self.last = self.merger.take(look)
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


def parked(scene: Scene) -> set[Page]:
    return {Page(page.urls) for page in scene.pages if page.shown and page.parked}
