"""The parts that a scene is composed of: what a top level looks like, what left meanwhile, what sort each window is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypedDict

from agent.core.model.seen import Blind, Box, Window, WindowKind
from agent.desktop import engines, kinds
from agent.desktop.processes import Process
from agent.desktop.remote import shows_another_machine
from agent.desktop.x11.clients import Client
from agent.desktop.x11.tree import Top

TRAY_ICON: Final = 64  # pixels in each direction; panels give their icons 16 to 48


@dataclass(slots=True)
class Skin:
    """What a top level looks like from outside, and which clients it holds (itself, if it is no frame)."""

    draws: bool  # False: an input-only window, never a pixel
    translucent: bool  # by its visual or by its own _NET_WM_WINDOW_OPACITY
    shaped: bool
    bordered: bool
    parts: tuple[Box, ...] | None  # of a shaped one, from its corner; None where that is not known
    clients: tuple[int, ...]
    lodgers: tuple[int, ...] = ()  # the clients among them that are inside another's window


def may_draw(skin: Skin | Blind) -> bool:
    return isinstance(skin, Blind) or skin.draws


@dataclass(frozen=True, slots=True)
class Departed:
    """A top level that was in view until it left, with what was known of it. Its number may be in use again."""

    top: Top
    skin: Skin | Blind
    clients: tuple[Client, ...]


class Nature(TypedDict):
    """What a window is, apart from where it is."""

    app: str | Blind
    kind: WindowKind
    engine: bool
    remote: bool


def nature(client: Client, types: Mapping[int, str], *, override: bool) -> Nature:
    """`types`: names of window types by atom. The client's process must have been read."""
    process = client.process
    app = process.called if isinstance(process, Process) else process or Blind.NO_PROCESS
    name, cut = (process.name, process.cut) if isinstance(process, Process) else ("", False)
    window_class = client.window_class()
    of = [types.get(atom, "") for atom in client.numbers("_NET_WM_WINDOW_TYPE")]
    return {
        "app": app,
        "kind": kinds.kind_of(of, override_redirect=override, app=name),
        # A process that cannot be identified may be a browser, such as links2 over ssh -X.
        "engine": not isinstance(process, Process)
        or process.engine
        or engines.is_called_an_engine(name, window_class, cut=cut),
        "remote": shows_another_machine(name, window_class, cut=cut),
    }


def unreadable(top: Top, *, shown: bool) -> Window:
    """A top level that was gone, or had changed again, before it could be read."""
    return Window(top.id, Blind.VANISHED, Blind.VANISHED, Blind.VANISHED, top.box, shown)


def unread_lodger(window: int, host: Box) -> Window:
    """What came into another program's window and was gone, or had moved on, before it could be read."""
    return Window(window, Blind.VANISHED, Blind.VANISHED, Blind.VANISHED, host, shown=True)


def as_tray_icon(window: Window) -> Window:
    """A lodger of a panel counts as the shell's, like the panel, if it is no larger than an icon."""
    small = window.box.width <= TRAY_ICON and window.box.height <= TRAY_ICON
    return replace(window, kind=WindowKind.DESKTOP, engine=False) if small else window


class Collected:
    """The windows of a scene in the order in which they were added, each once, shown if it ever was."""

    def __init__(self) -> None:
        self._windows: dict[tuple[object, ...], Window] = {}
        self.ids: set[int] = set()

    def add(self, windows: Iterable[Window]) -> None:
        for window in windows:
            key = (window.id, window.app, window.title)  # a number used again is another window
            before = self._windows.get(key)
            shown = window.shown or (before is not None and before.shown)
            self._windows[key] = replace(before or window, shown=shown)
            self.ids.add(window.id)

    def all(self) -> tuple[Window, ...]:
        return tuple(self._windows.values())
