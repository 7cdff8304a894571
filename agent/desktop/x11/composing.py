"""Composes a scene out of what is known of an X screen and of the processes whose windows they are.

Every viewable top level is explained or the look is blind: by the client windows inside it, by itself, or as a window
that was gone before it could be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.core.model.seen import Blind, Box, Scene, Window, WindowKind
from agent.desktop.processes import Processes
from agent.desktop.x11.clients import Client
from agent.desktop.x11.covering import overlap, seen
from agent.desktop.x11.menus import Menus
from agent.desktop.x11.scenery import Collected, Skin, as_tray_icon, may_draw, nature, unread_lodger, unreadable
from agent.desktop.x11.screen import Screenful
from agent.desktop.x11.tree import Top
from agent.desktop.x11.wire import TYPE_PREFIX


class Composer:
    """`atom`: name -> number, of the display."""

    def __init__(self, screen: Screenful, processes: Processes, atom: Mapping[str, int]) -> None:
        self._screen = screen
        self._processes = processes
        self._atom = atom
        self._menus = Menus()
        self._types = {number: name.removeprefix(TYPE_PREFIX) for name, number in atom.items()}

    def scene(self, focus: int) -> Scene:
        """What is in view, top window first, and what was since the last call. May raise `Disconnected`.

        A window that `Reader.read` could not keep up with counts as one that cannot be read.
        """
        screen = self._screen
        windows = Collected()
        for gone in screen.departed:
            if may_draw(gone.skin):
                windows.add(self._inhabitants(gone.top, gone.clients, focus, shown=self._is_shown(gone.top, ())))
        covers: list[Box] = []
        for top in (screen.tree.tops[window] for window in reversed(screen.tree.order)):
            skin = screen.skins.get(top.id, Blind.VANISHED)
            if not (screen.tree.was_mapped(top) and may_draw(skin)):
                continue
            clients = screen.clients_in(top, skin)
            servers = screen.is_servers(top)
            windows.add(self._inhabitants(top, clients, focus, shown=self._is_shown(top, () if servers else covers)))
            if isinstance(skin, Skin) and not servers and self._hides(top, skin, clients):
                covers.append(top.box)
        windows.add(self._window(client, client.place, focus, shown=True, override=False) for client in screen.ended)
        windows.add(unread_lodger(new, box) for new, box in screen.nested.items() if new not in screen.clients)
        for client in screen.clients.values():
            if client.managed and client.id not in windows.ids:
                windows.add([self._window(client, client.place, focus, shown=False, override=False)])
        screen.settle()
        present = windows.all()
        mapped = {window for window, top in screen.tree.tops.items() if top.mapped}
        return Scene(windows=(*present, *self._menus.take(present, mapped)))

    def _is_orphaned(self, top: Top, clients: Sequence[Client]) -> bool:
        """Whether it is a frame whose client has just ended. The client answers for what the frame still shows.

        A client that was its own top level is none: its number may be in use again, for another window.
        """
        ended = any(
            client.inside == top.id and client.id != top.id and not client.lodger for client in self._screen.ended
        )
        return ended and all(client.id == top.id for client in clients)

    def _is_shown(self, top: Top, covers: Sequence[Box]) -> bool:
        boxes = self._screen.tree.touched.get(top.id)
        if boxes is not None:
            return any(overlap(box, size) for box in boxes for size in self._screen.sizes)
        return seen(top.box, () if self._screen.previews else covers, self._screen.sizes)

    def _hides(self, top: Top, skin: Skin, clients: Sequence[Client]) -> bool:
        """Whether nothing below can be seen through it, at any moment since the last look.

        A window that no window manager looks after may have no background at all (region pickers, overlays): the old
        pixels stay in view until it draws, so it hides nothing.
        """
        if top.id in self._screen.tree.touched or not top.mapped or skin.translucent or skin.shaped:
            return False
        looked_after = not top.override or any(client.managed for client in clients)
        return looked_after and not any(client.see_through for client in clients)

    def _inhabitants(self, top: Top, clients: Sequence[Client], focus: int, *, shown: bool) -> Iterator[Window]:
        if self._is_orphaned(top, clients):
            return
        servers = self._screen.is_servers(top)
        if (servers and not self._screen.compositor) or not (servers or clients):
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
            title=client.title(self._atom),
            pid=pid,
            box=box,
            shown=shown,
            focused=client.id == (self._screen.active or focus),
            **nature(client, self._types, override=override),
        )
