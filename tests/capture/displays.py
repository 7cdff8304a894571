"""Real X displays for the tests, each started for them and ended by its own process id, and a brush to draw on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from Xlib import X
from Xlib.display import Display
from Xlib.protocol import display as protocol
from Xlib.protocol import event

from agent.core.model.seen import Box

Colour = tuple[int, int, int]

XORG: Final = Path("/usr/lib/xorg/Xorg")
DUMMY_DRIVER: Final = Path("/usr/lib/xorg/modules/drivers/dummy_drv.so")

XORG_CONF: Final = """
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "d"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "m"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "s"
  Device "d"
  Monitor "m"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "640x480"
    Virtual 4096 2160
  EndSubSection
EndSection
"""


def missing_for_plugging() -> str | None:
    """Why monitors cannot be plugged on this machine; None when they can."""
    if os.geteuid() != 0:
        return "Xorg's dummy driver without a virtual terminal needs root"
    for needed, package in ((XORG, "xserver-xorg-core"), (DUMMY_DRIVER, "xserver-xorg-video-dummy")):
        if not needed.exists():
            return f"{needed} is not there (apt install {package})"
    if shutil.which("xrandr") is None:
        return "xrandr is not there (apt install x11-xserver-utils)"
    return None


@contextmanager
def xvfb(width: int, height: int, folder: Path, *options: str, depth: int = 24) -> Iterator[str]:
    """The name of a display with one monitor; the server ends with the context."""
    with _serving(["Xvfb", "-screen", "0", f"{width}x{height}x{depth}", *options], folder) as (name, _):
        yield name


@contextmanager
def mortal_xvfb(width: int, height: int, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """As `xvfb`, with the server itself, for whoever wants to see it die."""
    with _serving(["Xvfb", "-screen", "0", f"{width}x{height}x24"], folder) as served:
        yield served


@contextmanager
def xorg_dummy(folder: Path) -> Iterator[str]:
    """The name of a display on which monitors can be plugged: DUMMY0 of 640x480 to begin with."""
    config = folder / "xorg.conf"
    config.write_text(XORG_CONF)
    log = str(folder / "xorg-server.log")
    with _serving([str(XORG), "-config", str(config), "-logfile", log, "-novtswitch", "-sharevts"], folder) as served:
        yield served[0]


@contextmanager
def _numbers_of_its_own() -> Iterator[None]:
    """python-xlib keeps extension numbers in class attributes, where two kinds of server in a process mix them up."""
    kept = (protocol.Display.event_classes, protocol.Display.extension_major_opcodes)
    protocol.Display.event_classes = event.event_class.copy()
    protocol.Display.extension_major_opcodes = {}
    try:
        yield
    finally:
        protocol.Display.event_classes, protocol.Display.extension_major_opcodes = kept


@contextmanager
def _serving(command: list[str], folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    reading, writing = os.pipe()
    with (folder / "x-server.log").open("wb") as log, os.fdopen(reading) as said, _numbers_of_its_own():
        server = subprocess.Popen(
            [*command, "-displayfd", str(writing), "-nolisten", "tcp", "-noreset"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
        )
        os.close(writing)
        try:
            number = said.readline().strip()  # the end of file, when the server dies first
            if not number:
                raise RuntimeError(f"{command[0]} did not start:\n{(folder / 'x-server.log').read_text()}")
            yield f":{number}", server
        finally:
            server.terminate()
            server.wait()


class Brush:
    """Draws on the root window. What a method drew is on screen when it returns."""

    def __init__(self, display: str) -> None:
        self._display = Display(display)
        self._root = self._display.screen().root
        self._gc = self._root.create_gc(subwindow_mode=X.IncludeInferiors)

    def fill(self, box: Box, colour: Colour) -> None:
        red, green, blue = colour
        self._gc.change(foreground=red << 16 | green << 8 | blue)
        self._root.fill_rectangle(self._gc, box.x, box.y, box.width, box.height)
        self._display.sync()

    def put(self, box: Box, bgrx: bytes) -> None:
        """Pixels, 4 bytes each: blue, green, red, nothing."""
        rows = max(1, 200_000 // (4 * box.width))  # what fits in one request
        for top in range(0, box.height, rows):
            height = min(rows, box.height - top)
            part = bgrx[top * box.width * 4 : (top + height) * box.width * 4]
            self._root.put_image(self._gc, box.x, box.y + top, box.width, height, X.ZPixmap, 24, 0, part)
        self._display.sync()

    def close(self) -> None:
        self._gc.free()
        self._display.close()


class Plugs:
    """Plugs and unplugs the dummy driver's monitors. The desktop has settled when a method returns."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._modes: set[str] = set()

    def on(self, output: str, width: int, height: int, right_of: str | None = None) -> None:
        """`output` is one of DUMMY0 to DUMMY15; any size."""
        mode = f"{width}x{height}-test"
        if mode not in self._modes:
            self._modes.add(mode)
            # Clock and porches mean nothing to a dummy; they only have to rise.
            across = [width, width + 10, width + 20, width + 100]
            down = [height, height + 3, height + 6, height + 20]
            self._xrandr("--newmode", mode, "60", *map(str, across), *map(str, down))
        self._xrandr("--addmode", output, mode)
        place = ["--right-of", right_of] if right_of else ["--pos", "0x0"]
        self._xrandr("--output", output, "--mode", mode, *place)

    def off(self, output: str) -> None:
        self._xrandr("--output", output, "--off")

    def _xrandr(self, *arguments: str) -> None:
        xrandr = shutil.which("xrandr") or "xrandr"
        subprocess.run([xrandr, "--display", self._display, *arguments], check=True, capture_output=True)
