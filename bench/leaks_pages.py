"""The web on which bench/leaks plays: a shop and its sensitive pages on several origins, and orders for the stagehand.

One server on loopback. 127.0.0.1 and 127.0.0.2 are different sites to a browser, so a frame from the other one runs
in a process of its own. What is sensitive lies under /pay (or behind #pay) and is magenta over the whole page.
"""

from __future__ import annotations

import html
import itertools
import json
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from bench import leaks_parts
from bench.leaks_parts import AWAY, HOME
from testkit.stage import StageError

__all__ = ["AWAY", "HOME", "STAGEHAND", "Hand", "Site", "page", "site", "stagehand"]

STAGEHAND: Final = Path(__file__).with_name("stagehand")
_SITE: Final = Path(__file__).with_name("leaks_site")
SCRIPT: Final = "".join(_SITE.joinpath(name).read_text("utf-8") for name in ("scene.js", "lingering.js"))

ANSWER: Final = 20.0  # seconds for the stagehand to do as it was told
POLL: Final = 10.0  # seconds that a question for orders may wait; a worker that waits longer would be put to sleep

PAGE: Final = """<!doctype html><html class="{kind}"><meta charset="utf-8"><title>{title}</title>{slow}
<style>
  body {{ margin: 0; font: 16px sans-serif; color: #1f2933; background: #fafaf7 }}
  h1, p {{ margin: 24px 40px }}
  .secret body {{ background: rgb(255,0,255) }}
  .secret body > * {{ visibility: hidden }}
  .secret body > #put {{ visibility: visible }}
</style>
<script src="/scene.js"></script>
<body><h1>{title}</h1>{body}</body></html>
"""

# Long enough for Firefox to offer its reader mode, which undresses a page: a picture stays.
ARTICLE: Final = (
    "<article><h2>Payment</h2>"
    + "<p>Your card will be charged, and your invoice comes by mail. Read this, for it is what you pay for. </p>" * 12
    + '<img src="/magenta.svg" width="900" height="500"></article>'
)
MAGENTA: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="500">'
    '<rect width="900" height="500" fill="rgb(255,0,255)"/></svg>'
)


def refusing(host: str) -> str:
    """An address at which no server listens, on a port that browsers do not refuse to ask."""
    return f"http://{host}:1023/"


def _shelf(lines: int) -> str:
    return "".join(f"<p>Item {number}: desk lamp, grey, {number * 3 + 9} EUR</p>" for number in range(1, lines + 1))


def page(path: str, query: dict[str, list[str]], port: int) -> str:
    """The HTML of a path: /pay... is sensitive, /frames has off-screen frames of the other site, /logged writes to its
    console what is sensitive, all else is a shop.

    `title`: instead of the shop's; `untitled`: none. `slow`: seconds that its style sheet takes; until it is there
    nothing of the page is drawn. `then`: where it goes by itself, after `after` seconds.
    """
    seconds = query.get("slow", [""])[0]
    # Another address each time, or the second time it would come from the cache.
    slow = f'<link rel="stylesheet" href="/slow.css?slow={seconds}&{time.monotonic_ns()}">' if seconds else ""
    if path.startswith("/pay/article"):
        return PAGE.format(kind="secret", title="Payment", slow=slow, body=ARTICLE)
    if path.startswith("/pay"):
        return PAGE.format(kind="secret", title="Payment", slow=slow, body="<p>Card number</p>")
    if path == "/logged":
        return PAGE.format(kind="", title="Shop", slow="", body="<script>scene.log()</script>")
    body = _shelf(60 if "long" in query else 12)
    if "then" in query:
        after = 1000 * float(query["after"][0])
        body += f"<script>setTimeout(() => location.assign({json.dumps(query['then'][0])}), {after})</script>"
    if path == "/frames":
        count = int(query.get("count", ["24"])[0])
        frame = f'<iframe src="http://{AWAY}:{port}/advert" style="width:90%;height:300px"></iframe>'
        body = _shelf(40) + frame * count
    if path == "/advert":
        return PAGE.format(kind="", title="Advert", slow="", body="<p>Chairs, too.</p>")
    title = "" if "untitled" in query else html.escape(query.get("title", ["Shop"])[0])
    return PAGE.format(kind="", title=title, slow=slow, body=body)


@dataclass(slots=True)
class _Orders:
    waiting: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    answers: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    seen: threading.Event = field(default_factory=threading.Event)


class Site:
    """The running server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._orders: dict[str, _Orders] = {}

    def url(self, path: str, host: str = HOME) -> str:
        return f"http://{host}:{self.port}{path}"

    def orders_for(self, name: str) -> _Orders:
        return self._orders.setdefault(name, _Orders())


class Hand:
    """The stagehand in one browser, as the bench sees it: it does what it is told and answers when that is done."""

    def __init__(self, site: Site, name: str) -> None:
        self._orders = site.orders_for(name)
        self._name = name
        self._numbers = itertools.count(1)

    def wait_until_there(self, patience: float = 60.0) -> None:
        if not self._orders.seen.wait(patience):
            raise StageError(f"the stagehand in {self._name} did not ask for orders within {patience:.0f} s")

    def call(self, name: str, *given: object) -> Any:
        """A function of the browser's extension API, such as `tabs.update`. Raises StageError with what it says."""
        return self._ask({"call": name, "given": given})

    def run(self, tab: int, name: str, *given: object) -> Any:
        """A function of leaks_site/scene.js in that tab's page."""
        return self._ask({"run": name, "tab": tab, "given": given})

    def _ask(self, order: dict[str, Any]) -> Any:
        number = next(self._numbers)
        self._orders.waiting.put({"number": number, **order})
        while True:
            try:
                done = self._orders.answers.get(timeout=ANSWER)
            except queue.Empty:
                raise StageError(f"the stagehand in {self._name} did not do within {ANSWER:.0f} s: {order}") from None
            if done["number"] == number:  # an older one was given up
                break
        if "failure" in done:
            raise StageError(f"the stagehand in {self._name} could not do {order}: {done['failure']}")
        return done["answer"]


def stagehand(site: Site, name: str, folder: Path) -> Path:
    """A copy of the extension that asks this server for the orders of browser `name`."""
    copy = folder / f"stagehand-{name}"
    shutil.copytree(STAGEHAND, copy)
    copy.joinpath("where.json").write_text(json.dumps(site.url(f"/orders/{name}")), "utf-8")
    return copy


@contextmanager
def site() -> Iterator[Site]:
    """The server, reachable on loopback alone, until the context ends."""
    server = _Server((HOME, 0), _Request)
    there = Site(server.server_address[1])
    away = _Server((AWAY, there.port), _Request)
    server.site = away.site = there
    threads = [threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True) for one in (server, away)]
    for thread in threads:
        thread.start()
    try:
        yield there
    finally:
        for one in (server, away):
            one.shutdown()
            one.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # questions for orders may wait for some seconds
    site: Site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that is killed hangs up; that is no news here."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/scene.js":
            self._send("text/javascript", SCRIPT)
        elif asked.path == "/part.js":
            self._send("text/javascript", leaks_parts.SCRIPT)
        elif asked.path in leaks_parts.PATHS:
            query = parse_qs(asked.query, keep_blank_values=True)
            self._send("text/html", *leaks_parts.part(asked.path, query, self.server.site.port))
        elif asked.path == "/magenta.svg":
            self._send("image/svg+xml", MAGENTA)
        elif asked.path == "/slow.css":
            time.sleep(float(parse_qs(asked.query)["slow"][0]))
            self._send("text/css", "h1 { color: #1f7a5c }")
        elif asked.path == "/favicon.ico":
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            query = parse_qs(asked.query, keep_blank_values=True)
            self._send("text/html", page(asked.path, query, self.server.site.port))

    def do_POST(self) -> None:
        orders = self.server.site.orders_for(self.path.rpartition("/")[2])
        done = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if done is not None:
            orders.answers.put(done)
        orders.seen.set()
        try:
            order = orders.waiting.get(timeout=POLL)
        except queue.Empty:
            order = None
        self._send("application/json", json.dumps(order))

    def _send(self, kind: str, text: str, late: str = "") -> None:
        """`late`: the rest of it, which comes after some time."""
        first, rest = text.encode("utf-8"), late.encode("utf-8")
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(first) + len(rest)))
        self.end_headers()
        self.wfile.write(first)
        if rest:
            time.sleep(leaks_parts.LATE)
            self.wfile.write(rest)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass
