"""What was in view, as lines: kept as a lane of its own where the policy asks for it (`keep_scenes`), and read back to
try another policy on it.

One JSON object a line. Windows and pages are defined once in a chunk and named by their number after that, so that a
title that changes ten times a second costs one window each time; a chunk can be read without those before it, and
chunks one after another are one text. docs/envelope.md says the same for another reader.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Box, Page, Scene, Window, WindowKind

# Bytes of a chunk's lines. The envelope takes 16 MiB; two hundred windows with long titles are a tenth of this.
LARGEST: Final = 2**20


class GapCause(StrEnum):
    """Why it is not known what was in view from a moment on, until each witness is recorded again."""

    HELD = "held"  # in a hold nothing is kept
    BUSY = "busy"  # the recorder had no room: scenes never slow it
    CHANGING = "changing"  # more changes than are kept
    LARGE = "large"  # more than a chunk holds
    MISSING = "missing"  # a chunk is not there; written by who opens the recording


@dataclass(frozen=True, slots=True)
class Sighting:
    """From `at` on the witness saw this, until its next. All times here are ns, of the clock or of the recording."""

    at: int
    witness: str
    seen: Scene | Blind


@dataclass(frozen=True, slots=True)
class Passing:
    """An event showed this page at `at`; for how long is not known."""

    at: int
    witness: str
    page: Page


@dataclass(frozen=True, slots=True)
class Hole:
    """From `at` on nothing is recorded."""

    at: int
    why: GapCause


@dataclass(frozen=True, slots=True)
class Ended:
    """What was seen last stood until `at`."""

    at: int


Line = Sighting | Passing | Hole | Ended


class ScenesError(ValueError):
    """A text that is none of scenes; the message names the line's number and quotes nothing of it."""


# -- writing ------------------------------------------------------------------------------------------------------


def written(lines: Iterable[Line], zero: int) -> bytes:
    """A chunk of them. `zero`: from when their times count in the text. More than `LARGEST` bytes become a hole."""
    given = tuple(lines)
    text = _written(given, zero)
    return text if len(text) <= LARGEST else _written((Hole(given[0].at, GapCause.LARGE),), zero)


def _written(lines: Iterable[Line], zero: int) -> bytes:
    text: list[Mapping[str, object]] = []
    windows: dict[Window, int] = {}
    pages: dict[Page, int] = {}

    def number(window: Window) -> int:
        if window not in windows:
            windows[window] = len(windows)
            text.append({"window": windows[window], **_of_window(window)})
        return windows[window]

    def place(page: Page) -> int:
        if page not in pages:
            pages[page] = len(pages)
            text.append({"page": pages[page], **_of_page(page)})
        return pages[page]

    for line in lines:
        at = line.at - zero
        match line:
            case Sighting(_, witness, Blind() as blind):
                text.append({"at": at, "witness": witness, "blind": blind.name})
            case Sighting(_, witness, Scene() as scene):
                numbers = {"windows": [*map(number, scene.windows)], "pages": [*map(place, scene.pages)]}
                own = {"accounted": sorted(scene.accounted), "pages_only": scene.pages_only}
                text.append({"at": at, "witness": witness, **numbers, **own})
            case Passing(_, witness, page):
                passed = place(page)
                text.append({"at": at, "witness": witness, "passing": passed})
            case Hole(_, why):
                text.append({"at": at, "untold": why.value})
            case _:
                text.append({"at": at, "ended": True})
    # As ASCII: a title may hold halves of signs, which no encoding takes.
    return b"".join(json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n" for line in text)


def _of_window(window: Window) -> Mapping[str, object]:
    box = window.box
    return {
        "id": window.id,
        "app": _known(window.app),
        "title": _known(window.title),
        "pid": _known(window.pid),
        "box": [box.x, box.y, box.width, box.height],
        "shown": window.shown,
        "focused": window.focused,
        "kind": window.kind.value,
        "engine": window.engine,
        "remote": window.remote,
    }


def _known(fact: str | int | Blind) -> object:
    return {"blind": fact.name} if isinstance(fact, Blind) else fact


def _of_page(page: Page) -> Mapping[str, object]:
    return {
        "urls": list(page.urls),
        "fields": sorted(page.fields),
        "css": sorted(page.selectors),
        "shown": page.shown,
        "parked": page.parked,
        "unread": page.unread,
        **({} if page.extension is None else {"extension": page.extension}),
    }


# -- reading ------------------------------------------------------------------------------------------------------


def read(text: Iterable[bytes], first: int = 1) -> tuple[Line, ...]:
    """The lines of one or more chunks, in the order of their times. `first`: the number of the first in its file.

    Raises ScenesError.
    """
    reader = _Reader()
    for number, line in enumerate(text, first):
        try:
            reader.take(json.loads(line))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            raise ScenesError(f"line {number} is none of scenes, as `eyelid-store export` writes them") from None
    return tuple(sorted(reader.lines, key=lambda line: line.at))


K = TypeVar("K", bound=object)


class _Reader:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._windows: dict[int, Window] = {}
        self._pages: dict[int, Page] = {}

    def take(self, fields: Any) -> None:
        if "window" in fields:
            self._windows[fields["window"]] = _window(fields)
        elif "page" in fields:
            self._pages[fields["page"]] = _page(fields)
        else:
            self.lines.append(self._line(fields, _is(fields["at"], int)))

    def _line(self, fields: Any, at: int) -> Line:
        if "untold" in fields:
            return Hole(at, GapCause(fields["untold"]))
        if "ended" in fields:
            return Ended(at)
        witness = {WINDOWS: WINDOWS, BROWSERS: BROWSERS}[fields["witness"]]
        if "blind" in fields:
            return Sighting(at, witness, Blind[fields["blind"]])
        if "passing" in fields:
            return Passing(at, witness, self._pages[fields["passing"]])
        scene = Scene(
            tuple(self._windows[number] for number in fields["windows"]),
            tuple(self._pages[number] for number in fields["pages"]),
            frozenset(_is(one, int) for one in fields["accounted"]),
            _is(fields["pages_only"], bool),
        )
        return Sighting(at, witness, scene)


def _window(fields: Any) -> Window:
    x, y, width, height = (_is(length, int) for length in fields["box"])
    return Window(
        id=_is(fields["id"], int),
        app=_fact(fields["app"], str),
        title=_fact(fields["title"], str),
        pid=_fact(fields["pid"], int),
        box=Box(x, y, width, height),
        shown=_is(fields["shown"], bool),
        focused=_is(fields["focused"], bool),
        kind=WindowKind(fields["kind"]),
        engine=_is(fields["engine"], bool),
        remote=_is(fields["remote"], bool),
    )


def _page(fields: Any) -> Page:
    return Page(
        urls=tuple(_is(url, str) for url in fields["urls"]),
        fields=frozenset(_is(field, str) for field in fields["fields"]),
        selectors=frozenset(_is(selector, str) for selector in fields["css"]),
        shown=_is(fields["shown"], bool),
        parked=_is(fields["parked"], bool),
        unread=_is(fields["unread"], bool),
        extension=_is(fields["extension"], str) if "extension" in fields else None,
    )


def _fact(value: Any, kind: type[K]) -> K | Blind:
    return Blind[value["blind"]] if isinstance(value, dict) else _is(value, kind)


def _is(value: Any, kind: type[K]) -> K:
    """A value of another kind would be judged as something that was never there."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError
    return value


def moved(line: Line, at: int) -> Line:
    """The same, at another moment."""
    return replace(line, at=at)
