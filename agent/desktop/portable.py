"""Windows as PyWinCtl and psutil tell them: on any system, for the eye of a person, and never as a proof.

It sees what a window manager lists at one moment. It does not see menus, notifications and other windows without a
manager, what covers what, or what came and went between two listings (measured: no window manager, an empty list with
windows on screen). A scene from it would claim all that. So a look from here is always blind, and `listed` is what
`eyelid windows` shows and `eyelid doctor` compares with the system's own desktop.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Final

from agent.core.model.seen import Blind, Box, Scene, Window
from agent.desktop.engines import is_called_an_engine
from agent.desktop.processes import Process, Processes
from agent.desktop.remote import shows_another_machine

LISTED_WITHIN: Final = 10.0  # seconds; 12 windows take 0.4 s, the interpreter's start included
ATTEMPTS: Final = 3  # a window that dies while it is read ends a listing


class PortableDesktop:
    """Implements `agent.ports.Desktop` for systems without a desktop of their own: recording stays closed there."""

    def __init__(self) -> None:
        self._processes = Processes()
        self._woken = threading.Event()

    def look(self) -> Scene | Blind:
        """`Blind.CANNOT_VOUCH`, always."""
        return Blind.CANNOT_VOUCH

    def listed(self) -> Scene | Blind:
        """The windows that the system lists now, the top one first; `shown` only means not minimised.

        An empty list is no proof of an empty screen, and a listing that fails is none either: `Blind.CANNOT_VOUCH`.
        """
        for _ in range(ATTEMPTS):
            found = _list()
            if found is not None:
                self._processes.rescan()
                windows = tuple(self._window(entry) for entry in reversed(found))
                return Scene(windows) if windows else Blind.CANNOT_VOUCH
        return Blind.CANNOT_VOUCH

    def _window(self, entry: dict[str, object]) -> Window:
        pid = entry["pid"]
        claimed = pid if isinstance(pid, int) and pid > 0 else Blind.NO_PROCESS
        process = self._processes.read(claimed) if isinstance(claimed, int) else claimed
        app = process.called if isinstance(process, Process) else process
        title = entry["title"]
        box = entry["box"]
        return Window(
            id=int(str(entry["id"])),
            app=app,
            title=title if isinstance(title, str) else Blind.NO_TITLE,
            pid=claimed,
            box=Box(*box) if isinstance(box, list) else Box(0, 0, 0, 0),
            shown=bool(entry["shown"]),
            focused=bool(entry["focused"]),
            engine=not isinstance(process, Process)
            or process.engine
            or is_called_an_engine(process.name, cut=process.cut),
            remote=isinstance(process, Process) and shows_another_machine(process.name, cut=process.cut),
        )

    def wait(self, timeout: float) -> bool:
        """Changes are not reported here: False after `timeout` seconds or a `wake`."""
        self._woken.wait(timeout)
        self._woken.clear()
        return False

    def wake(self) -> None:
        self._woken.set()

    def composited(self) -> bool:
        """True: nothing here says otherwise."""
        return True

    def stale_pixels(self) -> None:
        """Nothing here says when pixels have gone."""
        return

    def close(self) -> None:
        self._woken.set()


def _list() -> list[dict[str, object]] | None:
    """One run of `agent.desktop.listing`; None when it failed or did not end."""
    command = [sys.executable, "-I", "-m", "agent.desktop.listing"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LISTED_WITHIN, check=True, stdin=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    entries: list[dict[str, object]] = json.loads(done.stdout)
    return entries
