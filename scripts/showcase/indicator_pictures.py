"""The pictures of docs/indicator.md: every state in a real panel, the open menu, what a terminal shows.

python -m scripts.showcase.indicator_pictures [FOLDER]      writes them anew, to docs/images unless told otherwise
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from PIL import Image, ImageDraw
from rich.console import Console

from agent.cli.status_table import picture
from agent.control import control
from agent.tray.drawing import COLOURS, SIZES
from agent.tray.icon_state import Lid, Mark, icon_state_of
from testkit.fleet import installed
from testkit.panel import DARK, LIGHT, Pointer, box_of, desktop, panel
from testkit.played import Played, held, sound, status
from testkit.stage import Stage, StageError, own_display, running

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
SIZE: Final = (960, 460)
DEADLINE: Final = 30.0  # seconds
OFFLINE: Final[dict[str, Any]] = {
    "receipt_ago_s": 720.0,
    "offline_s": 720.0,
    "waiting_s": 730.0,
    "waiting_chunks": 181,
    "waiting_bytes": 6_100_000,
}
NONE: Final[dict[str, Any]] = {
    "wanted": True, "device": "", "peak_dbfs": None, "heard_ago_s": None, "captured_ago_s": None,
}  # fmt: skip
CLOSED: Final[dict[str, Any]] = {"rules": ("card-forms",), "since_s": 12.0, "sealed_ago_s": 13.0}
BLIND: Final[dict[str, Any]] = {"rules": ("web-engine",), "since_s": 40.0, "sealed_ago_s": 41.0}
STATES: Final[dict[str, dict[str, Any]]] = {
    "recording": status(sound=sound()),
    "call missed": status(sound=sound("stalled", fault="no-device", sealed_ago_s=95.0, microphone=NONE, far_end=NONE)),
    "closed": status("closed", **CLOSED, pictures_ago_s=13.0, receipt_ago_s=13.0, sound=sound("closed", **CLOSED)),
    "call goes on": status("closed", rules=("patient-records",), since_s=12.0, pictures_ago_s=13.0, sound=sound()),
    "held by you": held(240.0, 60.0, pictures_ago_s=61.0, receipt_ago_s=60.0, sound=sound("held", sealed_ago_s=61.0)),
    "blind or error": status("blind", **BLIND, pictures_ago_s=41.0, receipt_ago_s=40.0, sound=sound("blind", **BLIND)),
    "offline": status(**OFFLINE, sound=sound()),
    "not running": status("stopping", sound=sound("stopping")),
}
# What a terminal shows besides, under the sign of the fault.
STALLED: Final = status("stalled", pictures_ago_s=11.0, sound=sound())

MARKS: Final = {Mark.CALL: COLOURS[Lid.OPEN], Mark.WARNING: COLOURS[Lid.FAULT]}

T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str) -> T:
    """Raises StageError when it does not come."""
    deadline = time.monotonic() + DEADLINE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise StageError(f"{what}: not within {DEADLINE:.0f} s")
        time.sleep(0.05)
    return found


@contextmanager
def shown(stage: Stage, size: int, colour: str, language: str) -> Iterator[tuple[Played, Pointer]]:
    """A tray of a played recorder, in a panel of its own."""
    with TemporaryDirectory(prefix="eye-") as name, desktop(stage, Path(name)) as around:
        folder = Path(name)
        recorder, pointer = Played(folder / "pc"), Pointer(stage.name)
        environment = {**around, "EYELID_HOME": str(folder / "pc")}
        command = installed("eyelid", "tray", "--language", language)
        try:
            with (
                panel(folder, around, icon=size, colour=colour),
                running("the tray", command, folder / "tray.log", environment),
            ):
                yield recorder, pointer
        finally:
            pointer.close()
            recorder.close()


def seen(pointer: Pointer, said: dict[str, Any], size: int) -> tuple[int, int]:
    """The middle of the icon, once the panel shows this state."""
    sign = icon_state_of(said)

    def where(colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
        panel = (0, 0, SIZE[0], size + 8)
        return until(lambda: box_of(pointer.picture().crop(panel), colour), f"{colour} in the panel")

    if sign.mark in MARKS:
        where(MARKS[sign.mark])
    found = where(COLOURS[sign.lid])
    return (found[0] + found[2]) // 2, (found[1] + found[3]) // 2


def sheet(stage: Stage) -> Image.Image:
    """A row for each panel and size, a column for each state."""
    wide, high, head = 104, 78, 24
    whole = Image.new("RGB", (wide * len(STATES) + 60, head + 2 * high * len(SIZES)), "white")
    pen = ImageDraw.Draw(whole)
    for column, name in enumerate(STATES):
        pen.text((60 + column * wide + 8, 6), name, fill="black")
    for number, colour in enumerate((LIGHT, DARK)):
        for row, size in enumerate(SIZES):
            top = head + (number * len(SIZES) + row) * high
            pen.text((8, top + high // 2 - 6), f"{size} px", fill="black")
            with shown(stage, size, colour, "en") as (recorder, pointer):
                pointer.move(SIZE[0] - 5, SIZE[1] - 5)
                for column, said in enumerate(STATES.values()):
                    recorder.say(said)
                    x, y = seen(pointer, said, size)
                    time.sleep(0.3)  # a panel paints in steps
                    half, floor = size // 2 + 2, max(26, size + 6)
                    icon = pointer.picture().crop((max(0, x - half), max(0, y - half), x + half, min(floor, y + half)))
                    cell = Image.new("RGB", (wide, high), colour)
                    cell.paste(icon, ((wide - icon.width) // 2, (high - icon.height) // 2))
                    whole.paste(cell, (60 + column * wide, top))
    return whole


def menu(stage: Stage, colour: str, language: str, said: dict[str, Any], *, reasons: bool) -> Image.Image:
    """The open menu; with `reasons` also the choice of one."""
    with shown(stage, 24, colour, language) as (recorder, pointer):
        now = time.time()
        recorder.pauses = [
            {"began": now - 5400, "s": 94.0, "kind": "closed", "names": ["card-forms"]},
            {"began": now - 3000, "s": 300.0, "kind": "held", "names": ["user"]},
            {"began": now - 900, "s": 41.0, "kind": "closed", "names": ["patient-records"]},
        ]
        recorder.say(said)
        x, y = seen(pointer, said, 24)
        time.sleep(1.5)  # until the pauses are asked for
        pointer.click(x, y)
        left, top, width, height = until(pointer.popups, "the menu was open")[0]
        bottom, right = top + height, left + width
        if reasons:
            rows = [row for row in range(8, height, 6) if opens(pointer, left + 60, top + row)]
            pointer.move(left + 60, top + rows[len(rows) * 3 // 8])  # the second of pauses, two holds and help
            _, below, beside, tall = until(lambda: pointer.popups()[1:], "the reasons were open")[0]
            right, bottom = right + beside, max(bottom, below + tall)
            time.sleep(0.5)
        return pointer.picture().crop((0, 0, min(SIZE[0], right + 20), min(SIZE[1], bottom + 20)))


def opens(pointer: Pointer, x: int, y: int) -> bool:
    """Whether this place of the menu opens a choice."""
    pointer.move(x, y)
    time.sleep(0.35)
    return len(pointer.popups()) > 1


def terminal() -> str:
    """`eyelid status` in every state, as SVG without anything from elsewhere."""
    console = Console(record=True, width=112, file=Path("/dev/null").open("w"))  # noqa: SIM115 - until the process ends
    shown = {**STATES, "stalled": STALLED}
    shown.pop("not running")  # there a command finds no recorder
    for said in shown.values():
        console.print("[dim]$[/dim] eyelid status")
        console.print(picture(said))
        console.print()
    console.print("[dim]$[/dim] eyelid status")
    with TemporaryDirectory(prefix="eye-") as nowhere:
        try:
            control.request(Path(nowhere), "status")
        except control.NotRunning as problem:
            console.print(f"eyelid: {problem}", highlight=False)
    drawn = console.export_svg(title="eyelid status", unique_id="eyelid")
    begin, end = drawn.index("@font-face"), drawn.rindex("@font-face")
    end = drawn.index("}", end) + 1
    return (drawn[:begin] + drawn[end:]).replace("Fira Code", "monospace")


def main() -> None:
    folder = Path(sys.argv[1]) if sys.argv[1:] else IMAGES
    with TemporaryDirectory(prefix="eye-") as name, own_display(Path(name), SIZE) as stage:
        sheet(stage).save(folder / "indicator.png", optimize=True)
        menu(stage, LIGHT, "en", STATES["recording"], reasons=True).save(folder / "indicator-menu.png", optimize=True)
        blind = STATES["blind or error"]
        menu(stage, DARK, "de", blind, reasons=False).save(folder / "indicator-menu-de.png", optimize=True)
    (folder / "status.svg").write_text(terminal(), "utf-8")


if __name__ == "__main__":
    main()
