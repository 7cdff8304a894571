"""The top levels of a screen, and which windows that programs made stand inside: a window manager frames each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.desktop.x11.tree import Top, Tree
from agent.desktop.x11.wire import Inside, Outside, Wire

DEEPEST: Final = 3  # frame, client; in KWin and fvwm: frame, wrapper, client
DEEPEST_PART: Final = 32  # of the windows in a client; costs a round trip for each level that exists


def start(tree: Tree, wire: Wire) -> None:
    """Read the whole tree. The root must be watched already, so that what happens meanwhile comes as an event."""
    windows = (*wire.tops(), *wire.server_windows())
    tree.start(
        [
            Top(window, outside.box, outside.mapped, outside.override)
            for window, outside in zip(windows, wire.outsides(windows), strict=True)
            if isinstance(outside, Outside)
        ]
    )


def find_clients(wire: Wire, tops: list[int], manager: int) -> dict[int, tuple[int, ...]]:
    """For each top level the clients in it, and itself if it is no frame; never empty.

    A client has WM_STATE. While the window manager has not yet set it, whatever was made through another connection
    than the frame counts as one, beside the frame itself. What is embedded is for `find_lodgers`.

    `manager`: a window of the window manager, 0 if none says that it is one. Only its top levels are frames: any
    program may give a part of its window WM_STATE, and has a title of its own all the same.
    """
    found: dict[int, list[int]] = {top: [] for top in tops}
    foreign: dict[int, list[int]] = {top: [] for top in tops}
    level = [(top, top) for top in tops]
    for _ in range(DEEPEST):
        own: list[tuple[int, int]] = []
        strangers: list[tuple[int, int]] = []
        for (top, window), inside in _insides(wire, level):
            if inside.managed:
                found[top].append(window)
            elif not inside.embedded:
                for child in inside.children:
                    (own if wire.same_connection(child, top) else strangers).append((top, child))
        for (top, window), inside in _insides(wire, strangers):
            if inside.managed:
                found[top].append(window)
            elif not inside.embedded:
                foreign[top].append(window)
        level = [(top, window) for top, window in own if not found[top]]
    framed = {top for top in tops if found[top] and manager and wire.same_connection(top, manager)}
    return {
        top: tuple(found[top]) if top in framed else tuple(dict.fromkeys((top, *found[top], *foreign[top])))
        for top in tops
    }


def find_lodgers(wire: Wire, homes: dict[int, tuple[int, ...]]) -> tuple[dict[int, tuple[int, ...]], dict[int, int]]:
    """Windows that other programs have inside the clients (xterm -into, mpv --wid, XEmbed), for each top level, or
    beside them in the window manager's frame.

    `homes`: the clients of each top level. Also returns the top level of every window that was passed, all of which
    are watched from before they were read: whatever comes into them later is an event.
    """
    found: dict[int, list[int]] = {top: [] for top in homes}
    passed: dict[int, int] = {}
    level = [
        (top, client, client)
        for top, clients in homes.items()
        for client in ((top,) if top in clients else (*clients, top))  # strangers in one without frame are found below
    ]
    for _ in range(DEEPEST_PART):
        below: list[tuple[int, int, int]] = []
        for top, window, host in level:
            passed[window] = top
            if window != top:
                (wire.watch_client if window == host else wire.watch_part)(window)
        answers = wire.insides([window for _, window, _ in level])
        for (top, window, host), inside in zip(level, answers, strict=True):
            for child in inside.children if isinstance(inside, Inside) else ():
                if child in passed:
                    continue
                # Made by the window manager, if the top level is its frame: part of no program's content.
                lodges = not wire.same_connection(child, host) and not wire.same_connection(child, top)
                if lodges:
                    found[top].append(child)
                elif window == top and top not in homes[top]:
                    continue  # the frame's own decoration
                below.append((top, child, child if lodges else host))
        level = below
    return {top: tuple(lodgers) for top, lodgers in found.items()}, passed


def _insides(wire: Wire, level: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Inside]]:
    answers = wire.insides([window for _, window in level])
    return ((asked, inside) for asked, inside in zip(level, answers, strict=True) if isinstance(inside, Inside))
