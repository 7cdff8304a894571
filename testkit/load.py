"""Sends prepared requests over many connections at once and times their answers: the load of benches.

One thread over raw sockets, because it shares two cores with the store that it measures: a client library would cost
as much as the store does. It connects to the loopback alone.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from testkit.stage import StageError

HOST: Final = "127.0.0.1"
CONNECTING: Final = 30.0  # seconds that a connection and its handshake may take
_LATER: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Request:
    """`parts`: its bytes, so that many requests may share one of them. `due`: seconds after the start at which it is
    sent; 0 where it goes as soon as a place is free."""

    connection: int
    parts: tuple[bytes, ...]
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds`: from when the request was due, or was begun where it was not, to the last byte of the answer.

    Counted from when it was due, a store that falls behind cannot hide it.
    """

    request: Request
    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Volley:
    """`seconds`: from the first byte sent to the last received. `cpu`: CPU-seconds of this process meanwhile."""

    answers: tuple[Answer, ...]
    seconds: float
    cpu: float


class Connection:
    """At most one request is under way on it, as on an agent's."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.request: Request | None = None
        self.since = 0.0
        self.blocked: deque[Request] = deque()  # due while it was still busy
        self._out: list[memoryview] = []
        self._in = bytearray()

    def begin(self, request: Request, since: float) -> None:
        self.request, self.since = request, since
        self._out = [memoryview(part) for part in reversed(request.parts) if part]  # taken from the end
        self._in.clear()

    def send(self) -> bool:
        """Whether all of it is out."""
        while self._out:
            try:
                sent = self.sock.send(self._out[-1])
            except _LATER:
                return False
            left = self._out.pop()[sent:]
            if left:
                self._out.append(left)
        return True

    def receive(self) -> tuple[int, bytes] | None:
        """(status, body) once it is whole. Raises StageError where the other side ends the connection."""
        while True:
            try:
                part = self.sock.recv(65536)
            except _LATER:
                return None
            if not part:
                raise StageError("a connection was ended by the server before it answered")
            self._in += part
            head, end, body = self._in.partition(b"\r\n\r\n")
            if end and len(body) == int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
                return int(head[9:12]), bytes(body)


def sent(connections: Sequence[Connection], requests: Iterable[Request], *, at_once: int, patience: float) -> Volley:
    """Sends all of them, `at_once` under way at most, in order; those with a time wait for it.

    Raises StageError where a connection ends, or not all is answered within `patience` seconds.
    """
    waiting = deque(requests)
    whole = len(waiting)
    answers: list[Answer] = []
    under_way = 0
    cpu, start = time.process_time(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for one in connections:
            selector.register(one.sock, selectors.EVENT_READ, one)

        def begin(request: Request) -> bool:
            connection = connections[request.connection]
            if connection.request is not None:
                connection.blocked.append(request)
                return False
            connection.begin(request, start + request.due if request.due else time.perf_counter())
            if not connection.send():
                selector.modify(connection.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
            return True

        while len(answers) < whole:
            now = time.perf_counter() - start
            if now > patience:
                raise StageError(f"{whole - len(answers)} of {whole} requests had no answer after {patience:.0f} s")
            while waiting and under_way < at_once and waiting[0].due <= now:
                under_way += begin(waiting.popleft())
            pause = min(1.0, waiting[0].due - now) if waiting and under_way < at_once else 1.0
            for key, events in selector.select(max(0.0, pause)):
                connection: Connection = key.data
                if events & selectors.EVENT_WRITE and connection.send():
                    selector.modify(connection.sock, selectors.EVENT_READ, connection)
                got = connection.receive() if events & selectors.EVENT_READ else None
                if got is None or connection.request is None:
                    continue
                answers.append(Answer(connection.request, *got, time.perf_counter() - connection.since))
                connection.request = None
                under_way -= 1
                if connection.blocked:
                    under_way += begin(connection.blocked.popleft())
    return Volley(tuple(answers), time.perf_counter() - start, time.process_time() - cpu)


@contextmanager
def connected(address: str, ca: str, connections: int) -> Iterator[list[Connection]]:
    """So many to a server on the loopback, kept alive; over TLS, checked against the file `ca`, where it says https."""
    target = urlsplit(address)
    if target.hostname != HOST or target.port is None:
        raise StageError(f"{address}: the load goes to {HOST} alone")
    context = ssl.create_default_context(cafile=ca) if target.scheme == "https" else None
    with ExitStack() as stack:
        made = []
        for _ in range(connections):
            sock = socket.create_connection((HOST, target.port), timeout=CONNECTING)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname=HOST)
            stack.callback(sock.close)
            sock.setblocking(False)
            made.append(Connection(sock))
        yield made
