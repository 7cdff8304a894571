"""What became of a second has the same colour and pattern in the player and in the console, and can be told apart."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest

ROOT: Final = Path(__file__).parents[2]
PLAYER: Final = ROOT / "review/player/page"
CONSOLE: Final = ROOT / "review/web"
STATES: Final = ("kept", "closed", "held", "blind", "missing")
BEHIND: Final = {"player": ("card", "page"), "console": ("paper", "ground")}
# G. Machado, M. Oliveira, L. Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# 2009, severity 1.0; of linear RGB.
SIGHT: Final = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def colours(sheet: Path) -> dict[str, dict[str, str]]:
    """Scheme -> name -> colour, of the two blocks that define them."""
    blocks = [re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block) for block in sheet.read_text("utf-8").split("}")]
    light, dark = [dict(block) for block in blocks if block][:2]
    return {"light": light, "dark": light | dark}


OF: Final = {"player": colours(PLAYER / "style.css"), "console": colours(CONSOLE / "static/style.css")}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    darker, lighter = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def lab(colour: str, sight: str) -> np.ndarray:
    seen = np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)
    x, y, z = np.cbrt(TO_XYZ @ seen / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_player_and_console_have_the_same() -> None:
    names = [*STATES, *(f"{state}-ground" for state in STATES[1:])]
    for scheme in ("light", "dark"):
        for name in names:
            assert OF["player"][scheme][name] == OF["console"][scheme][name], (scheme, name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_state_stands_out_from_what_is_behind_it(scheme: str) -> None:
    for where, grounds in BEHIND.items():
        known = OF[where][scheme]
        for state in STATES:
            behind = [*grounds, *([] if state == "kept" else [f"{state}-ground"])]
            for ground in behind:
                assert contrast(known[state], known[ground]) >= 3, (where, state, ground)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_two_states_differ_for_every_eye(scheme: str, sight: str) -> None:
    known = OF["player"][scheme]
    for one, other in itertools.combinations(STATES, 2):
        apart = np.linalg.norm(lab(known[one], sight) - lab(known[other], sight))
        assert apart >= 10, (one, other)  # of CIE 1976; 2.3 is just seen


def test_a_pattern_tells_them_apart_without_a_colour() -> None:
    drawn = dict(re.findall(r'^    (\w+): "(M[^"]+)",$', (PLAYER / "timeline.js").read_text("utf-8"), re.MULTILINE))
    [said] = re.findall(r"for kind, d in \((.*)\) %", (CONSOLE / "templates/patterns.html").read_text("utf-8"))
    there = dict(re.findall(r'\("(\w+)", "([^"]+)"\)', said))
    assert set(there) == set(STATES) - {"kept"}  # which is plain
    assert there == {state: drawn[state] for state in there}
    assert len(set(drawn.values())) == len(drawn)
