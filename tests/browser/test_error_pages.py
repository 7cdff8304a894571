"""The browser's own page in place of one that did not load: its address is told, and nothing of anybody's is in it."""

from __future__ import annotations

import socket

import pytest

from tests.browser.extension_live import Live, press, read, tabs, tabs_at, urls

pytestmark = pytest.mark.desktop


@pytest.fixture
def refused() -> str:
    """An address at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}/refused"


def test_it_is_told_by_its_address(live: Live, refused: str) -> None:
    live.site.order("desk", f"window.open({refused!r})")
    tab = live.look_until_tab("/refused", read)
    assert urls(tab) == [refused]
    assert tab["visible"]
    press(live.display, "Control_L", "w")
    live.line.look_until(lambda look: not tabs_at(look, "/refused"))


def test_a_page_of_the_browsers_that_is_none_stays_unread(live: Live) -> None:
    press(live.display, "Control_L", "t")
    new = live.line.look_until(lambda look: len(tabs(look)) == 2 and all(map(read, tabs_at(look, "/desk"))))
    assert sorted(map(read, tabs(new))) == [False, True]
    press(live.display, "Control_L", "w")
    live.line.look_until(lambda look: len(tabs(look)) == 1)


def test_a_frame_with_one_is_there_and_has_no_address_of_its_own(live: Live, refused: str) -> None:
    """It is drawn later than the page around it, whose mark may not stand for it."""
    with live.opened("around", f'<iframe src="{live.site.other}/desk"></iframe>'):
        tab = live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 2)
        before = tab["frames"][1]
        live.site.order("around", f"document.querySelector('iframe').src = {refused!r}")
        tab = live.look_until_tab("/around", lambda tab: read(tab) and before not in tab["frames"])
        (frame,) = tab["frames"][1:]
        assert (frame["id"], frame["url"], frame["doc"]) == (before["id"], "about:blank", 0)


def test_a_page_that_comes_after_it_is_seen(live: Live, refused: str) -> None:
    live.site.order("desk", f"window.again = window.open({refused!r})")
    live.look_until_tab("/refused", read)
    live.site.order("desk", f"window.again.location = {live.site.here + '/desk'!r}")
    live.line.look_until(lambda look: len([tab for tab in tabs_at(look, "/desk") if read(tab)]) >= 1)
    live.line.look_until(lambda look: not tabs_at(look, "/refused"))
    press(live.display, "Control_L", "w")
