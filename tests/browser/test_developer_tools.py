"""Developer tools show what no look at a page finds: a page beside them is unread, and so is a window of their own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.browser.extension_live import Live, browser, press, read, tabs, urls

pytestmark = pytest.mark.desktop


def test_a_page_beside_developer_tools_is_unread_as_long_as_they_are_open(live: Live) -> None:
    with live.opened("tooled", "<p>Nothing.</p>"):
        since = len(live.line.heard)
        press(live.display, "F12")
        event = live.line.await_one(lambda told: told.get("what") == "tools", since)
        assert event["unread"]
        assert event["urls"] == [f"{live.site.here}/tooled"]
        tab = live.look_until_tab("/tooled")
        assert not read(tab)
        assert urls(tab) == [f"{live.site.here}/tooled"]
        live.look_until_tab("/desk", read)
        press(live.display, "F12")
        live.look_until_tab("/tooled", read)


def test_a_page_that_lost_much_of_its_place_is_unread_before_tools_have_said_so(live: Live) -> None:
    """As when tools dock. Here the browser's own sidebar takes the place, so that nothing else says so."""
    if live.name == "chromium":
        pytest.skip("no key of Chromium's puts anything but developer tools beside a page")
    with live.opened("crowded", "<p>Nothing.</p>"):
        time.sleep(0.6)  # what follows a change of the window's size does not count
        assert read(live.look_until_tab("/crowded"))
        press(live.display, "Control_L", "b")
        live.look_until_tab("/crowded", lambda tab: not read(tab))
        live.look_until_tab("/crowded", read)
        press(live.display, "Control_L", "b")


def test_developer_tools_in_a_window_of_their_own_are_an_unread_window(tmp_path: Path) -> None:
    own_window = {"devtools": {"preferences": {"currentDockState": '"undocked"'}}}
    with browser("chromium", tmp_path, preferences=own_window) as live:
        press(live.display, "F12")
        look = live.line.look_until(lambda look: len(look["windows"]) == 2)
        (tools,) = [tab for tab in tabs(look) if tab["id"] == -1]
        assert (tools["visible"], tools["unread"]) == (True, True)
        assert urls(tools)[0].startswith("devtools://")
        live.look_until_tab("/desk", lambda tab: not read(tab))
