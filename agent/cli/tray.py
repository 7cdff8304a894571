"""`eyelid tray`: the eye in the panel, a process of its own beside the recorder."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path
from typing import Any

from agent import config
from agent.control import control
from agent.log import write_log
from agent.tray.indicator import Icon, Indicator
from agent.tray.words import LANGUAGES, Words, language
from protocol.system import ON_LINUX

Commands = Any  # argparse's own type for it has no public name


def add_to(commands: Commands) -> None:
    tray = commands.add_parser(
        "tray",
        help="show in the panel whether the eye is open",
        description="Shows the recorder's state as an icon with a menu, until the session ends. It records nothing "
        "itself, and no harm comes to the recorder when it ends.",
        epilog="example: eyelid tray --language de",
    )
    tray.add_argument("--language", choices=LANGUAGES, help="instead of the one that LANG names")
    tray.set_defaults(work=_tray)


class ControlLine:
    """`agent.tray.listener.Recorder` over the control socket."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def follow(self) -> Generator[dict[str, object], None, None]:
        return control.follow(self._home)

    def ask(self, verb: str, **arguments: object) -> dict[str, object]:
        return control.request(self._home, verb, **arguments)


def _tray(asked: argparse.Namespace) -> int:
    settings = config.load()
    write_log(None, settings.log_level)
    words = Words(asked.language or language())
    _icon().run(Indicator(ControlLine(settings.home), words, settings.home, settings.privacy_notice))
    return 0


def _icon() -> Icon:
    if ON_LINUX:
        from agent.tray.panel import Panel  # noqa: PLC0415 - needs dbus-fast, which only Linux has

        return Panel()
    from agent.tray.pystray_icon import PystrayIcon  # noqa: PLC0415 - needs pystray, which Linux has not

    return PystrayIcon()
