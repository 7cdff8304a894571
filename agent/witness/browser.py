"""The browser witness: one thread that asks every connected browser what is open, and passes on what they tell unasked.

A browser that cannot be believed is left out: its windows are then unaccounted for, and close the eye. Only
one that falls silent during a question makes the whole answer blind, since it was counted on.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.core.account.troubles import TroubleCode
from agent.core.model.rules import Policy
from agent.core.model.seen import BROWSERS, Alarm, Blind, Browsing, Look, PageEvent
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.marks import Marked, Request
from agent.core.proof.timing import page_lag
from agent.ports import Clock
from agent.witness import browser_words as words
from agent.witness.browser_extension import Extension, Lost, Stranger
from agent.witness.browser_peer import Parent, is_a_browser, parent_of, peer_of
from agent.witness.browser_round import Round
from agent.witness.browser_socket import FROM_AGENT, Connection, Ended, Excess, listen

ANSWER_WITHIN: Final = 900 * MILLISECOND
ASK_AGAIN: Final = SECOND  # between two questions to an extension that has fallen silent
MAX_CONNECTIONS: Final = 64
MAX_STRANGERS: Final = 1000  # remembered, so that each is one alarm

# Why an alarm.
CONNECTED: Final = "browser-connected"
DISCONNECTED: Final = "browser-disconnected"
LOST: Final = "browser-message-lost"
MALFORMED: Final = "browser-message-malformed"
EXCESS: Final = "browser-message-excess"
STRANGER: Final = "browser-stranger"
DIED: Final = "browser-witness-died"


@dataclass(slots=True, eq=False)
class _Browser:
    """A connection and the extension at its end."""

    connection: Connection
    extension: Extension
    asked: int = 0  # when it was asked last
    writing: bool = False  # whether the selector watches for room to write


@dataclass(frozen=True, slots=True)
class Connected:
    """A browser whose extension has introduced itself, for status. `private`: it may see private windows.
    `extensions`: ids of the others that are switched on, as far as it has told."""

    browser: str
    version: str
    private: bool
    extensions: tuple[str, ...] = ()


class BrowserWitness:
    """Looks, alarms and page events go to `deliver` in the order in which they happened, all from one thread.

    Without a browser a look says that nothing is open. One that did not come within 0.9 s saw `Blind.NO_ANSWER`; so
    does every question after the thread has ended for a reason of its own.
    """

    name = BROWSERS

    def __init__(
        self,
        socket_path: Path,
        clock: Clock,
        deliver: Callable[[Look | Alarm | PageEvent | Marked], None],
        trouble: Callable[[TroubleCode], None],
        parent_of: Callable[[int], Parent | Blind] = parent_of,
        *,
        policy: str = "",
        stalled: Callable[[], float],
    ) -> None:
        """`trouble`: is called with CSS_REFUSED or POLICY_TOO_LONG, once a policy, from the witness's thread.
        `policy`: the hash that looks carry until `judge_with`; browsers are asked for nothing before.
        `stalled`: the share of the last moments in which programs had to wait for a core; from that thread too.

        Raises UserError or EnvironmentFault when the socket cannot be made.
        """
        self._clock = clock
        self._deliver = deliver
        self._trouble = trouble
        self._parent_of = parent_of
        self._stalled = stalled
        self._path = socket_path
        self._lock = threading.Lock()
        self._wanted = words.Scan(policy)  # what was called for last
        self._asked = False
        self._requests: list[Request] = []
        self._ending = False

        # Below: the thread's own.
        self._questions = self._wanted
        self._troubled: set[TroubleCode] = set()  # codes told for the policy in force
        self._browsers: dict[int, _Browser] = {}  # by file descriptor
        self._count = 0
        self._strangers: set[int] = set()
        self._round: Round[_Browser] | None = None
        # Not from 1: an answer meant for an agent before this one must fit no question of this one.
        self._id = secrets.randbelow(2**40)
        self._last = Browsing()
        self._connected: tuple[Connected, ...] = ()  # read by others

        self._listening = listen(socket_path)
        self._bell, self._wake_up = socket.socketpair()
        self._bell.setblocking(False)
        self._wake_up.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="browser witness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def connected(self) -> tuple[Connected, ...]:
        """The browsers that can be asked at this moment. Any thread."""
        return self._connected

    def ask(self) -> None:
        """A look that is asked after now will come. Questions that have not been taken up yet are one. Any thread."""
        with self._lock:
            ended = self._ending
            if not ended and not self._asked:
                self._asked = True
                self._ring()
        if ended:
            self._answer_blind()

    def judge_with(self, policy: Policy) -> None:
        """Browsers are told to scan for what it names; looks asked from now on carry its hash. Any thread."""
        asked = words.scan_patterns(policy)
        with self._lock:
            self._wanted = asked
            if not self._ending:
                self._ring()

    def show(self, request: Request) -> None:
        """Documents are asked to show marks; what they say of it is delivered. Any thread."""
        with self._lock:
            if not self._ending:
                self._requests.append(request)
                self._ring()

    def close(self) -> None:
        """Ends the thread and removes the socket. From any other thread, once `start` was called."""
        with self._lock:
            if not self._ending:
                self._ending = True
                self._ring()
        self._thread.join()

    def _ring(self) -> None:
        try:
            self._wake_up.send(b"\0")
        except BlockingIOError:
            return  # so full of rings that it will be heard

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        try:
            self._attend()
            ended = True
        finally:
            # However it ended: from now on a question is answered that no look will come.
            with self._lock:
                self._ending = True
            try:
                if not ended:
                    self._alarm(DIED)
                    self._answer_blind()
            finally:
                self._hang_up()

    def _attend(self) -> None:
        while not self._ending:
            for key, events in self._selector.select(self._patience()):
                if key.fileobj is self._bell:
                    self._hear_bell()
                elif key.fileobj is self._listening:
                    self._accept()
                else:
                    self._serve(key.data, events)
            self._take_up()

    def _patience(self) -> float | None:
        """Seconds until the browsers that are being asked have had their time; None while none is."""
        if self._round is None:
            return None
        return max(0, self._round.asked + ANSWER_WITHIN - self._clock.now()) / SECOND

    def _hear_bell(self) -> None:
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            return

    def _take_up(self) -> None:
        """What has been called for by other threads, and what has become of the question that is under way."""
        with self._lock:
            wanted, requests, self._requests = self._wanted, self._requests, []
        for request in requests:
            self._ask_for_marks(request)
        if wanted is not self._questions:
            self._questions = wanted
            self._troubled.clear()
            for browser in list(self._browsers.values()):
                if browser.extension.greeted:
                    self._send_policy(browser)
        if self._round is not None and self._clock.now() >= self._round.asked + ANSWER_WITHIN:
            self._give_up(self._round)
        if self._round is None:
            with self._lock:
                asked, self._asked = self._asked, False
            if asked and not self._ending:
                self._begin_round()

    def _ask_for_marks(self, request: Request) -> None:
        """Of a browser that has gone there is nothing to ask."""
        for browser in list(self._browsers.values()):
            if browser.extension.greeted and browser.extension.name == request.browser:
                self._tell(browser, words.mark(request.tab, request.marks))

    # -- looks -----------------------------------------------------------------------------------------------------

    def _begin_round(self) -> None:
        self._id += 1
        self._round = round_ = Round[_Browser](self._id, self._clock.now(), self._questions.policy)
        able = [browser for browser in self._browsers.values() if browser.extension.scans_for(self._questions)]
        round_.waiting.update(browser for browser in able if not browser.extension.silent)
        message = words.look(self._id)
        for browser in able:
            # The silent are asked now and then, and not waited for.
            if browser.extension.silent and round_.asked - browser.asked < ASK_AGAIN:
                continue
            if browser.extension.expects_answer(self._id):
                browser.asked = round_.asked
                self._tell(browser, message)
        self._end_round()

    def _end_round(self) -> None:
        """Delivers the look if no answer is being waited for."""
        done = self._round
        if done is None or done.waiting:
            return
        self._round = None
        windows = done.windows(self._browsers.values())
        # The very same object lets the core pass over what it has judged already.
        known = self._last.windows
        if len(windows) != len(known) or any(new is not old for new, old in zip(windows, known, strict=True)):
            self._last = Browsing(windows)
        lag = page_lag(self._stalled())
        self._deliver(Look(self.name, done.asked, self._clock.now(), done.scanned_with, self._last, lag=lag))

    def _give_up(self, round_: Round[_Browser]) -> None:
        for browser in round_.waiting:
            browser.extension.silent = True
        self._round = None
        self._deliver(Look(self.name, round_.asked, self._clock.now(), round_.policy, Blind.NO_ANSWER))

    def _take_answer(self, browser: _Browser, answer: words.Answer) -> None:
        round_ = self._round
        if round_ is None or answer.id != round_.id or browser not in round_.waiting:
            return  # late
        round_.answer(browser, answer.policy, browser.extension.windows_of(answer))
        self._end_round()

    def _leave_round(self, browser: _Browser) -> None:
        if self._round is not None:
            self._round.leave(browser)
            self._end_round()

    # -- connections -----------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            end, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        try:
            pid = peer_of(end)
            parent = pid if isinstance(pid, Blind) else self._parent_of(pid)
        except BaseException:  # the connection has no owner yet, and would stay open
            end.close()
            raise
        if isinstance(parent, Blind) or not is_a_browser(parent) or len(self._browsers) >= MAX_CONNECTIONS:
            end.close()
            self._meet_stranger(parent)
            return
        self._count += 1
        browser = _Browser(Connection(end), Extension(self._count, parent))
        self._browsers[end.fileno()] = browser
        self._selector.register(end, selectors.EVENT_READ, browser)
        self._tell(browser, words.welcome())

    def _meet_stranger(self, parent: Parent | Blind) -> None:
        """One alarm for each process that starts strangers: a relay tries again twice a second."""
        if parent is Blind.VANISHED:
            return  # it has ended before it could be asked who it is
        who = parent.pid if isinstance(parent, Parent) else 0
        if who not in self._strangers:
            if len(self._strangers) >= MAX_STRANGERS:
                self._strangers.clear()
            self._strangers.add(who)
            self._alarm(STRANGER)

    def _serve(self, browser: _Browser, events: int) -> None:
        if events & selectors.EVENT_WRITE and self._knows(browser):
            self._flush(browser)
        if not events & selectors.EVENT_READ or not self._knows(browser):
            return
        try:
            for message in browser.connection.read():
                self._hear(browser, message)
                if not self._knows(browser):
                    return
        except Ended:
            self._close(browser, DISCONNECTED if browser.extension.greeted else None)
        except Excess:
            self._close(browser, EXCESS)
        except words.Malformed:
            self._close(browser, MALFORMED)
        except Lost:
            self._close(browser, LOST)
        except Stranger:
            self._close(browser, None)
            self._meet_stranger(browser.extension.parent)

    def _hear(self, browser: _Browser, message: bytes) -> None:
        """Raises Malformed, Lost or Stranger."""
        extension = browser.extension
        match heard := extension.hear(message):
            case words.Hello():
                self._count_connected()
                self._alarm(CONNECTED)
                self._leave_round(browser)
                self._send_policy(browser)
            case words.PolicyTaken():
                if extension.refuses:
                    self._be_troubled(TroubleCode.CSS_REFUSED)
            case words.Event():
                for page_event in extension.page_events(heard, self._clock.now()):
                    self._deliver(page_event)
            case words.Marked():
                name = extension.name
                self._deliver(Marked(name, heard.tab, heard.mark, heard.how, self._clock.now()))
            case words.Answer():
                self._count_connected()
                self._take_answer(browser, heard)
            case None:
                return

    def _send_policy(self, browser: _Browser) -> None:
        if not self._questions.policy:
            return  # none is in force
        message = words.scan_for(self._questions)
        if len(message) > FROM_AGENT:
            self._be_troubled(TroubleCode.POLICY_TOO_LONG)
            return
        browser.extension.offer(self._questions)
        self._tell(browser, message)

    def _be_troubled(self, code: TroubleCode) -> None:
        if code not in self._troubled:
            self._troubled.add(code)
            self._trouble(code)

    def _tell(self, browser: _Browser, message: bytes) -> None:
        try:
            browser.connection.tell(message)
        except Ended:
            self._close(browser, DISCONNECTED if browser.extension.greeted else None)
        except Excess:
            self._close(browser, EXCESS)
        else:
            self._watch(browser)

    def _flush(self, browser: _Browser) -> None:
        try:
            browser.connection.flush()
        except Ended:
            self._close(browser, DISCONNECTED if browser.extension.greeted else None)
        else:
            self._watch(browser)

    def _watch(self, browser: _Browser) -> None:
        if browser.connection.unsent is not browser.writing:
            browser.writing = browser.connection.unsent
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if browser.writing else 0)
            self._selector.modify(browser.connection, events, browser)

    def _knows(self, browser: _Browser) -> bool:
        """Whether it is still connected: what happened at the same moment may have ended it."""
        return browser in self._browsers.values()

    def _close(self, browser: _Browser, why: str | None) -> None:
        del self._browsers[browser.connection.fileno()]
        self._selector.unregister(browser.connection)
        browser.connection.close()
        self._count_connected()
        if why is not None:
            self._alarm(why)
        self._leave_round(browser)

    def _hang_up(self) -> None:
        for browser in self._browsers.values():
            browser.connection.close()
        self._browsers.clear()
        self._count_connected()
        self._selector.close()
        self._listening.close()
        self._path.unlink(missing_ok=True)
        self._bell.close()
        self._wake_up.close()

    def _count_connected(self) -> None:
        extensions = (browser.extension for browser in self._browsers.values())
        self._connected = tuple(
            Connected(hello.browser, hello.version, hello.private, extension.extensions)
            for extension in extensions
            if (hello := extension.hello) is not None
        )

    def _alarm(self, why: str) -> None:
        self._deliver(Alarm(self.name, self._clock.now(), why))

    def _answer_blind(self) -> None:
        now = self._clock.now()
        self._deliver(Look(self.name, now, now, self._wanted.policy, Blind.NO_ANSWER))
