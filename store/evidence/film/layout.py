"""Where each screen lies in the film's picture: as on the desk, side by side, because players show one track of video.

Pure. Monitors of the key packet lie where they lay. One that came later has no place there: it takes the place of one
that was gone by then, as when a laptop is docked, or else stands to the right of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.packet import Monitor
from store.evidence.account import Interval

WIDEST: Final = (3840, 2160)  # px; what decoders in ordinary PCs take
ALONE: Final = (1280, 720)  # px; of a film that has sound and no picture


@dataclass(frozen=True, slots=True)
class Place:
    """px of the film; all even, as 4:2:0 needs it."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    width: int
    height: int
    places: Mapping[int, Place]


def lay_out(
    monitors: Sequence[Monitor],
    sizes: Mapping[int, tuple[int, int]],
    kept: Mapping[int, Sequence[Interval]],
) -> Layout:
    """`sizes`: of each stream that has pictures, px. `kept`: when it has any."""
    slots: list[tuple[Monitor, list[int]]] = [(one, [one.stream]) for one in monitors if one.width and one.height]
    for stream in sorted(set(sizes) - {one.stream for one in monitors}):
        free = next((slot for slot in slots if all(_apart(kept, stream, other) for other in slot[1])), None)
        if free is not None:
            free[1].append(stream)
            continue
        right = max((one.x + one.width for one, _ in slots), default=0)
        top = min((one.y for one, _ in slots), default=0)
        slots.append((Monitor(stream, right, top, *sizes[stream], ""), [stream]))
    if not slots:
        return Layout(*ALONE, {})
    left, top = min(one.x for one, _ in slots), min(one.y for one, _ in slots)
    width = max(one.x + one.width for one, _ in slots) - left
    height = max(one.y + one.height for one, _ in slots) - top
    shrunk = min(1.0, WIDEST[0] / width, WIDEST[1] / height)
    width, height = _even(width * shrunk), _even(height * shrunk)
    places = {}
    for one, streams in slots:
        x, y = _even((one.x - left) * shrunk, least=0), _even((one.y - top) * shrunk, least=0)
        room = min(_even(one.width * shrunk), width - x), min(_even(one.height * shrunk), height - y)
        for stream in streams:
            places[stream] = _fitted(sizes.get(stream, room), room, x, y)
    return Layout(width, height, places)


def _fitted(size: tuple[int, int], room: tuple[int, int], x: int, y: int) -> Place:
    """As large as the room lets it be, in the middle of it, and never larger than it was."""
    shrunk = min(1.0, room[0] / size[0], room[1] / size[1])
    width, height = min(_even(size[0] * shrunk), room[0]), min(_even(size[1] * shrunk), room[1])
    return Place(x + _even((room[0] - width) / 2, least=0), y + _even((room[1] - height) / 2, least=0), width, height)


def _apart(kept: Mapping[int, Sequence[Interval]], one: int, other: int) -> bool:
    """Whether the two never had pictures at the same time."""
    first, second = kept.get(one, ()), kept.get(other, ())
    return not first or not second or first[-1].end <= second[0].start or second[-1].end <= first[0].start


def _even(length: float, *, least: int = 2) -> int:
    return max(least, int(length) // 2 * 2)
