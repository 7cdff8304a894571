"""A browser witness on its real socket, with what it has said, and extensions that are opened at it."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import TypeVar

from agent.core.model.marks import Marked
from agent.core.model.rules import Attribute, Matcher, Policy, Rule
from agent.core.model.seen import Alarm, Blind, Look, PageEvent
from agent.desktop.clock import BootClock
from agent.witness.browser import BrowserWitness
from agent.witness.browser_peer import Parent
from testkit.fakes.browser import WITHIN, FakeExtension, SocketExtension, frame, tab, window

CLOCK = BootClock()
CART = window(1, tab(3, frame("https://shop.example.com/cart")))
CARD = window(2, tab(4, frame("https://pay.example.com/", ["cc-number"], [0])), title="Card")
Said = Look | Alarm | PageEvent | Marked
Kind = TypeVar("Kind", Look, Alarm, PageEvent, Marked)


def policy(name: str, *css: str) -> Policy:
    conditions = (Matcher(Attribute.FIELD, ("cc-number",)), *([Matcher(Attribute.CSS, css)] if css else []))
    return Policy(name, 1, "test", (Rule(0, "cards", "", conditions),))


FIRST = policy("first", "#pan")
SECOND = policy("second", ".card")


class Stage:
    """A witness, what it has delivered, and the extensions that were opened at it."""

    def __init__(self, folder: Path) -> None:
        self._said: queue.SimpleQueue[Said] = queue.SimpleQueue()
        self.path = folder / "home" / "browser.sock"
        self.troubles: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.parent: Parent | Blind = Parent(4242, "chromium")
        self._extensions: list[SocketExtension] = []
        self.failure: BaseException | None = None
        self.stalled = 0.0
        self.witness = BrowserWitness(
            self.path, CLOCK, self._said.put, self.troubles.put, self._parent_of, stalled=lambda: self.stalled
        )
        self.witness.start()

    def _parent_of(self, _: int) -> Parent | Blind:
        if self.failure is not None:
            raise self.failure
        return self.parent

    def next(self) -> Said:
        return self._said.get(timeout=WITHIN)

    def next_is(self, kind: type[Kind]) -> Kind:
        said = self.next()
        assert isinstance(said, kind), said
        return said

    def alarm(self) -> str:
        """Why the next thing is an alarm; it is never in the future."""
        alarm = self.next_is(Alarm)
        assert alarm.witness == "browser"
        assert alarm.at <= CLOCK.now()
        return alarm.why

    def look(self) -> Look:
        return self.next_is(Look)

    def ask(self) -> Look:
        """For a question that no extension is to answer."""
        self.witness.ask()
        return self.look()

    def extension(self, browser: str = "Chromium") -> SocketExtension:
        extension = SocketExtension(self.path, browser=browser)
        self._extensions.append(extension)
        return extension

    def connected(self, browser: str = "Chromium", taking: bool = True) -> SocketExtension:
        """An extension that has said hello and, if a policy is in force, taken it."""
        extension = self.extension(browser)
        extension.greet()
        assert self.alarm() == "browser-connected"
        if taking:
            extension.take_policy()
            self.until_heard(extension)
        return extension

    def until_heard(self, extension: FakeExtension) -> None:
        """Awaits that the witness has taken in all that the extension has said until now."""
        extension.event("mark:")
        while not isinstance(said := self.next(), PageEvent) or said.page.urls != ("mark:",):
            pass

    @property
    def silent(self) -> bool:
        return self._said.empty()

    def close(self) -> None:
        self.witness.close()
        for extension in self._extensions:
            extension.close()
