"""A real store for each test: its folder copied from one made once, uvicorn with TLS on a free port, and httpx."""

from __future__ import annotations

import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from protocol.bundle import Bundle
from protocol.bundle import verify as verify_bundle
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, RECOVERY, STORE, Plan, found
from store.catalog.blobs import BlobStore
from store.catalog.statements import bundle_of, newest_bundle
from store.clock import SECOND
from store.evidence.evidence import Evidence, gather
from store.evidence.verify import recording as verify
from store.evidence.verify.ledger import SignedLedger
from store.server.app import create_app
from store.server.enrolment import make_secret
from store.server.listening import listen, make_server, url
from store.server.routes.bodies import Intake
from store.server.services import Services
from store.server.serving import open_services
from testkit.cheap_keys import COST, cheap_keys
from testkit.fakes.pc import FakeRecording, Pc, StoreClient
from tests.store.recorded import Filmed, close, make_filmed

Gather = Callable[[FakeRecording], Evidence]
Examine = Callable[..., verify.Report]

PASSPHRASE = b"correct horse"


class SetClock:
    """The store's clock: now, and as far on as a test moves it."""

    def __init__(self) -> None:
        self.now = time.time_ns()

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    @property
    def seconds(self) -> int:
        return self.now // SECOND


@pytest.fixture(scope="session", autouse=True)
def _cheap_keys() -> Iterator[None]:
    """Also a command that seals a new key, such as `renew ca`, takes no half second for it."""
    with cheap_keys():
        yield


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store") / "home"
    found(Plan(folder, "https://localhost:8443", cost=COST), PASSPHRASE)
    return folder


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Home:
    shutil.copytree(made_home, tmp_path / "home", copy_function=shutil.copy2)
    return Home.open(tmp_path / "home")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def bundle(home: Home) -> Bundle:
    database = home.database()
    with database.reading() as connection:
        newest = newest_bundle(connection)
    database.close()
    assert newest is not None
    return verify_bundle(newest[1], home.key(COMPLIANCE).id)


@contextmanager
def serving(home: Home, services: Services, intake: Intake | None = None) -> Iterator[httpx.Client]:
    """A client of the running store."""
    server = make_server(create_app(services, intake), home.tls)
    with listen("127.0.0.1", 0) as listener:
        address = url("127.0.0.1", listener.getsockname()[1], tls=True)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        trust = ssl.create_default_context(cafile=home.ca_certificate)
        try:
            with StoreClient(home.key(STORE).id, base_url=address, verify=trust, timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def services(home: Home, clock: SetClock) -> Iterator[Services]:
    made = open_services(home, clock)
    yield made
    made.close()


@pytest.fixture
def client(home: Home, services: Services) -> Iterator[httpx.Client]:
    with serving(home, services) as made:
        yield made


@pytest.fixture
def blobs(services: Services) -> BlobStore:
    return services.blobs


@pytest.fixture
def secret(services: Services, clock: SetClock) -> Callable[..., str]:
    """Makes the secret of a new enrolment token."""

    def make(uses: int = 100, lasts: float = 3600, group: str = "") -> str:
        with services.database.writing() as connection:
            return make_secret(
                connection, uses=uses, expires_at=clock() + int(lasts * SECOND), group=group, now=clock()
            )

    return make


@pytest.fixture
def new_pc(client: httpx.Client, secret: Callable[..., str], clock: SetClock) -> Callable[[], Pc]:
    """Makes PCs that are enrolled and have a token."""

    def make() -> Pc:
        pc = Pc(client)
        assert pc.enrol(secret()).status_code == 200
        assert pc.ask_token(clock.seconds).status_code == 200
        return pc

    return make


@pytest.fixture
def pc(new_pc: Callable[[], Pc]) -> Pc:
    return new_pc()


# -- what auditors read -------------------------------------------------------------------------------------------


@pytest.fixture
def filmed(pc: Pc, bundle: Bundle) -> Filmed:
    """Whole, received and closed."""
    made = make_filmed(pc, bundle)
    close(made)
    made.put_all()
    assert made.pc.send_ledger().status_code == 200
    return made


@pytest.fixture
def gathered(services: Services) -> Gather:
    def read(recording: FakeRecording) -> Evidence:
        with services.database.reading() as connection:
            return gather(connection, recording.id)

    return read


@pytest.fixture(scope="session")
def readers(made_home: Path) -> dict[str, RecipientPrivate]:
    home = Home.open(made_home)
    return {
        name: RecipientPrivate.from_bytes(load_private(made_home / home.key(name).file, PASSPHRASE).raw)
        for name in (RECIPIENT, RECOVERY)
    }


@pytest.fixture
def bundles(services: Services) -> verify.Bundles:
    """Those that the store has."""

    def read(revision: int) -> str | None:
        with services.database.reading() as connection:
            return bundle_of(connection, revision)

    return read


@pytest.fixture
def examined(
    gathered: Gather, home: Home, readers: dict[str, RecipientPrivate], bundles: verify.Bundles, services: Services
) -> Examine:
    """The report on a recording, by default with the recipient's key."""

    def examine(recording: FakeRecording, reader: RecipientPrivate | None = readers[RECIPIENT]) -> verify.Report:
        evidence, compliance = gathered(recording), home.key(COMPLIANCE).id
        ledger = SignedLedger(services.database, evidence.device)
        return verify.examine(evidence, home.blobs(), reader, compliance=compliance, bundles=bundles, ledger=ledger)

    return examine
