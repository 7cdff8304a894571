"""The player of a recording, served as `eyelid-review open` serves it, and a page of it in a browser."""

from __future__ import annotations

import socket
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psutil
from starlette.types import ASGIApp

from protocol.envelope import SCENE_STREAM
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from review.cases import reading
from review.cases.serving import CaseLoopback
from review.player.files import page_files
from review.player.handover import Handover
from review.player.loopback import HERE, Loopback
from review.player.source import Source
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT
from store.commands.audit import evidence_of, keys_of
from store.errors import StoreError
from store.server.web_server import listen, make_server
from testkit import bidi, devtools
from testkit.looks import LOOKS, Runs, faults

Page = bidi.Bidi | devtools.DevTools
Change = Callable[[Source, str, Any], Any]
"""What is answered in place of what a source has: of `index`, of `pieces`, of a chunk as (stream, row, bytes)."""


@dataclass(frozen=True)
class Changed(Source):
    """Answers as an operator's server may that wants to deceive."""

    change: Change = lambda _, __, answer: answer

    @property
    def index(self) -> dict[str, Any]:
        return self.change(self, "index", super().index)  # type: ignore[no-any-return]

    def pieces(self, after: int) -> dict[str, Any]:
        return self.change(self, "pieces", super().pieces(after))  # type: ignore[no-any-return]

    def chunks(self, stream: int, first: int, after: int) -> bytes:
        answers = []
        for row in range(first, min(after, len(self.rows[stream]))):
            body = super().chunks(stream, row, row + 1)[4:]
            (_, _, changed) = self.change(self, "chunk", (stream, row, body))
            answers.append(len(changed).to_bytes(4, "big") + changed)
        return b"".join(answers)


@contextmanager
def played(
    home: Home, recording: str, passphrase: bytes = b"correct horse", change: Change | None = None
) -> Iterator[str]:
    """The address of its page, served until the context ends."""
    evidence = evidence_of(home, recording)
    reader = RecipientPrivate.from_bytes(load_private(home.folder / home.key(RECIPIENT).file, passphrase).raw)
    keys = {}
    with suppress(StoreError):  # then none can be had, and the page plays nothing
        _, of = keys_of(evidence, home.blobs(), reader)
        keys = {stream: of(stream) for stream in evidence.chosen.streams if stream != SCENE_STREAM}
    with closing(home.database()) as database, listen(HERE, 0) as listener:
        source = Source.of(evidence, home.blobs(), database, compliance=home.key(COMPLIANCE).id)
        if change is not None:
            source = Changed(**{one.name: getattr(source, one.name) for one in fields(source)}, change=change)
        player = Loopback(source, Handover(evidence.recording.id, keys), page_files())
        with _serving(player.app, listener) as served:
            yield player.address(served)


@contextmanager
def played_case(folder: Path, reader: RecipientPrivate, recording: UUID | None = None) -> Iterator[str]:
    """The address of the page of a case's recording, by default its first, served until the context ends."""
    statement = reading.statement_of(folder)
    content = reading.content_of(folder, statement, reading.by_key(statement, reader))
    player = CaseLoopback(content, reading.sources_of(folder, statement, content), page_files())
    with listen(HERE, 0) as listener, _serving(player.app, listener) as served:
        yield player.address(served, recording)


@contextmanager
def _serving(app: ASGIApp, listener: socket.socket) -> Iterator[str]:
    server = make_server(app, None)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://{HERE}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def memory() -> tuple[int, int]:
    """MB (PSS) of the browser's largest page, all of its process, and of all that this process started."""
    pages, every = [0], 0
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            used = one.memory_full_info().pss >> 20
            every += used
            if "--type=renderer" in one.cmdline() or one.cmdline()[-1:] == ["tab"]:  # Chromium's, or Firefox's
                pages.append(used)
    return max(pages), every


UNTIL: Final = """new Promise((done, failed) => {
  const root = document.documentElement;
  const look = () => {
    if (%s) { watcher.disconnect(); done(true); }
    else if (root.dataset.state === "failed") {
      watcher.disconnect();
      failed(new Error(root.dataset.code + ": " + document.querySelector("#failure").textContent));
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(root, {attributes: true, subtree: true, childList: true, characterData: true});
  look();
})"""


def until(page: Runs, condition: str) -> None:
    """Waits for what a script says of the page; fails with what the page says if it has failed."""
    page.run(UNTIL % condition)


# Plays on so many seconds at a rate, and takes of each screen's new pictures how long after their sound they are drawn,
# ms.
PLAY: Final = """new Promise((done) => {
  const {player} = eyelid, until = player.time + %f;
  const all = [...document.querySelectorAll("canvas")].map((canvas) => ({canvas, shown: canvas.dataset.at, offs: []}));
  player.setRate(%f);
  player.addEventListener("time", function look() {
    const late = player.master === "sound" ? player.sound.latency * player.rate : 0;
    for (const one of all) {
      const {at} = one.canvas.dataset;
      if (at !== one.shown) one.offs.push((player.time - late) * 1000 - at / 1000);
      one.shown = at;
    }
    if (player.time < until) return;
    player.removeEventListener("time", look); player.pause(); done(all.map(({offs}) => offs.slice(3)));
  });
  player.play();
})"""

# Notes when each picture comes to which canvas.
WATCH = """(() => {
  window.shown = [];
  document.querySelectorAll("canvas").forEach((canvas, screen) => new MutationObserver(() =>
    window.shown.push([screen, (performance.timeOrigin + performance.now()) / 1000, canvas.dataset.at])
  ).observe(canvas, {attributeFilter: ["data-at"]}));
})()"""


def worst_offset(offs: list[list[float]]) -> float:
    """The median of the screen that is farthest from its sound, ms. Fails where a screen showed nothing."""
    assert all(offs), "a screen showed no picture"
    return max(map(statistics.median, offs), key=abs)


READY: Final = 'root.dataset.state === "checked"'


def faults_of(page: Page, axe: str, name: str, where: str = "document") -> list[Any]:
    """What axe finds in that part of the page in both languages and schemes, wide and narrow."""
    found: list[Any] = []
    for language in ("en", "de"):
        for scheme, width in LOOKS:
            switch(page, language, scheme)
            found += faults(page, axe, name, ((scheme, width),), where)
    switch(page, "en", "light")
    page.look("light", 1280)
    return found


def switch(page: Page, language: str, scheme: str) -> None:
    """By the page's own buttons. `language`: en or de; `scheme`: light or dark."""
    if page.run("document.documentElement.lang") != language:
        page.run("document.querySelector('#language').click()")
    if (page.run("document.documentElement.dataset.theme") == "dark") is not (scheme == "dark"):
        page.run("document.querySelector('#theme').click()")
