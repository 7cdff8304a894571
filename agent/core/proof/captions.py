"""How browsers name their windows after the title of the tab in front, on X11.

Measured with Chromium 156 and Firefox ESR 153 (tests/browser/test_captions.py):
- both put their own name behind the title, and Chromium the address where a page has none;
- Chromium wraps a title in marks of direction where letters or its own language run from right to left, but not in the
  tab's title;
- Firefox cuts the title at 256 units of UTF-16, also through a character, leaves out NUL, and has its own name alone
  where a page has no title. The tab's title is then the address without its scheme.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

_UTF16: Final = "utf-16-le"
FIREFOX_CUTS: Final = 256  # units of UTF-16
FIREFOX: Final = frozenset({"Mozilla Firefox", "Firefox Developer Edition", "Firefox Nightly"})

# Unicode Bidirectional Algorithm (UAX 9), explicit directional formatting and marks: they are invisible.
DIRECTIONS: Final = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def same_title(of_tab: str, of_window: str) -> bool:
    """Whether a window with this title may show a tab with that."""
    window = _plain(of_window)
    return any(tab and (window == tab or window.startswith(f"{tab} ")) for tab in _written(of_tab))


def is_bare(of_window: str) -> bool:
    """Whether Firefox has found no title for the page in this window."""
    return of_window in FIREFOX


def is_untitled(of_tab: str, address: str) -> bool:
    """Whether Firefox shows the tab's address, or its own words, for want of a title."""
    _, _, shown = address.partition("://")
    return address.startswith("about:") or (bool(shown) and unquote(of_tab) == unquote(shown))


def _written(of_tab: str) -> tuple[str, ...]:
    """The tab's title as a window may have it: whole, or cut."""
    units = of_tab.replace("\0", "").encode(_UTF16, "surrogatepass")
    whole, cut = (part.decode(_UTF16, "replace") for part in (units, units[: 2 * FIREFOX_CUTS]))
    return (_plain(whole), _plain(cut)) if cut != whole else (_plain(whole),)


def _plain(title: str) -> str:
    """Without marks of direction; white space of any sort is one space."""
    return " ".join(title.translate(DIRECTIONS).split())
