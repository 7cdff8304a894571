"""Websites of a test's own under any name, in which the page walks where the test says: nobody's hand navigates.

They speak TLS to whoever speaks it first. A browser has a list of names that it goes to by TLS alone, and payment and
identity services are on it: without it their frames would show the browser's own error page after a moment.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from store.admin.ca import make_authority, make_server

# A page of the walk goes where the test says next; a page of another name, as it stands in a frame, stays.
WALK: Final = """<script>setInterval(async () => {
  const to = await (await fetch("/next")).text();
  if (to !== location.pathname) location = to;
}, 200)</script>"""
HELLO: Final = b"\x16"  # how TLS begins (RFC 8446, 5.1: a handshake record)
DEADLINE: Final = 5.0  # seconds; browsers open connections ahead of need, and say nothing in them


class Walk(ThreadingHTTPServer):
    """Answers for every name. `host`: the one whose pages walk; `pages`: what stands at each of its paths, as HTML."""

    daemon_threads = True

    def __init__(self, host: str, pages: Mapping[str, str], *, start: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.host = host
        self.pages = pages
        self.next = start
        self.asked: Counter[str] = Counter()  # path -> how often it was asked for
        self._tls = _made_here()

    @property
    def flags(self) -> tuple[str, ...]:
        """What makes Chromium find every name here, and take the certificate for each of them."""
        return (f"--host-resolver-rules=MAP * 127.0.0.1:{self.server_port}", "--ignore-certificate-errors")

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one connection, in its own thread."""
        request.settimeout(DEADLINE)
        try:
            first = request.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return
        if first == HELLO:
            with self._tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        else:
            super().finish_request(request, client_address)


class _Request(BaseHTTPRequestHandler):
    server: Walk

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked[path] += 1
        if path == "/next":
            body = self.server.next
        elif self.headers["Host"].startswith(self.server.host):
            body = f"<!doctype html><title>{self.server.host}</title>{self.server.pages.get(path, '')}{WALK}"
        else:
            body = "<!doctype html><title>Another</title><p>of another origin"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Nothing: a test's output is its own."""


def _made_here() -> ssl.SSLContext:
    now = time.time_ns()
    identity = make_server(make_authority(now), [], [], now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        both = Path(folder) / "server.pem"
        both.write_bytes(identity.certificate + identity.private)
        context.load_cert_chain(both)
    return context


@contextmanager
def walking(host: str, pages: Mapping[str, str], *, start: str) -> Iterator[Walk]:
    with Walk(host, pages, start=start) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
