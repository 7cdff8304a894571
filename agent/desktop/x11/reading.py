"""Asks the X server for what events left open, and holds what it says against what they told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.core.model.seen import Blind, Box
from agent.desktop import kinds
from agent.desktop.x11 import frames
from agent.desktop.x11.clients import KEPT, TITLES, Client
from agent.desktop.x11.scenery import Skin
from agent.desktop.x11.screen import Screenful
from agent.desktop.x11.tree import Top
from agent.desktop.x11.wire import Outside, Property, Wire

TRANSLUCENT_DEPTH: Final = 32  # a visual with an alpha channel


class Reader:
    """What the server answers is noted in `screen`. Every method may raise `Disconnected`."""

    def __init__(self, wire: Wire, screen: Screenful) -> None:
        self._wire = wire
        self._screen = screen

    def read(self) -> bool:
        """Ask what events left open; True when nothing was left open again meanwhile.

        Sets `mistaken` when the tree that events told is not the server's although nothing moved, or when a window is
        in view that is in none of its top levels.
        """
        screen = self._screen
        if screen.size_stale:
            screen.size_stale = False
            screen.sizes.append(self._wire.root_box())
            screen.unsettled = True
        if screen.root_stale:
            screen.root_stale = False
            self._read_root()
            screen.unsettled = True
        self._read_skins()
        homes = screen.homes()
        self._read_clients(homes)
        overlooked = self._overlooks(homes)
        screen.tracker.take(screen.orphaned())
        tops = self._wire.tops()
        screen.raced = screen.absorb()
        by_events = tuple(window for window in screen.tree.order if not self._wire.is_servers(window))
        screen.mistaken = (not screen.raced and tops != by_events) or overlooked
        return (
            not (screen.mistaken or screen.raced)
            and not (screen.root_stale or screen.size_stale)
            and not screen.left_open
        )

    def _overlooks(self, homes: dict[int, Top]) -> bool:
        """Whether the window manager lists a window that is in view and in none of the top levels that we know."""
        missing = [window for window in self._screen.listed if window not in homes or not homes[window].mapped]
        return any(self._wire.viewable(missing))

    def _read_root(self) -> None:
        atom = self._wire.atom
        names = ("_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW", "_NET_SUPPORTING_WM_CHECK")
        found = self._wire.properties([(self._wire.root, atom[name]) for name in names])
        listed, active, check = (kept.numbers if isinstance(kept, Property) else () for kept in found)
        self._screen.listed = listed
        self._screen.active = active[0] if active else 0
        self._screen.previews = self._is_composed_apart(check)
        manager = 0
        if check:
            asked = [(check[0], atom[name]) for name in ("_NET_WM_NAME", "_NET_SUPPORTING_WM_CHECK")]
            name, itself = self._wire.properties(asked)
            if isinstance(name, Property):
                self._screen.previews |= kinds.shows_hidden_windows(name.text.decode("utf-8", "replace"))
            if isinstance(itself, Property) and itself.numbers[:1] == check[:1]:  # else it is what a dead one left
                manager = check[0]
        if manager != self._screen.manager:
            self._screen.manager = manager
            self._screen.stale_skins |= self._screen.skins.keys()

    def _not_the_compositors(self, windows: tuple[int, ...]) -> tuple[int, ...]:
        """Those that another program made than the one that composes the screen; all, where that is not known."""
        if not (windows and self._screen.compositor):
            return windows
        itself, *owners = self._wire.owners([self._screen.compositor, *windows])
        of = zip(windows, owners, strict=True)
        return tuple(window for window, owner in of if isinstance(owner, Blind) or owner != itself)

    def _is_composed_apart(self, check: Sequence[int]) -> bool:
        """Whether the compositor is another program than the window manager. One that is (picom) makes windows
        see-through by rules of its own, of which no window says anything.
        """
        compositor = self._screen.compositor
        if not compositor:
            return False
        itself, *manager = self._wire.owners([compositor, *check[:1]])
        return isinstance(itself, Blind) or manager != [itself]

    def _read_skins(self) -> None:
        screen = self._screen
        wanted = [top for top in screen.tree.tops.values() if screen.is_unread(top)]
        if not wanted:
            return
        screen.stale_skins.difference_update(top.id for top in wanted)
        drawing: list[int] = []
        overlays: list[int] = []
        outsides = self._wire.outsides([top.id for top in wanted])
        shaped = [top.id for top, out in zip(wanted, outsides, strict=True) if isinstance(out, Outside) and out.shaped]
        parts = dict(zip(shaped, self._wire.shapes(shaped), strict=True))
        for top, outside in zip(wanted, outsides, strict=True):
            if isinstance(outside, Blind):
                screen.skins.setdefault(top.id, outside)
                continue
            screen.tree.place(top.id, outside.box)
            translucent = outside.faded or outside.depth == TRANSLUCENT_DEPTH
            servers = screen.is_servers(top)
            screen.skins[top.id] = Skin(
                outside.draws,
                translucent,
                outside.shaped,
                outside.bordered,
                parts.get(top.id),
                () if servers else (top.id,),
            )
            if outside.draws:
                (overlays if servers else drawing).append(top.id)
        found = frames.find_clients(self._wire, drawing, screen.manager)
        found |= dict.fromkeys(overlays, ())
        lodgers, passed = frames.find_lodgers(self._wire, found)
        lodgers |= {overlay: self._not_the_compositors(lodgers[overlay]) for overlay in overlays}
        screen.tops |= passed
        for window, clients in found.items():
            skin_or_gone = screen.skins[window]
            if isinstance(skin_or_gone, Skin):
                skin_or_gone.lodgers = lodgers[window]
                skin_or_gone.clients = tuple(dict.fromkeys((*clients, *lodgers[window])))

    def _read_clients(self, homes: dict[int, Top]) -> None:
        screen = self._screen
        fresh = [window for window in dict.fromkeys((*homes, *screen.listed)) if window not in screen.clients]
        for window in fresh:
            early = screen.early.pop(window, {})
            screen.clients[window] = Client(
                window, stale=set(KEPT), retitled={name: early.get(name, 0) + 1 for name in TITLES}, misplaced=True
            )
            if window not in screen.tree.tops:
                self._wire.watch_client(window)
        for window, owner in zip(fresh, self._wire.owners(fresh), strict=True):
            screen.clients[window].owner = owner
        lodgers = {window for skin in screen.skins.values() if isinstance(skin, Skin) for window in skin.lodgers}
        for client in screen.clients.values():
            client.lodger = client.id in lodgers
        self._read_properties()
        self._read_places(homes)

    def _read_properties(self) -> None:
        wanted = [(client, name) for client in self._screen.clients.values() for name in client.stale]
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

    def _read_places(self, homes: dict[int, Top]) -> None:
        screen = self._screen
        insides = {
            client.id: homes[client.id].id if client.id in homes else self._wire.root
            for client in screen.clients.values()
        }
        wanted = [
            client for client in screen.clients.values() if client.misplaced or client.inside != insides[client.id]
        ]
        pairs = [(client.id, insides[client.id]) for client in wanted]
        for client, place in zip(wanted, self._wire.places(pairs), strict=True):
            client.misplaced = False
            client.inside = insides[client.id]
            if isinstance(place, Box):
                client.place = place
