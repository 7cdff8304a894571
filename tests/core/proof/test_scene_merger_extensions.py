"""What other extensions may be showing in a browser's window: as long as its browser says so, and a little longer."""

from __future__ import annotations

from agent.core.model.seen import BROWSERS, BrowserWindow, Browsing, Page, Scene
from agent.core.proof.timing import EXTENSION_LINGERS
from tests.core.proof.desk import PLACE, SHOP, Desk, tab, window

STRANGER, OTHER = "ab" * 16, "dialler@example.com"


def browse(desk: Desk, *extensions: str) -> Scene:
    return desk.take(BROWSERS, Browsing((BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab(),), extensions),)))


def may_show(scene: Scene) -> dict[str, bool]:
    """Extension -> whether what it shows would be in view."""
    return {page.extension: page.shown for page in scene.pages if page.extension is not None}


def test_it_is_there_at_once() -> None:
    desk = Desk().settled(tab())
    scene = browse(desk, STRANGER, OTHER)
    assert may_show(scene) == {STRANGER: True, OTHER: True}
    assert Page((), unread=True, extension=STRANGER) in scene.pages
    assert SHOP in scene.pages


def test_it_counts_for_half_a_second_after_the_browser_said_that_it_has_gone() -> None:
    desk = Desk().settled(tab())
    browse(desk, STRANGER)
    assert may_show(browse(desk)) == {STRANGER: True}
    desk.wait(EXTENSION_LINGERS)
    assert may_show(browse(desk)) == {}


def test_one_that_comes_again_begins_anew() -> None:
    desk = Desk().settled(tab())
    browse(desk, STRANGER)
    desk.wait(EXTENSION_LINGERS)
    browse(desk, STRANGER)
    assert may_show(browse(desk)) == {STRANGER: True}


def test_in_a_window_that_is_out_of_view_it_is_too() -> None:
    desk = Desk().settled(tab())
    desk.look(window(shown=False))
    browse(desk)
    desk.look(window(shown=False))
    assert may_show(browse(desk, STRANGER)) == {STRANGER: False}


def test_it_leaves_the_view_with_its_window_as_pages_do() -> None:
    desk = Desk().settled(tab())
    browse(desk, STRANGER)
    assert may_show(desk.look(window(shown=False))) == {STRANGER: True}
