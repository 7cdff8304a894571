"""Pages for the browsers in the tests, and a way to tell an open page what to do next."""

from __future__ import annotations

import json
import queue
import select
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.browser.extension_agent import DEADLINE

SLOW: Final = 2.5  # seconds until a style sheet comes
TYPES: Final = {
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "js": "text/javascript",
    "json": "application/json",
}  # by the end of a name
CARD: Final = "<input autocomplete=cc-number>"

# A page with this listens for orders under its name and does them as a script of its own would, once it has been read
# to its end: an order may come while the browser is still at the scripts below.
OBEY = """<script>
new EventSource("/orders?page=" + document.currentScript.parentNode.dataset.page).onmessage = async ({data}) => {
  const {id, script} = JSON.parse(data);
  let failed = "";
  if (document.readyState === "loading") await new Promise((read) => addEventListener("DOMContentLoaded", read));
  try { await new (async () => {}).constructor(script)(); } catch (error) { failed = String(error); }
  fetch("/done?" + new URLSearchParams({id, failed}));
};
</script>"""


def page(name: str, body: str) -> str:
    """A document with `body` that obeys orders to `name`."""
    return f"<!doctype html><title>{name}</title><body data-page={name}>{OBEY}<p>Text.</p>{body}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.orders: dict[str, queue.Queue[dict[str, object]]] = defaultdict(queue.Queue)
        self.done: dict[str, queue.Queue[str]] = defaultdict(queue.Queue)  # with what a script failed of, or ""
        self.over = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection early is nobody's mistake."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(where.query).items()}
        if where.path == "/orders":
            self._stream(self.server.orders[asked["page"]])
        elif where.path == "/done":
            self._send(200, "")
            self.server.done[asked["id"]].put(asked.get("failed", ""))
        elif where.path == "/slow.css":
            self.server.over.wait(SLOW)
            self._send(200, "")
        elif where.path == "/nothing":
            self.send_response(204)
            self.end_headers()
        elif where.path == "/never":
            self.server.over.wait()
        elif where.path in self.server.pages:
            self._send(200, self.server.pages[where.path])
        else:
            self._send(404, "none such")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        kind = TYPES.get(self.path.rpartition(".")[2], "text/html; charset=utf-8")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.path.startswith("/denied"):
            self.send_header("X-Frame-Options", "DENY")
        if self.path == "/wallet":
            self.send_header("Link", '</wallet.json>; rel="payment-method-manifest"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _stream(self, orders: queue.Queue[dict[str, object]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        while not self.server.over.is_set():
            try:
                order = orders.get(timeout=0.1)
            except queue.Empty:
                order = None
            if select.select([self.connection], [], [], 0)[0]:  # the page has gone: the next of its name takes over
                if order is not None:
                    orders.put(order)
                return
            if order is None:
                continue
            self.wfile.write(f"data: {json.dumps(order)}\n\n".encode())
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Nothing: a test's output is its own."""


class Site:
    """The pages under http://127.0.0.1:PORT; `other` is the same under localhost, which is another site."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._ids = count(1)
        self.here = f"http://127.0.0.1:{server.server_port}"
        self.other = f"http://localhost:{server.server_port}"

    def serve(self, pages: Mapping[str, str]) -> None:
        self._server.pages = {**self._server.pages, **pages}  # type: ignore[misc]

    def order(self, name: str, script: str) -> None:
        """Has page `name` run `script` (the body of an async function); returns when it has run."""
        self.await_done(self.send(name, script))

    def attempt(self, name: str, script: str) -> str:
        """As `order`; why the page could not do it, empty where it could."""
        return self._failure(self.send(name, script))

    def send(self, name: str, script: str) -> str:
        """The same for what the page itself may not outlive; returns the mark of its end."""
        number = str(next(self._ids))
        self._server.done[number] = queue.Queue()  # here, and not where two threads may come first
        self._server.orders[name].put({"id": number, "script": script})
        return number

    def await_done(self, mark: str) -> None:
        """Until a page fetches /done?id=`mark`; each mark serves once."""
        failed = self._failure(mark)
        assert not failed, f"a page could not do what it was told: {failed}"

    def _failure(self, mark: str) -> str:
        try:
            failed = self._server.done[mark].get(timeout=DEADLINE)
        except queue.Empty:
            raise TimeoutError("a page did not do what it was told") from None
        del self._server.done[mark]
        return failed


@contextmanager
def site() -> Iterator[Site]:
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(server)
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
