"""One extension's side of the conversation: what it has said so far, and whether what it says next can be believed.

Pure: messages in, values out. One of these for each connection; it knows neither the socket nor the clock.
"""

from __future__ import annotations

from typing import Any, Final

from agent.core.model.seen import BROWSERS, BrowserWindow, PageEvent
from agent.witness.browser_peer import Parent, is_a
from agent.witness.browser_words import Answer, Event, Hello, Malformed, Message, PolicyTaken, Scan, read, windows_of

MAX_UNANSWERED: Final = 64  # questions that a silent extension may still answer


class Lost(Exception):
    """A number is missing: what an extension said did not arrive."""


class Stranger(Exception):
    """The browser that the extension names is not the one that started its relay."""


class Extension:
    """Nothing that comes before its hello counts: it was meant for an agent before this one."""

    def __init__(self, number: int, parent: Parent) -> None:
        """`number`: of the connection, never used twice."""
        self._number = number
        self.parent = parent
        self._begin(None)

    def _begin(self, hello: Hello | None) -> None:
        self._hello = hello
        self._next = 2
        self._offered: list[Scan] = []  # sent, and not taken yet
        self._taken: Scan | None = None
        self._refuses = False
        self._unanswered: list[int] = []
        self.silent = False  # did not answer in time, and has not answered since
        self.extensions: tuple[str, ...] = ()  # that are switched on beside it, by its last answer
        self._windows: tuple[BrowserWindow, ...] = ()
        self._windows_as_sent: tuple[list[Any], tuple[str, ...] | None] | None = None

    @property
    def greeted(self) -> bool:
        return self._hello is not None

    @property
    def hello(self) -> Hello | None:
        """How it introduced itself; None before it did."""
        return self._hello

    @property
    def refuses(self) -> bool:
        """Whether it cannot read a selector of the policy that it took last: then it can vouch for nothing."""
        return self._refuses

    def scans_for(self, asked: Scan) -> bool:
        """Whether a look of it can count: it has taken this policy, all of it."""
        return self._taken is asked and not self._refuses

    def offer(self, asked: Scan) -> None:
        """It has been sent this policy."""
        self._offered.append(asked)

    def expects_answer(self, question: int) -> bool:
        """It is to be asked this; False when it already owes so many answers that asking is of no use."""
        if len(self._unanswered) >= MAX_UNANSWERED:
            return False
        self._unanswered.append(question)
        return True

    def hear(self, message: bytes) -> Message | None:
        """What the message says; None when it does not count. Raises Malformed, Lost or Stranger."""
        number, heard = read(message)
        if isinstance(heard, Hello):
            # A second one follows a welcome that an agent before this one had sent: then the first was its as well.
            if number != 1:
                raise Malformed("n of a hello is not 1")
            if not is_a(heard.browser, self.parent):
                raise Stranger
            self._begin(heard)
            return heard
        if self._hello is None:
            return None
        if number != self._next:
            raise Lost
        self._next += 1
        if isinstance(heard, PolicyTaken):
            self._take(heard)
        elif isinstance(heard, Answer):
            if heard.id not in self._unanswered:
                raise Malformed("id is of no question that was asked")
            self._unanswered.remove(heard.id)
            self.silent = False
            self.extensions = heard.extensions
        return heard

    def _take(self, heard: PolicyTaken) -> None:
        taken = next((asked for asked in self._offered if asked.policy == heard.policy), None)
        if taken is not None:
            del self._offered[: self._offered.index(taken) + 1]
            self._taken = taken
            self._refuses = False
        elif self._taken is None or self._taken.policy != heard.policy:
            raise Malformed("hash is of no policy that was sent")
        if any(place >= len(self._taken.css) for place in heard.refused):
            raise Malformed("refused has a place that the policy's list does not have")
        # It may say so once more about the same policy: a browser can try a selector only in its first page.
        self._refuses = self._refuses or bool(heard.refused)

    def page_events(self, event: Event, at: int) -> tuple[PageEvent, ...]:
        """What the event showed, read at `at` (ns)."""
        pages = event.shown_by_extensions()
        if event.urls or not pages:
            pages = (event.page(self._taken.css if self._taken is not None else ()), *pages)
        return tuple(PageEvent(BROWSERS, at, page, self.name, event.tab, event.frame, event.top) for page in pages)

    def windows_of(self, answer: Answer) -> tuple[BrowserWindow, ...]:
        """The very same object as for the answer before when both say the same. Raises Malformed."""
        taken = self._taken
        css = taken.css if taken is not None and answer.policy == taken.policy else None
        if self._windows_as_sent is None or self._windows_as_sent != (answer.windows, css):
            self._windows = windows_of(answer, css, browser=self.name, pid=self.parent.pid)
            self._windows_as_sent = (answer.windows, css)
        return self._windows

    @property
    def name(self) -> str:
        """Which connection: what `BrowserWindow.browser` says of its windows."""
        return f"{self._hello.browser if self._hello is not None else ''}/{self._number}"
