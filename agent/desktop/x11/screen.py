"""One X screen: what is known of it, kept by events, filled in by `reading` and composed into scenes by `composing`."""

from __future__ import annotations

from agent.core.model.seen import Blind, Box
from agent.desktop.x11 import frames
from agent.desktop.x11.changing import Pane
from agent.desktop.x11.clients import KEPT, TITLES, Client
from agent.desktop.x11.events import (
    CompositorChanged,
    Inner,
    MonitorsChanged,
    Nested,
    Painted,
    PropertyChanged,
    Reshaped,
    RootResized,
)
from agent.desktop.x11.scenery import Departed, Skin
from agent.desktop.x11.stale_pixels import StalePixelTracker
from agent.desktop.x11.tree import Created, Deed, Destroyed, Entered, Left, Mapped, Top, Tree, TreeEvent
from agent.desktop.x11.wire import Wire


class Screenful:
    """Not thread-safe. What asks the server may raise `Disconnected`: `start_anew`, and so making one, `absorb` and
    `settle`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._names = {atom: name for name, atom in wire.atom.items()}
        self._watched: set[int] = set()
        self.tree = Tree()
        self.skins: dict[int, Skin | Blind] = {}
        self.stale_skins: set[int] = set()
        self.clients: dict[int, Client] = {}
        self.departed: list[Departed] = []  # top levels that left since the last scene
        self.ended: list[Client] = []  # clients that died inside their frame, or left it, since the last scene
        self.tops: dict[int, int] = {}  # the top level that each client, and each window inside one, is in
        self.nested: dict[int, Box] = {}  # strangers that came into a client since the last scene, and where that was
        self.early: dict[int, dict[str, int]] = {}  # titles set in view of everybody before we knew the client
        self.compositor = 0
        self.raced = False  # something happened after the last `take` of what was painted
        self.tracker = StalePixelTracker(wire, self.tree)
        self.start_anew()

    def start_anew(self) -> None:
        """Forget everything and read the tree whole: at the start, and when events and server disagree."""
        for window in tuple(self.tree.tops):
            self._depart(window)
        self._wire.watch_root()
        frames.start(self.tree, self._wire)
        self.mistaken = False
        self.root_stale = self.size_stale = True
        self.sizes: list[Box] = []  # that the root window has had since the last scene, the present one last
        self.listed: tuple[int, ...] = ()
        self.active = 0
        self.manager = 0  # a window of the window manager
        self.previews = False  # what is covered may be in view
        self.unsettled = True
        self.compositor = self._wire.compositor()

    @property
    def changed(self) -> bool:
        """Whether a scene composed now could differ from the last."""
        return self.unsettled or self.root_stale or self.size_stale or self.tracker.painted

    def absorb(self) -> bool:
        """Take in every event that has arrived; True when the tree of top levels changed."""
        moved = False
        for event in self._wire.events():
            match event:
                case PropertyChanged(window, atom):
                    self._note_property(window, self._names.get(atom))
                case Inner(window, out, gone):
                    self._note_inner(window, out=out, gone=gone)
                case Nested(window, parent):
                    self._note_nested(window, parent)
                case Reshaped(window):
                    self._note_skin(window)
                    self.tree.did(window, Deed.RESHAPED)
                case Painted(window):
                    self.tracker.note(window)
                case CompositorChanged(owner):
                    self.compositor = owner
                    self.root_stale = True
                    self.stale_skins |= {top for top in self.skins if self._wire.is_servers(top)}
                    self.tracker.distrust()
                case MonitorsChanged():
                    self.size_stale = True
                case RootResized(box):
                    self.sizes.append(box)
                    self.unsettled = True
                case _:
                    moved = True
                    self._note_tree(event)
        self._watch_newcomers()
        return moved

    def _note_tree(self, event: TreeEvent) -> None:
        match event:
            case Created(window):
                self._forget(window)
            case Destroyed(window):
                self._depart(window)
                self.clients.pop(window, None)
            case Left(window, parent):
                self._depart(window)
                self.stale_skins.add(parent)
            case Mapped(window) | Entered(window):
                self.stale_skins.add(window)
            case _:
                pass
        self.tree.apply(event)
        self.unsettled = True

    def _forget(self, window: int) -> None:
        """A number that is new, or in use again: nothing that was known under it holds."""
        old = self.clients.pop(window, None)
        if old is not None:
            self.ended.append(old)
        self.skins.pop(window, None)
        self.early.pop(window, None)
        self._watched.discard(window)
        self.tracker.forget(window)

    def _depart(self, window: int) -> None:
        top = self.tree.tops.get(window)
        if top is None:
            return
        skin = self.skins.pop(window, Blind.VANISHED)
        if self.tree.was_mapped(top):
            self.departed.append(Departed(top, skin, self.clients_in(top, skin)))
        self.stale_skins.discard(window)
        self._watched.discard(window)

    def _watch_newcomers(self) -> None:
        for window in self.tree.touched:
            if window in self.tree.tops and window not in self._watched and window not in self.clients:
                self._watched.add(window)
                self._wire.watch_top(window)
                self.tracker.watch(window)

    def _note_property(self, window: int, name: str | None) -> None:
        if window == self._wire.root:
            if name in {"_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW", "_NET_SUPPORTING_WM_CHECK"}:
                self.root_stale = True
            return
        if name not in KEPT:
            return
        self.unsettled = True
        client = self.clients.get(window)
        if client is not None:
            client.stale.add(name)
            client.retitled[name] = client.retitled.get(name, 0) + 1
        elif name in TITLES and (window not in self.tree.tops or self.tree.tops[window].mapped):
            early = self.early.setdefault(window, {})
            early[name] = early.get(name, 0) + 1
        if name in {"_NET_WM_WINDOW_OPACITY", "WM_STATE"}:
            self._note_skin(window)

    def _note_skin(self, window: int) -> None:
        """What can be seen through the window, or its top level, may have changed."""
        self.unsettled = True
        for top in self._tops_with(window):
            self.stale_skins.add(top)
            self.tree.disturb(top)

    def _tops_with(self, window: int) -> set[int]:
        holding = {top for top, skin in self.skins.items() if isinstance(skin, Skin) and window in skin.clients}
        return holding | ({window} & self.tree.tops.keys())

    def _note_nested(self, window: int, parent: int) -> None:
        top = parent if parent in self.tree.tops else self.tops.get(parent)
        if top is None or top not in self.tree.tops:
            return
        self.stale_skins.add(top)
        self.unsettled = True
        if not self._wire.same_connection(window, parent) and not self._wire.same_connection(window, top):
            self.nested[window] = self.tree.tops[top].box

    def _note_inner(self, window: int, *, out: bool, gone: bool) -> None:
        client = self.clients.get(window)
        if client is None:
            return
        self.unsettled = True
        client.misplaced = True
        if out:
            self.ended.append(client)
            self.stale_skins |= self._tops_with(window)
        if gone:
            del self.clients[window]

    def forget_processes(self) -> None:
        """An engine was found running: every process is judged anew."""
        for client in self.clients.values():
            client.process = None
        self.unsettled = True

    @property
    def left_open(self) -> bool:
        """Whether there is a top level or a client that has not been read since it last changed."""
        return any(map(self.is_unread, self.tree.tops.values())) or any(
            client.stale or client.misplaced for client in self.clients.values()
        )

    def is_unread(self, top: Top) -> bool:
        return self.tree.was_mapped(top) and (top.id not in self.skins or top.id in self.stale_skins)

    def homes(self) -> dict[int, Top]:
        """The top level that each known client is in, or is."""
        return {
            client: self.tree.tops[top]
            for top, skin in self.skins.items()
            if top in self.tree.tops and isinstance(skin, Skin) and skin.draws
            for client in skin.clients
        }

    def clients_in(self, top: Top, skin: Skin | Blind) -> tuple[Client, ...]:
        """Those that are known; of a top level that was gone before it could be read, itself, if it was known."""
        inside = skin.clients if isinstance(skin, Skin) else (top.id,)
        return tuple(self.clients[client] for client in inside if client in self.clients)

    def is_servers(self, top: Top) -> bool:
        return self._wire.is_servers(top.id)

    def orphaned(self) -> set[int]:
        """Top levels that a client inside has left, and that may show it until they are painted or gone."""
        return {client.inside for client in self.ended if client.inside != client.id}

    def settle(self) -> None:
        """What was touched, missed or gone until now has been told; the next scene may say otherwise."""
        self._follow()
        missed = any(client.missed_title(self._wire.atom) for client in self.clients.values())
        left_open = self.left_open
        resized = len(set(self.sizes)) > 1
        gone = bool(self.ended or self.departed or self.nested)
        self.unsettled = self.tree.looked() or gone or missed or left_open or resized
        for client in self.clients.values():
            client.retitled = {}
            client.known_by = client.titled_by(self._wire.atom)
        self.sizes = self.sizes[-1:]
        self.ended.clear()
        self.nested.clear()
        self.departed.clear()
        self.early.clear()
        tops = self.tree.tops
        self.skins = {top: skin for top, skin in self.skins.items() if top in tops}
        self.stale_skins &= self.skins.keys()
        self._watched &= tops.keys()
        self.tops = {window: top for window, top in self.tops.items() if top in tops}
        kept = {*tops, *self.listed, *self.homes()}
        self.clients = {window: client for window, client in self.clients.items() if window in kept}

    def _follow(self) -> None:
        known = not (self.tree.begun or len(set(self.sizes)) > 1)
        airy = {top for top, skin in self.skins.items() if isinstance(skin, Skin) and not skin.draws}
        airy |= {gone.top.id for gone in self.departed if isinstance(gone.skin, Skin) and not gone.skin.draws}
        self.tracker.follow(
            self._panes(),
            airy,
            self.sizes[-1],
            known=known,
            late=self.raced,
            orphaned=self.orphaned(),
            composited=self.compositor != 0,
        )

    def _panes(self) -> list[Pane]:
        skins = {top: self.skins.get(top, Blind.VANISHED) for top in self.tree.order if self.tree.tops[top].mapped}
        return [
            _pane(self.tree.tops[top], skin) for top, skin in skins.items() if isinstance(skin, Blind) or skin.draws
        ]


def _pane(top: Top, skin: Skin | Blind) -> Pane:
    if isinstance(skin, Blind) or skin.bordered or (skin.shaped and skin.parts is None):
        return Pane(top.id, top.box, plain=False)
    parts = [Box(top.box.x + part.x, top.box.y + part.y, part.width, part.height) for part in skin.parts or ()]
    return Pane(top.id, top.box, plain=True, parts=tuple(parts) if skin.shaped else None)
