"""The icon's menu under a real pointer: it is opened, and an entry is found by what it opens and what it asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from testkit.panel import Box, Pointer

Popup = tuple[int, int, int, int]  # x, y, width, height

DEADLINE: Final = 60.0  # seconds
SUBMENU: Final = 0.6  # seconds for one to open under a pointer that rests
DROPPED: Final = 10.0  # seconds after which a click counts as dropped: a panel drops one while it still reads the menu
EDGE: Final = 14  # pixels from the edge of a menu to the middle of its first and of its last entry
STEP: Final = 8  # pixels; less than half an entry


def open_menu(pointer: Pointer, icon: Box) -> Popup:
    left, top, right, bottom = icon
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        pointer.click((left + right) // 2, (top + bottom) // 2)
        again = time.monotonic() + DROPPED
        while time.monotonic() < again:
            if opened := pointer.popups():
                return opened[0]
            time.sleep(0.05)
    raise TimeoutError("no menu opened")


def open_submenu(pointer: Pointer, menu: Popup, number: int = 1, *, upwards: bool = False) -> Popup:
    """Moves down the menu until so many have opened, one after the other; or up, from its end.

    Where the machine is too busy for that, again and more slowly: the menu as it is then, since an open one takes in
    what its program says late. Raises TimeoutError if they do not open.
    """
    deadline = time.monotonic() + DEADLINE
    patience = SUBMENU
    while True:
        seen = submenus(pointer, menu, number, patience, upwards=upwards)
        if len(seen) == number:
            return seen[-1]
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(seen)} of {number} submenus of the menu at {menu} opened")
        patience *= 2
        menu = next(iter(pointer.popups()), menu)


def submenus(
    pointer: Pointer, menu: Popup, number: int = 1, patience: float = SUBMENU, *, upwards: bool = False
) -> list[Popup]:
    """Those that open under a pointer that rests on each entry for so long (s), until there are so many."""
    x, y, _, height = menu
    seen: list[Popup] = []
    rows = range(STEP, height, STEP)
    for row in reversed(rows) if upwards else rows:
        pointer.move(x + 60, y + row)
        # Waited for also while the last one is still open: it outlives the pointer's way to the next entry.
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            opened = pointer.popups()
            if len(opened) > 1 and opened[-1] not in seen:
                seen.append(opened[-1])
                break
            time.sleep(0.02)
        if len(seen) == number:
            break
    return seen


def click_first(pointer: Pointer, menu: Popup) -> None:
    x, y, _, _ = menu
    pointer.move(x + 20, y + EDGE - 4)
    pointer.click(x + 22, y + EDGE)


def click_last(pointer: Pointer, menu: Popup) -> None:
    x, y, _, height = menu
    pointer.move(x + 58, y + height - EDGE + 2)
    pointer.click(x + 60, y + height - EDGE)


def click_upwards(pointer: Pointer, icon: Box, asked: Callable[[], bool]) -> None:
    """Clicks what stands above the last entry, from below, until it asks something; opens the menu again if it closed.

    What only says something stays where it is, and asks nothing.
    """
    x, y, _, height = open_menu(pointer, icon)
    for row in range(height - 2 * EDGE - 6, 0, -6):
        if not pointer.popups():
            open_menu(pointer, icon)
        pointer.click(x + 60, y + row)
        deadline = time.monotonic() + SUBMENU
        while time.monotonic() < deadline:
            if asked():
                return
            time.sleep(0.02)
    raise TimeoutError("nothing in the menu asked for it")
