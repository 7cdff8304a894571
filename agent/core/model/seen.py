"""The words of the core as values: what was seen, what the policy says, what may be kept.

Times are nanoseconds of one clock that never jumps and runs through sleep (see `agent.ports.Clock`).
Blindness is a value of its own (`Blind`), so that "could not tell" can never pass for "nothing there".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntFlag, StrEnum
from typing import Final

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000

# The witnesses, by the names that their looks carry.
WINDOWS: Final = "window"
BROWSERS: Final = "browser"


class Lane(StrEnum):
    """What a rule closes separately, whole: every monitor, or both ends of the call."""

    SCREEN = "screen"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end] in ns; start may equal end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span cannot end ({self.end}) before it starts ({self.start})")


# -- what was seen ------------------------------------------------------------------------------------------------


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
    NOTIFICATION = "notification"  # a window of whoever sent it
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
    `engine`: its process renders web content (recognised by what it runs, not by its name).
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
    """A tab as its browser tells of it. `page.shown` and `page.parked` are not the browser's to say.

    `visible`: its picture is in its window (the active tab, or one in split view); in doubt, True.
    `painted`: what is in the picture is this page, not the one before. No browser can tell that: core.proof.marks does.
    `unknown`: what is in the picture is not known, or was long waited for, and so the page counts as unread; behind
    another tab that is believed gone by then, ns.
    """

    id: int
    page: Page
    visible: bool
    painted: bool = True
    unknown: int = 0
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class BrowserWindow:
    """A window as its browser tells of it. `browser`: which connection; `pid`: of the browser's process.

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
class Ghost:
    """Pixels whose window has left the view, until something else has been painted there.

    `left`: when that was found, between the question and the answer of a look; `until`: when they are gone for all
    that is known by now. A later look may know better. Both ns.
    """

    left: int
    until: int


@dataclass(frozen=True, slots=True)
class Look:
    """A witness's answer. `asked` < truth < `answered`; `policy` is the hash that the witness judged with.

    `ghosts`: what the display still shows of what left the view before; None: the witness cannot say.
    `lag`: how far the display may be behind what was seen, ns, at this moment; `Timing.settle` is what it always may.
    """

    witness: str
    asked: int
    answered: int
    policy: str
    seen: Scene | Browsing | Blind
    ghosts: tuple[Ghost, ...] | None = None
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Glimpse:
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
    """Earlier looks of this witness are worthless from `at` on."""

    witness: str
    at: int
    why: str


# -- what the policy says -----------------------------------------------------------------------------------------


class Effect(StrEnum):
    PAUSE = "pause"
    RECORD = "record"


class Extent(StrEnum):
    """When a rule speaks: while the thing is shown, or also while it is only open in the background."""

    SHOWN = "shown"
    OPEN = "open"


class Attribute(StrEnum):
    """What a matcher looks at. `url`, `field` and `css` are answered by a browser witness, and so is `extension`, which
    only `allow_extensions` asks for.
    """

    APP = "app"
    TITLE = "title"
    URL = "url"
    FIELD = "field"
    CSS = "css"
    EXTENSION = "extension"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Fits when one of its patterns fits the attribute. `where` it stands: file:line:column; `places`: each pattern."""

    attribute: Attribute
    patterns: tuple[str, ...]
    where: str = field(default="", compare=False)
    places: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Fits when every matcher fits the same window, or the same page."""

    matchers: tuple[Matcher, ...]


Condition = Matcher | AllOf


@dataclass(frozen=True, slots=True)
class LaneEffect:
    effect: Effect = Effect.PAUSE
    extent: Extent = Extent.SHOWN
    lead: int = 0  # ns dropped before the rule's first sign (sound: numbers are spoken before a form opens)


@dataclass(frozen=True, slots=True)
class Rule:
    """`number` is the rule's place in the policy of that hash, from 0: the ledger names rules by it.

    `where` it stands: file:line:column. `dry_run`: it closes nothing, and is told of where it would have.
    `max_pause`: ns after which its closing without a break is worth an alarm, 0 for never.
    `never_matched`: days of looking after which its fitting nothing is worth one, 0 for never.
    """

    number: int
    id: str
    why: str
    any: tuple[Condition, ...]
    unless: tuple[Condition, ...] = ()
    lanes: Mapping[Lane, LaneEffect] = field(default_factory=dict)
    stay_closed: int = 0
    dry_run: bool = False
    max_pause: int = 0
    never_matched: int = 0
    where: str = field(default="", compare=False)

    def on(self, lane: Lane) -> LaneEffect:
        """A lane that a rule does not name is paused."""
        return self.lanes.get(lane, LaneEffect())


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What the policy says of holds by the person in front. `longest`: of one hold, ns; None: until they release it.

    `reasons`: what they choose from, which the ledger names by their number here; (): Eyelid's own (core.holding).
    """

    allowed: bool = True
    longest: int | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A test that lives in the policy file: one page or window and what must happen to each lane."""

    name: str
    scene: Scene
    expect: Mapping[Lane, Effect]
    where: str  # file:line:column


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy made of all files of the folder, with one hash over their bytes. `where` its revision stands, and
    `scenes_where` its keep_scenes: file:line:column.
    """

    hash: str
    revision: int
    name: str
    rules: tuple[Rule, ...]
    record_when: tuple[Condition, ...] | None = None  # None: always
    keep_recording: int = 0
    unlisted: Effect = Effect.RECORD  # PAUSE is written `close` in the file
    allow_unseen: tuple[Matcher, ...] = ()
    allow_extensions: tuple[Matcher, ...] = ()  # one id each
    parked_tabs_allowed: bool = False
    user_hold: HoldTerms = HoldTerms()
    tests: tuple[PolicyTest, ...] = ()
    where: str = field(default="", compare=False)
    keep_scenes: bool = False  # what was in view is kept too, sealed
    scenes_where: str = field(default="", compare=False)

    @property
    def closing(self) -> tuple[Rule, ...]:
        """The rules that count; the others are only tried."""
        return tuple(rule for rule in self.rules if not rule.dry_run)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a lane is closed: a rule of the policy by number, or one of Eyelid's own rules (`number` None)."""

    id: str
    number: int | None = None
    stay_closed: int = 0


# -- what is recorded ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Monitor:
    """One output as the recording numbers it. A changed size or place is a new monitor with a new stream number."""

    stream: int
    box: Box
    name: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of one monitor, owning its pixels.

    `pixels`: planar YUV 4:2:0 (I420, BT.601 limited range), width and height rounded up to even numbers by repeating
    the edge; `span` covers every grab that the picture is made of.
    `whole` marks a frame that equals one grab of the whole monitor within its span: it owes nothing to earlier ones.
    `drawn_at`: when the first was drawn of what it shows and the frame before it does not, ns; None if nobody can tell.
    `repeats`: nothing was drawn since the frame before.
    """

    stream: int
    span: Span
    width: int
    height: int
    pixels: bytes
    whole: bool = False
    drawn_at: int | None = None
    repeats: bool = False

    @property
    def changed(self) -> int:
        """Since when the monitor may not have shown what the picture before this one shows, ns."""
        return self.span.start if self.drawn_at is None else min(self.drawn_at, self.span.start)


@dataclass(frozen=True, slots=True)
class Block:
    """20 ms of sound of both ends of the call: one Opus frame, so that a cut falls between two.

    `at`: when its first sample was heard, as well as is known, ns; `span` is that time widened by the stamp's error.
    `position`: of its first sample on the clock's grid: blocks that touch in time are 960 apart, because what was lost
    was filled with silence; only where nobody listened, or no device was there, does it leave out.
    `samples`: 16 bit, little endian, left (microphone) and right (far end) in turn, at 48 kHz.
    """

    stream: int
    span: Span
    at: int
    position: int
    samples: bytes

    @property
    def whole(self) -> bool:
        """Sound owes nothing to the block before it."""
        return True

    @property
    def repeats(self) -> bool:
        """Sound never stands still."""
        return False

    @property
    def changed(self) -> int:
        return self.span.start


class ChunkKind(Enum):
    HEADER = 0  # CMAF initialisation segment
    MEDIA = 1  # one CMAF fragment


class ChunkFlag(IntFlag):
    NONE = 0
    KEY_FRAME = 1  # starts with a key frame
    AFTER_GAP = 2  # something between the chunk before and this one was not kept


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded plaintext of one stream. `span` is the kept time it stands for, in ns of the clock."""

    stream: int
    kind: ChunkKind
    span: Span
    data: bytes
    flags: ChunkFlag = ChunkFlag.NONE


class Hold(StrEnum):
    """A reason not to record at all. Holds are a set: releasing one never releases another."""

    NO_POLICY = "no-policy"
    BLIND = "blind"
    USER = "user"
    SPOOL_FULL = "spool-full"
    LOCKED = "locked"
    NOT_IN_FRONT = "not-in-front"
    DISPLAY_OFF = "display-off"
    SUSPENDED = "suspended"
    LOGOFF = "logoff"  # the session has ended, this process not yet
    SHUTDOWN = "shutdown"
