"""Proof that lies in the picture: the display counts as past a sensitive page once it shows a document's mark.

No callback of a browser says what is on the display: the callback is the main thread's, the picture is the
compositor's, and a heavy repaint, a view transition or a stopped GPU process holds the old picture for seconds. A mark
does: a random number that a document shows as a few pixels, put in after the sensitive thing has left it. A document
changes and shows its mark in one commit, so a picture with the mark shows nothing older of that document.

A parent may hold an old picture of a child (its view transition does). So documents are asked innermost first, and a
parent only after the picture has shown the mark of the child: what the parent holds from then on is younger.

A tab is *stained* while a page of it that closes the screen may be on the display. It is clean again when, after the
last stain, every document that held something sensitive and each of its ancestors has been seen. A document that is no
longer there is vouched for by the nearest ancestor that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from agent.core.matching.decide import BLIND, LEFT_OUT
from agent.core.model.marks import Answer, Marked, Request, Shown, Sighted
from agent.core.model.rules import Reason
from agent.core.model.seen import TOP, BrowserWindow, Browsing, Look, Page, PageEvent, Tab
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.window_correlation import Key, Place, key_of

NO_PARENT: Final = -1
NEVER: Final = 0  # before every time that there is, ns

# A mark that was not seen is replaced by another, put in anew: a window may have covered it, or the page deleted it.
# The old one still counts: under a heavy repaint the first may be the first to come. Doubled each time, for a mark that
# cannot be seen costs a repaint each time.
ASK_AGAIN: Final = 500 * MILLISECOND
ASK_AGAIN_AT_MOST: Final = 2_000 * MILLISECOND  # the extension takes a mark away after 3 s

# What was in front at a moment that no look covers, and of which nothing sensitive is known, is believed gone by then:
# else a window whose corners another one covers would close the eye from the recorder's start on.
UNKNOWN_FOR: Final = 10 * SECOND

# So is what was in front before a page in which no script of ours runs, where that page may be shown: the browser's new
# tab that the policy lets pass unseen, its own error page. It never shows a mark.
UNMARKED_FOR: Final = 10 * SECOND

LATE: Final = 2_000 * MILLISECOND  # a tab that waits longer for its marks counts as late


@dataclass(slots=True)
class _Proof:
    """A stained tab's way back. `begun`: the look that first found nothing sensitive in it was asked then, ns.

    `unseen`: documents that the picture has not shown yet. `asked`: every mark that counts -> its document.
    `since`: when it last came a step further, ns.
    """

    begun: int
    since: int
    ask_again_at: int
    unseen: set[int]
    asked: dict[int, int] = field(default_factory=dict)
    pause: int = ASK_AGAIN


@dataclass(slots=True)
class _Tab:
    """`home`, `in_front`: where the last look saw it. `clean_at`: the picture has shown that nothing older than this is
    in it, ns. `unknown_at`: what was in it then is not known: no page that a look has seen says what it was.

    `held`: documents that had something sensitive since the tab was last clean. `parents`: of all documents since.
    `hidden`: document that held something and has no area or is out of view -> its mark. It must be seen once it comes
    into view. `inside`: the documents within what held something since -> their own numbers, as they were then.
    """

    home: Key | None = None
    in_front: bool = False
    stained_at: int = NEVER
    unknown_at: int = NEVER
    clean_at: int = NEVER + 1
    held: set[int] = field(default_factory=set)
    parents: dict[int, int] = field(default_factory=dict)
    present: Mapping[int, int] = field(default_factory=dict)  # the documents that are there -> their own numbers
    failed: frozenset[int] = frozenset()  # of these, the browser's own error pages: without a mark, and without frames
    hidden: dict[int, int] = field(default_factory=dict)
    inside: dict[int, int] = field(default_factory=dict)
    proof: _Proof | None = None
    sent: Shown = field(default_factory=dict)  # the request that was sent last, and when
    sent_at: int = NEVER

    def stain(self, at: int) -> None:
        self.stained_at = max(self.stained_at, at)
        self.proof = None

    def lose_track(self, at: int) -> None:
        self.stain(at)
        self.unknown_at = max(self.unknown_at, at)

    def suspects(self) -> set[int]:
        """The documents that have to be seen. One that only an event showed may have been inside any other."""
        if any(document != TOP and document not in self.parents for document in self.held):
            return {TOP, *(self.present.keys() - self.failed)}
        return {TOP, *map(self.nearest, self.held)}

    def reconnected(self) -> _Tab:
        """The same tab over another connection: it was asked for nothing yet, and numbers its documents anew."""
        held = {*self.held, *self.hidden, *self.inside}
        return replace(self, home=None, in_front=False, held=held, hidden={}, inside={}, proof=None, sent={})

    def wanted(self) -> dict[int, int]:
        """Of each document that is asked for its mark, the mark that it was asked for last."""
        asked = {} if self.proof is None else self.proof.asked
        return {**self.hidden, **{document: mark for mark, document in asked.items() if document in self.present}}

    def nearest(self, document: int) -> int:
        """The document if it is there, else its nearest ancestor that is."""
        return next((one for one in (document, *self.ancestors(document)) if one in self.present), TOP)

    def ancestors(self, document: int) -> Iterator[int]:
        passed = {document}
        while (document := self.parents.get(document, NO_PARENT)) not in {NO_PARENT, *passed}:
            passed.add(document)
            yield document


@dataclass(slots=True)
class _Window:
    """A browser's window: when something sensitive, and when something that is not known, was last in front in it."""

    stained: int
    unknown: int


class Marks:
    """For all browsers. `take` every look at them before anything else judges it. Times in ns."""

    def __init__(self, numbers: Iterator[int]) -> None:
        """`numbers`: an endless supply of marks, 32 bits each, that no page can guess."""
        self._numbers = numbers
        self._reasons: Callable[[Page], tuple[Reason, ...]] = lambda _: (BLIND,)
        self._tabs: dict[Place, _Tab] = {}
        self._pids: dict[str, int] = {}  # connection -> process of the browser at its end
        self._windows: dict[Key, _Window] = {}
        self._event_at: dict[str, int] = {}  # connection -> its last event of something sensitive
        self.seen = 0  # tabs that the picture has shown to be clean since the start
        self.late = 0  # of these, tabs whose marks took longer than `LATE`

    # -- what is known --------------------------------------------------------------------------------------------

    def judge_with(self, reasons: Callable[[Page], tuple[Reason, ...]], at: int) -> None:
        """`reasons`: why the policy closes the screen for a page in view. What was harmless before may not be."""
        self._reasons = reasons
        self.alarm(at)

    def alarm(self, at: int) -> None:
        """Something may have been in front that no look and no event showed."""
        for tab in self._tabs.values():
            tab.lose_track(at)
        self._windows = {key: _Window(at, at) for key in self._windows}

    def page_event(self, page_event: PageEvent) -> None:
        """An event showed this page between two looks. What another extension shows has no document that could show a
        mark: see `EXTENSION_LINGERS` (core.proof.timing)."""
        if page_event.page.extension is not None or not self._reasons(page_event.page):
            return
        place = page_event.browser, page_event.tab
        tab = self._tabs.setdefault(place, _Tab())
        tab.stain(page_event.at)
        tab.held.add(page_event.document)
        # Tabs move: it may have been in front in any window, be it one that no look has shown yet.
        self._event_at[page_event.browser] = page_event.at
        for (browser, _), window in self._windows.items():
            if browser == page_event.browser:
                window.stained = max(page_event.at, window.stained)

    def take(self, look: Look) -> Look:
        """The look with `painted` as the picture has shown it."""
        if not isinstance(look.seen, Browsing):
            return look
        windows = look.seen.windows
        self._follow(windows, [(window.browser, tab.id) for window in windows for tab in window.tabs])
        known = {browser for browser, _ in self._windows}
        # What a browser showed before its first look, or while it did not answer, is not known.
        fresh = {window.browser: NEVER if window.browser in known else look.asked - 1 for window in windows}
        new = {name: _Window(max(at, self._event_at.get(name, NEVER)), at) for name, at in fresh.items()}
        self._windows = {key: self._windows.get(key) or replace(new[key[0]]) for key in map(key_of, windows)}
        return replace(look, seen=Browsing(tuple(self._window(window, look) for window in windows)))

    def _follow(self, windows: Iterable[BrowserWindow], homes: Iterable[Place]) -> None:
        """Keeps the tabs that are there. Of a browser that did not answer, also those that held something sensitive: it
        may answer again, over another connection, while an old picture of them is still on the display.
        """
        here = {window.browser: window.pid for window in windows}
        former = {(self._pids.get(name), tab): (name, tab) for name, tab in self._tabs if name not in here}
        followed: dict[Place, _Tab] = {}
        for name, tab in homes:
            place = former.pop((here[name], tab), None)
            if (name, tab) in self._tabs or place is None:
                followed[name, tab] = self._tabs.get((name, tab), _Tab())
            else:
                followed[name, tab] = self._tabs[place].reconnected()
        kept = {place: self._tabs[place] for place in former.values() if self._tabs[place].held}
        for state in kept.values():
            state.proof, state.home, state.in_front = None, None, False
        self._tabs = followed | kept
        self._pids = {name: pid for name, pid in self._pids.items() if any(name == one for one, _ in kept)} | here

    def _window(self, window: BrowserWindow, look: Look) -> BrowserWindow:
        key = key_of(window)
        state = self._windows[key]
        noted = tuple(replace(tab, closes=True) if self._reasons(tab.page) else tab for tab in window.tabs)
        for tab in noted:
            known = self._tabs[window.browser, tab.id]
            may_show = tab.visible or known.in_front or known.home not in {None, key}
            known.home, known.in_front = key, tab.visible
            if self._note(known, tab, look.answered) and may_show:
                state.stained = look.answered
        tabs = tuple(self._judged(self._tabs[window.browser, tab.id], tab, look.asked, state) for tab in noted)
        in_front = [tab for tab in tabs if tab.visible]
        if in_front and all(tab.painted for tab in in_front):
            state.stained = state.unknown = NEVER
        return replace(window, tabs=tabs)

    def _note(self, state: _Tab, tab: Tab, at: int) -> bool:
        """Whether the tab holds something sensitive now."""
        present = {document.id: document.number for document in tab.documents}
        if state.proof is not None and present != state.present:
            state.proof.ask_again_at = at  # another document, or none, is where one was asked for its mark
        state.present = present
        state.failed = frozenset(one.id for one in tab.documents if not one.number and not one.page.unread)
        state.parents |= {document.id: document.parent for document in tab.documents}
        state.hidden = {document: mark for document, mark in state.hidden.items() if document in state.present}
        # Where the document is another one, the picture may still be that of the one before.
        replaced = {one for one, number in state.inside.items() if state.present.get(one) not in {None, 0, number}}
        if not replaced <= state.held:
            state.stain(at)
            state.held |= replaced
        if not tab.closes:
            return False
        state.stain(at)
        sensitive = self._sensitive(tab)
        state.held |= sensitive
        within = (one.id for one in tab.documents if not sensitive.isdisjoint(state.ancestors(one.id)))
        state.inside |= {one: state.present[one] for one in within if one not in state.inside}
        return True

    def _sensitive(self, tab: Tab) -> set[int]:
        """The documents that close the screen taken alone; where a rule names what several have together, each."""
        alone = {document.id: self._rules(document.page) for document in tab.documents}
        if self._rules(replace(tab.page, unread=False)) <= frozenset().union(*alone.values()):
            return {document for document, rules in alone.items() if rules} or {TOP}
        return {document.id for document in tab.documents}

    def _rules(self, page: Page) -> frozenset[Reason]:
        """That no rule names a page is said of the tab, not of each document in it."""
        return frozenset(self._reasons(page)) - LEFT_OUT

    def _judged(self, state: _Tab, tab: Tab, asked: int, window: _Window) -> Tab:
        if not tab.visible:
            state.proof = None
            return tab
        stained, unknown = max(window.stained, state.stained_at), max(window.unknown, state.unknown_at)
        unmarked = not state.present.get(TOP) and asked - stained > UNMARKED_FOR
        painted = state.clean_at > stained or unmarked
        if painted or asked <= stained:
            state.proof = None
        elif state.proof is None or state.proof.begun <= stained:
            state.proof = _Proof(asked, asked, asked, state.suspects())
        else:
            state.proof.unseen = set(map(state.nearest, state.proof.unseen))
        if state.clean_at <= unknown and (state.held or asked - unknown < UNKNOWN_FOR):
            return replace(tab, painted=False, unknown=unknown + UNKNOWN_FOR)
        if state.held and state.proof is not None and asked - state.proof.begun > LATE:
            # It is closed for what it held in any case: the account is to say that its mark could not be seen.
            return replace(tab, painted=False, unknown=asked)
        return replace(tab, painted=painted)

    # -- what the picture shows -----------------------------------------------------------------------------------

    def sighted(self, sighted: Sighted) -> bool:
        """Whether that makes a tab clean."""
        clean = False
        for state, proof in self._on_the_way():
            for mark in sighted.marks:
                if mark in proof.asked:
                    clean |= self._pass(state, proof, proof.asked[mark], sighted.at)
        return clean

    def answer(self, marked: Marked) -> bool:
        """Whether that makes a tab clean."""
        state = self._tabs.get((marked.browser, marked.tab))
        if state is None:
            return False
        hidden = next((document for document, mark in state.hidden.items() if mark == marked.mark), None)
        if hidden is not None and marked.how is Answer.SHOWN:
            # It has come into view, perhaps with its old picture.
            del state.hidden[hidden]
            state.held.add(hidden)
            state.lose_track(marked.at)
            return False
        # No other document could vouch for the top one.
        document = TOP if state.proof is None else state.proof.asked.get(marked.mark, TOP)
        if state.proof is None or document not in state.proof.unseen - {TOP} or marked.how is Answer.SHOWN:
            return False
        clean = self._pass(state, state.proof, document, marked.at)
        state.hidden[document] = marked.mark
        return clean

    def _pass(self, state: _Tab, proof: _Proof, document: int, at: int) -> bool:
        """Nothing older of this document is in the picture. Its parent's turn, if it has one."""
        if document not in proof.unseen:
            return False
        proof.unseen.remove(document)
        state.hidden.pop(document, None)
        parent = next(state.ancestors(document), None)
        if parent is not None:
            parent = state.nearest(parent)
            proof.unseen.add(parent)
        proof.asked = {mark: of for mark, of in proof.asked.items() if of not in {document, parent}}
        proof.since, proof.ask_again_at, proof.pause = at, at, ASK_AGAIN
        if proof.unseen:
            return False
        self.seen += 1
        self.late += at - proof.begun > LATE
        state.clean_at, state.proof = proof.begun, None
        for known in (state.held, state.inside, state.parents):
            known.clear()
        return True

    def _on_the_way(self) -> list[tuple[_Tab, _Proof]]:
        return [(state, state.proof) for state in self._tabs.values() if state.proof is not None]

    # -- what is asked --------------------------------------------------------------------------------------------

    @property
    def sought(self) -> frozenset[int]:
        """The marks that a picture may show."""
        return frozenset(mark for _, proof in self._on_the_way() for mark in proof.asked)

    @property
    def since(self) -> int:
        """When what is sought last became something else, ns: what is asked for once more has not."""
        return max((proof.since for _, proof in self._on_the_way()), default=NEVER)

    def waits(self, now: int) -> bool:
        """Whether a tab has waited long for its marks: they cannot be seen, or the browser is very busy."""
        return any(now - proof.begun > LATE for _, proof in self._on_the_way())

    def requests(self, now: int) -> Iterator[Request]:
        """What documents are to show, where that is not what they were asked last, or must be said again."""
        for (browser, number), state in self._tabs.items():
            if state.proof is not None and state.proof.ask_again_at <= now:
                self._ask(state, state.proof, now)
            wanted = state.wanted()
            if wanted != state.sent or (wanted and now - state.sent_at >= ASK_AGAIN_AT_MOST):
                state.sent, state.sent_at = wanted, now
                yield Request(browser, number, wanted)

    def _ask(self, state: _Tab, proof: _Proof, now: int) -> None:
        waiting = {ancestor for document in proof.unseen for ancestor in state.ancestors(document)}
        for document in proof.unseen - waiting:
            proof.asked[next(self._numbers)] = document
        proof.ask_again_at = now + proof.pause
        proof.pause = min(2 * proof.pause, ASK_AGAIN_AT_MOST)

    def due(self) -> Iterator[int]:
        """When something is to be asked again, ns."""
        yield from (proof.ask_again_at for _, proof in self._on_the_way())
        yield from (state.sent_at + ASK_AGAIN_AT_MOST for state in self._tabs.values() if state.hidden)
