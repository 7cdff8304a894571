"""The server of the web on which bench/leaks plays, and the stagehand: an extension that does what it is told.

On loopback. 127.0.0.1 and 127.0.0.2 are different sites to a browser, so a frame from the other one runs in a process
of its own.
"""

from __future__ import annotations

import itertools
import json
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from bench import leaks_pages
from bench.leaks_pages import AWAY, HOME, SITE
from testkit import web
from testkit.stage import StageError

STAGEHAND: Final = Path(__file__).with_name("stagehand")

ANSWER: Final = 20.0  # seconds for the stagehand to do as it was told
POLL: Final = 10.0  # seconds that a question for orders may wait; a worker that waits longer would be put to sleep
LATE: Final = 0.6  # seconds until the second half of a streamed page
TYPES: Final = {".js": "text/javascript", ".svg": "image/svg+xml"}  # of the files in leaks_site


@dataclass(frozen=True, slots=True)
class Address:
    """Of a page of the site, whose port is only known when it runs. An order may have it anywhere in what is given."""

    path: str
    host: str = HOME


class Which(Enum):
    """A tab or a window. A tab's may stand for its number wherever it is given to an order."""

    FIRST = "on a clean page whenever a play begins"
    OTHER = "opened by the play"


FIRST, OTHER = Which


def refusing(host: str) -> str:
    """An address at which no server listens, on a port that browsers do not refuse to ask."""
    return f"http://{host}:1023/"


class Site:
    """The running server. `hands`: by the name of their browser."""

    def __init__(self) -> None:
        self.port = 0
        self.hands: dict[str, Hand] = {}

    def url(self, address: Address) -> str:
        return f"http://{address.host}:{self.port}{address.path}"


class Hand:
    """The stagehand in one browser, as the bench sees it: it does what it is told and answers when that is done."""

    def __init__(self, site: Site, name: str) -> None:
        site.hands[name] = self
        self.tabs: dict[Which, int] = {}  # the browser's numbers of them
        self.waiting: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.seen = threading.Event()
        self._name = name
        self._numbers = itertools.count(1)

    def wait_until_there(self, patience: float = 60.0) -> None:
        if not self.seen.wait(patience):
            raise StageError(f"the stagehand in {self._name} did not ask for orders within {patience:.0f} s")

    def call(self, name: str, *given: object) -> Any:
        """A function of the browser's extension API, such as `tabs.update`. Raises StageError with what it says."""
        return self._ask({"call": name, "given": given})

    def run(self, tab: Which, name: str, *given: object) -> Any:
        """A function of leaks_site/scene.js in that tab's page."""
        return self._ask({"run": name, "tab": tab, "given": given})

    def _ask(self, order: dict[str, Any]) -> Any:
        number = next(self._numbers)
        self.waiting.put({"number": number, **order})
        while True:
            try:
                done = self.answers.get(timeout=ANSWER)
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
    copy.joinpath("where.json").write_text(json.dumps(site.url(Address(f"/orders/{name}"))), "utf-8")
    return copy


@contextmanager
def site() -> Iterator[Site]:
    """The server, reachable on loopback alone, until the context ends."""
    there = Site()

    class Asked(_Asked):
        site = there

    with web.serving(Asked, HOME, AWAY) as there.port:
        yield there


class _Asked(web.Answer):
    site: Site

    def get(self, path: str, query: dict[str, list[str]]) -> None:
        if (file := SITE / Path(path).name).suffix in TYPES:
            self.send(TYPES[file.suffix], file.read_bytes())
        elif path in leaks_pages.PARTS:
            first, rest = leaks_pages.part(path, query, self.site.port)
            self.send("text/html", first, late=rest, after=LATE)
        elif path == "/slow.css":
            time.sleep(float(query["slow"][0]))
            self.send("text/css", "h1 { color: #1f7a5c }")
        elif path == "/favicon.ico":
            self.send("text/plain", "", status=404)
        else:
            self.send("text/html", leaks_pages.page(path, query, self.site.port))

    def post(self, body: bytes) -> None:
        hand = self.site.hands[self.path.rpartition("/")[2]]
        done = json.loads(body)
        if done is not None:
            hand.answers.put(done)
        hand.seen.set()
        try:
            order = hand.waiting.get(timeout=POLL)
        except queue.Empty:
            order = None
        self.send("application/json", json.dumps(order, default=lambda one: hand.tabs.get(one) or self.site.url(one)))
