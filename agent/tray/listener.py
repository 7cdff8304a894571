"""Follows the recorder for an icon: its states in one thread, the pauses of today in another, since a recorder may take
seconds to count those and the lid does not wait for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from agent.errors import NOT_RECORDING, EyelidError
from agent.tray.icon_state import NOT_UNDERSTOOD, Status, icon_state_of

log = logging.getLogger(__name__)

AGAIN: Final = 0.5  # seconds between tries to find a recorder
RECOUNT: Final = 30.0  # seconds after which the pauses of the day are asked for, though nothing has changed

Pauses = Sequence[Mapping[str, Any]]
Deliver = Callable[[Status | None, Pauses | None], None]
"""The recorder's word: None where none answers, NOT_UNDERSTOOD where one of another version does; and the pauses of
today, None where they are not known. Called in turn from two threads, never from both at once."""


class Recorder(Protocol):
    """The running recorder, as its control socket answers."""

    def follow(self) -> Iterator[Mapping[str, Any]]:
        """Its state as it changes. Raises EyelidError when no recorder answers any more."""

    def ask(self, verb: str, **arguments: object) -> Mapping[str, Any]:
        """Raises UserError with the words of a refusal, EyelidError when no recorder answers."""


class Listener:
    """`shown`: raises what it may where a state, or pauses beside one, cannot be shown: here, and not in the icon."""

    def __init__(self, recorder: Recorder, shown: Callable[[Status, Pauses | None], object], deliver: Deliver) -> None:
        self._recorder = recorder
        self._shown = shown
        self._deliver = deliver
        self._turn = threading.Lock()
        self._status: Status | None = None
        self._pauses: Pauses | None = None
        self._due = threading.Event()

    def start(self) -> None:
        """Returns at once; ends with the process."""
        for work in (self._follow, self._count):
            threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True).start()

    # -- the lid --------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """One recorder after the other."""
        reported = ""
        while True:
            last: Status | None = NOT_UNDERSTOOD
            try:
                self._hear()
                why = ""
            except EyelidError as failure:
                last, why = (None, "") if failure.exit_code == NOT_RECORDING else (NOT_UNDERSTOOD, str(failure))
            except Exception as failure:  # noqa: BLE001 - whatever it is: who listens no more shows the last state for ever
                why = type(failure).__name__
            if why not in {"", reported}:
                log.warning("what the recorder says is not understood (%s); it may be recording", why)
            reported = why
            try:
                self._tell(last)
            except Exception as failure:  # noqa: BLE001 - as above
                log.warning("the icon cannot be drawn (%s)", type(failure).__name__)
            time.sleep(AGAIN)

    def _hear(self) -> None:
        """As long as one recorder speaks and is understood."""
        before, counted = None, 0.0
        for status in self._recorder.follow():
            self._shown(status, None)
            self._tell(status)
            icon = (icon_state_of(status), tuple(status["rules"]))
            if icon != before or time.monotonic() - counted > RECOUNT:
                before, counted = icon, time.monotonic()
                self._due.set()

    def _tell(self, status: Status | None) -> None:
        with self._turn:
            self._status = status
            if not status:
                self._pauses = None  # they were of a recorder that has gone, or that is not understood
            self._deliver(status, self._pauses)

    # -- the pauses -----------------------------------------------------------------------------------------------

    def _count(self) -> None:
        """Whatever goes wrong with the pauses says nothing of the lid."""
        while True:
            self._due.wait()
            self._due.clear()
            pauses = self._counted()
            try:
                with self._turn:
                    if self._status:
                        self._pauses = pauses
                        self._deliver(self._status, pauses)
            except Exception as failure:  # noqa: BLE001 - who counts no more shows the pauses of another day
                log.warning("the icon cannot be drawn (%s)", type(failure).__name__)

    def _counted(self) -> Pauses | None:
        """None where they are not to be had, or not understood."""
        try:
            pauses: Pauses = self._recorder.ask("pauses")["pauses"]
            with self._turn:
                if self._status:
                    self._shown(self._status, pauses)
        except EyelidError as failure:
            log.debug("%s", failure)
        except Exception as failure:  # noqa: BLE001 - of another version: whatever that is, the thread goes on
            log.warning("the pauses of today are not understood (%s)", type(failure).__name__)
        else:
            return pauses
        return None
