"""The top levels of a screen, and which windows that programs made stand inside: a window manager frames each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.desktop.x11.tree import Top, Tree
from agent.desktop.x11.wire import Inside, Outside, Wire

DEEPEST: Final = 3  # frame, client; in KWin and fvwm: frame, wrapper, client


def start(tree: Tree, wire: Wire) -> None:
    """Read the whole tree. The root must be watched already, so that what happens meanwhile comes as an event."""
    windows = wire.tops()
    tree.start(
        [
            Top(window, outside.box, outside.mapped, outside.override)
            for window, outside in zip(windows, wire.outsides(windows), strict=True)
            if isinstance(outside, Outside)
        ]
    )


def find_clients(wire: Wire, tops: list[int]) -> dict[int, tuple[int, ...]]:
    """For each top level the clients in it, itself if it is no frame; never empty.

    A client has WM_STATE. While the window manager has not yet set it, whatever was made through another connection
    than the frame counts as one, beside the frame itself. Embedded parts belong to their host.
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
    return {top: tuple(found[top]) or (top, *foreign[top]) for top in tops}


def _insides(wire: Wire, level: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Inside]]:
    answers = wire.insides([window for _, window in level])
    return ((asked, inside) for asked, inside in zip(level, answers, strict=True) if isinstance(inside, Inside))
