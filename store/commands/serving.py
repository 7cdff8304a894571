"""`serve`: run the store."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from urllib.parse import urlsplit

from store.commands.options import Subcommands, add_command, home_of, quota
from store.commands.values import count, loopback, port, size
from store.server.room import Limits, Quota


def add(commands: Subcommands[ArgumentParser]) -> None:
    serve = add_command(
        commands,
        "serve",
        "run the store until it is told to stop (SIGINT, SIGTERM)",
        "  eyelid-store serve\n  eyelid-store serve --host 127.0.0.1 --port 0 --json",
        _serve,
    )
    serve.add_argument("--host", default="0.0.0.0", help="the address to listen on (%(default)s)")  # noqa: S104
    serve.add_argument("--port", type=port, help="the port to listen on (that of `init`; 0 takes a free one)")
    serve.add_argument(
        "--metrics",
        type=loopback,
        metavar="HOST:PORT",
        help="answer Prometheus there, at /metrics: an address of this machine alone, such as 127.0.0.1:9464",
    )
    serve.add_argument(
        "--per-address",
        type=count,
        default=512,
        metavar="N",
        help="connections that one address may have, such as that of a network behind NAT (%(default)s); this "
        "machine's own have twice as many",
    )
    serve.add_argument(
        "--keep-free",
        type=size,
        metavar="SIZE",
        help="room that chunks leave to the catalog and the operator (1GB, or a 20th of a smaller disk); inodes have a "
        "reserve beside it",
    )
    serve.add_argument(
        "--device-quota",
        type=quota,
        default="50GB",
        metavar="DAY[/ALL]",
        help="what one PC may store a day, and in all, such as 20GB/2TB or off/2TB (%(default)s)",
    )
    serve.add_argument(
        "--group-quota",
        type=_group_quota,
        action="append",
        default=[],
        metavar="[GROUP=]DAY[/ALL]",
        help="the same for a group, or for each that has none of its own; may be repeated (off)",
    )
    serve.add_argument("--http", action="store_true", help="without TLS: on loopback alone, behind a proxy of your own")


def _serve(options: Namespace) -> int:
    # Slow to import, and no other command needs it.
    from store.server.serving import serve  # noqa: PLC0415

    groups = dict(options.group_quota)
    home = home_of(options)
    chosen = options.port if options.port is not None else urlsplit(home.address).port or 443

    def announce(address: str, metrics: int | None) -> None:
        if options.json:
            extra = {} if metrics is None else {"metrics": f"http://{options.metrics[0]}:{metrics}/metrics"}
            sys.stdout.write(json.dumps({"address": address, **extra}) + "\n")
        else:
            sys.stdout.write(f"The store takes recordings at {address} (end it with Ctrl-C)\n")
        sys.stdout.flush()

    serve(
        home,
        options.host,
        chosen,
        tls=not options.http,
        announce=announce,
        metrics=options.metrics,
        per_address=options.per_address,
        limits=Limits(options.device_quota, groups.pop("", Quota()), groups, options.keep_free),
    )
    return 0


def _group_quota(text: str) -> tuple[str, Quota]:
    """ "" is the group of `DAY/ALL` alone."""
    group, _, limits = text.rpartition("=")
    return group, quota(limits)
