"""Whether a recorder runs for this home, what it says of itself, and which others run on this PC."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil

from agent.control import control
from agent.control.control import NotRunning
from agent.doctor.facts import RecorderFacts
from agent.errors import UserError
from protocol import local_socket


def ask(home: Path) -> RecorderFacts:
    status, words = None, ""
    try:
        status = control.request(home, "status")
    except (NotRunning, UserError) as problem:
        words = str(problem)
    pid = _answers_at(home) if status else None
    others = tuple(_recorders({pid, os.getpid()}))
    return RecorderFacts(version("eyelid"), status, words, pid, others)


def _answers_at(home: Path) -> int | None:
    """The process behind the socket, as the kernel knows it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, contextlib.suppress(OSError):
        connection.settimeout(control.EXCHANGE_WITHIN)
        connection.connect(str(control.socket_path(home)))
        return local_socket.credentials(connection)[0]
    return None


def _recorders(without: set[int | None]) -> Iterator[int]:
    """Of this user: everybody else on the PC has a recorder of their own."""
    for process in psutil.process_iter(["pid", "cmdline", "uids"]):
        said = process.info
        mine = said["uids"] is not None and said["uids"].real == os.getuid()
        if mine and said["pid"] not in without and _runs_a_recorder(said["cmdline"] or []):
            yield said["pid"]


def _runs_a_recorder(words: list[str]) -> bool:
    """`eyelid run`, with whatever starts it before: an interpreter, `-m agent`."""
    for at, word in enumerate(words[:-1]):
        if words[at + 1] == "run" and (Path(word).name == "eyelid" or (word == "agent" and words[at - 1] == "-m")):
            return at + 2 == len(words)
    return False
