"""The thread that looks for marks in the picture while the daemon waits for some. What it grabs it forgets at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.marks import Sighted
from agent.ports import Clock, Glass

# Nothing is kept until the mark is seen, so it is looked for often. A look at a screen of 1080p costs 2 ms.
EVERY: Final = 25 * MILLISECOND
# A mark that was not seen by then is covered, or the browser is slow: it need not be looked for as often.
SOON: Final = 1 * SECOND
LATER: Final = 100 * MILLISECOND
# Nor hardly at all what is covered for long: a window behind another may be so all day.
LONG: Final = 10 * SECOND
SELDOM: Final = 1 * SECOND


class Seeker:
    """`seek` from any thread; `run` is the thread's work until `stop`."""

    def __init__(self, clock: Clock, deliver: Callable[[Sighted], None]) -> None:
        self._clock = clock
        self._deliver = deliver
        self._changed = threading.Condition()
        self._marks: frozenset[int] = frozenset()
        self._since = 0
        self._stopped = False

    def seek(self, marks: frozenset[int], since: int) -> None:
        """From now on look for these and no others. `since`: as in `core.proof.marks.Marks`."""
        with self._changed:
            if (marks, since) != (self._marks, self._since):
                self._marks, self._since = marks, since
                self._changed.notify_all()

    @property
    def pause(self) -> int:
        """Between two looks, ns."""
        waited = self._clock.now() - self._since
        return EVERY if waited < SOON else LATER if waited < LONG else SELDOM

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def run(self, glass: Glass) -> None:
        """Raises EnvironmentFault when the display is gone."""
        reported: frozenset[int] = frozenset()
        while (marks := self._wait()) is not None:
            at = self._clock.now()
            found = glass.find(marks)
            if not found <= reported:
                self._deliver(Sighted(found, at))
            reported = found

    def _wait(self) -> frozenset[int] | None:
        """What to look for now; None when it is over."""
        with self._changed:
            since = self._since
            self._changed.wait_for(lambda: self._stopped or self._since > since, self.pause / SECOND)
            self._changed.wait_for(lambda: self._stopped or bool(self._marks))
            return None if self._stopped else self._marks
