"""What menus, tooltips and pictures that are dragged may still show of their program's windows when these have gone.

A web engine's are left out: what they may show of pages is known better (`core.proof.scene_merger`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from typing import Final

from agent.core.model.seen import Blind, Window, WindowKind

MOST: Final = 64  # windows and titles of one menu; the oldest are forgotten

Known = tuple[int, str | Blind, str | Blind]  # id, app, title


class Menus:
    """`take` every scene's windows."""

    def __init__(self) -> None:
        self._behind: dict[int, dict[Known, Window]] = {}  # menu -> what was shown beside it since it came

    def take(self, windows: Iterable[Window], mapped: Container[int]) -> Iterator[Window]:
        """Those that were shown beside a menu of the same process which is `mapped` still, as they were."""
        windows = tuple(windows)
        menus = {window.id: window.pid for window in windows if window.kind is WindowKind.POPUP}
        shown = {_known(window): window for window in windows if window.shown and window.kind is not WindowKind.POPUP}
        self._behind = {menu: behind for menu, behind in self._behind.items() if menu in mapped}
        for menu, pid in menus.items():
            beside = {key: one for key, one in shown.items() if one.pid == pid and not one.engine}
            behind = {**self._behind.get(menu, {}), **beside}
            self._behind[menu] = dict(list(behind.items())[-MOST:])
        left = {key: one for behind in self._behind.values() for key, one in behind.items() if key not in shown}
        yield from (replace(one, focused=False) for one in left.values())


def _known(window: Window) -> Known:
    return window.id, window.app, window.title
