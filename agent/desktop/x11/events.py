"""X events as values, apart from the library that read them. Only what happened: never what a program sent itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from Xlib import X
from Xlib.protocol.event import AnyEvent

from agent.core.model.seen import Box
from agent.desktop.x11.tree import (
    Circulated,
    Created,
    Destroyed,
    Entered,
    Left,
    Mapped,
    Moved,
    Shifted,
    TreeEvent,
    Unmapped,
)


@dataclass(frozen=True, slots=True)
class PropertyChanged:
    window: int
    atom: int


@dataclass(frozen=True, slots=True)
class Reshaped:
    window: int


@dataclass(frozen=True, slots=True)
class Painted:
    """Something was drawn in the top level, or in what it holds, for the first time since its damage was emptied."""

    window: int


@dataclass(frozen=True, slots=True)
class Inner:
    """A client inside a window manager's frame was resized, moved, mapped or unmapped; `out`: it is no longer in it;
    `gone`: it was destroyed.
    """

    window: int
    out: bool
    gone: bool


@dataclass(frozen=True, slots=True)
class Nested:
    """A window came into another that is not the root: made there, or reparented."""

    window: int
    parent: int


@dataclass(frozen=True, slots=True)
class CompositorChanged:
    owner: int


@dataclass(frozen=True, slots=True)
class MonitorsChanged: ...


@dataclass(frozen=True, slots=True)
class RootResized:
    """The whole desktop, all that can be captured, has this size from now on."""

    box: Box


Seen = PropertyChanged | Reshaped | Painted | Inner | Nested
Event = TreeEvent | Seen | CompositorChanged | MonitorsChanged | RootResized


def read_unknown_events(display: Any) -> None:
    """python-xlib raises KeyError for an event of an extension whose subcode it does not know, and any program may send
    one to any window.
    """
    low = display.display
    low.event_classes = {
        code: _by_subcode(known) if isinstance(known, dict) else known for code, known in low.event_classes.items()
    }


def _by_subcode(known: Mapping[int, Callable[..., Any]]) -> Callable[..., Any]:
    def read(*, display: Any, binarydata: bytes) -> Any:
        return known.get(binarydata[1], AnyEvent)(display=display, binarydata=binarydata)

    return read


def typed(event: Any, root: int, codes: Mapping[int, str]) -> Event | None:
    """One of python-xlib's events, not one that a program sent; None if it means nothing here.

    `codes`: extension names by event number.
    """
    if event.type == X.PropertyNotify:
        return PropertyChanged(event.window.id, event.atom)
    if event.type in _STRUCTURE:
        return _structure(event, root)
    extension = codes.get(event.type)
    if extension == "SHAPE":
        return Reshaped(event.affected_window.id)
    if extension == "DAMAGE":
        return Painted(number(event.drawable))
    if extension == "XFIXES":
        return CompositorChanged(number(event.owner))
    return MonitorsChanged() if extension == "RANDR" else None


def number(window: Any) -> int:
    """python-xlib gives windows as objects, except those that are none."""
    return window if isinstance(window, int) else int(window.id)


def outer(answer: Any) -> Box:
    """Of anything with a geometry: the rectangle with its border."""
    border = 2 * answer.border_width
    return Box(answer.x, answer.y, answer.width + border, answer.height + border)


def _structure(event: Any, root: int) -> Event | None:
    if event.window.id == root:
        return RootResized(outer(event)) if event.type == X.ConfigureNotify else None
    # `event` is what the event was selected on: the root, the window itself, or what it is in.
    selected = event.parent if event.type == X.CreateNotify else event.event
    if selected.id not in {root, event.window.id}:
        entered = event.type == X.CreateNotify or (event.type == X.ReparentNotify and event.parent.id == selected.id)
        return Nested(event.window.id, selected.id) if entered else None
    if selected.id != root:
        gone = event.type == X.DestroyNotify
        return Inner(event.window.id, out=gone or event.type == X.ReparentNotify, gone=gone)
    return _STRUCTURE[event.type](event, root)


def _reparented(event: Any, root: int) -> TreeEvent:
    if event.parent.id == root:
        return Entered(event.window.id, event.x, event.y, bool(event.override))
    return Left(event.window.id, event.parent.id)


_STRUCTURE: Final[Mapping[int, Callable[[Any, int], TreeEvent]]] = {
    X.CreateNotify: lambda e, _: Created(e.window.id, outer(e), bool(e.override)),
    X.DestroyNotify: lambda e, _: Destroyed(e.window.id),
    X.MapNotify: lambda e, _: Mapped(e.window.id, bool(e.override)),
    X.UnmapNotify: lambda e, _: Unmapped(e.window.id),
    X.ReparentNotify: _reparented,
    X.ConfigureNotify: lambda e, _: Moved(e.window.id, outer(e), number(e.above_sibling), bool(e.override)),
    X.GravityNotify: lambda e, _: Shifted(e.window.id, e.x, e.y),
    X.CirculateNotify: lambda e, _: Circulated(e.window.id, to_top=e.place == X.PlaceOnTop),
}
