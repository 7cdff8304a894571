"""What comes before a picture by keyboard alone and without a fault of axe's; `up` starts all that a person needs."""

from __future__ import annotations

import pytest

from testkit.console_browser import wait_for
from testkit.keyboard import press, tab_to
from testkit.player_page import faults_of
from tests.review.opening.conftest import APPROVED, House, Page, reach
from tests.review.opening.test_playing import filed_of, keyed, opened, press_open, ready, waiting
from tests.review.player.conftest import READY, until

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="a browser, and a house of four processes")


CALLED = "document.activeElement.textContent.trim() || document.activeElement.id"


def test_from_the_invitation_to_the_picture_by_keyboard_alone(plain: House, page: Page) -> None:
    plain.enter(page, "ann")
    page.open(plain.invitation("ann"))
    reach(page, "enrol")
    assert page.run("document.activeElement.tagName") == "H2"  # a screen reader says what is new
    tab_to(page, "Make a key in this browser", CALLED)
    press(page, "Enter")
    reach(page, "enrolled")
    assert opened(plain, page, "ann") == "purpose"
    tab_to(page, "purpose-0", CALLED)
    press(page, "ArrowDown")
    wait_for(page, "document.querySelector('#purpose-1').checked")
    tab_to(page, "Open", CALLED)
    press(page, "Enter")
    until(page, READY)
    assert any(b'"open"' in body for _, body in plain.between.seen)


def test_axe_finds_no_fault_in_what_comes_before(keyed: House, page: Page, axe: str) -> None:
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
        found += faults_of(page, axe, f"before a recording, {view.__name__}")
    assert not found, "\n".join(map(str, found))
