"""What was seen: windows, pages, and the looks that tell of them.

Blindness is a value of its own (`Blind`), so that "could not tell" can never pass for "nothing there".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import Final

# The witnesses, by the names that their looks carry.
WINDOWS: Final = "window"
BROWSERS: Final = "browser"


class Blind(Enum):
    """Why something could not be read. Each closes the eye wherever a rule would have needed the answer."""

    VANISHED = "the window was gone before it could be read"
    NO_PROCESS = "the window does not say which process it belongs to"
    FOREIGN_PROCESS = "the window belongs to another host or to a process that cannot be read"
    NO_TITLE = "the window's title cannot be read"
    EMPTY = "no window could be listed although something is on screen"
    UNEXPLAINED = "a visible window is not in the list"
    NO_ANSWER = "the witness did not answer in time"
    NO_DISPLAY = "the connection to the display is gone"
    CANNOT_VOUCH = "this platform cannot say what is in view"
    NO_ADDRESS = "the page has no address that can be judged"


class WindowKind(Enum):
    NORMAL = "normal"
    POPUP = "popup"  # menu, tooltip, drop-down, drag picture: shares the verdict of its process's windows
    NOTIFICATION = "notification"  # a window of its sender
    DESKTOP = "desktop"  # the wallpaper, a panel, a dock: the shell itself
    OVERVIEW = "overview"  # shows pictures of other windows: a switcher, a task view


@dataclass(frozen=True, slots=True)
class Box:
    """Place on the desktop in pixels, origin at the top left of the whole desktop."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Window:
    """One top-level window.

    `app` is the process's name without path and `.exe`; `shown` means mapped, on the current workspace and with at
    least one pixel not covered by opaque rectangles above it at any moment since the look before; in doubt, True.
    `engine`: its process renders web content; in doubt, True.
    `remote`: it shows another machine (RDP, Citrix, VNC, a virtual machine).
    """

    id: int
    app: str | Blind
    title: str | Blind
    pid: int | Blind
    box: Box
    shown: bool
    focused: bool = False
    kind: WindowKind = WindowKind.NORMAL
    engine: bool = False
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One tab: the URLs of all its frames (top first), the sensitive fields and selectors present.

    `shown`: its window is in view. `parked`: behind another tab of that window; its picture is still in hover cards and
    split view, and comes back on a tab switch. `unread`: a frame of it gave no answer, so what it shows is not known.
    `extension`: no tab at all, but what the extension of this id may be showing over or beside a window's pages (its
    popup, its side panel); `UNKNOWN_EXTENSION` where the browser does not say which. None for a tab.
    """

    urls: tuple[str, ...]
    fields: frozenset[str] = frozenset()
    selectors: frozenset[str] = frozenset()
    shown: bool = True
    parked: bool = False
    unread: bool = False
    extension: str | None = None


UNKNOWN_EXTENSION: Final = ""
TOP: Final = 0  # the id of a tab's top document in every browser
ANY: Final = -1  # instead of a document's number


@dataclass(frozen=True, slots=True)
class Document:
    """What is in one frame of a tab. `id`, `parent`: the browser's numbers of the frame and of the one around it.

    `number`: of the document itself; another document in the same frame has another one.
    """

    id: int
    parent: int
    page: Page
    number: int = 0


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab as its browser reports it. `page.shown` and `page.parked` are not the browser's to say.

    `visible`: its picture is in its window (the active tab, or one in split view); in doubt, True.
    `painted`: what is in the picture is this page, not the one before. No browser can tell that: core.proof.marks does.
    `unknown`: what is in the picture is not known, or was long waited for, and so the page counts as unread; behind
    another tab that is believed gone by then, ns.
    `closes`: its page closes the screen under the policy in force.
    """

    id: int
    page: Page
    visible: bool
    painted: bool = True
    unknown: int = 0
    closes: bool = False
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class BrowserWindow:
    """A window as its browser reports it. `browser`: which connection; `pid`: of the browser's process.

    `title`: of the active tab; `box`: in pixels of the desktop. Both only serve to find the desktop's own window for
    it, once. `extensions`: ids of those that may be showing something in it that is no tab. `full_screen`: in doubt,
    False.
    """

    browser: str
    pid: int
    id: int
    title: str
    box: Box
    minimised: bool
    tabs: tuple[Tab, ...]
    extensions: tuple[str, ...] = ()
    full_screen: bool = False


@dataclass(frozen=True, slots=True)
class Browsing:
    """What all connected browsers answered to one question: every tab of every window."""

    windows: tuple[BrowserWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What is open. `accounted`: ids of web engines' windows whose pages a browser witness has been asked for.

    `pages_only`: from a witness that speaks of pages alone, so that having no window to name is no blindness.
    """

    windows: tuple[Window, ...] = ()
    pages: tuple[Page, ...] = ()
    accounted: frozenset[int] = frozenset()
    pages_only: bool = False


@dataclass(frozen=True, slots=True)
class StalePixels:
    """Pixels whose window has left the view, until something else has been painted there.

    `left`: when that was found, between the question and the answer of a look; `until`: when they are gone for all
    that is known by now. A later look may know better. Both ns.

    `most`: of pixels that a window has copied off the screen, `left` being when that was found, since the look before:
    they count for so long at most after the last that was to be hidden has gone, ns.
    """

    left: int
    until: int
    most: int = sys.maxsize

    @property
    def copied(self) -> bool:
        return self.most < sys.maxsize


@dataclass(frozen=True, slots=True)
class Look:
    """A witness's answer. `asked` < truth < `answered`; `policy` is the hash that the witness judged with.

    `stale_pixels`: what the display still shows of what left the view before; None: the witness cannot say.
    `lag`: how far the display may be behind what was seen, ns, at this moment; `Timing.settle` is what it always may.
    """

    witness: str
    asked: int
    answered: int
    policy: str
    seen: Scene | Browsing | Blind
    stale_pixels: tuple[StalePixels, ...] | None = None
    lag: int = 0


@dataclass(frozen=True, slots=True)
class PageEvent:
    """One page as an event showed it, between two looks. Only a dirty one says anything: that is an alarm.

    `browser`, `tab` and `document`: where, as in `BrowserWindow`, `Tab` and `Document`; it may be gone before the next
    look. `top`: the number of the tab's top document at that moment, of which the page was; `ANY` where that is not
    known. One that had no script then has 0.
    """

    witness: str
    at: int
    page: Page
    browser: str = ""
    tab: int = 0
    document: int = 0
    top: int = ANY


@dataclass(frozen=True, slots=True)
class Alarm:
    """Earlier looks of this witness are worthless from `at` on. `why`: for the log; nothing is decided by it."""

    witness: str
    at: int
    why: str
