"""The icons: told apart without colour, seen on any panel, whole at every size."""

from __future__ import annotations

from itertools import combinations

import pytest

from agent.tray.drawing import COLOURS, OFFLINE, SIZES, Colour, pixels
from agent.tray.icon_state import Call, IconState, Lid

PANELS: tuple[Colour, ...] = ((255, 255, 255), (0xF6, 0xF5, 0xF4), (0x24, 0x24, 0x28), (0, 0, 0))
CALLS = (Call.OFF, Call.ON, Call.DEAF)
EVERY = [IconState(lid, "", offline, call) for lid in Lid for offline in (False, True) for call in CALLS]
SIGNS = list({icon.look: icon for icon in EVERY}.values())


def luminance(colour: Colour) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def cover(icon: IconState, size: int) -> bytes:
    """Each pixel's opacity: the icon as somebody sees it who sees no colour."""
    return pixels(icon, size)[::4]


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("colour", [*COLOURS.values(), OFFLINE])
def test_every_colour_is_seen_on_light_and_dark_panels(colour: Colour, panel: Colour) -> None:
    assert contrast(colour, panel) >= 3


@pytest.mark.parametrize("size", SIZES)
def test_every_sign_has_a_shape_of_its_own(size: int) -> None:
    """At least a twentieth of the icon is different, whatever the colour."""
    for one, other in combinations(SIGNS, 2):
        differing = sum(abs(a - b) for a, b in zip(cover(one, size), cover(other, size), strict=True)) / 255
        assert differing > size * size / 20, (one, other, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("icon", SIGNS, ids=str)
def test_an_icon_is_whole(icon: IconState, size: int) -> None:
    drawn = pixels(icon, size)
    assert len(drawn) == 4 * size * size
    assert 0.1 < sum(cover(icon, size)) / 255 / size / size < 0.6


def test_colours_are_in_network_order_and_not_multiplied() -> None:
    drawn = pixels(IconState(Lid.OPEN, ""), 64)
    middle = 4 * (32 * 64 + 32)
    assert drawn[middle : middle + 4] == bytes((255, *COLOURS[Lid.OPEN]))
    assert drawn[:4] == bytes(4)
