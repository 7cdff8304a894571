"""The daemon with a browser's window in view: looks that another policy asked for, and events between two looks."""

from __future__ import annotations

from agent.core.model.rules import Attribute, Matcher, Policy, Rule
from agent.core.model.seen import BROWSERS, Box, BrowserWindow, Browsing, Look, Page, PageEvent, Scene, Tab, Window
from agent.core.model.times import MILLISECOND
from agent.core.proof.clearance import ANSWERS_WITHIN
from agent.recorder.messages import PolicyArrived
from tests.agent.recorder.daemon_rig import Rig

CARDS = Rule(0, "cards", "PCI DSS", (Matcher(Attribute.URL, ("pay.example",)),))
SHOP, PAY = (Page((f"https://{host}.example/",)) for host in ("shop", "pay"))
PLACE = Box(0, 0, 100, 100)


class Browsed(Rig):
    """A browser with one window in view, looked into twice under the policy."""

    def __init__(self, before: Page) -> None:
        super().__init__(browsers=True)
        self.daemon.turn(PolicyArrived(Policy("cards", 1, "test", (CARDS,))))
        for page in (SHOP, SHOP, before, before):
            self.browse(page)
            self.draw()

    def browse(self, page: Page, policy: str = "cards") -> None:
        """The desktop first: what browsers say is only as fresh as what is known of the windows."""
        self.look(Scene((Window(7, "chromium", "Shop - Chromium", 20, PLACE, shown=True, engine=True),)), policy)
        self.wait(1)
        asked = self.clock.time
        self.wait(1)
        window = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (Tab(1, page, visible=True),))
        self.daemon.turn(Look(BROWSERS, asked, self.clock.time, policy, Browsing((window,))))

    def closed_by(self) -> list[str]:
        return [reason.id for reason in self.daemon.screen.proof.said(BROWSERS)]


def test_a_look_scanned_for_another_policy_takes_nothing_away_from_what_is_known_of_a_page() -> None:
    rig = Browsed(before=PAY)
    assert rig.closed_by() == ["cards"]
    rig.browse(SHOP, policy="before")  # it was not asked for what this policy names
    rig.browse(SHOP)
    assert rig.closed_by() == ["cards"]
    rig.draw()
    rig.browse(SHOP)
    assert rig.closed_by() == []


def test_a_look_scanned_for_another_policy_answers_the_question_all_the_same() -> None:
    rig = Browsed(before=SHOP)
    rig.browse(SHOP, policy="before")
    rig.clock.time += ANSWERS_WITHIN - MILLISECOND
    rig.daemon.turn(None)
    assert rig.closed_by() == []


def test_an_event_closes_until_the_page_in_front_has_drawn_over_what_it_told_of() -> None:
    rig = Browsed(before=SHOP)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, PAY, "c", 1))
    assert rig.closed_by() == ["cards"]
    rig.browse(SHOP)
    assert rig.closed_by() == ["cards"]
    rig.draw()
    rig.browse(SHOP)
    assert rig.closed_by() == []


def test_a_harmless_event_closes_nothing() -> None:
    rig = Browsed(before=SHOP)
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, SHOP, "c", 1))
    assert rig.closed_by() == []
    assert rig.daemon.screen.proof.asked(BROWSERS) is not None
