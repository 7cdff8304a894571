"""What was in view, on its way to the recorder: where the policy asks for it, and only into an open recording.

Only changes are handed on, in batches of at most a chunk's length. Pictures and sound come first: a batch for which the
recorder has no room is lost, and the next begins by saying so. In a hold nothing is kept; what was in view is not known
until each witness has looked again.

A look may name what has gone since the look before (core.proof.scene_merger). So that nothing of a hold is kept, record
only pages seen outside a hold, and skip the first window look after it. A page seen outside is remembered as long as
the merger may bring it back: forgotten sooner, it would be recorded as unread, and an unread page closes every replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from agent.core.account.scenes import Ended, GapCause, Hole, Line, Passing, Sighting, moved
from agent.core.cut import CHUNK_LENGTH
from agent.core.model.rules import Policy
from agent.core.model.seen import WINDOWS, Blind, Browsing, Look, Page, PageEvent, Scene
from agent.core.model.times import SECOND
from agent.core.proof.scene_merger import SceneMerger
from agent.pipeline import Mailbox
from agent.recorder.recording import Order, Scenes

# The loop turns every second, so that no batch is older than a chunk may be.
BATCH_LENGTH: Final = CHUNK_LENGTH - 1 * SECOND
MOST: Final = 400  # changes in a batch: a window that is dragged makes 50 a second
ROOM: Final = 6  # orders that wait before a batch is refused: half of what pictures may have

Face = tuple[tuple[str, ...], frozenset[str], frozenset[str], str | None]  # a page, wherever it stands


class SceneLane:
    """On the daemon's loop, which passes on nothing that was seen in a hold or judged with another policy."""

    def __init__(self, orders: Mailbox[Order], merger: SceneMerger) -> None:
        """`merger`: the one by which looks are judged; it takes each look and page event before this does."""
        self._orders = orders
        self._merger = merger
        self._wanted = False
        self._open = False
        self._zero = 0
        self._last: dict[str, Sighting] = {}  # what each witness last saw
        self._known: frozenset[Face] = frozenset()  # seen outside of a hold, and not forgotten by the view
        self._event_faces: set[Face] = set()  # by events since the last look, outside of a hold
        self._reaches_back = True  # the next look at the windows, into a hold
        self._batch: list[Line] = []
        self._full = False

    def judge_with(self, policy: Policy) -> None:
        """What was seen under another policy was looked at with other eyes: only what is asked for is searched for."""
        self._wanted = policy.keep_scenes
        self._last.clear()

    def begin(self, zero: int) -> None:
        """A recording opens. What stands since before it is its first scene."""
        self._open, self._zero, self._full, self._batch = self._wanted, zero, False, []
        for last in self._last.values():
            self._put(last)

    def see(self, look: Look, judged: Look) -> None:
        """`judged`: the same look with the scene that it was judged by."""
        if not self._wanted or isinstance(judged.seen, Browsing):
            return
        if look.witness == WINDOWS and self._reaches_back:
            self._reaches_back = False
            return
        seen = self._without_hold(look, judged.seen)
        last = self._last.get(look.witness)
        if last is None or last.seen != seen:
            self._last[look.witness] = sighting = Sighting(judged.answered, look.witness, seen)
            self._put(sighting)

    def _without_hold(self, look: Look, seen: Scene | Blind) -> Scene | Blind:
        """A page that was in no look and no event outside of a hold is one that could not be looked into."""
        if isinstance(seen, Blind):
            return seen
        known = self._known | self._event_faces
        if isinstance(look.seen, Browsing):
            known |= set(_faces(tab.page for window in look.seen.windows for tab in window.tabs))
        self._known = known.intersection(_faces(self._merger.remembered()))
        self._event_faces.clear()
        pages = tuple(page if _face(page) in known else _hidden(page) for page in seen.pages)
        return seen if pages == seen.pages else replace(seen, pages=pages)

    def pass_by(self, page_event: PageEvent) -> None:
        if self._wanted:
            if len(self._event_faces) < MOST:
                self._event_faces.add(_face(page_event.page))
            self._put(Passing(page_event.at, page_event.witness, page_event.page))

    def shut(self, now: int) -> None:
        """Nothing is kept from now on, until the next look."""
        self._reaches_back = True
        self._last.clear()
        if self._open:
            self._batch.append(Hole(now, GapCause.HELD))
            self._hand_over(now)

    def turn(self, now: int) -> None:
        if self._batch and now - self._batch[0].at >= BATCH_LENGTH:
            self._hand_over(now)

    def end(self, now: int) -> None:
        """The recording closes."""
        if self._open:
            self._batch.append(Ended(now))
            self._hand_over(now)
        self._open, self._batch = False, []

    def _put(self, line: Line) -> None:
        if self._open and not self._full:
            self._full = len(self._batch) >= MOST
            at = max(line.at, self._zero)  # what stood before the recording, and what came late
            self._batch.append(Hole(at, GapCause.CHANGING) if self._full else moved(line, at))

    def _hand_over(self, now: int) -> None:
        """What the recorder does not take is a hole, and so is what was too much; then all that stands is told anew."""
        batch, lost, self._full = self._batch, self._full, False
        if len(self._orders) < ROOM:
            self._orders.put(Scenes(tuple(batch)), must=True)
            self._batch = []
        else:
            self._batch, lost = [Hole(batch[0].at, GapCause.BUSY)], True
        if lost:
            self._batch += [moved(last, now) for last in self._last.values()]


def _face(page: Page) -> Face:
    return page.urls, page.fields, page.selectors, page.extension


def _faces(pages: Iterable[Page]) -> Iterator[Face]:
    return map(_face, pages)


def _hidden(page: Page) -> Page:
    return Page((), shown=page.shown, parked=page.parked, unread=True)
