"""A desktop that is worked on, to be filmed: a support desk's page that ticks, is typed into, scrolled and turned.

Pages are painted once into pixmaps of the X server and copied from there, as browsers do, so that what is drawn costs
the machine next to nothing beside the recorders. Text is anti-aliased, and a picture lies among it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw
from Xlib import X

from testkit import desk
from testkit.window_program import Windows

WIDTH, HEIGHT = 1880, 1000  # of the window
HEAD: Final = 56  # px: the bar with the call's clock
PAGE: Final = (1340, HEIGHT - HEAD)  # what is seen of a page
LENGTH: Final = 3600  # px of a page from top to end
NOTES: Final = (PAGE[0] + 24, HEAD + 60, WIDTH - PAGE[0] - 48, HEIGHT - HEAD - 90)  # the field that is typed into
CELL: Final = (10, 24)  # px of a typed letter
CLASS: Final = ("support-desk", "support-desk")

# fmt: off
WORDS: Final = (
    "order", "delivery", "customer", "invoice", "address", "refund", "parcel", "ticket", "warehouse", "driver",
    "Monday", "phone", "answer", "contract", "line", "meter", "reading", "account", "balance", "payment", "reminder",
    "technician", "appointment", "replacement", "number", "serial", "warranty", "branch",
)
# fmt: on
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz ,."

NOTCH: Final = 100  # px a wheel notch scrolls, in 6 steps at 60 Hz as browsers animate it
STEPS: Final = 6


class SupportDesk:
    """The window, on screen when made. Each action blocks for its seconds; the clock ticks in all but `still`."""

    def __init__(self, display: str) -> None:
        self._random = random.Random(7)
        self._windows = Windows(display)
        self._display = self._windows.display
        self._root, self._depth = self._windows.screen.root, self._windows.screen.root_depth
        window = self._windows.open(
            title="Support desk", x=20, y=40, width=WIDTH, height=HEIGHT, window_class=CLASS, mapped=False
        )
        self._window = self._windows.open_windows[window]
        self._window.change_attributes(event_mask=X.ExposureMask)
        self._gc = self._window.create_gc(graphics_exposures=False)
        self._pages = [self._painted(_page(random.Random(number))) for number in range(3)]
        self._letters = {letter: _letter(letter) for letter in LETTERS}
        self._page, self._top, self._typed = 0, 0, 0
        self._started = time.monotonic()
        self._window.map()
        self._display.flush()
        while self._display.next_event().type != X.Expose:
            pass
        self._put(_frame(), 0, 0)
        self._show_page()
        self._tick()

    def __enter__(self) -> SupportDesk:
        return self

    def __exit__(self, *_: object) -> None:
        self._display.close()

    # -- what happens on it -------------------------------------------------------------------------------------------

    def still(self, seconds: float) -> None:
        """Nothing at all."""
        time.sleep(seconds)

    def clock(self, seconds: float) -> None:
        """Only the call's clock, once a second."""
        self._act(seconds, 1.0, lambda: None)

    def typing(self, seconds: float) -> None:
        """Six letters a second into the notes."""
        self._act(seconds, 1 / 6, self._type)

    def scrolling(self, seconds: float) -> None:
        """Three wheel notches a second, a second of reading after every two; up again at the end."""
        self._act(seconds, 1 / 3, self._notch)

    def turning(self, seconds: float) -> None:
        """Another page every four seconds: white, and a moment later the page."""
        self._act(seconds, 4.0, self._turn)

    def _act(self, seconds: float, every: float, action: Callable[[], None]) -> None:
        """`action` on its beat and the clock on its own, for `seconds`."""
        begin, actions, ticks = time.monotonic(), 0, 0
        while (upcoming := min(actions * every, float(ticks))) < seconds:
            time.sleep(max(0.0, begin + upcoming - time.monotonic()))
            if upcoming == ticks:
                self._tick()
                ticks += 1
            if upcoming == actions * every:
                action()
                actions += 1
        time.sleep(max(0.0, begin + seconds - time.monotonic()))

    # -- what is drawn ------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        clock = Image.new("RGB", (180, 32), desk.BLUE)
        ImageDraw.Draw(clock).text((4, 2), f"on call {minutes}:{seconds:02d}", font=desk.font(20), fill=desk.PAPER)
        self._put(clock, WIDTH - 200, 12)

    def _type(self) -> None:
        left, top, width, height = NOTES
        columns, rows = width // CELL[0], height // CELL[1]
        column, row = self._typed % columns, self._typed // columns % rows
        if self._typed and column == row == 0:
            self._window.fill_rectangle(self._filled(desk.PAPER), left, top, width, height)
        self._put(self._letters[self._random.choice(LETTERS)], left + column * CELL[0], top + row * CELL[1])
        self._typed += 1

    def _notch(self) -> None:
        if self._random.random() < 1 / 3:
            return  # reading
        down = self._top + NOTCH <= LENGTH - PAGE[1]
        goal = self._top + NOTCH if down else 0
        for step in range(1, STEPS + 1):
            self._show_page(self._top + (goal - self._top) * step // STEPS)
            time.sleep(1 / 60)
        self._top = goal

    def _turn(self) -> None:
        self._window.fill_rectangle(self._filled((255, 255, 255)), 0, HEAD, *PAGE)
        self._display.flush()
        time.sleep(0.12)
        self._page, self._top = (self._page + 1) % len(self._pages), 0
        self._show_page()

    def _show_page(self, top: int | None = None) -> None:
        self._window.copy_area(self._gc, self._pages[self._page], 0, self._top if top is None else top, *PAGE, 0, HEAD)
        self._display.flush()

    def _filled(self, colour: tuple[int, int, int]) -> Any:
        red, green, blue = colour
        self._gc.change(foreground=red << 16 | green << 8 | blue)
        return self._gc

    def _painted(self, picture: Image.Image) -> Any:
        pixmap = self._root.create_pixmap(*picture.size, self._depth)
        self._put(picture, 0, 0, pixmap)
        return pixmap

    def _put(self, picture: Image.Image, x: int, y: int, drawable: Any = None) -> None:
        desk.put(picture, drawable or self._window, self._gc, x, y)
        self._display.flush()


def _page(words: random.Random) -> Image.Image:
    picture = Image.new("RGB", (PAGE[0], LENGTH), "white")
    draw = ImageDraw.Draw(picture)
    text, small = desk.font(17), desk.font(14)
    y = 30
    while y < LENGTH - 400:
        draw.text((40, y), " ".join(words.sample(WORDS, 4)).capitalize(), font=desk.font(28), fill=desk.BLUE)
        y += 50
        for _ in range(words.randint(6, 12)):
            draw.text((40, y), " ".join(words.choices(WORDS, k=19)), font=text, fill=desk.INK)
            y += 26
        y += 20
        for row in range(words.randint(4, 8)):
            draw.rectangle((40, y, 1300, y + 30), fill=desk.SAND if row % 2 else desk.PAPER, outline=desk.LINE)
            for column in range(7):
                draw.text((52 + column * 180, y + 7), words.choice(WORDS), font=small, fill=desk.INK)
            y += 31
        draw.rounded_rectangle((40, y + 20, 220, y + 60), 8, fill=desk.GREEN)
        draw.text((60, y + 30), words.choice(WORDS), font=text, fill=desk.PAPER)
        if words.random() < 0.5:
            picture.paste(_photo(words.randrange(1000)), (600, y + 20))
            y += 320
        y += 90
    return picture


def _photo(seed: int) -> Image.Image:
    """Soft shapes under a grain, which is what a camera's picture is to an encoder. 640 x 300 px."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[0:300, 0:640]
    shapes = sum(
        dice.uniform(20, 90, 3)[None, None, :]
        * np.exp(-((x - dice.uniform(0, 640)) ** 2 + (y - dice.uniform(0, 300)) ** 2) / dice.uniform(3000, 40_000))[
            :, :, None
        ]
        for _ in range(12)
    )
    grain = dice.normal(0, 4, (300, 640, 3))
    return Image.fromarray(np.clip(shapes + grain, 0, 255).astype(np.uint8))


def _frame() -> Image.Image:
    """All of the window but the page: the bar above, the notes beside."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), desk.SAND)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, WIDTH, HEAD), fill=desk.BLUE)
    draw.text((20, 14), "Support desk", font=desk.font(26), fill=desk.PAPER)
    left, top, width, height = NOTES
    draw.text((left, HEAD + 20), "Notes", font=desk.font(20), fill=desk.INK)
    draw.rectangle((left - 6, top - 6, left + width + 6, top + height + 6), fill=desk.PAPER, outline=desk.LINE)
    return picture


def _letter(letter: str) -> Image.Image:
    picture = Image.new("RGB", CELL, desk.PAPER)
    ImageDraw.Draw(picture).text((0, 2), letter, font=desk.font(17), fill=desk.INK)
    return picture
