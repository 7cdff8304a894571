"""Which window of the desktop is which window of a browser: found once, and kept until either of the two is gone.

Only a bound window is accounted for, so a wrong bond would let pass what no extension can see (a private window at the
place and with the title of another). Hence: same process, place and title (core.proof.captions), first seen before the
browser was asked, and every window of that process without a partner finds one at once; else none is bound.

While its page has no title, Firefox's window has its name alone, and a private one at first, too: what was bound so is
checked again in every answer, until both have the same title.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.core.model.seen import Box, BrowserWindow, Page, Window, WindowKind
from agent.core.proof.captions import is_bare, is_untitled, same_title

NEAR: Final = 2  # pixels; fractional scaling rounds differently in browser and server

# Chromium reports the place of what it draws, Firefox that of the window manager's frame around it: so much it may be
# larger, in pixels.
BORDER: Final = 16
TITLE_BAR: Final = 64

Key = tuple[str, int]  # (connection, the browser's own number of the window)
Place = tuple[str, int]  # (connection, the browser's own number of the tab); tabs move between windows
Partners = Mapping[Key, frozenset[int]]


def key_of(window: BrowserWindow) -> Key:
    return window.browser, window.id


@dataclass(frozen=True, slots=True)
class WindowCorrelation:
    """`partners`: for each bound browser window the ids of the desktop's windows that it may be.

    More than one only where windows cannot be told apart: then as many browser windows share them, and any of them in
    view counts for all. `untitled`: those of them that have not had the same title on both sides yet.
    """

    partners: Partners = field(default_factory=dict)
    untitled: frozenset[Key] = frozenset()

    @property
    def accounted(self) -> frozenset[int]:
        return frozenset().union(*self.partners.values())

    def inside(self, pages: Mapping[Key, tuple[Page, ...]]) -> dict[int, tuple[Page, ...]]:
        """For each window of the desktop the pages that it may hold."""
        held: dict[int, tuple[Page, ...]] = {}
        for key, partners in self.partners.items():
            for window in partners:
                held[window] = (*held.get(window, ()), *pages[key])
        return held

    def within(self, windows: Iterable[int]) -> WindowCorrelation:
        """What is left when only these windows are still on the desktop."""
        alive = frozenset(windows)
        left = _whole({key: partners & alive for key, partners in self.partners.items()})
        return WindowCorrelation(left, self.untitled)

    def renewed(self, browsing: tuple[BrowserWindow, ...], seeking: tuple[Window, ...]) -> WindowCorrelation:
        """After a look at the browsers. `seeking`: the windows that were on the desktop before they were asked."""
        answered = {key_of(window): window for window in browsing}
        there = {window.id: window for window in seeking}
        held = {
            key: partners
            for key, partners in self.partners.items()
            if key in answered
            and (key not in self.untitled or all(_fits(answered[key], there[one]) for one in partners & there.keys()))
        }
        kept = WindowCorrelation(_whole(held))
        found: dict[Key, frozenset[int]] = dict(kept.partners)
        for pid in sorted({window.pid for window in browsing}):
            mine = [window for window in browsing if window.pid == pid and key_of(window) not in found]
            theirs = [window for window in seeking if _is_candidate(window, pid) and window.id not in kept.accounted]
            found |= _pair(mine, theirs)
        unsure = found.keys() - (kept.partners.keys() - self.untitled)
        untitled = frozenset(key for key in unsure if not _titled(answered[key], found[key], there))
        return WindowCorrelation(found, untitled)


def _titled(window: BrowserWindow, partners: frozenset[int], there: Mapping[int, Window]) -> bool:
    """Whether all that it may be are on the desktop with its title."""
    return partners <= there.keys() and all(same_title(window.title, _title(there[one])) for one in partners)


def _whole(partners: Partners) -> Partners:
    """Without the bonds of which a part is gone: which of the rest was whose is not known."""
    sharing = Counter(partners.values())
    return {key: shared for key, shared in partners.items() if len(shared) == sharing[shared]}


def _is_candidate(window: Window, pid: int) -> bool:
    return window.engine and window.pid == pid and window.kind is not WindowKind.POPUP


def _pair(mine: list[BrowserWindow], theirs: list[Window]) -> Partners:
    if len(mine) != len(theirs):
        return {}
    candidates = {key_of(window): frozenset(other.id for other in theirs if _alike(window, other)) for window in mine}
    bound = _whole(candidates)
    return bound if len(bound) == len(mine) else {}


def _alike(window: BrowserWindow, other: Window) -> bool:
    """Minimised windows have no place that could be compared."""
    untitled = is_bare(_title(other)) and is_untitled(window.title, _address(window))
    is_same = untitled or same_title(window.title, _title(other))
    return is_same and (window.minimised or _near(window.box, other.box))


def _fits(window: BrowserWindow, other: Window) -> bool:
    """Whether the two may still be one. One of them may be ahead of the other with a title, or without it."""
    return is_bare(_title(other)) or same_title(window.title, _title(other))


def _title(window: Window) -> str:
    """One that cannot be read is like none."""
    return window.title if isinstance(window.title, str) else ""


def _address(window: BrowserWindow) -> str:
    """Of the page in front, where the browser reports it."""
    return next((tab.page.urls[0] for tab in window.tabs if tab.visible and tab.page.urls), "")


def _near(reported: Box, found: Box) -> bool:
    """Whether the browser reports this place of the desktop, with or without a frame around it."""
    left, top = found.x - reported.x, found.y - reported.y
    right = reported.x + reported.width - found.x - found.width
    bottom = reported.y + reported.height - found.y - found.height
    return -NEAR <= top <= TITLE_BAR and all(-NEAR <= margin <= BORDER for margin in (left, right, bottom))
