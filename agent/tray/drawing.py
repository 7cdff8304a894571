"""The icon, drawn for the size at hand: each state has a shape of its own, in a colour that both panels bear.

Every colour's luminance lies where its contrast to light and to dark panels alike is at least 3 to 1 (WCAG 2.2,
1.4.11; a test computes it), so that one icon serves both: no tray says which of them it lies on. Edges are smooth
because the distance of each pixel to the shape is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from math import hypot
from typing import Final

from agent.tray.icon_state import IconState, Lid, Mark

SIZES: Final = (16, 22, 24, 32, 48, 64)  # pixels; what panels ask for
Colour = tuple[int, int, int]
COLOURS: Final[dict[Lid, Colour]] = {
    Lid.OPEN: (0x1D, 0x8F, 0x50),
    Lid.SHUT: (0x4A, 0x7F, 0xC1),
    Lid.HELD: (0x98, 0x68, 0xD8),
    Lid.FAULT: (0xDB, 0x3B, 0x35),
    Lid.GONE: (0x7F, 0x83, 0x87),
}
OFFLINE: Final[Colour] = (0xBF, 0x6A, 0x06)

# A shape is the distance to its edge, negative inside, in units of half the icon: x to the right, y downwards.
Shape = Callable[[float, float], float]

HALF_WIDTH: Final = 0.94
HALF_HEIGHT: Final = 0.56
LINE: Final = 0.105  # half the width of a line
RAISED: Final = 0.36
GAP: Final = 0.15  # around what lies over the eye
_RADIUS: Final = (HALF_WIDTH**2 + HALF_HEIGHT**2) / (2 * HALF_HEIGHT)
_CENTRE: Final = _RADIUS - HALF_HEIGHT


def pixels(icon: IconState, size: int) -> bytes:
    """ARGB32 in network byte order, `size` squared, rows from the top: what a StatusNotifierItem's IconPixmap holds."""
    return _drawn(*icon.look, size)


@lru_cache(maxsize=64)
def _drawn(lid: Lid, mark: Mark, offline: bool, size: int) -> bytes:
    eye, colour = _EYES[lid], COLOURS[lid]
    layers: list[tuple[Shape, Colour | None]] = [(eye, colour)]
    if mark is Mark.WARNING:
        layers += [(_grown(_CORNER, GAP), None), (_WARNING, COLOURS[Lid.FAULT])]
    if mark is Mark.CALL:
        layers += [(_grown(_DOT, GAP), None), (_DOT, COLOURS[Lid.OPEN])]
    if offline:
        layers += [(_grown(_ARROW, GAP), None), (_ARROW, OFFLINE)]
    out = bytearray()
    for row in range(size):
        for column in range(size):
            x, y = (2 * column + 1) / size - 1, (2 * row + 1) / size - 1
            out += _blend(((max(0.0, min(1.0, 0.5 - shape(x, y) * size / 2)), ink) for shape, ink in layers))
    return bytes(out)


def _blend(layers: Iterable[tuple[float, Colour | None]]) -> bytes:
    """One over the other; an ink of None takes away what lies beneath."""
    alpha, colour = 0.0, (0.0, 0.0, 0.0)
    for cover, ink in layers:
        if ink is None:
            alpha *= 1 - cover
        elif cover:
            after = cover + alpha * (1 - cover)
            share = cover / after
            colour = tuple(new * share + old * (1 - share) for new, old in zip(ink, colour, strict=True))  # type: ignore[assignment]
            alpha = after
    return bytes((round(alpha * 255), *(round(part) for part in colour)))


# -- shapes -------------------------------------------------------------------------------------------------------


def _almond(x: float, y: float) -> float:
    """The opening between two lids: where two circles overlap."""
    return max(hypot(x, y - _CENTRE), hypot(x, y + _CENTRE)) - _RADIUS


def _outline(x: float, y: float) -> float:
    return max(_almond(x, y), -_almond(x, y) - 2 * LINE)


def _disc(cx: float, cy: float, radius: float) -> Shape:
    return lambda x, y: hypot(x - cx, y - cy) - radius


def _stroke(ax: float, ay: float, bx: float, by: float, half: float = LINE) -> Shape:
    """A line with round ends."""
    length = (bx - ax) ** 2 + (by - ay) ** 2

    def distance(x: float, y: float) -> float:
        along = max(0.0, min(1.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length))
        return hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) - half

    return distance


def _all(*shapes: Shape) -> Shape:
    return lambda x, y: min(shape(x, y) for shape in shapes)


def _without(shape: Shape, hole: Shape) -> Shape:
    return lambda x, y: max(shape(x, y), -hole(x, y))


def _grown(shape: Shape, by: float) -> Shape:
    return lambda x, y: shape(x, y) - by


def _lid(x: float, y: float) -> float:
    """The lower edge of the almond, as a line, raised to the middle of the icon: an eye that is shut."""
    y += RAISED
    return max(abs(hypot(x, y + _CENTRE) - _RADIUS) - LINE, -y)


def _triangle(left: float, right: float, top: float, bottom: float) -> Shape:
    """A warning's, point up."""
    centre, slope = (left + right) / 2, (right - left) / 2 / (bottom - top)
    norm = hypot(1.0, slope)
    return lambda x, y: max(y - bottom, (abs(x - centre) - (y - top) * slope) / norm)


_IRIS: Final = _disc(0, 0, 0.30)
_DOT: Final = _disc(0.64, 0.62, 0.30)
_LASHES: Final = _all(
    _stroke(0, 0.56 - RAISED, 0, 0.92 - RAISED),
    _stroke(-0.42, 0.47 - RAISED, -0.58, 0.78 - RAISED),
    _stroke(0.42, 0.47 - RAISED, 0.58, 0.78 - RAISED),
)
_SHUT: Final = _all(_lid, _LASHES)
_SLASH: Final = _stroke(-0.72, 0.72, 0.72, -0.72)
_ARROW: Final = _all(
    _stroke(0.62, -0.22, 0.62, -0.84, 0.12),
    _stroke(0.62, -0.86, 0.36, -0.60, 0.12),
    _stroke(0.62, -0.86, 0.88, -0.60, 0.12),
)
_CORNER: Final = _triangle(0.08, 1.0, 0.06, 0.94)
_WARNING: Final = _without(_CORNER, _all(_stroke(0.54, 0.40, 0.54, 0.58, 0.07), _disc(0.54, 0.78, 0.08)))
_BARS: Final = _all(_stroke(-0.2, -0.2, -0.2, 0.2, 0.12), _stroke(0.2, -0.2, 0.2, 0.2, 0.12))

_EYES: Final[dict[Lid, Shape]] = {
    Lid.OPEN: _all(_outline, _IRIS),
    Lid.SHUT: _SHUT,
    Lid.HELD: _without(_almond, _BARS),
    # In place of the eye: an eye with a warning beside it still records something.
    Lid.FAULT: _without(
        _triangle(-0.96, 0.96, -0.86, 0.82), _all(_stroke(0, -0.2, 0, 0.22, 0.13), _disc(0, 0.56, 0.15))
    ),
    Lid.GONE: _all(_without(_outline, _grown(_SLASH, 0.14)), _SLASH),
}
