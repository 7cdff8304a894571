"""The daemon with two witnesses, turned by hand: when browsers are asked, and what the lid says in between."""

from __future__ import annotations

from agent.core.model.marks import Sighted
from agent.core.model.media import Frame
from agent.core.model.rules import Attribute, Matcher, Policy, Rule
from agent.core.model.seen import (
    BROWSERS,
    WINDOWS,
    Box,
    BrowserWindow,
    Browsing,
    Look,
    Page,
    PageEvent,
    Scene,
    Tab,
    Window,
)
from agent.core.model.times import MILLISECOND, Span
from agent.pipeline import Mailbox
from agent.recorder.daemon import Daemon
from agent.recorder.messages import Message, PolicyArrived
from agent.recorder.recording import Order
from agent.recorder.shutter import Grabbed, Shutter
from testkit.fakes.clock import HandClock
from tests.agent.recorder.daemon_rig import Asked, EmptySeat, Pages

POLICY = Policy("hash-1", 1, "test", (Rule(0, "cards", "PCI", (Matcher(Attribute.URL, ("pay.example",)),)),))
WINDOW = Window(7, "chromium", "Shop - Chromium", 20, Box(0, 0, 9, 9), shown=True, engine=True)
NOTES = Window(8, "notes", "Notes", 21, Box(0, 0, 9, 9), shown=True)
SHOP, PAY = Page(("https://shop.example/",)), Page(("https://pay.example/",))


class Rig:
    def __init__(self) -> None:
        self.clock, self.ledger = HandClock(), Pages()
        self._orders: Mailbox[Order] = Mailbox(64)
        self.windows, self.browsers = Asked(WINDOWS), Asked(BROWSERS)
        self.daemon = Daemon(
            Mailbox[Message](8),
            clock=self.clock,
            witnesses=(self.windows, self.browsers),
            seat=EmptySeat(),
            shutter=Shutter(self.clock),
            wake_capture=lambda: None,
            orders=self._orders,
            ledger=self.ledger,
            drain=lambda: None,
            seek=self._seek,
        )
        self._sought: frozenset[int] = frozenset()
        self.daemon.start()
        self.daemon.turn(PolicyArrived(POLICY))

    def _seek(self, marks: frozenset[int], _: int) -> None:
        self._sought = marks

    def wait(self, milliseconds: int) -> None:
        self.clock.time += milliseconds * MILLISECOND
        self.daemon.turn(None)

    def answer(self, witness: str, seen: Scene | Browsing, policy: str = POLICY.hash) -> None:
        asked = self.clock.time
        self.clock.time += MILLISECOND
        self.daemon.turn(Look(witness, asked, self.clock.time, policy, seen))

    def browse(self, page: Page = SHOP, *, policy: str = POLICY.hash) -> None:
        tab = Tab(1, page, visible=True, painted=True)
        self.answer(BROWSERS, Browsing((BrowserWindow("c", 20, 3, "Shop", Box(0, 0, 9, 9), False, (tab,)),)), policy)

    def round(self, page: Page = SHOP) -> None:
        self.wait(120)
        self.answer(WINDOWS, Scene((WINDOW,)))
        self.browse(page)
        while self._sought:  # the display shows what every page is by now
            self.daemon.turn(Sighted(self._sought, self.clock.time))

    def ordered(self) -> list[Order]:
        return [order for _ in range(len(self._orders)) if (order := self._orders.get(0)) is not None]

    def opened(self) -> Rig:
        for _ in range(4):
            self.round()
        assert self.daemon.screen.proof.reasons == ()
        return self


def test_browsers_are_asked_after_the_windows_have_been_looked_at() -> None:
    rig = Rig()
    rig.wait(120)
    assert (rig.windows.questions, rig.browsers.questions) == (1, 0)
    rig.answer(WINDOWS, Scene((WINDOW,)))
    assert (rig.windows.questions, rig.browsers.questions) == (1, 1)


def test_closed_for_a_page_an_event_is_asked_about_at_once() -> None:
    rig = Rig().opened()
    rig.round(PAY)
    assert [reason.id for reason in rig.daemon.screen.proof.reasons] == ["cards"]
    before = rig.windows.questions
    rig.daemon.turn(None)
    assert rig.windows.questions == before
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, SHOP, "c", 1))
    assert rig.windows.questions == before + 1
    asked = rig.browsers.questions
    rig.answer(WINDOWS, Scene((WINDOW,)))
    assert rig.browsers.questions == asked + 1


def test_open_an_event_of_a_harmless_page_asks_nothing() -> None:
    rig = Rig().opened()
    before = rig.windows.questions
    rig.daemon.turn(PageEvent(BROWSERS, rig.clock.time, SHOP, "c", 1))
    assert rig.windows.questions == before


def test_the_lid_stays_shut_when_a_browser_falls_away_until_the_windows_were_looked_at() -> None:
    rig = Rig().opened()
    rig.answer(BROWSERS, Browsing())
    assert [reason.id for reason in rig.daemon.screen.proof.reasons] == ["blind"]
    rig.answer(WINDOWS, Scene((WINDOW,)))
    assert [reason.id for reason in rig.daemon.screen.proof.reasons] == ["web-engine"]


def test_what_the_account_calls_closed_for_a_browser_that_fell_away_is_not_kept() -> None:
    """Also where the windows then say that all is well: its last window was just being closed."""
    rig = Rig().opened()
    for _ in range(12):  # what windows left behind on the screen is gone by then
        rig.round()
    rig.answer(BROWSERS, Browsing())
    closed = rig.clock.time
    rig.clock.time += MILLISECOND
    span = Span(rig.clock.time, rig.clock.time + MILLISECOND)
    rig.daemon.turn(Grabbed((Frame(0, span, 2, 2, b"", whole=True),), ()))
    rig.clock.time += 5 * MILLISECOND
    rig.answer(WINDOWS, Scene((NOTES,)))
    assert rig.daemon.screen.proof.reasons == ()
    for _ in range(20):
        rig.wait(120)
        rig.answer(WINDOWS, Scene((NOTES,)))
        rig.answer(BROWSERS, Browsing())
    entries = [kind for kind, _ in rig.ledger.entries]
    assert entries[-2:] == ["lane-closed", "lane-open"]
    kept = [order.span for order in rig.ordered() if isinstance(order, Frame)]
    assert [span for span in kept if span.end > closed] == []


def test_what_was_scanned_for_another_policy_says_nothing() -> None:
    rig = Rig().opened()
    rig.wait(120)
    rig.answer(WINDOWS, Scene((WINDOW,)))
    rig.browse(PAY, policy="hash-0")
    assert rig.daemon.screen.proof.reasons == ()
