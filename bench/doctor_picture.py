"""Draws docs/images/doctor.svg and doctor-quiet.svg: what `eyelid doctor`, and with --quiet, says in a terminal of 80
columns, on a PC of the bench's.

    python -m bench.doctor_picture [FOLDER]

The PC is enrolled and records; a browser runs on it without the extension, as on a PC where IT has just begun. In a
process namespace of its own, so that nobody else's programs are in the picture; that needs root.
"""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
import sys
from fcntl import ioctl
from pathlib import Path
from tempfile import TemporaryDirectory
from termios import TIOCSWINSZ
from typing import Final

from rich.console import Console
from rich.text import Text

from bench.browsers import chromium
from bench.fleet import installed, pc, store
from bench.stage import own_display

APART: Final = "EYELID_BENCH_APART"
COLUMNS: Final = 80
LINES: Final = 60
IMAGES: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
POLICY: Final = Path(__file__).resolve().parent.parent / "policies" / "payments"
# The fonts that rich would have a reader's browser fetch from somebody else's server.
_FONTS: Final = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)


def typed(command: list[str], environment: dict[str, str]) -> str:
    """What the command writes to a terminal."""
    here, there = pty.openpty()
    ioctl(there, TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    with subprocess.Popen(command, env=environment, stdin=there, stdout=there, stderr=there) as process:
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


def drawn(text: str, title: str) -> str:
    """An SVG of the terminal."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115, PTH123
    console.print(Text.from_ansi(text.rstrip("\n")), overflow="fold")
    return _FONTS.sub("\n", console.export_svg(title=title, unique_id="doctor"))


def main() -> None:
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    policy = {path.name: path.read_text("utf-8") for path in POLICY.glob("*.yaml")}
    with TemporaryDirectory(prefix="eyelid-") as made:
        folder = Path(made)
        with (
            own_display(folder / "display") as stage,
            store(folder) as depot,
            pc(depot, stage, folder / "pc", policy),
            stage.program("notes", (100, 100)),
            chromium(stage, folder / "browser", "about:blank", eyes=None) as browser,
        ):
            environment = {
                **stage.environment,
                "EYELID_CONFIG": str(folder / "pc" / "agent.yaml"),
                "HOME": str(browser.home),
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
            }
            for name, flags in (("doctor", []), ("doctor-quiet", ["--quiet"])):
                said = typed(installed("eyelid", "doctor", *flags), environment)
                (images / f"{name}.svg").write_text(drawn(said, " ".join(["eyelid doctor", *flags])), "utf-8")


if __name__ == "__main__":
    if os.environ.get(APART):
        main()
    else:
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-P"]
        command = [*alone, "-m", "bench.doctor_picture", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env={**os.environ, APART: "1"}, check=False).returncode)
