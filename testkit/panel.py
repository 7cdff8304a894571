"""A real desktop panel with a place for tray icons, on a display and a session bus of its own.

For tests and for the pictures in the docs. Clicks are a pointer's (XTest); what a person would see is a picture of the
display.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mss
import numpy as np
import psutil
from PIL import Image
from Xlib import X, display
from Xlib.error import BadDrawable, BadWindow

from testkit.hands import Hands
from testkit.stage import GRACE, Running, Stage, running

NEEDED: Final = "xfce4-panel"
DARK, LIGHT = "#242428", "#f6f5f4"
MENU: Final = 40  # pixels; what is lower is a tooltip

CHANNEL: Final = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="double" value="100"/>
      <property name="size" type="uint" value="{size}"/>
      <property name="icon-size" type="uint" value="{icon}"/>
      <property name="background-style" type="uint" value="1"/>
      <property name="background-rgba" type="array">
        <value type="double" value="{red}"/><value type="double" value="{green}"/>
        <value type="double" value="{blue}"/><value type="double" value="1"/>
      </property>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="{icon}"/>
    </property>
  </property>
</channel>
"""


def missing() -> str:
    """Why no panel can be shown here; "" where it can."""
    return "" if shutil.which(NEEDED) else f"{NEEDED} is not here: scripts/setup --for test installs it"


class Pointer(Hands):
    """Also what a test sees of it: where, and what is shown there."""

    def __init__(self, name: str) -> None:
        super().__init__(display.Display(name))
        self._screen = mss.MSS(display=name)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.move(x, y)
        self.tap(button)

    def picture(self, size: tuple[int, int] | None = None) -> Image.Image:
        """Of the whole display, or of so much of its upper left corner: what is looked at often is looked at alone."""
        whole = self._screen.monitors[0]
        width, height = size or (whole["width"], whole["height"])
        shot = self._screen.grab({"left": 0, "top": 0, "width": width, "height": height})
        return Image.frombytes("RGB", shot.size, shot.rgb)

    def popups(self) -> list[tuple[int, int, int, int]]:
        """(x, y, width, height) of the menus that are open, the first opened first."""
        found = []
        for window in self._root.query_tree().children:
            with contextlib.suppress(BadWindow, BadDrawable):  # gone in between
                attributes, place = window.get_attributes(), window.get_geometry()
                if attributes.override_redirect and attributes.map_state == X.IsViewable and place.height > MENU:
                    found.append((place.x, place.y, place.width, place.height))
        return found

    def close(self) -> None:
        self._screen.close()
        self._link.close()


@contextlib.contextmanager
def desktop(stage: Stage, folder: Path) -> Iterator[dict[str, str]]:
    """A session bus of its own; yields the environment of this desktop's programs, with settings of their own.

    `folder` must be short: a local socket's path may have 107 bytes.
    """
    for name in ("config", "cache", "data", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    around = {
        **stage.environment,
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}",
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "GTK_THEME": "Adwaita",
        "NO_AT_BRIDGE": "1",
        "LC_ALL": "C.UTF-8",
    }
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={around['DBUS_SESSION_BUS_ADDRESS']}"]
    # In the same environment: it is the bus that starts xfconfd, which reads the panel's settings.
    started: list[psutil.Process] = []
    try:
        with running("the session bus", command, folder / "bus.log", around) as bus:
            bus.until((folder / "bus").exists, "its socket was there")
            try:
                yield around
            finally:
                if bus.alive():
                    started = psutil.Process(bus.pid).children(recursive=True)
    finally:
        # They end with their bus, but a moment later, and may still write to the folder until then.
        for process in psutil.wait_procs(started, timeout=GRACE)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@contextlib.contextmanager
def panel(folder: Path, around: dict[str, str], *, icon: int = 22, colour: str = LIGHT) -> Iterator[Running]:
    """xfce4-panel along the upper edge, with a tray and nothing else. `around`: of `desktop`, with its first panel's
    settings: the xfconfd that the bus starts reads them once."""
    place = folder / "config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    place.mkdir(parents=True, exist_ok=True)
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    text = CHANNEL.format(icon=icon, size=max(26, icon + 6), red=red, green=green, blue=blue)
    (place / "xfce4-panel.xml").write_text(text)
    with running("the panel", [NEEDED, "--disable-wm-check"], folder / "panel.log", around) as process:
        yield process


Box = tuple[int, int, int, int]  # left, top, right, bottom


def box_of(picture: Image.Image, colour: tuple[int, int, int], *, near: int = 24) -> Box | None:
    """Around all pixels of about this colour; None where there is none."""
    away = np.abs(np.asarray(picture, dtype=np.int16) - np.array(colour, dtype=np.int16)).max(axis=2)
    rows, columns = np.nonzero(away <= near)
    if not rows.size:
        return None
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
