"""Draws docs/images/doctor.svg and doctor-quiet.svg: what `eyelid doctor`, and with --quiet, says in a terminal of 80
columns, on a PC of its own.

    python -m scripts.showcase.doctor_picture [FOLDER]

The PC is enrolled and records; a browser runs on it without the extension, as on a PC where IT has just begun. In a
process namespace of its own, so that no other program is in the picture; that needs root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from testkit.browsers import chromium
from testkit.fleet import installed, pc, store
from testkit.stage import own_display
from testkit.terminal import drawn, typed

APART: Final = "EYELID_BENCH_APART"
IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
POLICY: Final = Path(__file__).resolve().parents[2] / "policies" / "payments"


def main() -> None:
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    policy = {path.name: path.read_text("utf-8") for path in POLICY.glob("*.yaml")}
    with TemporaryDirectory(prefix="eyelid-") as made:
        folder = Path(made)
        with (
            own_display(folder / "display") as stage,
            store(folder) as services,
            pc(services, stage, folder / "pc", policy),
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
                (images / f"{name}.svg").write_text(drawn(said, " ".join(["eyelid doctor", *flags]), "doctor"), "utf-8")


if __name__ == "__main__":
    if os.environ.get(APART):
        main()
    else:
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-P"]
        command = [*alone, "-m", "scripts.showcase.doctor_picture", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env={**os.environ, APART: "1"}, check=False).returncode)
