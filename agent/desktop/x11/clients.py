"""What is known of one client window, from its properties: title, process, kind. Reading is done elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.core.matching.text import is_invisible
from agent.core.model.seen import Blind, Box
from agent.desktop.processes import Process, numbers_in_namespaces
from agent.desktop.x11.wire import OPAQUE, Property

WITHDRAWN: Final = 0  # ICCCM 4.1.3.1; 1 is normal, 3 iconic
NOWHERE: Final = Box(0, 0, 0, 0)
HOST_AT_START: Final = socket.gethostname()

TITLES: Final = ("_NET_WM_NAME", "WM_NAME")
KEPT: Final = (
    *TITLES, "WM_CLASS", "WM_STATE", "WM_CLIENT_MACHINE", "_NET_WM_PID", "_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_OPACITY"
)  # fmt: skip


@dataclass(slots=True)
class Client:
    """`properties` by name; a name that is missing was not there, a Blind was there and could not be read.

    `owner`: the process that the server names. `place` within the window `inside`, its
    top level. `stale`: properties to be read.
    `lodger`: inside another program's window.
    `retitled`: how often each title was set or deleted since the last scene; `known_by`: the property that gave the
    title then, None before the first. `process` is filled in by the judge.
    """

    id: int
    properties: dict[str, Property | Blind] = field(default_factory=dict)
    owner: int | Blind = Blind.NO_PROCESS
    place: Box = NOWHERE
    inside: int = 0
    stale: set[str] = field(default_factory=set)
    retitled: dict[str, int] = field(default_factory=dict)
    known_by: str | None = None
    lodger: bool = False
    misplaced: bool = False
    process: Process | Blind | None = None  # None: not asked yet

    def title(self, atoms: Mapping[str, int]) -> str | Blind:
        """Empty for a window that has none; Blind when it has one that cannot be read, or had one that went by
        unread.
        """
        name = self.titled_by(atoms)
        kept = self.properties.get(name)
        if isinstance(kept, Blind):
            return kept
        if self.missed_title(atoms):
            return Blind.NO_TITLE
        if kept is not None and name == "_NET_WM_NAME" and kept.type != atoms["UTF8_STRING"]:
            return Blind.NO_TITLE  # window managers pass it over, and show WM_NAME
        return "" if kept is None else _text(kept, atoms)

    def titled_by(self, atoms: Mapping[str, int]) -> str:
        """The property that gives the title now; empty when neither does.

        One without a visible sign gives none: openbox shows WM_NAME in place of an empty `_NET_WM_NAME`. A window
        manager that shows the empty one shows nothing that a rule could miss.
        """
        return next((name for name in TITLES if self._has_title(name, atoms)), "")

    def _has_title(self, name: str, atoms: Mapping[str, int]) -> bool:
        kept = self.properties.get(name)
        text = _text(kept, atoms) if isinstance(kept, Property) else kept or ""
        return isinstance(text, Blind) or not all(map(_is_unseen, text))

    def missed_title(self, atoms: Mapping[str, int]) -> bool:
        """Whether there may have been a title since the last scene that was not read.

        Toolkits set both properties, once each: then nothing is missed while the same one gives the title. When the one
        that gave it went, or came after the other, the other's text was the title for a moment.
        """
        if any(count > 1 for count in self.retitled.values()) or self.stale.intersection(TITLES):
            return True
        if self.known_by in {None, self.titled_by(atoms)} or not all(map(self.retitled.get, TITLES)):
            return False
        texts = [
            _text(kept, atoms) if isinstance(kept := self.properties.get(name), Property) else "" for name in TITLES
        ]
        return texts[0] != texts[1] or texts[0] is Blind.NO_TITLE

    def window_class(self) -> tuple[str, ...]:
        kept = self.properties.get("WM_CLASS")
        if kept is None or isinstance(kept, Blind):
            return ()
        return tuple(part.decode("latin-1") for part in kept.text.split(b"\0") if part)

    def machine(self) -> str:
        kept = self.properties.get("WM_CLIENT_MACHINE")
        return "" if kept is None or isinstance(kept, Blind) else kept.text.rstrip(b"\0").decode("latin-1")

    def number(self, name: str) -> int | None:
        """The property's first number; None when it is absent or not a number."""
        kept = self.properties.get(name)
        return kept.numbers[0] if isinstance(kept, Property) and kept.numbers else None

    def numbers(self, name: str) -> tuple[int, ...]:
        kept = self.properties.get(name)
        return kept.numbers if isinstance(kept, Property) else ()

    @property
    def managed(self) -> bool:
        """Open in the eyes of a window manager, be it minimised or on another workspace."""
        state = self.number("WM_STATE")
        return state is not None and state != WITHDRAWN

    @property
    def see_through(self) -> bool:
        return (self.number("_NET_WM_WINDOW_OPACITY") or OPAQUE) != OPAQUE

    def pid(self) -> int | Blind:
        """The process that the window belongs to, if everybody who speaks of it says the same.

        The server knows who made the connection. The program names itself and its host, and through a relay (ssh -X, a
        container, a proxy) another process than the relay's: then the window is not what its process is called.
        """
        if isinstance(self.owner, Blind):
            return self.owner
        if not _is_this_host(self.machine()):
            return Blind.FOREIGN_PROCESS
        claimed = self.number("_NET_WM_PID")
        if claimed is None or claimed == self.owner or claimed in numbers_in_namespaces(self.owner):
            return self.owner
        return Blind.FOREIGN_PROCESS


def _is_this_host(machine: str) -> bool:
    """Host names as programs give them: with or without the domain, absent in small ones."""
    short = machine.casefold().partition(".")[0]
    return short in {"", "localhost"} or short in {
        host.casefold().partition(".")[0] for host in (HOST_AT_START, socket.gethostname())
    }


def _is_unseen(character: str) -> bool:
    return character.isspace() or is_invisible(character)


def _text(kept: Property, atoms: Mapping[str, int]) -> str | Blind:
    if not kept.whole or kept.numbers:
        return Blind.NO_TITLE
    raw = kept.text.rstrip(b"\0")
    if b"\0" in raw:
        return Blind.NO_TITLE  # some window managers end a title there, others do not
    if kept.type == atoms["COMPOUND_TEXT"] and b"\x1b" in raw:
        return Blind.NO_TITLE  # other alphabets by escape sequences (ISO 2022): only old Xlib reads them
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return Blind.NO_TITLE if kept.type == atoms["UTF8_STRING"] else raw.decode("latin-1")
