"""The policy folder: all its *.yaml files are one policy with one hash, in force within a second of a save.

A file is read when its writer has closed or renamed it, never while it is being written, and one broken file keeps the
whole last good set. So nothing that happens to the folder can open the eye; only a whole policy with a higher revision
changes anything.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
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

from agent.core.model import Policy
from agent.core.policy import parse
from agent.core.policy_change import InForce, disarmed, refusals, vanished
from agent.core.policy_tests import failed_tests
from agent.errors import PolicyError
from agent.witness.yaml_marks import read_marks
from protocol.policyhash import policy_hash

LARGEST: Final = 1 << 20  # bytes of one file; a policy of a thousand rules has a quarter of that
MOST_FILES: Final = 100
SETTLE: Final = 0.1  # seconds of quiet after a close or rename: an editor's save is several of them
LONGEST_SETTLE: Final = 0.5  # seconds after which the folder is read although it is not quiet
BEAT: Final = 1.0  # seconds between looks for what no event tells: a folder made later, replaced, or on a network

Files = Mapping[str, bytes]
Fingerprint = tuple[tuple[str, int, int, int, int], ...]  # name, mode, time in ns, size, inode

log = logging.getLogger(__name__)


# -- reading ------------------------------------------------------------------------------------------------------


def read_folder(folder: Path, *, tested: bool = True) -> Policy:
    """The policy of the folder. Raises PolicyError with every mistake, also where it holds no policy at all.

    `tested`: a policy whose own tests do not hold is a mistaken one.
    """
    return parse_files(read_files(folder), tested=tested)


def parse_files(files: Files, *, tested: bool = True, shown_in: str = "") -> Policy:
    """The policy that these files (name -> content) are together. Raises PolicyError with every mistake.

    `shown_in`: the folder that mistakes name before the file's own name. The hash is over the names alone.
    """
    names = sorted(files, key=os.fsencode)
    large = [f"{name}:1:1 {_too_large(len(files[name]))}" for name in names if len(files[name]) > LARGEST]
    if large:
        raise PolicyError(tuple(large))
    marked = [read_marks(str(Path(shown_in, name)), files[name]) for name in names]
    mistakes = [f"{mark} {mistake}" for file in marked for mark, mistake in file.mistakes]
    documents = [file.document for file in marked if file.document is not None]
    if len(documents) < len(marked):
        raise PolicyError(
            tuple(mistakes)
        )  # the rest is judged once all can be read: half a policy seems wrong anywhere
    try:
        policy = parse(documents, policy_hash(files))
    except PolicyError as error:
        raise PolicyError((*mistakes, *error.mistakes)) from None
    mistakes += failed_tests(policy) if tested else ()
    if mistakes:
        raise PolicyError(tuple(mistakes))
    return policy


def read_files(folder: Path) -> dict[str, bytes]:
    """The folder's policy files as they are. Raises PolicyError for what cannot be read, or not be meant."""
    for _ in range(3):
        before = _fingerprint(folder)
        files = _read_all(folder)
        if before == _fingerprint(folder):
            break  # no file was replaced while another one was read
    return files


def _read_all(folder: Path) -> dict[str, bytes]:
    mistakes: list[str] = []
    files: dict[str, bytes] = {}
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)  # noqa: PTH208 - names, of which only some become paths
    except OSError as failure:
        raise PolicyError(
            (f"{folder} is no folder that can be read ({failure.strerror}), put a policy there",)
        ) from None
    for name in names:
        meant = _meant_as_policy(name)
        if meant:
            mistakes.append(f"{name}:1:1 {meant}")
        elif _is_policy(name):
            content = _read(folder / name)
            if isinstance(content, str):
                mistakes.append(f"{name}:1:1 {content}")
            else:
                files[name] = content
    if len(files) > MOST_FILES:
        mistakes.append(f"{folder} holds {len(files)} policy files, at most {MOST_FILES} are read, join some")
    if not files and not mistakes:
        mistakes.append(f"{folder} holds no policy, a policy is one or more files whose names end in .yaml")
    if mistakes:
        raise PolicyError(tuple(mistakes))
    return files


def _is_policy(name: str) -> bool:
    """Editors' own files (`.x.yaml.swp`, `x.yaml~`, `.#x.yaml`, `#x.yaml#`) are none."""
    return name.endswith(".yaml") and not name.startswith(".")


def _meant_as_policy(name: str) -> str:
    """What is wrong with a name that looks like a policy's and would be passed over silently; empty for any other."""
    lower = name.lower()
    if name.startswith("."):
        return ""
    if lower.endswith((".yaml.txt", ".yml.txt")):
        return "the name ends in .txt, so that it is not read, rename it to end in .yaml"
    if lower.endswith(".yml") or (lower.endswith(".yaml") and not name.endswith(".yaml")):
        return "only names that end in .yaml in small letters are read, rename it"
    if lower.endswith(".yaml") and not name.isprintable():
        return "the name has signs that cannot be shown, rename it"
    return ""


def _read(path: Path) -> bytes | str:
    """The content, or in words why there is none."""
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode):
            return "this is not a file, remove or rename it"
        if before.st_size > LARGEST:
            return _too_large(before.st_size)
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as failure:
        return f"the file cannot be read ({failure.strerror}), correct that or remove it"
    return content if len(content) <= LARGEST else _too_large(len(content))


def _too_large(size: int) -> str:
    return f"the file has {size} bytes, at most {LARGEST} are read, split it"


def _fingerprint(folder: Path) -> Fingerprint:
    """Changes when the folder is another one or a policy file in it changes; empty where the folder is missing."""

    def of(path: Path) -> Iterator[tuple[str, int, int, int, int]]:
        try:
            found = path.stat()
        except OSError:
            return
        yield path.name, found.st_mode, found.st_mtime_ns, found.st_size, found.st_ino

    try:
        names = sorted(name for name in os.listdir(folder) if _is_policy(name) or _meant_as_policy(name))  # noqa: PTH208
        identity = folder.stat()
    except OSError:
        return ()
    return (
        ("", identity.st_mode, 0, identity.st_dev, identity.st_ino),
        *(seen for name in names for seen in of(folder / name)),
    )


# -- watching -----------------------------------------------------------------------------------------------------


class PolicyFolder:
    """Tells which policy is in force, and what is wrong with one that is not.

    `on_policy(policy, files)`: a policy comes into force, or the one in force is whole again after mistakes.
    `on_mistakes(mistakes)`: what lies in the folder is not in force, and why; the last policy stays.
    `on_vanished(ids)`: rules that the policy before had are gone; called before its `on_policy`.
    `on_disarmed(ids)`: rules that closed are only tried from now on; called before its `on_policy` too.
    `last`: what was in force before a restart, so that nothing older can follow it.
    `signed()`: the policy that compliance has signed, empty where it leaves that to the folder. While there is one it
    alone counts; `on_unsigned(there)`: whether the folder holds another that would replace it.

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
        signed: Callable[[], Files] = dict,
        on_unsigned: Callable[[bool], None] = lambda _: None,
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
        """What no event told. A difference counts once it stands for two beats: then nobody is writing."""
        now = _fingerprint(self._folder)
        if now != self._read_as and now == self._seen_as:
            if now[:1] != self._read_as[:1]:
                self._watch()
            self._read()
        self._seen_as = now

    # -- what follows ---------------------------------------------------------------------------------------------

    def _read(self) -> None:
        self._read_as = _fingerprint(self._folder)
        signed = self._signed()
        self._tell_unsigned(signed)
        try:
            files = signed or read_files(self._folder)
            policy = parse_files(files)
        except PolicyError as error:
            self._report(error.mistakes)
            return
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

    def _tell_unsigned(self, signed: Files) -> None:
        there = bool(signed) and self._would_replace(signed)
        if there != self._unsigned:
            self._unsigned = there
            self._on_unsigned(there)

    def _would_replace(self, signed: Files) -> bool:
        """Whether somebody put a policy into the folder that is not the signed one. An older one may have been left
        there, and nothing at all is best."""
        if not _fingerprint(self._folder)[1:]:
            return False
        try:
            files = read_files(self._folder)
            if policy_hash(files) == policy_hash(signed):
                return False
            return parse_files(files, tested=False).revision >= parse_files(signed, tested=False).revision
        except PolicyError:
            return True

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
