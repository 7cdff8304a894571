"""Reads marks in the picture: 32 cells in a row, each 2 x 8 pixels, black or green (docs/browser-protocol.md).

Only marks that are looked for can be found, so that neither text nor a pattern passes for one. Of a pixel only its
green counts: what a page, a high contrast or a dark mode does to the others changes nothing. Inverted counts as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from typing import Final

import numpy as np

from agent.capture.pixels import BGRA, OutOfReach, Pixels
from agent.desktop.x11.wire import somebody_listens
from agent.errors import EnvironmentFault

CELL: Final = 2  # pixels
CELLS: Final = 32
ROWS_APART: Final = 3  # of eight rows at least two are looked at, and both must say the same
# Below this a cell is black. A dialog of the browser's own dims the page beneath it, marks and all, to 127 of 255 in
# Firefox and 102 in Chromium (print preview, 28 Nov 2026), and may itself show the page as it was.
GREEN: Final = 170
INVERTED: Final = 2**CELLS - 1  # what turns a mark into itself with black and green exchanged
READ_AGAIN: Final = 40  # looks in vain until the monitors are read anew: nothing says here that one was plugged in
FIRST: Final = 0b10100110  # every mark begins with these eight cells, so that most of a picture is passed over quickly


def numbers() -> Iterator[int]:
    """Marks without end that no page can guess."""
    while True:
        yield FIRST << 24 | secrets.randbits(24)


def read(pixels: BGRA, marks: Collection[int]) -> frozenset[int]:
    """Which of these marks the picture shows."""
    reach = pixels.shape[1] - CELL * (CELLS - 1)  # places at which a mark may begin
    if not marks or reach <= 0:
        return frozenset()
    words = {mark: mark for mark in marks} | {mark ^ INVERTED: mark for mark in marks}
    bits = (pixels[::ROWS_APART, :, 1] >= GREEN).view(np.uint8)
    # Eight cells from each place on, the leftmost in the highest bit.
    two = bits[:, :-CELL] << 1 | bits[:, CELL:]
    four = two[:, : -2 * CELL] << 2 | two[:, 2 * CELL :]
    eight = four[:, : -4 * CELL] << 4 | four[:, 4 * CELL :]
    begins = eight[:, :reach]
    hits: set[tuple[int, int, int]] = set()
    for row, place in np.argwhere((begins == FIRST) | (begins == FIRST ^ 0xFF)).tolist():
        word = int.from_bytes(eight[row, place : place + CELLS * CELL : 8 * CELL].tobytes())
        if word in words:
            hits.add((row, place, word))
    return frozenset(words[word] for row, place, word in hits if (row + 1, place, word) in hits)


class Glass:
    """What the display shows at this moment, on all monitors. A connection of its own; used by one thread."""

    def __init__(self, display: str) -> None:
        """Raises EnvironmentFault when the display cannot be captured."""
        self._display = display
        self._pixels = Pixels(display)
        self._boxes = [box for _, box in self._pixels.monitors()]
        self._in_vain = 0  # looks since a mark was last found, or the monitors were last read

    def find(self, marks: Collection[int]) -> frozenset[int]:
        """Those that are in the picture now. Raises EnvironmentFault when the display is gone."""
        try:
            if self._in_vain > READ_AGAIN:
                self._pixels.reopen()
                self._boxes = [box for _, box in self._pixels.monitors()]
                self._in_vain = 0
            found = frozenset().union(*(read(self._pixels.grab(box), marks) for box in self._boxes))
        except (OutOfReach, EnvironmentFault):  # any program may cut the connection (XKillClient), this one's too
            if not somebody_listens(self._display):
                raise
            found, self._in_vain = frozenset(), READ_AGAIN
        self._in_vain = 0 if found else self._in_vain + 1
        return found

    def close(self) -> None:
        self._pixels.close()
