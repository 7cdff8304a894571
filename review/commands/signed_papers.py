"""Asks the command that signs where recordings come from: `eyelid-store papers -`, beside who asks, or as another user.

Who asks has no key of the store's.
"""

from __future__ import annotations

import os
import selectors
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from protocol.claims import parse_object
from review.commands.shared import option

WITHIN: Final = 10.0  # seconds in which papers come
LARGEST: Final = 16 * 2**20  # bytes of them: rules have 2 MiB, and the rest is small
OPTION: Final = option(
    "--papers", "the command that signs where recordings come from, in place of `eyelid-store papers -`: such as `sudo "
    "-u eyelid-store eyelid-store papers -`", "COMMAND",
)  # fmt: skip


def papers_command(asked: str | None, store: Path) -> list[str]:
    """`asked`: what was given with OPTION."""
    return shlex.split(asked) if asked else [sys.executable, "-m", "store", "papers", "-", "--home", str(store)]


class Papers:
    """A process that signs where recordings come from. It is started when it is first asked, and anew where it has
    ended. `within`: seconds for an answer, with the time that others are answered in; one that gives none in time, or
    for another recording, is ended.
    """

    def __init__(self, command: Sequence[str], within: float = WITHIN) -> None:
        self._command, self._within = command, within
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._over = False

    def __call__(self, recording: UUID) -> dict[str, Any]:
        until = time.monotonic() + self._within
        if self._lock.acquire(timeout=self._within):
            try:
                return self._answer(str(recording), until)
            except (OSError, ValueError):
                self._drop()
            finally:
                self._lock.release()
        return {"error": "no-papers", "message": "the command that signs where it comes from did not answer"}

    def _answer(self, recording: str, until: float) -> dict[str, Any]:
        """Raises OSError, ValueError."""
        if self._over:
            raise OSError("who asks it ends")
        if self._running is None or self._running.poll() is not None:
            self._drop()
            pipe = subprocess.PIPE
            self._running = subprocess.Popen(self._command, bufsize=0, stdin=pipe, stdout=pipe)
        assert self._running.stdin is not None  # noqa: S101 - as was asked
        assert self._running.stdout is not None  # noqa: S101
        self._running.stdin.write(f"{recording}\n".encode())
        answer = parse_object(_line(self._running.stdout.fileno(), until))
        if answer.pop("recording", None) != recording:
            raise ValueError("the answer is about another recording")
        return answer

    def _drop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            _end(running, patience=0)
            for pipe in (running.stdin, running.stdout):
                if pipe is not None:
                    pipe.close()

    def close(self) -> None:
        self._over = True
        if (running := self._running) is not None:
            _end(running, patience=5)  # before the lock: who waits for an answer has it
        with self._lock:
            self._drop()


def _line(descriptor: int, until: float) -> bytes:
    """What comes up to the end of a line. Raises OSError where that is not by `until` (of time.monotonic), or not
    within LARGEST.
    """
    found = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(descriptor, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not ready.select(max(0.0, until - time.monotonic())):
                raise TimeoutError
            more = os.read(descriptor, 2**16)
            if not more:
                raise OSError("it has ended")
            found += more
            if len(found) > LARGEST:
                raise OSError("it says more than an answer may have")
    return bytes(found)


def _end(running: subprocess.Popen[bytes], patience: float) -> None:
    """Kills what does not end in so many seconds. It may be another user's by sudo, which passes the first signal on,
    and cannot be killed from here: then it ends with its pipes.
    """
    for end, seconds in ((running.terminate, patience), (running.kill, 1.0)):
        with suppress(OSError):
            end()
        with suppress(subprocess.TimeoutExpired):
            running.wait(seconds)
            return
