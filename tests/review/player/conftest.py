"""A store with one recording by the real encoders, made once; and a browser for its player."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from protocol.bundle import verify as verify_bundle
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, Plan, found
from store.catalog.statements import newest_bundle
from store.clock import wall
from store.server.enrolment import make_secret
from store.server.serving import open_services
from testkit import bidi, devtools
from testkit.cheap_keys import COST
from testkit.fakes.pc import SECOND, Pc
from testkit.player_page import READY, Page, played, until
from tests.review.player.made import MadeRecording, make
from tests.store.conftest import PASSPHRASE, serving
from tests.store.recorded import ZERO

__all__ = ["READY", "Page", "played", "until"]


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
        secret = make_secret(connection, uses=1, expires_at=wall() + 3600 * SECOND, group="", now=wall())
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


@pytest.fixture(scope="session", params=("chromium", "firefox"))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser, started once for all tests of one kind."""
    headless = devtools.headless if request.param == "chromium" else bidi.headless
    with headless(tmp_path_factory.mktemp(request.param)) as browser:
        yield browser
