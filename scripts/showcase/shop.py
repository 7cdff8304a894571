"""A small shop, a payment service and a clinic on the loopback, whose pages go where the demo's play says.

Three sites by their host names, so that the card form in the checkout is of another origin, as in a real shop: every
name under localhost leads to this PC (RFC 6761). Two of the pages carry desk.SENSITIVE, as the desk's windows do.

    python -m scripts.showcase.shop          # serves it until interrupted, to look at in a browser of one's own
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Final, cast
from urllib.parse import parse_qs, urlsplit

from testkit import desk
from testkit.stage import StageError

FILES: Final = Path(__file__).with_suffix("")
SHOP, PAY, CLINIC = "shop.localhost", "pay.localhost", "clinic.localhost"

PAGES: Final = {
    (SHOP, "/"): "catalogue.html",
    (SHOP, "/checkout"): "checkout.html",
    (SHOP, "/thanks"): "thanks.html",
    (PAY, "/card"): "card.html",
    (CLINIC, "/patients/4711"): "patient.html",
}
BESIDE: Final = {
    "/looks.css": "text/css",
    "/play.js": "text/javascript",
    "/leaf.svg": "image/svg+xml",
    "/heart.svg": "image/svg+xml",
}
COLOURS: Final = {
    "ink": desk.INK,
    "faint": desk.FAINT,
    "paper": desk.PAPER,
    "line": desk.LINE,
    "green": desk.GREEN,
    "sensitive": desk.SENSITIVE,
}
BEAT: Final = "h50 q12 -22 24 0 h14 l8 14 l12 -84 l12 104 l8 -34 h12 q14 -28 20 0"  # 160 wide, ends where it began
IDLE: Final = 10.0  # seconds after which a connection on which nothing is asked is closed


class Shop:
    """The sites, and the one browser that walks through them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._changed = threading.Condition()
        self._wanted = self.address(SHOP, "/")
        self._at = ""
        self._closed = False

    def address(self, host: str, path: str) -> str:
        return f"http://{host}:{self._port}{path}"

    @property
    def catalogue(self) -> str:
        return self.address(SHOP, "/")

    @property
    def checkout(self) -> str:
        return self.address(SHOP, "/checkout")

    @property
    def thanks(self) -> str:
        return self.address(SHOP, "/thanks")

    @property
    def patient(self) -> str:
        return self.address(CLINIC, "/patients/4711")

    def go(self, address: str, patience: float = 30.0) -> None:
        """Send the browser to one of the pages; returns when that page's script runs.

        Raises StageError when it does not within `patience` (s).
        """
        with self._changed:
            self._wanted = address
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._at == address, patience):
                raise StageError(
                    f"the browser was sent to a page of the shop, which did not come up within {patience:.0f} s"
                )

    def next_after(self, here: str) -> str:
        """Where the page that is shown has to go: answers when that is elsewhere, with nothing when the shop closes."""
        with self._changed:
            self._at = here
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._wanted != here)
            return "" if self._closed else self._wanted

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def page(self, host: str, path: str) -> str | None:
        name = PAGES.get((host, path))
        if name is None:
            return None
        text = (FILES / name).read_text("utf-8")
        return Template(text).substitute(pay=self.address(PAY, ""), beats=f"M0 92 {' '.join([BEAT] * 7)}")


class _Sites(ThreadingHTTPServer):
    shop: Shop


class _Answer(BaseHTTPRequestHandler):
    timeout = IDLE

    def do_GET(self) -> None:
        shop = cast("_Sites", self.server).shop
        asked = urlsplit(self.path)
        host = self.headers.get("Host", "").partition(":")[0]
        if asked.path == "/next":
            self._send("text/plain", shop.next_after(parse_qs(asked.query).get("here", [""])[0]))
        elif asked.path == "/colours.css":
            named = (f"--{name}: rgb{colour};" for name, colour in COLOURS.items())
            self._send("text/css", f":root {{ {' '.join(named)} }}")
        elif asked.path in BESIDE:
            self._send(BESIDE[asked.path], (FILES / asked.path[1:]).read_text("utf-8"))
        elif (page := shop.page(host, asked.path)) is not None:
            self._send("text/html", page)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def handle(self) -> None:
        with suppress(ConnectionError):  # the browser went on to another page, or ended
            super().handle()

    def _send(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The demo has its own words for what happens."""


@contextmanager
def shop() -> Iterator[Shop]:
    """The sites on a free port of the loopback."""
    with _Sites(("127.0.0.1", 0), _Answer) as server:
        server.shop = Shop(server.server_port)
        thread = threading.Thread(target=server.serve_forever, name="shop")
        thread.start()
        try:
            yield server.shop
        finally:
            server.shop.close()
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with shop() as open_shop, suppress(KeyboardInterrupt):
        print(open_shop.catalogue, open_shop.checkout, open_shop.patient, sep="\n")
        threading.Event().wait()
