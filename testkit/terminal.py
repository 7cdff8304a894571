"""What a command shows in a terminal, and a picture of it: an SVG without fonts that a browser would fetch."""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Final

from rich.console import Console
from rich.text import Text

COLUMNS: Final = 80
LINES: Final = 60
_FONTS: Final = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)  # of somebody else's server


def typed(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    columns: int = COLUMNS,
    quiet: bool = False,
) -> str:
    """What the command writes to a terminal. `folder`: where it is typed. `quiet`: without bars that come and go."""
    here, there = pty.openpty()
    ioctl(there, TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    errors = subprocess.DEVNULL if quiet else there
    with subprocess.Popen(command, env=environment, cwd=folder, stdin=there, stdout=there, stderr=errors) as process:
        os.close(there)
        said = bytearray()
        while True:
            select.select([here], [], [])
            try:
                part = os.read(here, 65536)
            except OSError:  # Linux says so when the last writer has gone
                break
            if not part:
                break
            said += part
        process.wait()
    os.close(here)
    return said.decode("utf-8").replace("\r\n", "\n")


def drawn(text: str, title: str, name: str, columns: int = COLUMNS) -> str:
    """An SVG of the terminal. `name`: of its classes; two pictures on one page must not share them."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(text.rstrip("\n")), overflow="fold")
        return _FONTS.sub("\n", console.export_svg(title=title, unique_id=name))
