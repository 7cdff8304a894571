"""The marks that a test asks documents for, and a reader of the screen that shares nothing with the agent's."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.capture.pixels import Pixels
from agent.core.model.seen import Box
from tests.browser.extension_agent import DEADLINE, Message
from tests.browser.extension_live import Live

Picture = NDArray[np.uint8]  # (height, width, 4): blue, green, red, nothing
WIDE, HIGH = 64, 8
FRAME = 1 / 60  # seconds; a browser draws no sooner again
BLACK, GREEN, OTHER = 0, 1, 2


def fresh() -> str:
    return secrets.token_hex(4)


def places(picture: Picture, *numbers: str) -> list[tuple[int, int]]:
    """The left upper corner of every place that shows one of the marks, pixel for pixel."""
    colours = _colours(picture) & 0xFFFFFF
    unlike = colours != 0
    codes = unlike.view(np.uint8) + (unlike & (colours != 0x00FF00)).view(np.uint8)  # BLACK, GREEN, OTHER
    text = codes.tobytes()
    return [place for number in numbers for place in _places(codes, text, number)]


def _places(codes: NDArray[np.uint8], text: bytes, number: str) -> Iterator[tuple[int, int]]:
    row = np.repeat([int(bit) for bit in f"{int(number, 16):032b}"], 2).astype(np.uint8)
    at = text.find(row.tobytes())
    while at >= 0:
        y, x = divmod(at, codes.shape[1])
        block = codes[y : y + HIGH, x : x + WIDE]
        above = codes[y - 1, x : x + WIDE] if y else None
        if block.shape == (HIGH, WIDE) and (block == row).all() and (above is None or (above != row).any()):
            yield (x, y)
        at = text.find(row.tobytes(), at + 1)


def magenta(picture: Picture) -> bool:
    return bool(((_colours(picture) & 0xF0F0F0) == 0xF000F0).any())


def _colours(picture: Picture) -> NDArray[np.uint32]:
    """0x??RRGGBB of each point: one number is compared in a fifth of the time that three take."""
    return np.ascontiguousarray(picture).view("<u4")[:, :, 0]


@dataclass
class Marks:
    """What a test sees of the screen while it asks for marks."""

    live: Live
    pixels: Pixels
    screen: Box

    def grab(self) -> Picture:
        return self.pixels.grab(self.screen).copy()

    def ask(self, tab: int, *frames: int) -> dict[int, str]:
        """Asks these frames of the tab, and no others; returns the number of each."""
        numbers = {frame: fresh() for frame in frames}
        marks = {str(frame): number for frame, number in numbers.items()}
        self.live.line.tell(kind="mark", tab=tab, marks=marks)
        return numbers

    def answer(self, number: str, how: str, since: int = 0) -> Message:
        fits = lambda told: told["kind"] == "marked" and told["mark"] == number and told["how"] == how  # noqa: E731
        return self.live.line.await_one(fits, since)

    def until(self, fits: Callable[[Picture], bool], again: Callable[[], object] | None = None) -> Picture:
        """The first grab that fits; `again` is done twice a second until then, as the agent asks."""
        end = time.monotonic() + DEADLINE
        asked = time.monotonic()
        while time.monotonic() < end:
            picture = self.grab()
            if fits(picture):
                return picture
            if again is not None and time.monotonic() - asked > 0.5:
                again()
                asked = time.monotonic()
            time.sleep(FRAME)
        raise AssertionError("no grab showed what was awaited")

    def seen(self, tab: int, frame: int) -> tuple[str, Picture]:
        """A number of its own for this document, and the first picture that shows it."""
        known: list[str] = []

        def ask() -> None:
            known.append(self.ask(tab, frame)[frame])

        ask()
        picture = self.until(lambda grabbed: bool(places(grabbed, known[-1])), ask)
        return known[-1], picture


@contextmanager
def marks(live: Live) -> Iterator[Marks]:
    pixels = Pixels(live.display)
    try:
        yield Marks(live, pixels, Box(0, 0, 1280, 800))
    finally:
        pixels.close()
