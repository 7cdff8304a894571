"""What another extension shows over or beside pages: each look says in which windows it may, and in no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.browser.manifests import chromium_id
from agent.core.model.seen import Scene, WindowKind
from agent.desktop import current_desktop
from testkit import displays
from testkit.browsers import PANEL, POPUP, STRANGER, gecko_id
from testkit.desktops import look_until
from testkit.hands import Hands
from tests.browser.extension_live import Live, browser, fields, press, read, tabs

pytestmark = pytest.mark.desktop


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A browser with the stranger in it, its page in front and with the focus."""
    with browser(request.param, tmp_path_factory.mktemp(request.param), beside=[STRANGER]) as running:
        running.line.look_until(lambda look: may_show(look) == [[]])
        yield running


def stranger(live: Live) -> str:
    return chromium_id(STRANGER) if live.name == "chromium" else gecko_id(STRANGER)


def may_show(look: dict[str, Any]) -> list[list[str]]:
    """For each window the extensions that may be showing something in it."""
    return [window["extensions"] for window in look["windows"]]


def lose_focus(live: Live) -> None:
    """Until the page says that it has no focus any more."""
    live.site.order("desk", "while (document.hasFocus()) await new Promise((then) => setTimeout(then, 10));")


def take_focus(live: Live) -> None:
    """By a click into the page: a panel that closes may take the focus along, and then no key reaches the browser."""
    with displays.connection(live.display) as link:
        Hands(link).click(500, 600)
    live.site.order("desk", "while (!document.hasFocus()) await new Promise((then) => setTimeout(then, 10));")


def test_it_is_switched_on_and_shows_nothing(visited: Live) -> None:
    look = visited.line.look()
    assert look["extensions"] == [stranger(visited)]
    assert may_show(look) == [[]]


def test_its_late_root_in_a_page(visited: Live) -> None:
    with visited.opened("entered", "<div id=host></div>"):
        attach = "document.getElementById('host').dispatchEvent(new Event('stranger-attach', {bubbles: true}))"
        visited.site.order("entered", attach)
        visited.look_until_tab("/entered", lambda tab: read(tab) and fields(tab) == {"cc-number"})


def test_its_popup(visited: Live) -> None:
    since = len(visited.line.heard)
    if visited.name == "firefox":
        desktop = current_desktop(visited.display)
        try:
            press(visited.display, *POPUP)
            # A window that no look at the browser accounts for: it closes for its own sake.
            look_until(desktop, lambda seen: sum(counts_for_itself(seen)) == 2)
            press(visited.display, "Escape")
            look_until(desktop, lambda seen: sum(counts_for_itself(seen)) == 1)
        finally:
            desktop.close()
        return
    press(visited.display, *POPUP)
    event = visited.line.await_one(lambda told: told.get("what") == "extension", since)
    assert (event["urls"], event["extensions"]) == ([], [stranger(visited)])
    assert may_show(visited.line.look()) == [[stranger(visited)]]
    press(visited.display, "Escape")
    visited.line.look_until(lambda look: may_show(look) == [[]])


def counts_for_itself(seen: Scene) -> list[bool]:
    return [window.engine and window.shown and window.kind is WindowKind.NORMAL for window in seen.windows]


def test_the_address_bar_has_the_focus_and_no_extension_shows_anything(visited: Live) -> None:
    press(visited.display, "Control_L", "l")
    lose_focus(visited)
    assert may_show(visited.line.look()) == [[]]
    press(visited.display, "Escape")
    press(visited.display, "Escape")


def test_its_panel_beside_the_page_as_long_as_it_is_there(visited: Live) -> None:
    press(visited.display, *PANEL)
    visited.line.look_until(lambda look: may_show(look) == [[stranger(visited)]])
    press(visited.display, *PANEL)
    visited.line.look_until(lambda look: may_show(look) == [[]])


def test_a_page_in_place_of_the_browsers_own(visited: Live) -> None:
    """Chromium tells the address of the page that was replaced, so that of the page itself nobody knows."""
    if visited.name == "firefox":
        pytest.skip("Firefox tells the address of the extension's own page, which is unread")
    take_focus(visited)
    press(visited.display, "Control_L", "h")
    look = visited.line.look_until(lambda look: may_show(look) != [[]])
    assert may_show(look) == [[stranger(visited)]]
    assert len(tabs(look)) == 2
    press(visited.display, "Control_L", "w")
    visited.line.look_until(lambda look: may_show(look) == [[]])


def test_where_there_is_no_other_extension_nothing_is_lost(live: Live) -> None:
    press(live.display, "Control_L", "d")  # the bubble of bookmarks takes the focus from the browser's window
    lose_focus(live)
    look = live.line.look()
    assert look["extensions"] == []
    assert may_show(look) == [[]]
    press(live.display, "Escape")
