"""Has a policy tried by a process of its own, confined before it looks at what was sent: one at a time for a console.

What that process says is as little to be trusted as what it was sent. Nothing of either is kept or logged.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from protocol.claims import parse_object
from review.policy_trial.form import boundary_of
from store.evidence.film.apart import environment

WITHIN: Final = 180.0  # s of time; of CPU it has less, and a busy machine gives it slowly
_LARGEST: Final = 2**24  # bytes of what it says
CODES: Final = frozenset({
    "too-much", "memory", "failed", "no-form", "many-parts", "many-scenes", "no-policy", "twice", "slow", "ended",
})  # fmt: skip


class NotTried(Exception):
    """The code of why, one of CODES."""


def command() -> list[str]:
    return [sys.executable, "-I", "-m", "review.policy_trial.judge"]


class Judge:
    """`close` ends what is under way, as the console does."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._over = False

    @property
    def pid(self) -> int | None:
        """Of the process that is at work."""
        running = self._running
        return running.pid if running else None

    def try_policy(
        self, in_force: Mapping[str, bytes], shown_in: str, content_type: str, body: bytes
    ) -> dict[str, Any]:
        """What `review.policies.tried` says of it. Raises NotTried, and OSError where it cannot be started."""
        boundary = boundary_of(content_type)
        if not boundary:
            raise NotTried("no-form")
        texts = {name: content.decode("utf-8") for name, content in in_force.items()}
        job = {"parent": os.getpid(), "boundary": boundary, "in_force": texts, "shown_in": shown_in}
        said, late, code = self._asked(json.dumps(job).encode("ascii") + b"\n", body)
        if late:
            raise NotTried("slow")
        found = _last(said)
        if isinstance(why := found.get("why_not"), str) and why in CODES:
            raise NotTried(why)
        if "mistakes" in found:
            return found
        limit = getattr(signal, "SIGXCPU", None)
        raise NotTried("slow" if limit is not None and code == -limit else "ended")

    def _asked(self, job: bytes, body: bytes) -> tuple[bytes, bool, int]:
        """What it says, whether it took too long, and its exit code."""
        late = threading.Event()
        said = b""
        with subprocess.Popen(
            command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # an error's text may quote what was sent
            cwd=os.sep,
            env=environment(),
        ) as judge:
            with self._lock:
                self._running = judge
                if self._over:
                    judge.kill()

            def end() -> None:
                late.set()
                judge.kill()

            timer = threading.Timer(self._within, end)
            timer.start()
            assert judge.stdin is not None  # noqa: S101 - both are pipes
            assert judge.stdout is not None  # noqa: S101
            try:
                judge.stdin.write(job)
                judge.stdin.write(body)
                judge.stdin.close()
                said = judge.stdout.read(_LARGEST)
                if len(said) < _LARGEST:  # else it would wait for a reader
                    judge.wait()
            except BrokenPipeError:
                pass
            finally:
                timer.cancel()
                judge.kill()
                with self._lock:
                    self._running = None
        return said, late.is_set(), judge.returncode

    def close(self) -> None:
        with self._lock:
            self._over = True
            if self._running is not None:
                self._running.kill()


def _last(said: bytes) -> dict[str, Any]:
    lines = said.splitlines()
    try:
        return dict(parse_object(lines[-1])) if lines else {}
    except ValueError:
        return {}
