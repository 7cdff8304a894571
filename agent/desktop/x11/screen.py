"""One X screen: keeps what events said, reads what they left open, and composes the scene.

Every viewable top level is explained or the look is blind: by the client windows inside it, by itself, or as a window
that was gone before it could be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from agent.core.model import Blind, Box, Scene, Window, WindowKind
from agent.desktop import kinds
from agent.desktop.processes import Processes
from agent.desktop.x11 import frames
from agent.desktop.x11.afterimage import Afterimage
from agent.desktop.x11.clients import KEPT, TITLES, TYPE_PREFIX, Client
from agent.desktop.x11.covering import overlap, seen
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
from agent.desktop.x11.ghosts import Pane
from agent.desktop.x11.scenery import Collected, Departed, Skin, as_tray_icon, nature, unread_lodger, unreadable
from agent.desktop.x11.tree import Created, Deed, Destroyed, Entered, Left, Mapped, Top, Tree, TreeEvent
from agent.desktop.x11.wire import Property, Wire

TRANSLUCENT_DEPTH: Final = 32  # a visual with an alpha channel


class Screenful:
    """Not thread-safe. Every method that asks the server may raise `Disconnected`."""

    def __init__(self, wire: Wire, processes: Processes) -> None:
        self._wire = wire
        self._processes = processes
        self._tree = Tree()
        self._skins: dict[int, Skin | Blind] = {}
        self._stale_skins: set[int] = set()
        self._watched: set[int] = set()
        self._clients: dict[int, Client] = {}
        self._departed: list[Departed] = []  # top levels that left since the last scene
        self._ended: list[Client] = []  # clients that died inside their frame, or left it, since the last scene
        self._tops: dict[int, int] = {}  # the top level that each client, and each window inside one, is in
        self._nested: dict[int, Box] = {}  # strangers that came into a client since the last scene, and where that was
        self._early: dict[int, dict[str, int]] = {}  # titles set in view of everybody before we knew the client
        self._names = {atom: name for name, atom in wire.atom.items()}
        self._types: dict[int, str] = {}  # atoms of window types
        self.compositor = 0
        self._raced = False  # something happened after the last `take` of what was painted
        self.afterimage = Afterimage(wire, self._tree)
        self.start_anew()

    # -- keeping ---------------------------------------------------------------------------------------------------

    def start_anew(self) -> None:
        """Forget everything and read the tree whole: at the start, and when events and server disagree."""
        for window in tuple(self._tree.tops):
            self._depart(window)
        self._wire.watch_root()
        frames.start(self._tree, self._wire)
        self.mistaken = False
        self._root_stale = self._size_stale = True
        self._sizes: list[Box] = []  # that the root window has had since the last scene, the present one last
        self._listed: tuple[int, ...] = ()
        self._active = 0
        self._previews = False
        self._unsettled = True
        self.compositor = self._wire.compositor()

    @property
    def changed(self) -> bool:
        """Whether a scene composed now could differ from the last."""
        return self._unsettled or self._root_stale or self._size_stale or self.afterimage.painted

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
                    self._tree.did(window, Deed.RESHAPED)
                case Painted(window):
                    self.afterimage.note(window)
                case CompositorChanged(owner):
                    self.compositor = owner
                    self.afterimage.distrust()
                case MonitorsChanged():
                    self._size_stale = True
                case RootResized(box):
                    self._sizes.append(box)
                    self._unsettled = True
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
                self._clients.pop(window, None)
            case Left(window, parent):
                self._depart(window)
                self._stale_skins.add(parent)
            case Mapped(window) | Entered(window):
                self._stale_skins.add(window)
            case _:
                pass
        self._tree.apply(event)
        self._unsettled = True

    def _forget(self, window: int) -> None:
        """A number that is new, or in use again: nothing that was known under it holds."""
        old = self._clients.pop(window, None)
        if old is not None:
            self._ended.append(old)
        self._skins.pop(window, None)
        self._early.pop(window, None)
        self._watched.discard(window)
        self.afterimage.forget(window)

    def _depart(self, window: int) -> None:
        top = self._tree.tops.get(window)
        if top is None:
            return
        skin = self._skins.pop(window, Blind.VANISHED)
        if self._tree.was_mapped(top):
            self._departed.append(Departed(top, skin, self._clients_in(top, skin)))
        self._stale_skins.discard(window)
        self._watched.discard(window)

    def _watch_newcomers(self) -> None:
        for window in self._tree.touched:
            if window in self._tree.tops and window not in self._watched and window not in self._clients:
                self._watched.add(window)
                self._wire.watch_top(window)
                self.afterimage.watch(window)

    def _note_property(self, window: int, name: str | None) -> None:
        if window == self._wire.root:
            if name in {"_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW", "_NET_SUPPORTING_WM_CHECK"}:
                self._root_stale = True
            return
        if name not in KEPT:
            return
        self._unsettled = True
        client = self._clients.get(window)
        if client is not None:
            client.stale.add(name)
            client.retitled[name] = client.retitled.get(name, 0) + 1
        elif name in TITLES and (window not in self._tree.tops or self._tree.tops[window].mapped):
            early = self._early.setdefault(window, {})
            early[name] = early.get(name, 0) + 1
        if name in {"_NET_WM_WINDOW_OPACITY", "WM_STATE"}:
            self._note_skin(window)

    def _note_skin(self, window: int) -> None:
        """What can be seen through the window, or its top level, may have changed."""
        self._unsettled = True
        for top in self._tops_with(window):
            self._stale_skins.add(top)
            self._tree.disturb(top)

    def _tops_with(self, window: int) -> set[int]:
        holding = {top for top, skin in self._skins.items() if isinstance(skin, Skin) and window in skin.clients}
        return holding | ({window} & self._tree.tops.keys())

    def _note_nested(self, window: int, parent: int) -> None:
        top = parent if parent in self._tree.tops else self._tops.get(parent)
        if top is None or top not in self._tree.tops:
            return
        self._stale_skins.add(top)
        self._unsettled = True
        if not self._wire.same_connection(window, parent) and not self._wire.same_connection(window, top):
            self._nested[window] = self._tree.tops[top].box

    def _note_inner(self, window: int, *, out: bool, gone: bool) -> None:
        client = self._clients.get(window)
        if client is None:
            return
        self._unsettled = True
        client.misplaced = True
        if out:
            self._ended.append(client)
            self._stale_skins |= self._tops_with(window)
        if gone:
            del self._clients[window]

    def forget_processes(self) -> None:
        """An engine was found running: every process is judged anew."""
        for client in self._clients.values():
            client.process = None
        self._unsettled = True

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self) -> bool:
        """Ask what events left open; True when nothing was left open again meanwhile.

        Sets `mistaken` when the tree that events told is not the server's although nothing moved, or when a window is
        in view that is in none of its top levels.
        """
        if self._size_stale:
            self._size_stale = False
            self._sizes.append(self._wire.root_box())
            self._unsettled = True
        if self._root_stale:
            self._root_stale = False
            self._read_root()
            self._unsettled = True
        self._read_skins()
        homes = self._homes()
        self._read_clients(homes)
        overlooked = self._overlooks(homes)
        self.afterimage.take(self._bereft())
        tops = self._wire.tops()
        self._raced = self.absorb()
        self.mistaken = (not self._raced and tops != tuple(self._tree.order)) or overlooked
        return (
            not (self.mistaken or self._raced)
            and not (self._root_stale or self._size_stale)
            and not any(map(self._is_unread, self._tree.tops.values()))
            and not any(client.stale or client.misplaced for client in self._clients.values())
        )

    def _is_unread(self, top: Top) -> bool:
        return self._tree.was_mapped(top) and (top.id not in self._skins or top.id in self._stale_skins)

    def _homes(self) -> dict[int, Top]:
        """The top level that each known client is in, or is."""
        return {
            client: self._tree.tops[top]
            for top, skin in self._skins.items()
            if top in self._tree.tops and isinstance(skin, Skin) and skin.draws
            for client in skin.clients
        }

    def _overlooks(self, homes: dict[int, Top]) -> bool:
        """Whether the window manager lists a window that is in view and in none of the top levels that we know."""
        missing = [window for window in self._listed if window not in homes or not homes[window].mapped]
        return any(self._wire.viewable(missing))

    def _read_root(self) -> None:
        atom = self._wire.atom
        names = ("_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW", "_NET_SUPPORTING_WM_CHECK")
        found = self._wire.properties([(self._wire.root, atom[name]) for name in names])
        listed, active, check = (kept.numbers if isinstance(kept, Property) else () for kept in found)
        self._listed = listed
        self._active = active[0] if active else 0
        self._previews = False
        if check:
            [name] = self._wire.properties([(check[0], atom["_NET_WM_NAME"])])
            if isinstance(name, Property):
                self._previews = kinds.shows_hidden_windows(name.text.decode("utf-8", "replace"))

    def _read_skins(self) -> None:
        wanted = [top for top in self._tree.tops.values() if self._is_unread(top)]
        if not wanted:
            return
        self._stale_skins.difference_update(top.id for top in wanted)
        drawing = []
        for top, outside in zip(wanted, self._wire.outsides([top.id for top in wanted]), strict=True):
            if isinstance(outside, Blind):
                self._skins.setdefault(top.id, outside)
                continue
            self._tree.place(top.id, outside.box)
            translucent = outside.faded or outside.depth == TRANSLUCENT_DEPTH
            self._skins[top.id] = Skin(outside.draws, translucent, outside.shaped, outside.bordered, (top.id,))
            if outside.draws and not self._is_servers(top):
                drawing.append(top.id)
        found = frames.find_clients(self._wire, drawing)
        lodgers, passed = frames.find_lodgers(self._wire, found)
        self._tops |= passed
        for window, clients in found.items():
            skin_or_gone = self._skins[window]
            if isinstance(skin_or_gone, Skin):
                skin_or_gone.lodgers = lodgers[window]
                skin_or_gone.clients = tuple(dict.fromkeys((*clients, *lodgers[window])))

    def _read_clients(self, homes: dict[int, Top]) -> None:
        fresh = [window for window in dict.fromkeys((*homes, *self._listed)) if window not in self._clients]
        for window in fresh:
            early = self._early.pop(window, {})
            self._clients[window] = Client(
                window, stale=set(KEPT), retitled={name: early.get(name, 0) + 1 for name in TITLES}, misplaced=True
            )
            if window not in self._tree.tops:
                self._wire.watch_client(window)
        for window, owner in zip(fresh, self._wire.owners(fresh), strict=True):
            self._clients[window].owner = owner
        lodgers = {window for skin in self._skins.values() if isinstance(skin, Skin) for window in skin.lodgers}
        for client in self._clients.values():
            client.lodger = client.id in lodgers
        self._read_properties()
        self._read_places(homes)

    def _read_properties(self) -> None:
        wanted = [(client, name) for client in self._clients.values() for name in client.stale]
        answers = self._wire.properties([(client.id, self._wire.atom[name]) for client, name in wanted])
        for (client, name), answer in zip(wanted, answers, strict=True):
            if answer is None:
                client.properties.pop(name, None)
            elif not (isinstance(answer, Blind) and name not in TITLES):
                client.properties[name] = answer
            if name not in TITLES:
                client.process = None
        for client, _ in wanted:
            client.stale = set()
        self._name_types(
            [number for client, name in wanted if name == "_NET_WM_WINDOW_TYPE" for number in client.numbers(name)]
        )

    def _name_types(self, atoms: Iterable[int]) -> None:
        for atom in set(atoms) - self._types.keys():
            self._types[atom] = self._wire.atom_name(atom).removeprefix(TYPE_PREFIX)

    def _read_places(self, homes: dict[int, Top]) -> None:
        insides = {
            client.id: homes[client.id].id if client.id in homes else self._wire.root
            for client in self._clients.values()
        }
        wanted = [
            client for client in self._clients.values() if client.misplaced or client.inside != insides[client.id]
        ]
        pairs = [(client.id, insides[client.id]) for client in wanted]
        for client, place in zip(wanted, self._wire.places(pairs), strict=True):
            client.misplaced = False
            client.inside = insides[client.id]
            if isinstance(place, Box):
                client.place = place

    # -- composing -------------------------------------------------------------------------------------------------

    def scene(self, focus: int) -> Scene:
        """What is in view, top window first, and what was since the last call.

        A window that `read` could not keep up with is told as one that cannot be read.
        """
        windows = Collected()
        for gone in self._departed:
            if self._has_pixels(gone.top, gone.skin):
                windows.add(self._inhabitants(gone.top, gone.clients, focus, shown=self._is_shown(gone.top, ())))
        covers: list[Box] = []
        for top in (self._tree.tops[window] for window in reversed(self._tree.order)):
            skin = self._skins.get(top.id, Blind.VANISHED)
            if not (self._tree.was_mapped(top) and self._has_pixels(top, skin)):
                continue
            clients = self._clients_in(top, skin)
            windows.add(self._inhabitants(top, clients, focus, shown=self._is_shown(top, covers)))
            if isinstance(skin, Skin) and self._hides(top, skin, clients):
                covers.append(top.box)
        windows.add(self._window(client, client.place, focus, shown=True, override=False) for client in self._ended)
        windows.add(unread_lodger(new, box) for new, box in self._nested.items() if new not in self._clients)
        for client in self._clients.values():
            if client.managed and client.id not in windows.ids:
                windows.add([self._window(client, client.place, focus, shown=False, override=False)])
        known = not (self._raced or self._tree.begun or len(set(self._sizes)) > 1)
        airy = {top for top, skin in self._skins.items() if isinstance(skin, Skin) and not skin.draws}
        airy |= {gone.top.id for gone in self._departed if isinstance(gone.skin, Skin) and not gone.skin.draws}
        self.afterimage.follow(self._panes(), airy, self._sizes[-1], known=known, bereft=self._bereft())
        self._settle()
        return Scene(windows=windows.all())

    def _bereft(self) -> set[int]:
        """Top levels that a client inside has left, and that may show it until they are painted or gone."""
        return {client.inside for client in self._ended if client.inside != client.id}

    def _panes(self) -> list[Pane]:
        skins = {top: self._skins.get(top, Blind.VANISHED) for top in self._tree.order if self._tree.tops[top].mapped}
        return [
            Pane(top, self._tree.tops[top].box, isinstance(skin, Skin) and not (skin.shaped or skin.bordered))
            for top, skin in skins.items()
            if isinstance(skin, Blind) or skin.draws
        ]

    def _clients_in(self, top: Top, skin: Skin | Blind) -> tuple[Client, ...]:
        """Those that are known; of a top level that was gone before it could be read, itself, if it was known."""
        inside = skin.clients if isinstance(skin, Skin) else (top.id,)
        return tuple(self._clients[client] for client in inside if client in self._clients)

    def _is_bereft(self, top: Top, clients: Sequence[Client]) -> bool:
        """Whether it is a frame whose client has just ended. The client answers for what the frame still shows.

        A client that was its own top level is none: its number may be in use again, for another window.
        """
        ended = any(client.inside == top.id and client.id != top.id and not client.lodger for client in self._ended)
        return ended and all(client.id == top.id for client in clients)

    def _has_pixels(self, top: Top, skin: Skin | Blind) -> bool:
        return not self._is_servers(top) and (isinstance(skin, Blind) or skin.draws)

    def _is_servers(self, top: Top) -> bool:
        return self._wire.same_connection(top.id, self._wire.root)

    def _is_shown(self, top: Top, covers: Sequence[Box]) -> bool:
        boxes = self._tree.touched.get(top.id)
        if boxes is not None:
            return any(overlap(box, size) for box in boxes for size in self._sizes)
        return seen(top.box, () if self._previews else covers, self._sizes)

    def _hides(self, top: Top, skin: Skin, clients: Sequence[Client]) -> bool:
        """Whether nothing below can be seen through it, at any moment since the last look.

        A window that no window manager looks after may have no background at all (region pickers, overlays): the old
        pixels stay in view until it draws, so it hides nothing.
        """
        if top.id in self._tree.touched or not top.mapped or skin.translucent or skin.shaped:
            return False
        looked_after = not top.override or any(client.managed for client in clients)
        return looked_after and not any(client.see_through for client in clients)

    def _inhabitants(self, top: Top, clients: Sequence[Client], focus: int, *, shown: bool) -> Iterator[Window]:
        if self._is_bereft(top, clients):
            return
        if not clients:
            yield unreadable(top, shown=shown)
        shell = False
        for client in clients:
            if top.override and not shown and not client.managed:
                continue  # a menu out of sight is not open, and window managers keep helpers beside the screen
            place = client.place
            itself = client.id == top.id
            inner = Box(top.box.x + place.x, top.box.y + place.y, place.width, place.height)
            window = self._window(
                client, top.box if itself else inner, focus, shown=shown, override=top.override and itself
            )
            shell = shell or (window.kind is WindowKind.DESKTOP and not client.lodger)
            yield as_tray_icon(window) if shell and client.lodger else window

    def _window(self, client: Client, box: Box, focus: int, *, shown: bool, override: bool) -> Window:
        pid = client.pid()
        if client.process is None:
            client.process = self._processes.read(pid) if isinstance(pid, int) else pid
        return Window(
            id=client.id,
            title=client.title(self._wire.atom),
            pid=pid,
            box=box,
            shown=shown,
            focused=client.id == (self._active or focus),
            **nature(client, self._types, override=override),
        )

    def _settle(self) -> None:
        """What was touched, missed or gone until now has been told; the next scene may say otherwise."""
        missed = any(client.missed_title(self._wire.atom) for client in self._clients.values())
        left_open = any(map(self._is_unread, self._tree.tops.values())) or any(
            client.stale or client.misplaced for client in self._clients.values()
        )
        resized = len(set(self._sizes)) > 1
        gone = bool(self._ended or self._departed or self._nested)
        self._unsettled = self._tree.looked() or gone or missed or left_open or resized
        for client in self._clients.values():
            client.retitled = {}
            client.told_by = client.titled_by
        self._sizes = self._sizes[-1:]
        self._ended.clear()
        self._nested.clear()
        self._departed.clear()
        self._early.clear()
        tops = self._tree.tops
        self._skins = {top: skin for top, skin in self._skins.items() if top in tops}
        self._stale_skins &= self._skins.keys()
        self._watched &= tops.keys()
        self._tops = {window: top for window, top in self._tops.items() if top in tops}
        kept = {*tops, *self._listed, *self._homes()}
        self._clients = {window: client for window, client in self._clients.items() if window in kept}
