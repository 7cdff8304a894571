"""The policy folder, followed: what is saved there is in force within a second.

A file is read when its writer has closed or renamed it, never while it is being written, and one broken file keeps the
whole last good set. So nothing that happens to the folder can open the eye; only a whole policy with a higher revision
changes anything. Where the compliance key signed a policy, that one counts (agent/witness/choice.py).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from agent.core.language.change import InForce, disarmed, refusals, vanished
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from agent.witness.choice import Choice, Kind, Signed
from agent.witness.policies import parse_files
from protocol.language.folder import Files, Fingerprint, fingerprint

SETTLE: Final = 0.1  # seconds of quiet after a close or rename: an editor's save is several of them
LONGEST_SETTLE: Final = 0.5  # seconds after which the folder is read although it is not quiet
BEAT: Final = 1.0  # seconds between looks for what no event tells: a folder made later, replaced, or on a network

log = logging.getLogger(__name__)


class PolicyFolder:
    """Tells which policy is in force, and what is wrong with one that is not.

    `on_policy(policy, files)`: a policy comes into force, or the one in force is whole again after mistakes.
    `on_mistakes(mistakes)`: what lies in the folder is not in force, and why; the last policy stays.
    `on_vanished(ids)`: rules that the policy before had are gone; called before its `on_policy`.
    `on_disarmed(ids)`: rules that closed are only tried from now on; called before its `on_policy` too.
    `last`: what was in force before a restart, so that nothing older can follow it.
    `signed()`: the policy that compliance has signed, None where it leaves that to the folder. While there is one it
    alone counts; `on_unsigned(there)`: whether the folder holds another that would replace it.
    `uid`: who is recorded; `pinned`: whether the machine's policy names the folder, so that they cannot name another;
    `on_unguarded(so)`: whether they may change what counts. On POSIX alone: 0 is root, whom nothing guards.

    The first calls come from `start`, in its caller's thread; all others from one thread of the folder's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_policy: Callable[[Policy, Files], None],
        on_mistakes: Callable[[tuple[str, ...]], None],
        on_vanished: Callable[[tuple[str, ...]], None] = lambda _: None,
        on_disarmed: Callable[[tuple[str, ...]], None] = lambda _: None,
        last: InForce | None = None,
        signed: Callable[[], Signed | None] = lambda: None,
        on_unsigned: Callable[[bool], None] = lambda _: None,
        uid: int = 0,
        pinned: bool = False,
        on_unguarded: Callable[[bool], None] = lambda _: None,
        beat: float = BEAT,
    ) -> None:
        self._folder = folder
        self._on_policy = on_policy
        self._on_mistakes = on_mistakes
        self._on_vanished = on_vanished
        self._on_disarmed = on_disarmed
        self._last = last
        self._signed = signed
        self._on_unsigned = on_unsigned
        self._unsigned = False
        self._uid = uid
        self._pinned = pinned
        self._on_unguarded = on_unguarded
        self._unguarded = False
        self._read_last: tuple[Choice, Files] | None = None
        self._beat = beat
        self._reported: tuple[str, ...] = ()
        self._started = False  # whether a policy has come into force since the start
        self._read_as: Fingerprint = ()
        self._seen_as: Fingerprint = ()
        self._touched = threading.Event()
        self._closing = False
        self._observer = Observer()
        self._thread = threading.Thread(target=self._run, name="policies", daemon=True)

    def start(self) -> None:
        """Reads the folder once, then follows it."""
        self._observer.start()
        self._watch()
        self._read()
        self._thread.start()

    def reread(self) -> None:
        """What is signed has changed. From any thread; returns at once."""
        self._touched.set()

    def close(self) -> None:
        self._closing = True
        self._touched.set()
        self._observer.stop()
        for thread in (self._thread, self._observer):
            if thread.is_alive():
                thread.join()

    def _watch(self) -> None:
        self._observer.unschedule_all()
        try:
            self._observer.schedule(_Touch(self._touched.set), str(self._folder))
        except OSError as failure:
            # Missing, or no watch is to be had: the beat still finds every change.
            log.debug("the policy folder cannot be watched: %s", failure.strerror)

    def _run(self) -> None:
        while not self._closing:
            try:
                if self._touched.wait(self._beat):
                    self._settle()
                    self._read()
                else:
                    self._look_around()
            except Exception as failure:  # a fault of ours on one file must not end the watch over all
                log.exception("the policy folder could not be read")
                self._report((f"{self._folder} could not be read: {type(failure).__name__}, a fault of Eyelid's own",))

    def _settle(self) -> None:
        latest = time.monotonic() + LONGEST_SETTLE
        self._touched.clear()
        while not self._closing and self._touched.wait(SETTLE) and time.monotonic() < latest:
            self._touched.clear()

    def _look_around(self) -> None:
        """Changes without an event. A difference counts once it has lasted two beats: then the writing is over."""
        if self._read_last is not None:
            self._tell_unguarded(*self._read_last)  # an owner changes without a word
        now = fingerprint(self._folder)
        if now != self._read_as and now == self._seen_as:
            if now[:1] != self._read_as[:1]:
                self._watch()
            self._read()
        self._seen_as = now

    # -- what follows ---------------------------------------------------------------------------------------------

    def _read(self) -> None:
        self._read_as = fingerprint(self._folder)
        choice = Choice(self._folder, self._signed())
        self._tell_unsigned(choice)
        try:
            files = choice.files()
            policy = parse_files(files)
        except PolicyError as error:
            self._report(error.mistakes)
            return
        self._read_last = choice, files
        self._tell_unguarded(choice, files)
        refused = () if self._last is None else refusals(self._last, policy)
        if refused:
            self._report(refused)
            return
        in_force = self._started and self._last is not None and self._last.hash == policy.hash
        if in_force and not self._reported:
            return
        gone = () if self._last is None else vanished(self._last, policy)
        if gone:
            self._on_vanished(gone)
        tried = () if self._last is None else disarmed(self._last, policy)
        if tried:
            self._on_disarmed(tried)
        self._last, self._started, self._reported = InForce.of(policy), True, ()
        self._on_policy(policy, files)

    def _tell_unsigned(self, choice: Choice) -> None:
        there = choice.beside().kind is Kind.ANOTHER
        if there != self._unsigned:
            self._unsigned = there
            self._on_unsigned(there)

    def _tell_unguarded(self, choice: Choice, files: Files) -> None:
        try:
            renamed = choice.signed is None and self._uid != 0 and not self._pinned
            so = renamed or choice.changeable_by(self._uid, files)
        except OSError:  # it has just gone: whatever comes in its place is read, and judged then
            return
        if so != self._unguarded:
            self._unguarded = so
            self._on_unguarded(so)

    def _report(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self._reported:
            self._reported = mistakes
            self._on_mistakes(mistakes)


class _Touch(FileSystemEventHandler):
    """Passes on that a writer is done; what is still being written, or only read, says nothing."""

    def __init__(self, touched: Callable[[], None]) -> None:
        self._touched = touched

    def on_any_event(self, event: FileSystemEvent) -> None:
        done = (FileClosedEvent, FileMovedEvent, FileCreatedEvent, FileDeletedEvent, DirDeletedEvent, DirMovedEvent)
        if isinstance(event, done):
            self._touched()
