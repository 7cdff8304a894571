"""The tray of Windows and macOS, through pystray. Run with its backend for X11; not run on either system yet.

pystray wants the main thread for its loop and takes updates from any other, so the threads that hear the recorder make
the views, in turn.
"""

from __future__ import annotations

import signal
import threading
from typing import Any, Final

from agent.tray.drawing import pixels
from agent.tray.icon_state import Status
from agent.tray.indicator import IconView, Indicator
from agent.tray.listener import Pauses
from agent.tray.menu import Action, Entry
from agent.tray.notifier import Notice

SIZE: Final = 64  # pixels; both systems scale it
LONGEST_TIP: Final = 127  # characters that Windows shows (NOTIFYICONDATA.szTip)


class PystrayIcon:
    """`agent.tray.indicator.Icon`."""

    def run(self, indicator: Indicator) -> None:
        import pystray  # noqa: PLC0415 - Linux has no use for it, and does not install it
        from PIL import Image  # noqa: PLC0415 - comes with pystray

        self._pystray, self._image = pystray, Image
        self._indicator = indicator
        view = indicator.view
        self._icon = pystray.Icon("eyelid", self._picture(view), self._tip(view), self._menu(view.entries))
        signal.signal(signal.SIGTERM, lambda _number, _frame: self._end())
        self._icon.run(setup=self._begin)

    def _end(self) -> None:
        # In a thread of its own: a signal may come while the loop holds a lock of its backend's, which stopping takes.
        threading.Thread(target=self._icon.stop, name="end", daemon=True).start()

    def _begin(self, icon: Any) -> None:
        icon.visible = True
        self._indicator.listen(self._take)

    def _take(self, status: Status | None, pauses: Pauses | None) -> None:
        notices = self._indicator.take(status, pauses)
        view = self._indicator.view
        self._icon.icon, self._icon.title, self._icon.menu = (
            self._picture(view),
            self._tip(view),
            self._menu(view.entries),
        )
        for notice in notices:
            self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        if self._icon.HAS_NOTIFICATION:  # Windows and macOS have; asked elsewhere, pystray raises
            self._icon.notify(notice.body, notice.title)

    def _act(self, action: Action) -> None:
        def work() -> None:
            refusal = self._indicator.act(action)
            if refusal is not None:
                self._tell(refusal)

        threading.Thread(target=work, name="act", daemon=True).start()  # the menu's thread must not wait

    def _picture(self, view: IconView) -> Any:
        argb = pixels(view.icon, SIZE)
        rgba = b"".join(argb[at + 1 : at + 4] + argb[at : at + 1] for at in range(0, len(argb), 4))
        return self._image.frombytes("RGBA", (SIZE, SIZE), rgba)

    @staticmethod
    def _tip(view: IconView) -> str:
        return f"{view.title}. {view.text}"[:LONGEST_TIP]

    def _menu(self, entries: tuple[Entry, ...]) -> Any:
        return self._pystray.Menu(*(self._entry(entry) for entry in entries))

    def _entry(self, entry: Entry) -> Any:
        if not entry.label:
            return self._pystray.Menu.SEPARATOR
        if entry.children:
            return self._pystray.MenuItem(entry.label, self._menu(entry.children))
        action = entry.action
        clicked = None if action is None else lambda _icon, _item: self._act(action)
        return self._pystray.MenuItem(entry.label, clicked, enabled=action is not None)
