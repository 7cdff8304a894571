"""What every icon shows and does, whichever system draws it: states of the recorder in, views and notices out.

It is a process of its own that talks to the recorder over its control socket alone, so that nothing that happens here
can take the recorder down.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final, Protocol

from agent import durable
from agent.errors import NOT_RECORDING, EyelidError, UserError
from agent.tray.herald import Herald, Notice
from agent.tray.menu import Action, Entry, menu_of
from agent.tray.sign import NOBODY, NOT_UNDERSTOOD, Call, Lid, Sign, Status, sign_of
from agent.tray.words import Words

log = logging.getLogger(__name__)

AGAIN: Final = 0.5  # seconds between tries to find a recorder
RECOUNT: Final = 30.0  # seconds after which the pauses of the day are asked for, though nothing has changed


class Recorder(Protocol):
    """The running recorder, as its control socket answers."""

    def follow(self) -> Iterator[Mapping[str, Any]]:
        """Its state as it changes. Raises EyelidError when nobody answers any more."""

    def ask(self, verb: str, **arguments: object) -> Mapping[str, Any]:
        """Raises UserError with the words of a refusal, EyelidError when nobody answers."""


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen. `title` and `text` are also what a screen reader says."""

    sign: Sign
    title: str
    text: str
    entries: tuple[Entry, ...]


class Icon(Protocol):
    """What a system's tray is to the indicator."""

    def run(self, indicator: Indicator) -> None:
        """Shows it until the session ends or the process is told to."""


class Indicator:
    """`take` and `view` are for one thread, the icon's; `listen` and `act` for others. `home`: of the recorder."""

    def __init__(self, recorder: Recorder, words: Words, home: Path) -> None:
        self._recorder = recorder
        self.words = words
        self._herald = Herald(words)
        self._memory = Memory(home / "tray.json")
        self._status: Status | None = None
        self._pauses: Sequence[Mapping[str, Any]] = ()

    @property
    def view(self) -> View:
        return self._view_of(self._status, self._pauses)

    def _view_of(self, said: Status | None, pauses: Sequence[Mapping[str, Any]]) -> View:
        sign, status, words = sign_of(said), said or None, self.words
        parts = (words.sentence(sign, status), words.offline(status), words.advice(sign), words.troubled(sign))
        entries = menu_of(sign, status, pauses, words, now=time.time())
        return View(sign, words.title(sign), " ".join(part for part in parts if part), entries)

    def take(self, status: Status | None, pauses: Sequence[Mapping[str, Any]] | None = None) -> list[Notice]:
        """The recorder's word, None where none answers; what a person must now be told."""
        try:
            return self._take(status, pauses)
        except Exception as failure:  # noqa: BLE001 - the icon's own thread: whatever it is, the last state must not stand
            log.warning("what the recorder says cannot be told (%s)", type(failure).__name__)
            return self._take(NOT_UNDERSTOOD, ())

    def _take(self, status: Status | None, pauses: Sequence[Mapping[str, Any]] | None) -> list[Notice]:
        self._status = status
        self._pauses = self._pauses if pauses is None else pauses
        sign = sign_of(status)
        notices = self._herald.hear(sign, status or None, time.monotonic())
        return notices + self._first(sign)

    def _first(self, sign: Sign) -> list[Notice]:
        """That recording is on: once, and once more where calls are recorded from now on, too."""
        if sign.unclear or (sign.lid is not Lid.OPEN and sign.call not in {Call.ON, Call.PART}):
            return []
        wanted = sign.call is not Call.NOT_WANTED
        if not self._memory.first("recording with calls" if wanted else "recording"):
            return []
        title = self.words.say("notice.first.call" if wanted else "notice.first")
        return [Notice("first", title, self.words.say("notice.first.body"), urgent=True)]

    def no_host(self) -> list[Notice]:
        """There is no tray to show anything in: once, a person is told where else they can look."""
        if not self._memory.first("no-host"):
            return []
        return [Notice("no-host", self.words.say("notice.no-host"), self.words.say("notice.no-host.body"), urgent=True)]

    def sentence(self) -> Notice:
        """For whoever clicks on the icon where a click opens no menu."""
        view = self.view
        return Notice("state", view.title, view.text)

    def act(self, action: Action) -> Notice | None:
        """What was clicked. May take seconds; a refusal is told."""
        try:
            if action.verb == "help":
                open_help(self.words.language)
            elif action.verb == "release":
                self._herald.released()
                self._recorder.ask("release")
            else:
                self._recorder.ask("hold", seconds=action.seconds, reason=action.reason)
        except UserError as refusal:
            return Notice("refusal", "Eyelid", str(refusal))
        except EyelidError as failure:
            return Notice("refusal", self.words.title(NOBODY), str(failure))
        return None

    def listen(self, deliver: Callable[[Status | None, Sequence[Mapping[str, Any]] | None], None]) -> None:
        """Follow the recorder, and the next one when it has gone. Returns at once; a thread calls `deliver`, with None
        where none answers and NOT_UNDERSTOOD where one of another version does."""
        threading.Thread(target=self._follow, args=(deliver,), name="follow", daemon=True).start()

    def _follow(self, deliver: Callable[[Status | None, Sequence[Mapping[str, Any]] | None], None]) -> None:
        told = ""
        while True:
            last: Status | None = NOT_UNDERSTOOD
            try:
                self._hear(deliver)
                why = ""
            except EyelidError as failure:
                last, why = (None, "") if failure.exit_code == NOT_RECORDING else (NOT_UNDERSTOOD, str(failure))
            except Exception as failure:  # noqa: BLE001 - whatever it is: who listens no more shows the last state for ever
                why = type(failure).__name__
            if why not in {"", told}:
                log.warning("what the recorder says is not understood (%s); it may be recording", why)
            told = why
            try:
                deliver(last, None)
            except Exception as failure:  # noqa: BLE001 - as above
                log.warning("the icon cannot be drawn (%s)", type(failure).__name__)
            time.sleep(AGAIN)

    def _hear(self, deliver: Callable[[Status | None, Sequence[Mapping[str, Any]] | None], None]) -> None:
        """As long as one recorder speaks and is understood."""
        shown, counted = None, 0.0
        for status in self._recorder.follow():
            self._view_of(status, ())  # what cannot be shown raises here, and not in the icon's own thread
            sign = (sign_of(status), tuple(status["rules"]))
            deliver(status, None)  # the lid first, and at once
            if sign != shown or time.monotonic() - counted > RECOUNT:
                shown, counted = sign, time.monotonic()
                if (pauses := self._counted(status)) is not None:
                    deliver(status, pauses)

    def _counted(self, status: Status) -> Sequence[Mapping[str, Any]] | None:
        """The pauses of today; None where they are not to be had, which says nothing of the lid."""
        try:
            pauses: Sequence[Mapping[str, Any]] = self._recorder.ask("pauses")["pauses"]
        except EyelidError as failure:
            log.debug("%s", failure)
            return None
        self._view_of(status, pauses)
        return pauses


class Memory:
    """What a person was told once and for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: set[str] = set()

    def first(self, what: str) -> bool:
        """Whether they have not been told yet; from now on they have."""
        if what in self._told:
            return False
        told = self._read()
        self._told |= {*told, what}
        if what in told:
            return False
        try:
            durable.write(self._path, json.dumps(sorted(self._told)).encode())
        except OSError as failure:
            log.warning("%s cannot be written (%s): the same will be said again", self._path.name, failure.strerror)
        return True

    def _read(self) -> set[str]:
        try:
            return {str(what) for what in json.loads(self._path.read_text("utf-8"))}
        except (OSError, ValueError):
            return set()


def open_help(language: str) -> None:
    with as_file(files("agent.tray").joinpath("help", f"{language}.html")) as page:
        webbrowser.open(page.as_uri())
