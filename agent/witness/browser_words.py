"""What an extension says, read strictly into the core's values; and what it is told (docs/browser-protocol.md).

Pure: bytes in, values out. Unknown keys are passed over, so that a newer extension is still understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from agent.core.matching.match import searched_for
from agent.core.model.marks import Answer as MarkAnswer
from agent.core.model.marks import Shown
from agent.core.model.rules import Policy
from agent.core.model.seen import ANY, UNKNOWN_EXTENSION, Box, BrowserWindow, Document, Page, Tab

PROTOCOL: Final = 2
MAX_WINDOWS: Final = 500
MAX_TABS: Final = 5_000
MAX_FRAMES: Final = 20_000  # of one message
MAX_TEXT: Final = 64 * 2**10  # characters
MAX_EXTENSIONS: Final = 1_000
MAX_NUMBER: Final = 2**53  # beyond it JavaScript cannot count
_PIXELS: Final = 2**31


class Malformed(Exception):
    """A message that is not as the protocol says. Names the field, never what stood there."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a policy wants searched for in every frame. `css`: what a browser calls by its place in this list."""

    policy: str
    fields: tuple[str, ...] = ()
    css: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hello:
    browser: str
    version: str
    private: bool
    extension: str


@dataclass(frozen=True, slots=True)
class PolicyTaken:
    """`refused`: places of the selectors that this browser cannot read."""

    policy: str
    refused: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """`top`: as in `PageEvent`."""

    tab: int
    frame: int
    urls: tuple[str, ...]
    fields: frozenset[str]
    places: frozenset[int]
    unread: bool = False
    extensions: tuple[str, ...] = ()
    top: int = ANY

    def page(self, css: tuple[str, ...]) -> Page:
        """`css`: the selectors of the policy that the browser took last. A frame may still have scanned for the one
        before, so a place that is none says nothing; the next look does, with the hash that it was made for."""
        selectors = frozenset(css[place] for place in self.places if place < len(css))
        return Page(self.urls, self.fields, selectors, unread=self.unread)

    def shown_by_extensions(self) -> tuple[Page, ...]:
        """What extensions may be showing now: no page has an address for it."""
        return tuple(Page((), unread=True, extension=one) for one in self.extensions)


@dataclass(frozen=True, slots=True)
class Answer:
    """To the question `id`. `windows` as they came: read by `windows_of`, and comparable to the answer before."""

    id: int
    policy: str
    windows: list[Any]
    extensions: tuple[str, ...] = ()  # the ids of all that are switched on


@dataclass(frozen=True, slots=True)
class Marked:
    """What a document says of the mark that it was asked to show."""

    tab: int
    mark: int
    how: MarkAnswer


Message = Hello | PolicyTaken | Event | Answer | Marked


# -- what the agent says ------------------------------------------------------------------------------------------


def scan_patterns(policy: Policy) -> Scan:
    """Every field and selector that the policy names anywhere, in the order in which it first does."""
    return Scan(policy.hash, *searched_for(policy))


def welcome() -> bytes:
    return _message({"kind": "welcome", "protocol": PROTOCOL})


def scan_for(asked: Scan) -> bytes:
    return _message({"kind": "policy", "hash": asked.policy, "fields": asked.fields, "css": asked.css})


def look(number: int) -> bytes:
    return _message({"kind": "look", "id": number})


def mark(tab: int, marks: Shown) -> bytes:
    shown = {str(frame): f"{one:08x}" for frame, one in marks.items()}
    return _message({"kind": "mark", "tab": tab, "marks": shown})


def _message(words: Mapping[str, object]) -> bytes:
    return json.dumps(words, separators=(",", ":")).encode("ascii")


# -- what the extension says --------------------------------------------------------------------------------------


def read(message: bytes) -> tuple[int, Message]:
    """The message's number and what it says. Raises Malformed."""
    try:
        words = json.loads(message.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("the message is not JSON in UTF-8") from None
    if not isinstance(words, dict):
        raise Malformed("the message is not an object")
    number = _integer(words, "n", 1)
    kind = words.get("kind")
    if kind == "look":
        id_, policy, windows = _integer(words, "id"), _text(words, "policy"), _list(words, "windows")
        return number, Answer(id_, policy, windows, _extensions(words, ()))
    if kind == "event":
        _text(words, "what")
        tab = _integer(words, "tab", least=-1)  # the browsers' number for what is in no tab
        unread = _truth(words, "unread") if "unread" in words else False  # may be left out
        fields, places = frozenset(_texts(words, "fields")), _places(words, "css")
        frame, urls, extensions = _integer(words, "frame"), _texts(words, "urls"), _extensions(words, ())
        top = _integer(words, "doc") if "doc" in words else ANY
        return number, Event(tab, frame, urls, fields, places, unread, extensions, top)
    if kind == "marked":
        return number, Marked(_integer(words, "tab", least=-1), _mark(words), _how(words))
    if kind == "policy":
        return number, PolicyTaken(_text(words, "hash"), tuple(sorted(_places(words, "refused"))))
    if kind == "hello":
        return number, _hello(words)
    raise Malformed("kind is none of hello, policy, event, look, marked")


def windows_of(answer: Answer, css: tuple[str, ...] | None, *, browser: str, pid: int) -> tuple[BrowserWindow, ...]:
    """The windows of an answer. Raises Malformed.

    `css`: the list that places refer to; None where the answer was not made for one policy, so that they mean nothing,
    and a page that has any counts as unread.
    """
    if len(answer.windows) > MAX_WINDOWS:
        raise Malformed(f"windows has more than {MAX_WINDOWS} entries")
    room = _Room(MAX_TABS, MAX_FRAMES)
    windows = tuple(_window(_object(entry, "windows"), css, room, browser, pid) for entry in answer.windows)
    if len({window.id for window in windows}) != len(windows):
        raise Malformed("windows has an id twice")
    return windows


@dataclass(slots=True)
class _Room:
    """How many tabs and frames the message may still have."""

    tabs: int
    frames: int


def _hello(words: Mapping[str, Any]) -> Hello:
    if _integer(words, "protocol") != PROTOCOL:
        raise Malformed(f"protocol is not {PROTOCOL}: browser extension and agent are of different versions")
    return Hello(_text(words, "browser"), _text(words, "version"), _truth(words, "private"), _text(words, "extension"))


def _window(
    words: Mapping[str, Any], css: tuple[str, ...] | None, room: _Room, browser: str, pid: int
) -> BrowserWindow:
    _truth(words, "private")  # private or not, what is in it is judged alike
    tabs = _list(words, "tabs")
    room.tabs -= len(tabs)
    if room.tabs < 0:
        raise Malformed(f"tabs are more than {MAX_TABS}")
    return BrowserWindow(
        browser,
        pid,
        _integer(words, "id"),
        _text(words, "title"),
        _box(words, "box"),
        _truth(words, "minimised"),
        tuple(_tab(_object(entry, "tabs"), css, room) for entry in tabs),
        _extensions(words, (UNKNOWN_EXTENSION,)),  # left out: any may be
        _truth(words, "fullscreen") if "fullscreen" in words else False,
    )


def _tab(words: Mapping[str, Any], css: tuple[str, ...] | None, room: _Room) -> Tab:
    frames = _list(words, "frames")
    room.frames -= len(frames)
    if room.frames < 0:
        raise Malformed(f"frames are more than {MAX_FRAMES}")
    documents: dict[int, Document] = {}
    for entry in frames:
        document = _document(_object(entry, "frames"), css)
        known = documents.get(document.id)
        documents[document.id] = document if known is None else replace(known, page=_joined([known, document]))
    every = tuple(documents.values())
    page = _joined(every)
    page = replace(page, unread=page.unread or _truth(words, "unread"))
    # -1: what is no ordinary tab, such as developer tools in a window of their own (TAB_ID_NONE).
    return Tab(_integer(words, "id", -1), page, _truth(words, "visible"), documents=every)


def _document(words: Mapping[str, Any], css: tuple[str, ...] | None) -> Document:
    places, listed = _places(words, "css"), css or ()
    selectors = frozenset(listed[place] for place in places if place < len(listed))
    # A place beyond the list was found with another list: what of this policy's is there is not known.
    unread = len(selectors) < len(places) or ("unread" in words and _truth(words, "unread"))
    page = Page((_text(words, "url"),), frozenset(_texts(words, "fields")), selectors, unread=unread)
    return Document(_integer(words, "id"), _integer(words, "parent", least=-1), page, _integer(words, "doc"))


def _joined(documents: Iterable[Document]) -> Page:
    """All that is in these, as one page."""
    pages = [document.page for document in documents]
    return Page(
        tuple(url for page in pages for url in page.urls),
        frozenset().union(*(page.fields for page in pages)),
        frozenset().union(*(page.selectors for page in pages)),
        unread=any(page.unread for page in pages),
    )


# -- one value ----------------------------------------------------------------------------------------------------


def _no_number(_: str) -> NoReturn:
    raise Malformed("a number is none (NaN, Infinity)")


def _object(value: object, of: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"an entry of {of} is not an object")
    return value


def _integer(words: Mapping[str, Any], name: str, least: int = 0) -> int:
    value = words.get(name)
    if type(value) is not int or not least <= value <= MAX_NUMBER:  # True is an int to isinstance
        raise Malformed(f"{name} is not a whole number from {least}")
    return value


def _text(words: Mapping[str, Any], name: str) -> str:
    return _is_text(words.get(name), name)


def _is_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a text")
    if len(value) > MAX_TEXT:
        raise Malformed(f"{name} is longer than {MAX_TEXT} characters")
    return value


def _truth(words: Mapping[str, Any], name: str) -> bool:
    value = words.get(name)
    if not isinstance(value, bool):
        raise Malformed(f"{name} is neither true nor false")
    return value


def _list(words: Mapping[str, Any], name: str) -> list[Any]:
    value = words.get(name)
    if not isinstance(value, list):
        raise Malformed(f"{name} is not a list")
    return value


def _texts(words: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = _list(words, name)
    if len(values) > MAX_FRAMES:
        raise Malformed(f"{name} has more than {MAX_FRAMES} entries")
    return tuple(_is_text(value, name) for value in values)


def _extensions(words: Mapping[str, Any], absent: tuple[str, ...]) -> tuple[str, ...]:
    if "extensions" not in words:
        return absent
    ids = tuple(dict.fromkeys(_texts(words, "extensions")))
    if len(ids) > MAX_EXTENSIONS:
        raise Malformed(f"extensions has more than {MAX_EXTENSIONS} entries")
    return ids


def _places(words: Mapping[str, Any], name: str) -> frozenset[int]:
    values = _list(words, name)
    if any(type(value) is not int or not 0 <= value <= MAX_NUMBER for value in values):
        raise Malformed(f"{name} has an entry that is not a place in a list")
    return frozenset(values)


def _box(words: Mapping[str, Any], name: str) -> Box:
    sides = _list(words, name)
    if len(sides) != 4 or any(type(side) not in {int, float} or not -_PIXELS <= side <= _PIXELS for side in sides):
        raise Malformed(f"{name} is not four numbers")
    return Box(*map(round, sides))  # a scaled desktop has halves of pixels


def _mark(words: Mapping[str, Any]) -> int:
    digits = _text(words, "mark")
    if len(digits) != 8 or not set(digits) <= set("0123456789abcdef"):
        raise Malformed("mark is not eight hexadecimal digits")
    return int(digits, 16)


def _how(words: Mapping[str, Any]) -> MarkAnswer:
    try:
        return MarkAnswer(_text(words, "how"))
    except ValueError:
        raise Malformed("how is none of shown, empty, outside") from None
