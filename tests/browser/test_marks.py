"""The marks that documents show: where, how, in what pages, and for how long. Each is read from the real screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.extension_live import Live, read, tabs_at, titles
from tests.browser.extension_marks import HIGH, WIDE, Marks, marks, places
from tests.browser.extension_pages import page

pytestmark = pytest.mark.desktop

INNER = "<!doctype html><title>inner</title><p>Inner.</p>"


@pytest.fixture
def screen(live: Live) -> Iterator[Marks]:
    with marks(live) as seen:
        yield seen


def by_url(tab: dict[str, Any], ending: str) -> int:
    (number,) = {frame["id"] for frame in tab["frames"] if frame["url"].endswith(ending)}
    return int(number)


# -- the line -----------------------------------------------------------------------------------------------------


def test_a_look_tells_how_frames_lie_in_each_other_and_which_document_is_in_each(live: Live) -> None:
    live.site.serve({"/inner": INNER, "/middle": f'{INNER}<iframe src="{live.site.here}/inner"></iframe>'})
    with live.opened("nested", f'<iframe src="{live.site.other}/middle"></iframe>'):
        tab = live.look_until_tab("/nested", lambda tab: read(tab) and len(tab["frames"]) == 3)
        top, middle, inner = (
            next(frame for frame in tab["frames"] if frame["url"].endswith(end))
            for end in ("/nested", "/middle", "/inner")
        )
        assert (top["id"], top["parent"]) == (0, -1)
        assert middle["parent"] == 0
        assert inner["parent"] == middle["id"]
        assert len({top["doc"], middle["doc"], inner["doc"], 0}) == 4
        live.site.order("nested", "document.querySelector('iframe').src = '/inner?other'")
        tab = live.look_until_tab("/nested", lambda tab: read(tab) and len(tab["frames"]) == 2)
        assert tab["frames"][0] == top
        assert tab["frames"][1]["id"] == middle["id"]
        assert tab["frames"][1]["doc"] > max(top["doc"], middle["doc"], inner["doc"])


def test_two_frames_show_a_mark_each_and_one_that_is_no_longer_named_shows_none(live: Live, screen: Marks) -> None:
    live.site.serve({"/inner": INNER})
    with live.opened("around", f'<iframe src="{live.site.other}/inner"></iframe>'):
        tab = live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 2)
        frame = by_url(tab, "/inner")
        since = len(live.line.heard)
        numbers = screen.ask(tab["id"], 0, frame)
        for number in numbers.values():
            screen.answer(number, "shown", since)
        screen.until(lambda picture: all(places(picture, number) for number in numbers.values()))
        live.line.tell(kind="mark", tab=tab["id"], marks={str(frame): numbers[frame]})
        screen.until(lambda picture: bool(places(picture, numbers[frame])) and not places(picture, numbers[0]))
        live.line.tell(kind="mark", tab=tab["id"], marks={})
        screen.until(lambda picture: not places(picture, numbers[frame]))


def test_a_mark_goes_when_it_is_not_asked_for_again(live: Live, screen: Marks) -> None:
    with live.opened("forgotten", ""):
        number, _ = screen.seen(live.look_until_tab("/forgotten")["id"], 0)
        screen.until(lambda picture: not places(picture, number))


def test_a_mark_goes_with_its_document_and_does_not_come_back(live: Live, screen: Marks) -> None:
    """Kept by the browser for the way back, it would show a number of another time."""
    script = """onstorage = () => { location.href = '/second' };
        onpageshow = ({persisted}) => { if (persisted) document.title = 'back' }"""
    live.site.serve({"/first": f"<title>first</title><script>{script}</script>", "/second": page("second", "")})
    live.site.order("desk", "window.open('/first', '_blank', 'noopener')")
    before = live.look_until_tab("/first", read)
    number, _ = screen.seen(before["id"], 0)
    live.site.order("desk", "localStorage.go = Math.random()")
    live.look_until_tab("/second", read)
    live.site.send("second", "history.back()")
    answer = live.line.look_until(lambda look: any(read(tab) for tab in tabs_at(look, "/first")))
    assert "back" in titles(answer), "the browser loaded the page anew: nothing was tried"
    (after,) = tabs_at(answer, "/first")
    assert after["frames"][0]["doc"] > before["frames"][0]["doc"]
    other, picture = screen.seen(after["id"], 0)
    assert places(picture, other)
    assert not places(picture, number)
    live.site.order("desk", "localStorage.go = Math.random()")
    live.look_until_tab("/second", read)
    live.site.send("second", "window.close()")


# -- the pixels ---------------------------------------------------------------------------------------------------


def test_copies_stand_in_the_corners_and_in_the_middle(live: Live, screen: Marks) -> None:
    with live.opened("cornered", ""):
        number, picture = screen.seen(live.look_until_tab("/cornered")["id"], 0)
        found = places(picture, number)
        assert len(found) == 5
        (left, top), (right, _), (x, y), (_, bottom), _ = found
        assert found == [(left, top), (right, top), (x, y), (left, bottom), (right, bottom)]
        assert abs((x - left) - (right - x)) <= 1
        assert abs((y - top) - (bottom - y)) <= 1
        live.site.order("cornered", "document.documentElement.style.background = 'rgb(1, 2, 3)'")
        place = screen.until(lambda grabbed: tuple(grabbed[top + HIGH + 4, left + WIDE + 4, :3]) == (3, 2, 1))
        own = (place[:, :, 0] == 3) & (place[:, :, 1] == 2) & (place[:, :, 2] == 1)
        rows, columns = own.any(axis=1).nonzero()[0], own.any(axis=0).nonzero()[0]
        assert (left - columns[0], top - rows[0]) == (2, 2)
        assert (columns[-1] + 1 - right - WIDE, rows[-1] + 1 - bottom - HIGH) == (2, 2)
