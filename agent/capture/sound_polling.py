"""A thread that looks at the devices every so often, for sound systems that do not report those that go and come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

LETS_GO_WITHIN: Final = 5.0  # seconds. When its devices disappear, PortAudio can deadlock in closing a stream.
log = logging.getLogger(__name__)


class Poll:
    """Calls `look` at once and then every `every` seconds while it is on, and `let_go` whenever it is off.

    Both are called in its own thread alone, never at once, and must not raise. Off at first.
    """

    def __init__(self, look: Callable[[], None], let_go: Callable[[], None], every: float) -> None:
        self._look = look
        self._let_go = let_go
        self._every = every
        self._on = self._closing = False
        self._nudged = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)
        self._thread.start()

    def turn(self, *, on: bool) -> None:
        """Returns at once; any thread."""
        self._on = on
        self.nudge()

    def nudge(self) -> None:
        """Look now, not only at the next turn; any thread, also the sound system's."""
        self._nudged.set()

    def close(self, patience: float = LETS_GO_WITHIN) -> None:
        """The devices are released when it returns, unless the sound system hangs: then at the process's end."""
        self._closing = True
        self.nudge()
        self._thread.join(patience)
        if self._thread.is_alive():
            log.warning("the sound system hangs and does not release its devices")

    def _run(self) -> None:
        while not self._closing:
            self._nudged.clear()
            if self._on:
                self._look()
            else:
                self._let_go()
            self._nudged.wait(self._every if self._on else None)
        self._let_go()
