"""The tray of Windows and macOS as a program: pystray draws it, here with its backend for X11.

    python -m tests.tray.pystray_tray HOME

That backend shows the picture and no menu, so this program says on stdout, at every change, what pystray has been given
(a JSON line: title, menu), and clicks what it reads from stdin: the labels from the menu down to the entry, as JSON.
"""

from __future__ import annotations

import faulthandler
import json
import queue
import select
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pystray

from agent.cli.tray import ControlLine
from agent.tray.icon_state import Status
from agent.tray.indicator import Indicator
from agent.tray.listener import Pauses
from agent.tray.notifier import Notice
from agent.tray.pystray_icon import PystrayIcon
from agent.tray.words import Words

STUCK = 60.0  # seconds, after which the program says on stderr where each of its threads stands

_line = threading.Lock()


def say(**told: Any) -> None:
    with _line:  # two threads have something to say, and `print` writes a line in two parts
        print(json.dumps(told), flush=True)


def described(menu: Any) -> list[dict[str, Any]]:
    return [
        {"label": item.text, "enabled": item.enabled, "children": described(item.submenu) if item.submenu else []}
        for item in menu
    ]


class OneThread(pystray.Icon):  # type: ignore[misc] - it has no types
    """Speaks to the display from its loop's thread alone.

    pystray's own speaks from any thread, and python-xlib loses wake-ups when two do over one connection: either could
    then wait for ever. The systems that Eyelid uses pystray on have nothing of either.
    """

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for name in ("_show", "_hide", "_update_icon", "_update_title", "_stop"):
            work = getattr(self, name).__wrapped__
            setattr(self, name, lambda work=work: self._jobs.put(work))

    def _events(self) -> Iterator[Any]:
        while True:
            while not self._jobs.empty():
                self._jobs.get()()
            while self._display.pending_events():
                yield self._display.next_event()
            select.select([self._display.fileno()], [], [], 0.05)


class Reports(PystrayIcon):
    def _take(self, status: Status | None, pauses: Pauses | None) -> None:
        super()._take(status, pauses)
        say(title=self._icon.title, menu=described(self._icon.menu))

    def _tell(self, notice: Notice) -> None:
        super()._tell(notice)
        say(notice=notice.body)

    def click(self, labels: Sequence[str]) -> None:
        menu = self._icon.menu
        for label in labels[:-1]:
            menu = next(item.submenu for item in menu if item.text == label)
        next(item for item in menu if item.text == labels[-1])(self._icon)


def main() -> None:
    faulthandler.dump_traceback_later(STUCK)
    pystray.Icon = OneThread
    home = Path(sys.argv[1])
    icon = Reports()

    def clicks() -> None:
        for line in sys.stdin:
            icon.click(json.loads(line))

    threading.Thread(target=clicks, daemon=True).start()
    icon.run(Indicator(ControlLine(home), Words("en"), home))


if __name__ == "__main__":
    main()
