"""The programs of the demo's desk: real processes with real windows, so that anyone can see what is kept and closed.

Two are ordinary (notes, orders); two are what a policy closes for (chart, till). Only those two carry SENSITIVE, a
colour that no ordinary window here has: to find it in a recording is to find a leak.

    python -m testkit.desk chart --place 420,80
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageChops, ImageDraw, ImageFont
from setproctitle import setproctitle
from Xlib import X, Xatom, Xutil, display

SENSITIVE: Final = (255, 0, 255)  # magenta; never in an ordinary window

INK: Final = (31, 41, 51)
FAINT: Final = (120, 133, 145)
PAPER: Final = (250, 250, 247)
LINE: Final = (214, 219, 224)
GREEN: Final = (31, 122, 92)
BLUE: Final = (29, 78, 121)
AMBER: Final = (214, 143, 40)
SAND: Final = (240, 232, 214)

REQUEST: Final = 60_000  # px that fit into one request (at most 256 KiB)
TICK: Final = 0.1  # seconds between two looks at what changed: a fast typist's stroke


def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface: the demo needs no fonts of the system's."""
    face = ImageFont.load_default(size)
    if not isinstance(face, ImageFont.FreeTypeFont):
        raise SystemExit(
            "This Pillow was built without FreeType, so the demo's windows cannot write. Install the locked one."
        )
    return face


SMALL, TEXT, LARGE = font(14), font(17), font(26)


def put(picture: Image.Image, drawable: Any, context: Any, x: int, y: int) -> None:
    """In strips that fit one request: python-xlib's own splitting paints black past the last one."""
    rows = REQUEST // picture.width
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        drawable.put_pil_image(context, x, y + top, strip)


@dataclass(frozen=True, slots=True)
class Program:
    """`paint` draws the whole window as it is `seconds` after its start; what differs is sent to the screen."""

    process: str  # what a policy's `app` sees
    title: str
    width: int
    height: int
    paint: Callable[[ImageDraw.ImageDraw, float], None]


def _head(draw: ImageDraw.ImageDraw, width: int, text: str, colour: tuple[int, int, int]) -> None:
    draw.rectangle((0, 0, width, 48), fill=colour)
    draw.text((18, 9), text, font=LARGE, fill=PAPER)


CALL: Final = (
    "Caller asks where order 48213 is. Left the depot on Monday, shown as out for delivery since this morning. "
    "Offered a call back when the driver is near. Caller agrees, prefers the afternoon. Wants the invoice again by "
    "mail; sent. Nothing else open. "
)


def _notes(draw: ImageDraw.ImageDraw, seconds: float) -> None:
    _head(draw, 560, "Call notes", GREEN)
    draw.text((18, 62), "Ticket 48213 - delivery", font=SMALL, fill=FAINT)
    typed = CALL[: 20 + int(seconds * 8) % (len(CALL) - 20)]
    line, y = "", 92
    for word in typed.split(" "):
        if draw.textlength(f"{line} {word}", font=TEXT) > 520:
            draw.text((18, y), line, font=TEXT, fill=INK)
            line, y = word, y + 26
        else:
            line = f"{line} {word}".strip()
    draw.text((18, y), line, font=TEXT, fill=INK)
    x = 20 + draw.textlength(line, font=TEXT)
    draw.line((x, y, x, y + 19), fill=INK, width=2)


ORDERS: Final = (
    ("48213", "out for delivery"), ("48209", "packed"), ("48207", "delivered"), ("48201", "waiting for stock"),
    ("48197", "delivered"), ("48195", "returned"), ("48192", "delivered"), ("48188", "packed"),
)  # fmt: skip


def _orders(draw: ImageDraw.ImageDraw, seconds: float) -> None:
    _head(draw, 620, "Orders", BLUE)
    minutes, left = divmod(int(seconds), 60)
    draw.text((500, 14), f"on call {minutes}:{left:02d}", font=TEXT, fill=PAPER)
    first = int(seconds / 3)
    for row in range(8):
        y = 60 + row * 36
        number, state = ORDERS[(first + row) % len(ORDERS)]
        draw.rectangle((12, y, 608, y + 30), fill=SAND if row % 2 else PAPER, outline=LINE)
        draw.text((24, y + 5), number, font=TEXT, fill=INK)
        draw.text((130, y + 5), state, font=TEXT, fill=GREEN if state == "delivered" else INK)


def _chart(draw: ImageDraw.ImageDraw, seconds: float) -> None:
    _head(draw, 640, "Patient chart", INK)
    draw.text((20, 62), "Example, Jane - born 1 Jan 1970 - ward 3", font=TEXT, fill=INK)
    draw.rectangle((20, 96, 620, 400), fill=SENSITIVE)
    for beat in range(12):
        x = 40 + beat * 48 - int(seconds * 40) % 48
        draw.line((x, 250, x + 16, 250, x + 22, 180, x + 30, 320, x + 36, 250, x + 48, 250), fill=PAPER, width=3)


def _till(draw: ImageDraw.ImageDraw, seconds: float) -> None:
    _head(draw, 600, "Card payment", INK)
    draw.rectangle((20, 64, 580, 340), fill=SENSITIVE)
    shown = "4111 1111 1111 1111"[: int(seconds * 3) % 20]
    for row, (label, value) in enumerate((("Card number", shown), ("Valid to", "12 / 29"), ("Security code", "123"))):
        y = 84 + row * 82
        draw.text((40, y), label, font=SMALL, fill=PAPER)
        draw.rectangle((40, y + 20, 400, y + 56), fill=PAPER)
        draw.text((52, y + 28), value, font=TEXT, fill=INK)


PROGRAMS: Final = {
    "notes": Program("eyelid-demo-notes", "Call notes - ticket 48213", 560, 340, _notes),
    "orders": Program("eyelid-demo-orders", "Orders - Example Shop", 620, 360, _orders),
    "chart": Program("eyelid-demo-chart", "Patient chart - Example, Jane", 640, 420, _chart),
    "till": Program("eyelid-demo-till", "Card payment", 600, 360, _till),
}


class Face:
    """One program's window. The picture is its background, so the X server itself repaints what was covered."""

    def __init__(self, program: Program, place: tuple[int, int], *, take_focus: bool) -> None:
        self._program = program
        self._display = display.Display()
        screen = self._display.screen()
        self._shown = Image.new("RGB", (program.width, program.height), PAPER)
        self._pixmap = screen.root.create_pixmap(program.width, program.height, screen.root_depth)
        self._window = screen.root.create_window(
            *place, program.width, program.height, 0, screen.root_depth, X.InputOutput, X.CopyFromParent,
            background_pixmap=self._pixmap, event_mask=X.StructureNotifyMask,
        )  # fmt: skip
        self._context = self._window.create_gc()
        self._put((0, 0, program.width, program.height))
        self._introduce(place, take_focus=take_focus)

    def _introduce(self, place: tuple[int, int], *, take_focus: bool) -> None:
        """Say who this is in every way that a window manager or a witness may ask."""
        program, window, atom = self._program, self._window, self._display.intern_atom
        window.set_wm_name(program.title)
        window.change_property(atom("_NET_WM_NAME"), atom("UTF8_STRING"), 8, program.title.encode())
        window.set_wm_class(program.process, program.process)
        window.change_property(atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [os.getpid()])
        window.change_property(Xatom.WM_CLIENT_MACHINE, Xatom.STRING, 8, socket.gethostname().encode())
        self._delete = atom("WM_DELETE_WINDOW")
        window.set_wm_protocols([self._delete])
        fixed = {
            "min_width": program.width,
            "max_width": program.width,
            "min_height": program.height,
            "max_height": program.height,
        }
        window.set_wm_normal_hints(
            flags=Xutil.USPosition | Xutil.PMinSize | Xutil.PMaxSize, x=place[0], y=place[1], **fixed
        )
        if not take_focus:
            # EWMH, _NET_WM_USER_TIME: 0 asks the window manager not to focus the window when it appears.
            window.change_property(atom("_NET_WM_USER_TIME"), Xatom.CARDINAL, 32, [0])

    def run(self, *, still: bool) -> None:
        """Show the window and keep it painted until it is closed."""
        began = time.monotonic()
        self._paint(0.0)
        self._window.map()
        self._display.flush()
        try:
            while not self._asked_to_close():
                select.select([self._display.fileno()], [], [], TICK)
                if not still:
                    self._paint(time.monotonic() - began)
        finally:
            # The window goes before its process, as in most programs: a window whose process has gone is unreadable.
            self._window.destroy()
            self._display.sync()

    def _paint(self, seconds: float) -> None:
        picture = Image.new("RGB", self._shown.size, PAPER)
        self._program.paint(ImageDraw.Draw(picture), seconds)
        changed = ImageChops.difference(picture, self._shown).getbbox()
        self._shown = picture
        if changed is not None:
            left, top, right, bottom = changed
            self._put(changed)
            self._window.clear_area(left, top, right - left, bottom - top)
            self._display.flush()

    def _put(self, box: tuple[int, int, int, int]) -> None:
        put(self._shown.crop(box), self._pixmap, self._context, *box[:2])

    def _asked_to_close(self) -> bool:
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.DestroyNotify or (event.type == X.ClientMessage and event.data[1][0] == self._delete):
                return True
        return False


def _place(text: str) -> tuple[int, int]:
    try:
        x, y = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no place; write it as X,Y in pixels, such as 40,60") from None
    return x, y


def run(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m testkit.desk", description="Show one program of the demo's desk.")
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument(
        "--place", type=_place, default=(40, 40), metavar="X,Y", help="top left corner in pixels (default 40,40)"
    )
    parser.add_argument("--unfocused", action="store_true", help="ask the window manager not to focus the window")
    parser.add_argument("--still", action="store_true", help="draw once and never again")
    asked = parser.parse_args(arguments)
    program = PROGRAMS[asked.program]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    # Also writes the command line's first word: the kernel's own name for a process ends after 15 letters.
    setproctitle(program.process)
    Face(program, asked.place, take_focus=not asked.unfocused).run(still=asked.still)


if __name__ == "__main__":
    run()
