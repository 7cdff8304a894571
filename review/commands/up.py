"""`eyelid-review up`: serves the console, and prints the link by which the first person gets in."""

from __future__ import annotations

import json
import logging
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from protocol.terminal import printable
from review.commands.opening import finding_key_in, operator
from review.commands.people import opened, with_console
from review.commands.shared import command, option
from review.people.service import People
from store.admin import passphrase
from store.admin.init import COMPLIANCE
from store.commands.options import Subcommands, port
from store.errors import StoreError

if TYPE_CHECKING:
    from review.search.index import SearchIndex
    from review.search.log_index import LogIndex

INDEX: Final = "find.db"
LOG_INDEX: Final = "log.db"


def add(commands: Subcommands[ArgumentParser]) -> None:
    command(commands, "up", "serve the console until it is told to stop; prints a link for the first person",
            "--first anna@example.com\n"
            "  eyelid-review up --http --host 127.0.0.1 --port 8080   # behind a proxy that has the certificate", _up,
            option("--first", "who gets that link, by the name that the rules give them", "PERSON"),
            option("--host", "the address to listen on (%(default)s)", default="0.0.0.0"),  # noqa: S104
            option("--port", "the port to listen on (that of `address` in people.yaml)", type=port),
            option("--finding-key", "find by a caller's number, address or id: the house's finding key, under the same "
                   "passphrase as the console's; who steals the console can then guess numbers (none)", "FILE",
                   type=Path),
            option("--http", "without TLS: on loopback alone, behind a proxy of your own", action="store_true"),
            with_console,
            says="Serve the console until it is told to stop (SIGINT, SIGTERM). Where nobody can sign in yet, it "
            "prints the link by which the first person makes a passkey, or a password with a code.")  # fmt: skip


def _up(asked: Namespace) -> int:
    # Slow to import, and no other command needs it.
    from review.people.routes import SignIn  # noqa: PLC0415
    from review.search import log_index, schema  # noqa: PLC0415
    from review.search.index import SearchIndex  # noqa: PLC0415
    from review.web.fleet import Fleet  # noqa: PLC0415
    from review.web.pages import Console  # noqa: PLC0415
    from review.web.reports import Reports  # noqa: PLC0415
    from review.web.routes import create_app  # noqa: PLC0415
    from store.server import log  # noqa: PLC0415
    from store.server.serving import check_plain, make_server, run  # noqa: PLC0415

    if asked.http:
        check_plain(asked.host)
    tls = None if asked.http else asked.home / "tls"
    if tls and not (tls / "server.crt").exists():
        raise StoreError(f"{tls}: put server.crt and server.key there, or serve with --http behind a proxy of yours")
    secret = passphrase.existing(asked, str(asked.home / "keys"))
    finding = finding_key_in(asked.finding_key, secret) if asked.finding_key else None
    with opened(asked.home, asked.store, secret) as opens:
        people = opens.people
        alone = not _can_sign_in(people)
        link = people.invite(asked.first, *operator()) if alone and asked.first else ""
        address = urlsplit(people.settings.address)
        chosen = asked.port if asked.port is not None else address.port or 443

        def announce(here: str) -> None:
            if asked.json:
                sys.stdout.write(json.dumps({"address": here} | ({"link": link} if link else {})) + "\n")
            else:
                if link:
                    sys.stdout.write(f"{link}\nfor {printable(asked.first)}: once, and for 24 hours.\n")
                elif alone and not people.settings.providers:
                    sys.stdout.write("Nobody can sign in yet: `eyelid-review people invite NAME` prints a link.\n")
                sys.stdout.write(f"People sign in at {address.geturl()}, served at {here} (end it with Ctrl-C)\n")
            sys.stdout.flush()

        own = opens.log.log
        with (
            log.to_stderr(),
            closing(schema.opened(asked.home / INDEX)) as found,
            closing(log_index.opened(asked.home / LOG_INDEX)) as in_log,
        ):
            index = SearchIndex(opens.catalog, opens.home.blobs(), found)
            fleet = Fleet(opens.catalog)
            entries = log_index.LogIndex(in_log, own.folder, own.verifier, opens.log.key)
            reports = Reports(opens.catalog, opens.home.blobs(), opens.home.key(COMPLIANCE).id, own, entries)
            console = Console(SignIn(people), index, own, entries, reports, fleet, finding=finding)
            with (
                closing(reports),
                _following(index, log.say),
                _following(entries, log.say),
                fleet.looking(lambda kind: log.say("fleet-unread", logging.ERROR, kind=kind)),
            ):
                run(make_server(create_app(console), tls), asked.host, chosen, announce=announce)
    return 0


@contextmanager
def _following(index: SearchIndex | LogIndex, say: Callable[..., None]) -> Iterator[None]:
    stop = threading.Event()

    def failed(kind: str) -> None:
        say("index-behind", logging.ERROR, kind=kind)

    thread = threading.Thread(target=index.follow, args=(stop, failed), name=type(index).__name__)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _can_sign_in(people: People) -> bool:
    return any(one["passkeys"] or one["password"] for one in people.everybody() if one["state"] == "good")
