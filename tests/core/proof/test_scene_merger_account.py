"""A window whose browser falls away: between that word and the next look at the windows nobody speaks for it."""

from __future__ import annotations

from agent.core.model.seen import BROWSERS, WINDOWS, Box, BrowserWindow, Browsing, Look, Page, Scene, Tab, Window
from agent.core.proof.scene_merger import View

WINDOW = Window(7, "chromium", "Shop - Chromium", 20, Box(0, 0, 9, 9), shown=True, engine=True)
TAB = Tab(1, Page(("https://shop.example/",)), visible=True, painted=True)
BROWSER = BrowserWindow("c", 20, 3, "Shop", Box(0, 0, 9, 9), minimised=False, tabs=(TAB,))


def take(view: View, at: int, witness: str, seen: Scene | Browsing) -> None:
    view.take(Look(witness, at, at + 1, "now", seen))


def accounted(*windows: Window) -> View:
    view = View()
    take(view, 5, BROWSERS, Browsing((BROWSER,)))
    take(view, 10, WINDOWS, Scene(windows))
    take(view, 20, BROWSERS, Browsing((BROWSER,)))
    take(view, 30, WINDOWS, Scene(windows))
    assert not view.lost_account
    return view


def test_a_window_in_view_that_its_browser_speaks_for_no_more_is_in_doubt_until_windows_are_looked_at() -> None:
    view = accounted(WINDOW)
    take(view, 40, BROWSERS, Browsing())
    assert view.lost_account
    take(view, 50, WINDOWS, Scene((WINDOW,)))
    assert not view.lost_account  # that look says itself that nobody accounts for it


def test_a_window_that_was_closed_is_in_no_doubt() -> None:
    view = accounted(WINDOW)
    take(view, 40, WINDOWS, Scene())
    take(view, 50, BROWSERS, Browsing())
    assert not view.lost_account
