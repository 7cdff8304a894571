"""Websites of a test's own under any name, in which the page walks where the test says: nobody's hand navigates."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

# A page of the walk goes where the test says next; a page of another name, as it stands in a frame, stays.
WALK: Final = """<script>setInterval(async () => {
  const to = await (await fetch("/next")).text();
  if (to !== location.pathname) location = to;
}, 200)</script>"""


class Walk(ThreadingHTTPServer):
    """Answers for every name. `host`: the one whose pages walk; `pages`: what stands at each of its paths, as HTML."""

    daemon_threads = True

    def __init__(self, host: str, pages: Mapping[str, str], *, start: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.host = host
        self.pages = pages
        self.next = start
        self.asked: Counter[str] = Counter()  # path -> how often it was asked for

    @property
    def flag(self) -> str:
        """What makes a browser find every name here."""
        return f"--host-resolver-rules=MAP * 127.0.0.1:{self.server_port}"


class _Request(BaseHTTPRequestHandler):
    server: Walk
    # A browser speaks TLS to the names that it knows to be so (verify.stripe.com), and one hello of a thousand has no
    # end of a line in it: without an answer to that the frame waits for good.
    timeout = 5

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


@contextmanager
def walking(host: str, pages: Mapping[str, str], *, start: str) -> Iterator[Walk]:
    with Walk(host, pages, start=start) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
