"""A window whose browser falls away: between that word and the next look at the windows no browser speaks for it."""

from __future__ import annotations

from agent.core.model.seen import BROWSERS, WINDOWS, Box, BrowserWindow, Browsing, Look, Page, Scene, Tab, Window
from agent.core.proof.scene_merger import SceneMerger

WINDOW = Window(7, "chromium", "Shop - Chromium", 20, Box(0, 0, 9, 9), shown=True, engine=True)
TAB = Tab(1, Page(("https://shop.example/",)), visible=True, painted=True)
BROWSER = BrowserWindow("c", 20, 3, "Shop", Box(0, 0, 9, 9), minimised=False, tabs=(TAB,))


def take(merger: SceneMerger, at: int, witness: str, seen: Scene | Browsing) -> None:
    merger.take(Look(witness, at, at + 1, "now", seen))


def accounted(*windows: Window) -> SceneMerger:
    merger = SceneMerger()
    take(merger, 5, BROWSERS, Browsing((BROWSER,)))
    take(merger, 10, WINDOWS, Scene(windows))
    take(merger, 20, BROWSERS, Browsing((BROWSER,)))
    take(merger, 30, WINDOWS, Scene(windows))
    assert not merger.lost_account
    return merger


def test_a_window_in_view_that_its_browser_speaks_for_no_more_is_in_doubt_until_windows_are_looked_at() -> None:
    merger = accounted(WINDOW)
    take(merger, 40, BROWSERS, Browsing())
    assert merger.lost_account
    take(merger, 50, WINDOWS, Scene((WINDOW,)))
    assert not merger.lost_account  # that look says itself that no browser accounts for it


def test_a_window_that_was_closed_is_in_no_doubt() -> None:
    merger = accounted(WINDOW)
    take(merger, 40, WINDOWS, Scene())
    take(merger, 50, BROWSERS, Browsing())
    assert not merger.lost_account
