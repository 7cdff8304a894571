"""`eyelid keys`: the system's service that holds the devices' keys of this PC's users, and signs what follows."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Final

from agent.desktop.privacy import refuse_dumps
from agent.keys.server import KeysServer, listen

FOLDER: Final = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/eyelid-keys"))


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "keys",
        help="hold the keys of this PC's users, and sign for each what follows from what was signed",
        description="For eyelid-keys.service, under a user of its own: keeps each user's two keys in its folder, and "
        "signs over its socket what goes on where that user's account and recordings ended. A user is who the kernel "
        "says; it gives no key away, and no user another's signature.",
        epilog="example: eyelid keys --folder /var/lib/eyelid-keys --socket /run/eyelid/keys.sock",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"its own, for keys and ends (default: {FOLDER})")
    parser.add_argument("--socket", type=Path, help="where systemd hands no socket over")
    parser.set_defaults(work=_serve)


def _serve(asked: argparse.Namespace) -> int:
    refuse_dumps()
    os.umask(0o077)
    KeysServer(listen(asked.socket), asked.folder).run()
    return 0
