"""What comes before a picture by keyboard alone and without a fault of axe's; `up` starts all that a person needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from testkit.axe import question
from testkit.console_browser import picture, press, wait_for
from testkit.devtools import DevTools
from testkit.player_page import switch
from tests.review.opening.conftest import APPROVED, House, Page, reach
from tests.review.opening.test_playing import filed_of, keyed, opened, press_open, ready, waiting
from tests.review.player.conftest import READY, until

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="a browser, and a house of four processes")


def tab_to(page: DevTools, wanted: str) -> None:
    """By the Tab key alone; each step shows where it is."""
    for _ in range(40):
        press(page, "Tab")
        outlined = page.run(
            "(() => {const one = document.activeElement, s = getComputedStyle(one); return one === document.body"
            " || parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none'})()"
        )
        assert outlined, page.run("document.activeElement.outerHTML")
        if page.run("document.activeElement.textContent.trim() || document.activeElement.id") == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


def test_from_the_invitation_to_the_picture_by_keyboard_alone(plain: House, page: Page) -> None:
    if not isinstance(page, DevTools):
        pytest.skip("the keys are pressed by DevTools; Firefox's pages are the same")
    plain.enter(page, "ann")
    page.open(plain.invitation("ann"))
    reach(page, "enrol")
    assert page.run("document.activeElement.tagName") == "H2"  # a screen reader says what is new
    tab_to(page, "Make a key in this browser")
    press(page, "Enter")
    reach(page, "enrolled")
    assert opened(plain, page, "ann") == "purpose"
    tab_to(page, "purpose-0")
    page.press("ArrowDown")
    wait_for(page, "document.querySelector('#purpose-1').checked")
    tab_to(page, "Open")
    press(page, "Enter")
    until(page, READY)
    assert any(b'"open"' in body for _, body in plain.between.seen)


def test_axe_finds_no_fault_in_what_comes_before(keyed: House, page: Page, axe: str, tmp_path: Path) -> None:
    if not isinstance(page, DevTools):
        pytest.skip("axe judges by Chromium; Firefox's pages are the same")
    house, found = keyed, []
    filed = waiting(house)

    def enrol() -> None:
        house.enter(page, "ann")
        page.open(house.invitation("ann"))
        reach(page, "enrol")

    def home() -> None:
        page.open(house.page)
        reach(page, "home")

    def purpose() -> None:
        house.govern(APPROVED)
        assert opened(house, page, "ann") == "purpose"

    def wait() -> None:
        purpose()
        press_open(page, "waiting")
        assert filed_of(page)

    def refused() -> None:
        assert opened(house, page, "pia") == "refused"

    def approve() -> None:
        house.enter(page, "cleo")
        house.show(page, "approve", filed)
        reach(page, "approve")

    for view in (enrol, home, purpose, wait, refused, approve):
        view()
        for language in ("en", "de"):
            for scheme, width in (("light", 1280), ("dark", 1280), ("light", 800), ("light", 320)):
                switch(page, language, scheme)
                picture(page, tmp_path / f"{view.__name__}-{language}-{scheme}-{width}.png", scheme, width)
                wide = page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, f"{view.__name__} at {width}: {wide} px to the side"
                page.run(axe)
                ran = page.run(question())
                assert ran["passes"]
                found += [
                    (view.__name__, scheme, width, one["id"], [node["html"][:120] for node in one["nodes"]])
                    for one in ran["violations"]
                ]
    page.run("document.documentElement.lang !== 'en' && document.querySelector('#language').click()")
    assert not found, "\n".join(map(str, found))
