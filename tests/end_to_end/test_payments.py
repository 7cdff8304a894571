"""A stranger's shop needs no rule beyond the shipped pack: a provider's frame, a hosted field and a plain card form
close the eye, and the same shop without them does not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

import pytest

from agent.status import State
from bench.browsers import chromium
from bench.fleet import Pc, pc, store
from bench.stage import own_display

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PATIENCE: Final = 30.0  # seconds
STRIPE: Final = "http://js.stripe.com/v3/elements-inner-card-28d1a5db68bc.html"
CONTROLLER: Final = "http://js.stripe.com/v3/controller-with-preconnect-2b8c.html"
ADYEN: Final = "http://checkoutshopper-live.adyen.com/checkoutshopper/securedfields/live_A1/4.8.0/securedFields.html"
FIELDS: Final = "<input name=card_number placeholder='Card number'><input name=cvv placeholder=CVV>"
SHOP: Final = {
    "/cart": "<h1>Your cart</h1>",
    "/stripe": f'<h1>Pay</h1><iframe src="{STRIPE}"></iframe>',
    "/hosted": f'<h1>Pay</h1><iframe src="{ADYEN}"></iframe>',
    "/plain": f"<h1>Pay</h1><form>{FIELDS}</form>",
    "/telemetry": f'<h1>Your cart</h1><iframe src="{CONTROLLER}" style="position:absolute;left:-9999px"></iframe>',
}
# Every page goes where the test says next, so that it is the page that navigates and nobody's hand.
WALK: Final = """<script>setInterval(async () => {
  const to = await (await fetch("/next")).text();
  if (to !== location.pathname) location = to;
}, 200)</script>"""


class _Shop(ThreadingHTTPServer):
    daemon_threads = True
    next = "/cart"


class _Request(BaseHTTPRequestHandler):
    server: _Shop

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/next":
            body = self.server.next
        elif self.headers["Host"].startswith("shop.example"):
            body = f"<!doctype html><title>A shop</title>{SHOP.get(path, '')}{WALK}"
        else:
            body = "<!doctype html><title>A provider</title><p>of another origin"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Nothing: a test's output is its own."""


@pytest.fixture(scope="module")
def shop() -> Iterator[_Shop]:
    with _Shop(("127.0.0.1", 0), _Request) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, shop: _Shop) -> Iterator[Pc]:
    """A PC with the payments pack and nothing else, and a browser on the shop's cart."""
    folder = tmp_path_factory.mktemp("payments")
    pack = {path.name: path.read_text("utf-8") for path in (ROOT / "policies" / "payments").glob("*.yaml")}
    everywhere = f"--host-resolver-rules=MAP * 127.0.0.1:{shop.server_port}"
    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        own_display(folder / "display") as stage,
        store(folder) as depot,
        pc(depot, stage, Path(homes) / "pc", pack) as recorded,
        chromium(stage, folder / "browser", "http://shop.example/cart", eyes=recorded.home, flags=(everywhere,)),
    ):
        yield recorded


def until(condition: Callable[[], bool], recorded: Pc) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, recorded.status()
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("page", "rule"),
    [("/stripe", "hosted-card-fields"), ("/hosted", "hosted-card-fields"), ("/plain", "card-forms")],
)
def test_a_strangers_payment_page_closes_the_eye(watched: Pc, shop: _Shop, page: str, rule: str) -> None:
    shop.next = "/cart"
    until(lambda: watched.state() is State.RECORDING, watched)
    shop.next = page
    until(lambda: rule in (watched.status() or {"rules": ()})["rules"], watched)
    shop.next = "/cart"
    until(lambda: watched.state() is State.RECORDING, watched)


def test_a_shop_with_a_providers_telemetry_alone_is_recorded(watched: Pc, shop: _Shop) -> None:
    shop.next = "/cart"
    until(lambda: watched.state() is State.RECORDING, watched)
    shop.next = "/telemetry"
    heard: set[str] = set()
    for _ in range(60):
        heard.update((watched.status() or {"rules": ()})["rules"])
        time.sleep(0.05)
    assert watched.state() is State.RECORDING
    assert not heard & {"hosted-card-fields", "payment-pages", "card-forms", "card-confirmation"}
