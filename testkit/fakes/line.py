"""A bad line to a store: it is slow, breaks off in mid-body, swallows answers, falls silent, or answers itself.

It ends TLS with the store's own certificate, so that a fault can be aimed at a chunk, and passes everything else on, as
it comes, to the store that is really there. Agent and store see what a bad network or a bad proxy does to them.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from protocol.envelope import KEY_PACKET_STREAM

PIECE: Final = 4096  # bytes passed on at a time; a slow line's granularity
BUFFER: Final = 16 * 2**10  # bytes that the line itself holds: the rest must wait at the agent
BEAT: Final = 0.05  # seconds between two looks at whether a silence is over
NO_LINGER: Final = struct.pack("ii", 1, 0)  # closing then sends a reset


@dataclass(frozen=True)
class Says:
    """The line answers instead of the store, which never hears of it. Where that is no HTTP the connection breaks."""

    answer: bytes
    name: str

    @classmethod
    def http(cls, status: int, body: bytes, *headers: str) -> Says:
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}", *headers, "", ""]
        return cls("\r\n".join(head).encode("ascii") + body, str(status))


@dataclass(frozen=True)
class EatAnswer:
    """The store has taken it and said so; the connection breaks before the agent hears it."""


@dataclass(frozen=True)
class ResetAt:
    """The connection is reset on both sides after this share of the body."""

    share: float


@dataclass(frozen=True)
class BlackHole:
    """Nothing passes any more, in no direction, on any connection, until `Line.lift`; connections stay open."""


Fault = Says | EatAnswer | ResetAt | BlackHole


def is_chunk(method: str, path: str) -> bool:
    parts = path.split("/")
    return method == "PUT" and "recordings" in parts and parts[-2] != str(KEY_PACKET_STREAM)


class Line(ThreadingHTTPServer):
    """Use as a context manager. `rate`: bytes a second towards the store, over all connections; None is no limit.

    `address`, `tls`: of the store. `aims_at`: the requests that faults happen to, by method and path.
    """

    daemon_threads = False  # its end awaits all connections

    def __init__(self, address: str, tls: Path, aims_at: Callable[[str, str], bool] = is_chunk) -> None:
        self.rate: float | None = None
        self.happened: Counter[type[Fault]] = Counter()
        self.squeezed = 0  # bytes that went while there was a limit
        self.hung_up = 0  # connections that the recorder left while the line was silent
        self.silent = threading.Event()
        self.open: set[socket.socket] = set()
        where = urlsplit(address)
        self.to = (str(where.hostname), int(where.port or 0))
        self.shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.shown.load_cert_chain(tls / "server.crt", tls / "server.key")
        self.trusted = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        self._aims_at = aims_at
        self._armed: list[Fault] = []
        self._free_at = 0.0
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)
        # Before anybody connects: what the line cannot hold must wait in the agent, as behind a real narrow line.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.address = f"https://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Line:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": BEAT}, name="line").start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.lift()
        for end in tuple(self.open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A handshake that the recorder broke off is no news."""

    # -- what a case does with it ---------------------------------------------------------------------------------

    def arm(self, fault: Fault) -> None:
        """Do this to the next request that the line aims at."""
        self._armed.append(fault)

    def lift(self) -> None:
        """End every fault that lasts, and forget what was armed and has not happened."""
        with self._lock:
            self._armed.clear()
        self.silent.clear()
        self.rate = None
        self.hung_up = 0

    # -- what a connection asks -----------------------------------------------------------------------------------

    def due(self, method: str, path: str) -> Fault | None:
        with self._lock:
            if not self._armed or not self._aims_at(method, path):
                return None
            fault = self._armed.pop(0)
            self.happened[type(fault)] += 1
            return fault

    def squeeze(self, size: int) -> None:
        """Returns when so many bytes are through."""
        if (rate := self.rate) is None:
            return
        with self._lock:
            self.squeezed += size
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + size / rate
            wait = self._free_at - now
        time.sleep(wait)


class _Broken(Exception):
    """The connection is over, as a fault or an end wants it."""


class _Connection(BaseHTTPRequestHandler):
    server: Line
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.request = self.server.shown.wrap_socket(self.request, server_side=True)
        self.server.open.add(self.request)
        self.store = HTTPSConnection(*self.server.to, context=self.server.trusted)
        super().setup()

    def handle(self) -> None:
        with suppress(_Broken, OSError, HTTPException):
            super().handle()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.open.discard(self.request)
        self.store.close()
        self.request.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Quiet."""

    def pass_on(self) -> None:
        fault = self.server.due(self.command, self.path)
        length = int(self.headers["Content-Length"] or 0)
        match fault:
            case Says(answer):
                for _ in self._body(length):
                    pass
                self.wfile.write(answer)
                if not answer.startswith(b"HTTP/"):
                    raise _Broken
                return
            case BlackHole():
                self.server.silent.set()
        self._while_silent()
        self.store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            self.store.putheader(name, value)
        self.store.endheaders()
        gone = 0
        for piece in self._body(length):
            self.store.send(piece)
            gone += len(piece)
            if isinstance(fault, ResetAt) and gone >= fault.share * length:
                for side in (self.request, self.store.sock):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                raise _Broken
        answered = self.store.getresponse()
        content = answered.read()
        if isinstance(fault, EatAnswer):
            if answered.status != HTTPStatus.OK:
                self.server.happened[EatAnswer] -= 1  # nothing was committed: this is another fault
            raise _Broken
        self._while_silent()
        head = [f"HTTP/1.1 {answered.status} {answered.reason}"]
        head += [f"{name}: {value}" for name, value in answered.getheaders()]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + content)

    do_GET = do_PUT = do_POST = pass_on  # noqa: N815 - http.server's names

    def _body(self, left: int) -> Iterator[bytes]:
        while left:
            self._while_silent()
            piece = self.rfile.read1(min(PIECE, left))
            if not piece:
                raise _Broken
            left -= len(piece)
            self.server.squeeze(len(piece))
            yield piece

    def _while_silent(self) -> None:
        """Swallows what comes. A line that speaks again knows no old connection, so this one is over then."""
        if not self.server.silent.is_set():
            return
        self.request.settimeout(BEAT)
        while self.server.silent.is_set():
            try:
                left = not self.request.recv(PIECE)
            except TimeoutError:
                continue
            except OSError:
                left = True
            if left:
                self.server.hung_up += 1
                break
        raise _Broken
