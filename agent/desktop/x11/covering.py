"""Whether a pixel of a window can be seen: rectangle arithmetic, without X.

Errs on one side only. What cannot be settled cheaply counts as seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from agent.core.model.seen import Box

MOST_PIECES: Final = 256  # a window cut into more rests than this counts as seen: no form is hidden behind a sieve


def overlap(one: Box, other: Box) -> Box | None:
    """The rectangle that both share; None when they share no pixel."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    if left >= right or top >= bottom:
        return None
    return Box(left, top, right - left, bottom - top)


def without(box: Box, cover: Box) -> tuple[Box, ...]:
    """What is left of `box` beside `cover`: at most four rectangles that do not overlap."""
    hidden = overlap(box, cover)
    if hidden is None:
        return (box,)
    right, bottom = hidden.x + hidden.width, hidden.y + hidden.height
    rests = (
        Box(box.x, box.y, box.width, hidden.y - box.y),
        Box(box.x, bottom, box.width, box.y + box.height - bottom),
        Box(box.x, hidden.y, hidden.x - box.x, hidden.height),
        Box(right, hidden.y, box.x + box.width - right, hidden.height),
    )
    return tuple(rest for rest in rests if rest.width > 0 and rest.height > 0)


def rests(boxes: Iterable[Box], covers: Iterable[Box]) -> list[Box]:
    """What is left of `boxes` beside all `covers`. Boxes that did not overlap still do not."""
    left = list(boxes)
    for cover in covers:
        if not left:
            break
        left = [rest for box in left for rest in without(box, cover)]
    return left


def within(boxes: Iterable[Box], places: Iterable[Box]) -> list[Box]:
    """What of `boxes` lies in any of the `places`. Boxes that did not overlap still do not."""
    boxes = list(boxes)
    return rests(boxes, rests(boxes, places))


def around(boxes: Sequence[Box]) -> Box:
    """The smallest rectangle that holds them all."""
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def meet(boxes: Iterable[Box], others: Iterable[Box]) -> bool:
    """Whether any of them share a pixel."""
    others = tuple(others)
    return any(overlap(box, other) is not None for box in boxes for other in others)


def seen(box: Box, covers: Iterable[Box], views: Iterable[Box]) -> bool:
    """Whether any pixel of `box` lies in one of the `views` and under none of the opaque `covers`."""
    rests = [part for view in views if (part := overlap(box, view)) is not None]
    for cover in covers:
        if not rests:
            return False
        rests = [rest for part in rests for rest in without(part, cover)]
        if len(rests) > MOST_PIECES:
            return True
    return bool(rests)
