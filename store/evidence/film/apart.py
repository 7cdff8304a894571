"""Has the film made by a process of its own, which is confined before it decodes anything (docs/decisions/0037).

What that process says is as little to be trusted as what it decodes.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from protocol.claims import parse_object
from protocol.packet import Monitor
from protocol.terminal import printable
from store.evidence.film import CannotPlay
from store.evidence.film.plan import Plan

MAKER: Final = "store.evidence.film.maker"
_LONGEST: Final = 4096  # bytes of a line; a film that cannot be made is told in fewer
# Seconds without a further second of film. One takes 0.15 s of CPU; the rest is for machines and disks that are busy,
# and for what is imported and looked through before the first.
STALLED_AFTER: Final = 1800
# One thread until it is confined, since a thread that is there before is not. Windows starts nothing without its root.
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1"}
_KEPT: Final = ("SYSTEMROOT",)


def command() -> list[str]:
    return [sys.executable, "-I", "-m", MAKER]


def environment() -> dict[str, str]:
    return _ENVIRONMENT | {name: os.environ[name] for name in _KEPT if name in os.environ}


def job(
    plan: Plan, monitors: Sequence[Monitor], screens: Mapping[int, Path], sound: tuple[int, Path] | None, to: Path
) -> bytes:
    facts = {
        "parent": os.getpid(),
        "plan": plan_facts(plan),
        "monitors": [astuple(one) for one in monitors],
        "screens": {str(stream): str(path) for stream, path in screens.items()},
        "sound": None if sound is None else [sound[0], str(sound[1])],
        "to": str(to),
    }
    return json.dumps(facts).encode("ascii")


def plan_facts(plan: Plan) -> dict[str, Any]:
    return {
        "kept": {str(stream): [list(span) for span in spans] for stream, spans in plan.kept.items()},
        "gaps": {lane: [astuple(gap) for gap in gaps] for lane, gaps in plan.gaps.items()},
        "shown": [list(span) for span in plan.shown],
    }


def make(
    plan: Plan,
    monitors: Sequence[Monitor],
    screens: Mapping[int, Path],
    sound: tuple[int, Path] | None,
    to: Path,
    *,
    advance: Callable[[int], None],
) -> None:
    """Writes the film of these streams to `to`, a new file (mode 0600). `advance`: called with further seconds of it.

    Raises CannotPlay, also where the maker met an OSError; OSError where it cannot be started.
    """
    progress, late, ended = Event(), Event(), Event()
    with subprocess.Popen(
        command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what it writes there a hostile stream may have chosen
        cwd=os.sep,
        env=environment(),
    ) as maker:
        watch = Thread(target=_watch, args=(maker, progress, late, ended), daemon=True)
        watch.start()
        try:
            assert maker.stdin is not None  # noqa: S101 - both are pipes
            maker.stdin.write(job(plan, monitors, screens, sound, to))
            maker.stdin.close()
            last: Mapping[str, Any] = {}
            for last in _said(maker):
                more = last.get("more")
                if isinstance(more, int) and more > 0:
                    progress.set()
                    advance(more)
        except BrokenPipeError:
            last = {}
        finally:
            ended.set()
            progress.set()
            watch.join()
            maker.kill()
    if late.is_set():
        raise CannotPlay(f"the process that makes it got no further for {STALLED_AFTER // 60} minutes")
    _judge(last, maker.returncode)


def _watch(maker: subprocess.Popen[bytes], progress: Event, late: Event, ended: Event) -> None:
    """Kills what makes no progress: sleeping takes no CPU, and no limit ends it."""
    while progress.wait(STALLED_AFTER):
        if ended.is_set():
            return
        progress.clear()
    late.set()
    maker.kill()


def _said(maker: subprocess.Popen[bytes]) -> Iterator[Mapping[str, Any]]:
    assert maker.stdout is not None  # noqa: S101 - a pipe
    while line := maker.stdout.readline(_LONGEST):
        try:
            yield parse_object(line)
        except ValueError:
            return


def _judge(last: Mapping[str, Any], code: int) -> None:
    if last.get("made") is True:
        return
    if isinstance(why := last.get("why_not"), str):
        raise CannotPlay(printable(why))
    if isinstance(number := last.get("errno"), int) and number in errno.errorcode:
        raise CannotPlay(f"the system refused the process that makes it: {os.strerror(number)}")
    limit = getattr(signal, "SIGXCPU", None)
    if limit is not None and code == -limit:
        raise CannotPlay("the streams took more time than a film of this length can need")
    raise CannotPlay(f"the process that makes it ended before it was done (exit code {code})")
