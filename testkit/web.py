"""A small web for browsers that are tried: answers on a free port of the loopback, and says nothing on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

HERE: Final = "127.0.0.1"


class Answer(BaseHTTPRequestHandler):
    """`get` and `post` call `send`, once for each request; one that is not there is refused."""

    protocol_version = "HTTP/1.1"

    def get(self, path: str, query: dict[str, list[str]]) -> None:  # noqa: ARG002 - for those that answer
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    def post(self, body: bytes) -> None:  # noqa: ARG002
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        self.get(asked.path, parse_qs(asked.query, keep_blank_values=True))

    def do_POST(self) -> None:
        self.post(self.rfile.read(int(self.headers["Content-Length"])))

    def send(self, kind: str, text: str | bytes, *, status: int = 200, late: str = "", after: float = 0.0) -> None:
        """`late`: the rest of it, which comes so many seconds later."""
        first = text.encode() if isinstance(text, str) else text
        rest = late.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(first) + len(rest)))
        self.end_headers()
        self.wfile.write(first)
        if rest:
            time.sleep(after)
            self.wfile.write(rest)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Nothing: a bench has its own figures, a test's output is its own."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # what waits for news may wait for some seconds

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that is killed hangs up; that is no news here."""


@contextmanager
def serving(answer: type[Answer], *hosts: str) -> Iterator[int]:
    """The port on which it answers under each of these addresses of the loopback, until the context ends."""
    servers: list[_Server] = []
    try:
        for host in hosts or (HERE,):
            servers.append(_Server((host, servers[0].server_port if servers else 0), answer))
            threading.Thread(target=servers[-1].serve_forever, args=(0.05,), daemon=True).start()
        yield servers[0].server_port
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
