"""`eyelid-review player serve`: the player's page for browsers of others, and nothing of a store."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from review.commands.shared import Subcommands, command, group, option
from store.commands.values import port
from store.errors import WrongUsage
from store.evidence.show import print_json

_ORIGIN: Final = re.compile(r"[a-z0-9.:/\[\]-]+")  # it stands in a header


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(
        commands,
        "player",
        "the player's page for browsers of others",
        "eyelid-review player serve --console https://review.example.com --tls /etc/eyelid/tls --port 8443",
    )
    command(verbs, "player serve", "serve the player's page, and nothing else, until it is told to stop",
            "--console https://review.example.com --tls /etc/eyelid/tls --port 8443", _serve,
            option("--console", "the console's address, as people.yaml has it", "URL", required=True),
            option("--host", "the address to listen on (%(default)s)", default="0.0.0.0"),  # noqa: S104
            option("--port", "the port to listen on", type=port, required=True),
            option("--tls", "a folder with server.crt and server.key", "DIR", type=Path),
            option("--http", "without TLS: on loopback alone, behind a proxy of your own", action="store_true"),
            option("--piped", "end with standard input: so `up` leaves none behind, however it ends",
                   action="store_true"),
            says="Serve the player's page, and nothing else, until it is told to stop (SIGINT, SIGTERM). It needs no "
            "folder of the console's: as a user of its own, who owns the console cannot change the page. "
            "`eyelid-review up` starts one where people.yaml has `player`.")  # fmt: skip


def _serve(asked: Namespace) -> int:
    from review.people.settings import is_safe  # noqa: PLC0415 - slow to import, and few commands need it
    from review.player.files import page_files  # noqa: PLC0415
    from review.player.origin import create_app  # noqa: PLC0415
    from store.server import log  # noqa: PLC0415
    from store.server.listening import check_plain, make_server, run  # noqa: PLC0415

    if asked.http == bool(asked.tls):
        raise WrongUsage("say where its certificate is (--tls), or --http behind a proxy of yours")
    if asked.http:
        check_plain(asked.host)
    if not is_safe(asked.console) or urlsplit(asked.console).path or not _ORIGIN.fullmatch(asked.console):
        raise WrongUsage("--console is the console's address, such as https://review.example.com")

    def announce(served: str) -> None:
        if asked.json:
            print_json({"address": served})
        else:
            sys.stdout.write(f"the player's page is served at {served} (end it with Ctrl-C)\n")
        sys.stdout.flush()

    if asked.piped:
        threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    with log.to_stderr():
        run(make_server(create_app(page_files(), asked.console), asked.tls), asked.host, asked.port, announce=announce)
    return 0


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
