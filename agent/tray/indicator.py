"""What every icon shows and does, whichever system draws it: states of the recorder in, views and notices out.

It is a process of its own that talks to the recorder over its control socket alone, so that nothing that happens here
can take the recorder down.
"""

from __future__ import annotations

import json
import logging
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent import durable
from agent.errors import EyelidError, UserError
from agent.tray.icon_state import NO_RECORDER, NOT_UNDERSTOOD, Call, IconState, Lid, Status, icon_state_of
from agent.tray.listener import Deliver, Listener, Pauses, Recorder
from agent.tray.menu import Action, Entry, menu_of
from agent.tray.notifier import Notice, Notifier
from agent.tray.words import Words

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IconView:
    """What is to be seen. `title` and `text` are also what a screen reader says."""

    icon: IconState
    title: str
    text: str
    entries: tuple[Entry, ...]


class Icon(Protocol):
    """What a system's tray is to the indicator."""

    def run(self, indicator: Indicator) -> None:
        """Shows it until the session ends or the process is told to."""


class Indicator:
    """`take` and `view` are for one thread at a time; `listen` and `act` for others. `home`: of the recorder; `notice`:
    of GDPR 13, an address or a line of text. It counts where the recorder has none that compliance signed.
    """

    def __init__(self, recorder: Recorder, words: Words, home: Path, notice: str | None = None) -> None:
        self._settings_notice = notice
        self._signed_notice = ""
        self._recorder = recorder
        self.words = words
        self._notifier = Notifier(words)
        self._memory = Memory(home / "tray.json")
        self._status: Status | None = None
        self._pauses: Pauses | None = None

    @property
    def view(self) -> IconView:
        return self._view_of(self._status, self._pauses)

    @property
    def _notice(self) -> str | None:
        return self._signed_notice or self._settings_notice

    def _view_of(self, said: Status | None, pauses: Pauses | None) -> IconView:
        icon, status, words = icon_state_of(said), said or None, self.words
        parts = (words.sentence(icon, status), words.offline(status), words.advice(icon), words.troubled(icon))
        # One of another version says none.
        notice = self._notice if status is None else str(status.get("notice", "")) or self._settings_notice
        entries = menu_of(icon, status, pauses, words, now=time.time(), notice=notice)
        return IconView(icon, words.title(icon), " ".join(part for part in parts if part), entries)

    def take(self, status: Status | None, pauses: Pauses | None = None) -> list[Notice]:
        """The recorder's word, None where none answers, and the pauses of today, None where they are not known; what a
        person must now be told."""
        try:
            return self._take(status, pauses)
        except Exception as failure:  # noqa: BLE001 - the icon's own thread: whatever it is, the last state must not stand
            log.warning("what the recorder says cannot be told (%s)", type(failure).__name__)
            return self._take(NOT_UNDERSTOOD, None)

    def _take(self, status: Status | None, pauses: Pauses | None) -> list[Notice]:
        self._status, self._pauses = status, pauses
        if status:  # without a recorder what it last said stands
            self._signed_notice = str(status.get("notice", ""))
        icon = icon_state_of(status)
        notices = self._notifier.hear(icon, status or None, time.monotonic())
        return notices + self._first(icon)

    def _first(self, icon: IconState) -> list[Notice]:
        """That recording is on: once, and once more where calls are recorded from now on, too."""
        if icon.unclear or (icon.lid is not Lid.OPEN and icon.call not in {Call.ON, Call.PART}):
            return []
        wanted = icon.call is not Call.NOT_WANTED
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
        """For a click on the icon where that opens no menu."""
        view = self.view
        return Notice("state", view.title, view.text)

    def act(self, action: Action) -> Notice | None:
        """What was clicked. May take seconds; a refusal is told."""
        try:
            if action.verb == "notice":
                webbrowser.open(self._notice or "")
            elif action.verb == "release":
                self._notifier.released()
                self._recorder.ask("release")
            else:
                self._recorder.ask("hold", seconds=action.seconds, reason=action.reason)
        except UserError as refusal:
            return Notice("refusal", "Eyelid", str(refusal))
        except EyelidError as failure:
            return Notice("refusal", self.words.title(NO_RECORDER), str(failure))
        return None

    def listen(self, deliver: Deliver) -> None:
        """Follow the recorder, and the next one when it has gone. Returns at once; threads call `deliver`."""
        Listener(self._recorder, self._view_of, deliver).start()


class Memory:
    """What a person was told once and for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[str] = set()

    def first(self, what: str) -> bool:
        """Whether they have not been told yet; from now on they have."""
        if what in self._known:
            return False
        before = self._read()
        self._known |= {*before, what}
        if what in before:
            return False
        try:
            durable.write(self._path, json.dumps(sorted(self._known)).encode())
        except OSError as failure:
            log.warning("%s cannot be written (%s): the same will be said again", self._path.name, failure.strerror)
        return True

    def _read(self) -> set[str]:
        try:
            return {str(what) for what in json.loads(self._path.read_text("utf-8"))}
        except (OSError, ValueError):
            return set()
