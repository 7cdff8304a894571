"""A listening socket and what answers at it: TLS or plain HTTP on loopback alone, until it is told to end.

Knows no store: the player's page and the console are served by it, too.
"""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from store.errors import StoreError, WrongUsage
from store.server import log
from store.server.connections import PER_ADDRESS, Connection, Listener, Server

_GRACE: Final = 15  # seconds for requests under way when the store is told to stop
# Seconds without a request after which a connection is closed: longer than an agent keeps one (30), or the store would
# close it just as a chunk is on its way.
_KEEP_ALIVE: Final = 60


def check_plain(host: str) -> None:
    """Raises WrongUsage unless nothing outside this machine can reach the host."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise WrongUsage("--http sends tokens unencrypted: it is for --host 127.0.0.1, ::1 or localhost alone")


def listen(host: str, port: int, option: str = "--port") -> Listener:
    """A listening socket; port 0 takes a free one. `option`: what chooses another. Raises StoreError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # With its protocol said: asyncio switches Nagle's algorithm off only then, and every answer would wait 40 ms.
        listener = Listener(family, kind, protocol)
    except socket.gaierror:
        raise WrongUsage(f"--host {host}: there is no such address on this machine") from None
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # Windows means another thing by it
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StoreError(f"port {port} is taken by another program: end it, or choose another {option}") from None
        if error.errno == errno.EACCES:
            raise StoreError(f"port {port} needs more rights: choose another {option}, from 1024 on") from None
        raise StoreError(f"{host}, port {port}: {error.strerror}") from None
    return listener


def make_server(app: ASGIApp, tls: Path | None) -> uvicorn.Server:
    """`tls`: the folder of its certificate; without TLS where none is given. Raises StoreError."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is told by a token, and no address is written anywhere
        date_header=False,  # the application dates its answers by the store's own clock
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
        loop="store.server.connections:event_loop",
        http=Connection,
        ssl_certfile=tls / "server.crt" if tls else None,
        ssl_keyfile=tls / "server.key" if tls else None,
    )
    try:
        config.load()
    except (ssl.SSLError, OSError):
        raise StoreError(f"{tls}: server.crt or server.key is missing or damaged: put them back") from None
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        # Of OpenSSL's own choice a stranger may take one that costs six times as much (docs/decisions/0054).
        config.ssl.set_ecdh_curve("prime256v1")
        config.ssl.options |= ssl.OP_NO_RENEGOTIATION  # it costs a handshake; OpenSSL 1.1.1 still allows it
    return Server(config)


def run(
    server: uvicorn.Server, host: str, port: int, *, announce: Callable[[str], None], per_address: int = PER_ADDRESS
) -> None:
    """Until SIGINT or SIGTERM. `announce` gets the address once connections are taken. Raises StoreError."""
    with listen(host, port) as listener, _ended_in_order():
        listener.allow(per_address)
        address = url(host, listener.getsockname()[1], tls=server.config.is_ssl)
        announce(address)
        log.say("serving", address=address)
        server.run(sockets=[listener])
    log.say("ended")


@contextmanager
def _ended_in_order() -> Iterator[None]:
    # uvicorn ends in order at a signal, and then raises it again for the handler before it.
    before = signal.signal(signal.SIGTERM, _ended)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def url(host: str, port: int, *, tls: bool) -> str:
    shown = {"0.0.0.0": "localhost", "::": "localhost", "": "localhost"}.get(host, host)  # noqa: S104 - not bound here
    return f"{'https' if tls else 'http'}://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _ended(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
