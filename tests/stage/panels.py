"""A real desktop panel with a place for tray icons, on a display and a session bus of the tests' own.

Clicks are a pointer's (XTest), and what a person would see is a picture of the display.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mss
from PIL import Image
from Xlib import X, display
from Xlib.ext import xtest

from bench.stage import Running, Stage, running

NEEDED: Final = "xfce4-panel"
DARK, LIGHT = "#242428", "#f6f5f4"

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


class Pointer:
    """Also the eye of the test: where, and what is to be seen there."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._display = display.Display(name)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.move(x, y)
        xtest.fake_input(self._display, X.ButtonPress, button)
        xtest.fake_input(self._display, X.ButtonRelease, button)
        self._display.sync()

    def move(self, x: int, y: int) -> None:
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()

    def press(self, keysym: int) -> None:
        code = self._display.keysym_to_keycode(keysym)
        xtest.fake_input(self._display, X.KeyPress, code)
        xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.sync()

    def picture(self) -> Image.Image:
        with mss.MSS(display=self._name) as screen:
            shot = screen.grab(screen.monitors[0])
        return Image.frombytes("RGB", shot.size, shot.rgb)

    def close(self) -> None:
        self._display.close()


def environment(stage: Stage, folder: Path, bus: str, **more: str) -> dict[str, str]:
    """Of a program of this desktop: its bus, and settings of its own."""
    for name in ("config", "cache", "data", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        **stage.environment,
        "DBUS_SESSION_BUS_ADDRESS": bus,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "GTK_THEME": "Adwaita",
        "NO_AT_BRIDGE": "1",
        "LC_ALL": "C.UTF-8",
        **more,
    }


@contextlib.contextmanager
def panel(folder: Path, around: dict[str, str], *, icon: int = 22, colour: str = LIGHT) -> Iterator[Running]:
    """xfce4-panel along the upper edge, with a tray and nothing else. `around`: as `environment` made it.

    Its settings are read by a xfconfd that the bus starts; each panel needs a bus of its own.
    """
    place = folder / "config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    place.mkdir(parents=True, exist_ok=True)
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    text = CHANNEL.format(icon=icon, size=max(26, icon + 6), red=red, green=green, blue=blue)
    (place / "xfce4-panel.xml").write_text(text)
    with running("the panel", [NEEDED, "--disable-wm-check"], folder / "panel.log", around) as process:
        yield process


def pictures_of(
    picture: Image.Image, colour: tuple[int, int, int], *, near: int = 24
) -> tuple[int, int, int, int] | None:
    """The box around all pixels of about this colour; None where there is none."""
    mask = Image.new("1", picture.size)
    mask.putdata([max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= near for pixel in picture.getdata()])
    return mask.getbbox()
