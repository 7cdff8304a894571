"""Who is at the other end of the browsers' socket: a relay that the browser started which its extension names.

Any program of the same user can connect. One that was not started by a known browser is refused, so that none says
"clean" for a browser whose own extension is silent.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from agent.core.model.seen import Blind
from protocol import local_socket

# By what the extension calls its browser: names of the program that runs, without path and `.exe`. Browsers built on
# Chromium call themselves Chromium unless they are Chrome or Edge.
PROGRAMS: Final[dict[str, frozenset[str]]] = {
    "Chromium": frozenset(
        {"chromium", "chromium-browser", "chrome", "brave", "brave-browser", "vivaldi", "vivaldi-bin", "opera"}
    ),
    "Chrome": frozenset({"chrome", "google-chrome", "google-chrome-stable"}),
    "Edge": frozenset({"msedge", "microsoft-edge", "microsoft-edge-stable"}),
    "Firefox": frozenset({"firefox", "firefox-bin", "firefox-esr"}),
}


@dataclass(frozen=True, slots=True)
class Parent:
    """The process that started another. `program`: its name without path and `.exe`, in lower case."""

    pid: int
    program: str


def is_a(browser: str, parent: Parent) -> bool:
    """Whether a process is the browser that an extension calls `browser`."""
    return parent.program in PROGRAMS.get(browser, frozenset())


def is_a_browser(parent: Parent) -> bool:
    return any(parent.program in programs for programs in PROGRAMS.values())


def peer_of(connection: socket.socket) -> int | Blind:
    """The pid at the other end, which the kernel remembers from when it connected.

    `Blind.FOREIGN_PROCESS` where it belongs to neither this user nor root, or to another pid namespace.
    """
    try:
        pid, uid = local_socket.credentials(connection)
    except OSError:
        return Blind.VANISHED
    return pid if pid > 0 and uid in {os.getuid(), 0} else Blind.FOREIGN_PROCESS


def parent_of(pid: int) -> Parent | Blind:
    """Who started `pid`, from the process table; `Blind.VANISHED` when one of both went meanwhile.

    Every number may be used again between two reads, so whether both still are who they were is asked afterwards:
    psutil compares their start times.
    """
    try:
        child = psutil.Process(pid)
        parent = child.parent()  # None where the parent is younger than its child: the number was used again
        if parent is None:
            return Blind.VANISHED
        program = _program(parent)
        if not child.is_running() or child.ppid() != parent.pid or not parent.is_running():
            return Blind.VANISHED
    except psutil.NoSuchProcess:
        return Blind.VANISHED
    except psutil.AccessDenied:
        return Blind.FOREIGN_PROCESS
    return Parent(parent.pid, program)


def _program(process: psutil.Process) -> str:
    try:
        name = Path(process.exe()).name
    except psutil.AccessDenied:
        name = ""  # a browser whose memory cannot be read may hide its path, not its name
    return (name or process.name()).casefold().removesuffix(".exe")
