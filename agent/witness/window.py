"""The window witness: one thread that owns the desktop, answers when asked, and speaks up when a window changes.

A look that was not asked for follows the event at once, so that a sensitive window closes the eye before the next
question. Every look covers all moments since the one before (see `agent.ports.Desktop.look`); so what comes within 20
ms of an unasked look may wait for the next without being missed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from agent.core.model.rules import Policy
from agent.core.model.seen import WINDOWS, Alarm, Blind, Look, Scene, StalePixels
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.timing import WINDOW_LINGERS
from agent.errors import EyelidError
from agent.ports import Clock, Desktop

REST: Final = 20 * MILLISECOND  # between two unasked looks; a dragged window sends some 60 events a second
PATROL: Final = 5.0  # seconds that the desktop is waited for at a time


class WindowWitness:
    """Looks and alarms go to `deliver` in the order in which they happened, all from one thread.

    `name` stands in each of them. A desktop that fails is a look that saw `Blind.NO_DISPLAY`; so is every question
    after the thread has ended for a reason of its own.
    """

    name = WINDOWS

    def __init__(
        self, desktop: Desktop, clock: Clock, deliver: Callable[[Look | Alarm], None], *, policy: str = ""
    ) -> None:
        self._desktop = desktop
        self._clock = clock
        self._deliver = deliver
        self._policy = policy
        self._asked = False
        self._ending = False
        self._changed = threading.Condition()
        self._composited = desktop.composited()
        self._last: Scene | Blind | None = None  # None: nothing delivered yet
        self._stale_pixels: tuple[StalePixels, ...] | None = None
        self._thread = threading.Thread(target=self._run, name="window witness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """A look that is asked after now will come. Questions that have not been taken up yet are one. Any thread."""
        with self._changed:
            ended = self._ending
            self._asked = True
            self._changed.notify()
        if ended:
            self._answer_blind()
        else:
            self._desktop.wake()

    def judge_with(self, policy: Policy) -> None:
        """Looks asked from now on carry this policy's hash. Any thread."""
        with self._changed:
            self._policy = policy.hash

    @property
    def composited(self) -> bool:
        """Whether the desktop ran a compositor at the last look. When it changes, an alarm has been delivered."""
        return self._composited

    def close(self) -> None:
        """Ends the thread and closes the desktop. From any other thread, once `start` was called."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._desktop.wake()
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._attend()
        finally:
            # However it ended: from now on a question is answered that no look will come.
            with self._changed:
                died = not self._ending
                self._ending = True
            self._desktop.close()
            if died:
                self._answer_blind()

    def _attend(self) -> None:
        rested = self._clock.now()
        while not self._ending:
            if self._take_question(rested):
                self._look(asked=True)
            elif self._clock.now() >= rested and self._desktop.wait(PATROL):
                self._look(asked=False)
                rested = self._clock.now() + REST

    def _take_question(self, rested: int) -> bool:
        """Whether a look was asked for; sleeps through the rest after an unasked look, but not through a question."""
        with self._changed:
            pause = (rested - self._clock.now()) / SECOND
            if pause > 0:
                self._changed.wait_for(lambda: self._asked or self._ending, pause)
            asked, self._asked = self._asked, False
            return asked and not self._ending

    def _look(self, *, asked: bool) -> None:
        with self._changed:
            policy = self._policy
        began = self._clock.now()
        try:
            seen = self._desktop.look()
            composited, stale_pixels = self._desktop.composited(), self._desktop.stale_pixels()
        except (EyelidError, OSError):
            seen, composited, stale_pixels = Blind.NO_DISPLAY, self._composited, None
        ended = self._clock.now()
        if composited != self._composited:
            self._composited = composited
            self._deliver(Alarm(self.name, ended, "compositor"))
        if asked or seen is not self._last or stale_pixels != self._stale_pixels:
            self._last, self._stale_pixels = seen, stale_pixels
            # What a desktop knows of the display leaves out what a compositor goes on showing.
            lag = WINDOW_LINGERS if composited and stale_pixels is not None else 0
            self._deliver(Look(self.name, began, ended, policy, seen, stale_pixels, lag))

    def _answer_blind(self) -> None:
        now = self._clock.now()
        self._deliver(Look(self.name, now, now, self._policy, Blind.NO_DISPLAY))
