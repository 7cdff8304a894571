"""The demo's contact sheet: a recording at a glance, with a closed eye where nothing was kept.

Every picture on it is decoded from the opened recording, so it shows what an auditor can see and nothing else.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
from PIL import Image, ImageDraw

from testkit.desk import AMBER, FAINT, GREEN, INK, PAPER, SAND, SMALL, TEXT
from testkit.opened import SheetSpan

COLUMNS: Final = 4
ROWS: Final = 3
TILE: Final = (320, 180)
GAP: Final = 12
WORDS: Final = 40  # letters of a reason in one line of a tile
CAPTION: Final = 26  # pixels under each tile
BAR: Final = 58  # pixels for the time line below all of them
LID: Final = (52, 64, 75)

Colour = tuple[int, int, int]

LEGEND: Final = (
    (GREEN, "kept"),
    (AMBER, "closed by a rule, and the margin that the proof costs"),
    (FAINT, "held, or nothing proven"),
)


def draw(video: Path, stretches: Sequence[SheetSpan], to: Path) -> None:
    """Writes a PNG to `to`: a dozen moments in even steps, and the whole time as a bar. `stretches` cover it all."""
    length = stretches[-1].end
    moments = [(number + 0.5) * length / (COLUMNS * ROWS) for number in range(COLUMNS * ROWS)]
    pictures = _frames_at(video, moments)
    width = COLUMNS * (TILE[0] + GAP) + GAP
    height = ROWS * (TILE[1] + CAPTION + GAP) + GAP + BAR
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, moment in enumerate(moments):
        x = GAP + number % COLUMNS * (TILE[0] + GAP)
        y = GAP + number // COLUMNS * (TILE[1] + CAPTION + GAP)
        stretch = next(stretch for stretch in stretches if moment <= stretch.end)
        if stretch.kept and moment in pictures:
            sheet.paste(pictures[moment].resize(TILE, Image.Resampling.LANCZOS), (x, y))
        else:
            _closed_eye(pen, x, y, stretch.why)
        pen.rectangle((x, y, x + TILE[0] - 1, y + TILE[1] - 1), outline=LID)
        pen.text((x, y + TILE[1] + 5), f"{moment:.1f} s", font=SMALL, fill=INK)
    _bar(pen, stretches, GAP, height - BAR, width - 2 * GAP)
    sheet.save(to, optimize=True)


def _frames_at(video: Path, moments: Sequence[float]) -> dict[float, Image.Image]:
    """For each moment the frame that a player would show then; a moment before the first frame has none."""
    found: dict[float, Image.Image] = {}
    waiting = list(moments)
    shown = None
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            while waiting and frame.time is not None and frame.time > waiting[0]:
                if shown is not None:
                    found[waiting[0]] = _image(shown)
                waiting.pop(0)
            shown = frame
    if shown is not None:
        found.update((moment, _image(shown)) for moment in waiting)
    return found


def _image(frame: av.VideoFrame) -> Image.Image:
    return Image.fromarray(frame.to_ndarray(format="rgb24"))


def _closed_eye(pen: ImageDraw.ImageDraw, x: int, y: int, why: str) -> None:
    pen.rectangle((x, y, x + TILE[0] - 1, y + TILE[1] - 1), fill=LID)
    centre, top = x + TILE[0] / 2, y + 22
    pen.arc((centre - 52, top - 40, centre + 52, top + 52), 25, 155, fill=SAND, width=4)
    for degrees in (40, 65, 90, 115, 140):
        across, down = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        near, far = (52, 46), (62, 60)
        pen.line(
            (centre + near[0] * across, top + 6 + near[1] * down, centre + far[0] * across, top + 6 + far[1] * down),
            fill=SAND,
            width=4,
        )
    pen.text((centre, y + TILE[1] - 64), "not kept", font=TEXT, fill=PAPER, anchor="ma")
    lines = textwrap.fill(why, WORDS, max_lines=2, placeholder=" ...")
    pen.multiline_text((centre, y + TILE[1] - 38), lines, font=SMALL, fill=SAND, anchor="ma", align="center", spacing=2)


def _bar(pen: ImageDraw.ImageDraw, stretches: Sequence[SheetSpan], x: int, y: int, width: int) -> None:
    length = stretches[-1].end
    for stretch in stretches:
        left, right = x + stretch.start / length * width, x + stretch.end / length * width
        pen.rectangle((left, y, right, y + 20), fill=_colour(stretch))
    left = x
    for colour, meaning in LEGEND:
        pen.rectangle((left, y + 32, left + 12, y + 44), fill=colour)
        pen.text((left + 20, y + 29), meaning, font=SMALL, fill=INK)
        left += 48 + pen.textlength(meaning, font=SMALL)
    pen.text((x + width, y + 29), f"{length:.0f} s in all", font=SMALL, fill=INK, anchor="ra")


def _colour(stretch: SheetSpan) -> Colour:
    return GREEN if stretch.kept else AMBER if stretch.what in ("closed", "closed_margin") else FAINT
