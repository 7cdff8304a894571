"""Whatever the title of its page, a browser's window is found on the desktop: both browsers as they really are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from agent.core.model.seen import Box, BrowserWindow, Page, Scene, Tab, Window, WindowKind
from agent.core.proof.window_correlation import WindowCorrelation
from agent.desktop.x11 import X11Desktop
from tests.browser.extension_live import Live, tabs_at
from tests.browser.extension_pages import OBEY

pytestmark = pytest.mark.desktop

WITHIN = 15.0  # seconds until a window has its title

TITLES = {
    "plain": "Shop",
    "hebrew": "\u05d7\u05d3\u05e9\u05d5\u05ea",
    "arabic": "\u0623\u062e\u0628\u0627\u0631 \u0627\u0644\u064a\u0648\u0645 123",
    "mixed": "Shop \u05d7\u05d3\u05e9\u05d5\u05ea (3) - news",
    "marks": "\u200fa\u200eb \u202bc\u202c \u2067d\u2069",
    "257": "x" * 257,
    "1000": "word " * 200,
    "5000": "\u6f22" * 5000,
    "through a character": "x" + "\U0001f600" * 200,
    "emoji": "\U0001f600 \U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "white space": " a\n\tb \u00a0 c\u2003d ",
    "control characters": "a\u0001b\u0007c\u007fd\u0085e",
    "nul": "a\u0000b",
    "half a character": "a\ud83d b",
}


@pytest.fixture
def desktop(live: Live) -> Iterator[X11Desktop]:
    watched = X11Desktop(live.display)
    yield watched
    watched.close()


def await_bond(live: Live, desktop: X11Desktop, path: str, meant: Callable[[str], bool]) -> None:
    """`meant`: whether the tab's title is the one that the test is about."""
    end, told, found = time.monotonic() + WITHIN, "", list[Window]()
    while time.monotonic() < end:
        seen = desktop.look()
        assert isinstance(seen, Scene)
        found = [window for window in seen.windows if window.engine and window.kind is WindowKind.NORMAL]
        answer = live.line.look_until(lambda look: bool(tabs_at(look, path)))
        [window] = answer["windows"]
        told, [tab] = window["title"], tabs_at(answer, path)
        front = Tab(tab["id"], Page(tuple(frame["url"] for frame in tab["frames"])), visible=True)
        pid = found[0].pid if found else 0
        assert isinstance(pid, int)
        own = BrowserWindow("c", pid, window["id"], told, Box(*window["box"]), window["minimised"], (front,))
        if found and meant(told) and WindowCorrelation().renewed((own,), tuple(found)).accounted:
            return
        desktop.wait(0.1)
    pytest.fail(f"told {told!r}, found {[window.title for window in found]}")


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES.keys())
def test_a_window_is_found_by_its_pages_title(live: Live, desktop: X11Desktop, title: str) -> None:
    with live.opened("titled", ""):
        live.site.order("titled", f"document.title = {json.dumps(title)}")
        await_bond(live, desktop, "/titled", lambda told: told.split()[:1] != ["titled"])


@pytest.mark.parametrize("head", ["", "<title></title>", "<title>  </title>"], ids=["none", "empty", "blank"])
@pytest.mark.parametrize("path", ["/untitled", "/un titled"], ids=["plain", "encoded"])
def test_a_window_is_found_without_a_title(live: Live, desktop: X11Desktop, head: str, path: str) -> None:
    encoded = path.replace(" ", "%20")
    live.site.serve({encoded: f"<!doctype html>{head}<body data-page=untitled>{OBEY}<p>Text."})
    live.site.order("desk", f"window.open({json.dumps(live.site.here + encoded)})")
    try:
        await_bond(live, desktop, encoded, lambda told: "titled" in told)
    finally:
        live.site.send("untitled", "window.close()")
        live.line.look_until(lambda look: not tabs_at(look, encoded))
