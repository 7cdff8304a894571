"""Which rectangles of the root window are captured: together, everything that any screen of the PC shows.

RandR's list of monitors is a wish: any program may set one by hand, also one of 8 x 8 pixels that hides the real one.
What a screen shows its CRTC says (a rectangle of the root window), and no list is believed that leaves some of one out.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from agent.core.model.seen import Box
from agent.desktop.x11.covering import overlap, rests

MOST: Final = 16  # rectangles; a key packet names each, and each has an encoder. Above, the root window is captured

Named = tuple[str, Box]


def captured(root: Box, crtcs: Iterable[Named], monitors: Iterable[Named]) -> tuple[Named, ...]:
    """Name and place of each, none twice (a mirrored screen is one picture), inside the root window.

    The monitors, where they cover every CRTC and do not overlap: a wide screen may be split in two, and a screen of two
    tiles is one. Else the CRTCs; the root window where there is none, or where there are more than `MOST`.
    """
    wished, shown = _inside(root, monitors), _inside(root, crtcs)
    believed = len(wished) <= MOST and not rests(shown or [root], wished)
    if believed and not any(overlap(one, other) for one, other in combinations(wished, 2)):
        shown = wished
    if not 0 < len(shown) <= MOST:
        shown = {root: ""}
    return tuple((name or f"monitor {number}", box) for number, (box, name) in enumerate(shown.items(), start=1))


def _inside(root: Box, places: Iterable[Named]) -> dict[Box, str]:
    """Cut to the root window: what was set by hand may reach beyond it, where there are no pixels."""
    found: dict[Box, str] = {}
    for name, box in places:
        if (part := overlap(box, root)) is not None:
            found.setdefault(part, name)
    return found
