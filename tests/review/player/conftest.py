"""A store with one recording by the real encoders, made once; and its player, served as the command serves it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from protocol.bundle import verify as verify_bundle
from protocol.envelope import SCENE_STREAM
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from review.player.files import page_files
from review.player.handover import Handover
from review.player.loopback import HERE, Loopback
from review.player.source import Source
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, Plan, found
from store.catalog.queries import newest_bundle
from store.clock import wall
from store.commands.audit import evidence_of, keys_of
from store.errors import StoreError
from store.server.enrolment import make_secret
from store.server.serving import listen, make_server, open_services
from testkit import bidi, devtools
from testkit.fakes.pc import SECOND, Pc
from tests.review.player.made import MadeRecording, make
from tests.store.conftest import COST, PASSPHRASE, serving
from tests.store.recorded import ZERO

Page = bidi.Bidi | devtools.DevTools


@dataclass(frozen=True)
class Recorded:
    home: Home
    made: MadeRecording

    @property
    def id(self) -> str:
        return str(self.made.recording.id)

    @property
    def key(self) -> Path:
        return self.home.folder / self.home.key(RECIPIENT).file


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    home = found(Plan(tmp_path_factory.mktemp("player") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    services = open_services(home, wall)
    with services.database.writing() as connection:
        newest = newest_bundle(connection)
        secret = make_secret(connection, uses=1, expires_at=wall() + 60 * SECOND, group="", now=wall())
    assert newest is not None
    with serving(home, services) as client:
        pc = Pc(client)
        assert pc.enrol(secret).is_success
        assert pc.ask_token(wall() // SECOND).is_success
        made = make(pc, verify_bundle(newest[1], home.key(COMPLIANCE).id))
        made.send()
        pc.ledger.write("start", at=ZERO + 30 * SECOND)
        assert pc.send_ledger().is_success
        assert pc.put_health(pc.report()).is_success
    services.close()
    return Recorded(home, made)


@contextmanager
def played(home: Home, recording: str) -> Iterator[str]:
    """The address of its page, served until the context ends."""
    evidence = evidence_of(home, recording)
    reader = RecipientPrivate.from_bytes(load_private(home.folder / home.key(RECIPIENT).file, PASSPHRASE).raw)
    keys = {}
    with suppress(StoreError):  # then none can be had, and the page plays nothing
        _, of = keys_of(evidence, home.blobs(), reader)
        keys = {stream: of(stream) for stream in evidence.chosen.streams if stream != SCENE_STREAM}
    database = home.database()
    source = Source.of(evidence, home.blobs(), database, compliance=home.key(COMPLIANCE).id)
    player = Loopback(source, Handover(evidence.recording.id, keys), page_files())
    server = make_server(player.app, None)
    with listen(HERE, 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield player.address(f"http://{HERE}:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join()
            database.close()


@pytest.fixture(scope="session", params=("chromium", "firefox"))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser, started once for all tests of one kind."""
    headless = devtools.headless if request.param == "chromium" else bidi.headless
    with headless(tmp_path_factory.mktemp(request.param)) as browser:
        yield browser


UNTIL = """new Promise((done, failed) => {
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


def until(page: Page, condition: str) -> None:
    """Waits for what a script says of the page; fails with what the page says if it has failed."""
    page.run(UNTIL % condition)


READY = 'root.dataset.state === "checked"'
