"""Runs the store: TLS from the first start, its metrics where they are asked for, an end that loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event, Thread
from typing import Final

from starlette.types import ASGIApp

from protocol.system import ON_WINDOWS
from store.admin.ca import days_left
from store.admin.home import Home
from store.admin.operators import OperatorsLog
from store.catalog.blobs import BlobFault
from store.catalog.writer import Writer
from store.clock import Clock, wall
from store.errors import StoreError
from store.server import log
from store.server.app import Answered, create_app
from store.server.connections import PER_ADDRESS, Listener
from store.server.log import say
from store.server.refused import RefusedInteractions
from store.server.room import Limits, Quotas, Room
from store.server.services import Services
from store.server.web_server import check_plain, listen, make_server, run

_WARN: Final = 60  # days before the certificate ends
SCRAPERS: Final = 64  # connections to the metrics' port
AGAIN: Final = 60.0  # seconds until that port is tried again where another program has it
_CONNECTIONS: Final = 65_536  # and files, open at once


def open_services(home: Home, clock: Clock = wall, limits: Limits = Limits()) -> Services:  # noqa: B008 - frozen
    """Everything that requests need, from the folder. Raises StoreError."""
    store_key = home.store_key()
    blobs = home.blobs()
    try:
        blobs.prepare()
    except BlobFault as fault:
        raise StoreError(f"{home.folder}: {fault}") from None
    database = home.database()
    home.check_not_put_back(database)
    room = Room((home.folder, home.blobs_folder), limits.keep_free)
    quotas = Quotas(limits, database, clock)
    refused = RefusedInteractions(partial(_note_refused, OperatorsLog(home.folder)), clock)
    return Services(database, Writer(database), blobs, store_key, clock, room, quotas, refused)


def _note_refused(log: OperatorsLog, integration: str, why: str, count: int) -> None:
    """What was refused stays refused where it cannot be noted: the server's log says so."""
    try:
        line = log.begin("interactions-refused", recordings=[integration], why=why, count=count)
        log.end(line, why, recordings=[integration])
    except StoreError as error:
        say("not-noted", logging.ERROR, reason=str(error))


def _allow_connections() -> None:
    """Lift the soft limit of open files, often 1,024: every PC keeps a connection, and every body is a file."""
    if ON_WINDOWS:
        return  # there is no such limit
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve(
    home: Home,
    host: str,
    port: int,
    *,
    tls: bool,
    announce: Callable[[str, int | None], None],
    metrics: tuple[str, int] | None = None,
    per_address: int = PER_ADDRESS,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> None:
    """Until SIGINT or SIGTERM. `metrics`: host and port to answer Prometheus at, once no other program has that port.
    `per_address`: connections that one address may have. Raises StoreError.

    `announce` gets the address once connections are taken, and the port for Prometheus where it is free.
    """
    if not tls:
        check_plain(host)
    _allow_connections()
    services = open_services(home, limits=limits)
    try:
        with log.to_stderr(), ExitStack() as stack:
            if tls:
                _check_certificate(home)
            answered, scraped = _watched(stack, services, home, metrics)
            app = create_app(services, answered=answered, per_address=per_address)
            run(
                make_server(app, home.tls if tls else None), host, port,
                per_address=per_address, announce=lambda address: announce(address, scraped),
            )  # fmt: skip
    finally:
        services.close()


def _watched(
    stack: ExitStack, services: Services, home: Home, where: tuple[str, int] | None
) -> tuple[Answered, int | None]:
    """The counter of requests, and the port for Prometheus, where it is free."""
    if where is None:
        return lambda *_: None, None
    # Slow to import, and asked for by few.
    from store.server.metrics import Metrics  # noqa: PLC0415

    metrics = Metrics(services, home)
    return metrics.answered, stack.enter_context(scraped(metrics.app, *where))


@contextmanager
def scraped(app: ASGIApp, host: str, port: int) -> Iterator[int | None]:
    """Answers Prometheus on a thread of its own, one scrape after another, within the bounds of
    store/server/connections.py; the port.

    None where it cannot be had, which the log says: any user of the machine can take it first, and must not keep the
    store from its work. It is tried again until it is free.
    """
    first, server, over = _scraped_at(host, port), make_server(app, None), Event()

    def answer() -> None:
        listener = first
        while listener is None:
            if over.wait(AGAIN):
                return
            if (listener := _scraped_at(host, port)) is not None:
                log.say("metrics-again", port=port)
        with listener:
            server.run(sockets=[listener])

    thread = Thread(target=answer)
    thread.start()
    try:
        yield None if first is None else first.getsockname()[1]
    finally:
        over.set()
        server.should_exit = True
        thread.join()


def _scraped_at(host: str, port: int) -> Listener | None:
    try:
        listener = listen(host, port, "port for --metrics")
    except StoreError as taken:
        log.say("no-metrics", logging.ERROR, reason=str(taken), again_in_s=AGAIN)
        return None
    listener.in_all = listener.local = SCRAPERS
    return listener


def _check_certificate(home: Home) -> None:
    try:
        left = days_left(home.server_certificate.read_bytes(), wall())
    except (OSError, ValueError):
        return  # make_server says what is wrong with it
    if left < _WARN:
        log.say("certificate-ends", logging.WARNING, days_left=left, file=str(home.server_certificate))
