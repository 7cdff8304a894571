"""A whole house: store, custodian, console and player as processes, a hostile console between, people with keys."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import delete, insert

from protocol import base64url, enrolment, personal
from protocol.bundle import verify as verify_bundle
from protocol.keyfile import load_private
from protocol.keys import RecipientPublic, signing_key
from review.cli import main
from review.commands.open_log import public_key
from review.commands.people import OpenConsole, opened
from review.enrolled import invite, take_up
from review.exchange import ask, exchange
from review.people.routes import SESSION
from review.people.service import Proof
from store.admin.home import Home
from store.admin.init import COMPLIANCE, Plan, found
from store.catalog import schema
from store.catalog.statements import newest_bundle
from store.clock import wall
from store.evidence.evidence import gather
from store.evidence.papers import papers
from store.server.enrolment import make_secret
from store.server.serving import open_services
from testkit import bidi, devtools
from testkit.cheap_keys import COST, cheap_keys
from testkit.fakes.pc import SECOND, Pc
from testkit.free_ports import free_ports
from testkit.hostile_console import HostileConsole, between
from testkit.lifecycle import govern
from testkit.looks import Runs
from testkit.marionette import Marionette
from testkit.reading_room import up
from tests.review.player.made import MadeRecording, make
from tests.store.conftest import PASSPHRASE, serving
from tests.store.recorded import close, make_filmed

Page = bidi.Bidi | devtools.DevTools
NAME = "review.example.com/custodian"
RULES = """\
schema: 1
revision: 1
name: House
roles:
  supervisor:
    may: [list, play]
    of: {{ team: own }}
    from: 30d
    purposes: [coaching, complaint]
    otherwise: original
  quality:
    may: [list, play]
    of: all
    purposes: [quality]
    sample: {{ quality: 4 per agent per month }}
    otherwise: original
  compliance: {{ may: [list, play, consent], of: all, rendition: original, purposes: [audit] }}
  privacy: {{ may: [list], of: all }}
{more}teams:
  north: {{ groups: [north desk] }}
  south: {{ groups: [south desk] }}
people:
  ann@example.com: {{ roles: [supervisor], teams: [north], since: 2026-01-01 }}
  sam@example.com: {{ roles: [supervisor], teams: [south], since: 2026-01-01 }}
  quinn@example.com: {{ roles: [quality] }}
  cleo@example.com: {{ roles: [compliance] }}
  pia@example.com: {{ roles: [privacy] }}
os_users:
  - {{ user: "*", person: "*@example.com" }}
retention: [{{ class: rest, keep: 180d }}]
...
"""
PLAIN = RULES.format(more="")
APPROVED = RULES.format(
    more="approvals:\n  - { act: [play-original], by: [compliance, privacy], need: 2, within: 24h }\n"
)
CONSENTED = RULES.format(more="consent: { voice: required }\n")
PEOPLE = ("ann", "sam", "quinn", "cleo", "pia")


@dataclass
class House:
    """`console`: its address. `page`: the player's origin, told that `between` is the console."""

    folder: Path
    home: Home
    socket: Path
    console: str
    page: str
    between: HostileConsole
    open_console: OpenConsole
    made: MadeRecording
    custodian: subprocess.Popen[str]
    stack: ExitStack
    up: subprocess.Popen[str]
    paths: tuple[str, ...]
    player: ExitStack
    others: dict[str, str] = field(default_factory=dict)
    rules: str = PLAIN
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def recording(self) -> str:
        return str(self.made.recording.id)

    def govern(self, rules: str) -> None:
        """In force from now on, in store and custodian."""
        if rules != self.rules:
            self.rules = rules
            ask(self.socket, "bundle", bundle=govern(self.home, rules))

    def invitation(
        self, person: str, signer: Ed25519PrivateKey | None = None, custodian: Ed25519PublicKey | None = None
    ) -> str:
        """The link by which they enrol in a browser, as `custodian invite --player` prints it. By another compliance
        key, or with another custodian's key, where one is given."""
        if signer is None:
            signer = signing_key(load_private(self.home.folder / self.home.key(COMPLIANCE).file, PASSPHRASE).raw)
        to = public_key(str(self.folder / "c" / "keys" / "audit.pub"))
        ends = wall() + 3600 * SECOND
        invitation, secret = invite(f"{person}@example.com", to.name, custodian or to.public, ends, signer)
        return f"{self.page}/#enrol={invitation}.{secret}"

    def enter(self, page: Page, who: str) -> None:
        """Their session at the console is this browser's."""
        page.open("about:blank")
        self.enter_beside(page, who)

    def enter_beside(self, page: Page | Marionette, who: str) -> None:
        """The same, while its page stays."""
        page.remember(self.console, SESSION, self.sessions[who])

    def show(self, page: Page, verb: str, value: str) -> None:
        page.open("about:blank")
        page.open(f"{self.page}/#{verb}={value}")

    def enrol(self, page: Page, who: str, choice: int = 1) -> None:
        """With a key in the browser, or 0: a passkey."""
        self.enter(page, who)
        page.open("about:blank")
        page.open(self.invitation(who))
        reach(page, "enrol")
        page.run(f"document.querySelectorAll('#custody .choices button')[{choice}].click()")
        reach(page, "enrolled")

    def approve(self, who: str, filed: str, verdict: str = "approve") -> None:
        """By a key of theirs outside of any browser."""
        key = self.keys(who)
        terms = ask(self.socket, "filed", filed=filed)["terms"]
        said = {
            **terms,
            **ask(self.socket, "nonce"),
            "person": f"{who}@example.com",
            "filed": filed,
            "verdict": verdict,
        }
        ask(self.socket, "approve", approval=personal.sign(personal.APPROVAL, said, key))

    def filed(self, request: str) -> str:
        """A request that the custodian files for approval; its id."""
        papers = papers_of(self.home, self.recording)
        answer = exchange(self.socket, "open", request=request, papers=papers)
        return str(answer["filed"])

    def order_erasure(self, recording: str) -> None:
        with closing(self.home.database()) as database, database.writing() as connection:
            values = {
                "recording": recording,
                "device": "d",
                "position": 1,
                "order": "",
                "step": "ordered",
                "found": "{}",
            }
            connection.execute(insert(schema.erasures).values(**values))

    def take_back_erasures(self) -> None:
        with closing(self.home.database()) as database, database.writing() as connection:
            connection.execute(delete(schema.erasures))

    def restart_custodian(self) -> None:
        self.custodian = self.stack.enter_context(custodian_of(self.folder, self.socket))

    def kill_console(self) -> None:
        self.up.kill()
        self.up.wait()

    def restart_console(self) -> None:
        """On the same port."""
        self.up, _ = self.stack.enter_context(up(self.console.rpartition(":")[2], *self.paths))

    @contextmanager
    def without_proxy(self) -> Iterator[None]:
        """The page asks the console itself."""
        self.player.close()
        self.player.enter_context(player_of(self.page, self.console))
        try:
            yield
        finally:
            self.player.close()
            self.player.enter_context(player_of(self.page, self.between.address))

    def another(self) -> MadeRecording:
        """One more recording like the first, which may be erased."""
        return _recordings(self.home, more=False)[0]

    def client(self, who: str = "", **headers: str) -> httpx.Client:
        """As a page of the player's in that person's browser asks the console itself."""
        cookie = {"Cookie": f"{SESSION}={self.sessions[who]}"} if who else {}
        return httpx.Client(base_url=self.console, headers={"Origin": self.page} | cookie | headers, timeout=60)

    def keys(self, who: str) -> Ed25519PrivateKey:
        made = Ed25519PrivateKey.generate()
        invitation, _, secret = self.invitation(who).partition("#enrol=")[2].rpartition(".")
        ask(self.socket, "enrol", **take_up(invitation, secret, made))
        return made


def reach(page: Runs, *states: str) -> str:
    """Waits until the page says one of these, which it gives; fails with a refusal that is none of them."""
    found = str(
        page.run(f"""new Promise((done) => {{
      const root = document.documentElement, wanted = {json.dumps((*states, "refused"))};
      const look = () => wanted.includes(root.dataset.custody) && (watcher.disconnect(), done(root.dataset.custody));
      const watcher = new MutationObserver(look);
      watcher.observe(root, {{attributes: true}});
      look();
    }})""")
    )
    assert found in states, text(page)
    return found


def text(page: Runs) -> str:
    return str(page.run("document.querySelector('#custody').innerText"))


def code(page: Page) -> str:
    return str(page.run("document.documentElement.dataset.code"))


@contextmanager
def custodian_of(folder: Path, socket: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "review", "custodian", "serve", "--home", str(folder / "c"), "--key-file",
             str(folder / "secret"), "--socket", str(socket)]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("the custodian listens")
            yield process
        finally:
            process.kill()


def _commands(folder: Path, home: Home, page: str) -> None:
    named = enrolment.Enrolment("https://localhost", "", home.store_key().public_key(), home.key(COMPLIANCE).id, "s")
    (folder / "token").write_text(enrolment.make(named))
    secret = ["--key-file", str(folder / "secret")]
    with cheap_keys():
        words = ["custodian", "init", "--home", str(folder / "c"), "--name", NAME, "--token", str(folder / "token"),
                 "--origin", page, "--console", "nobody", "--cap", "1000", *secret]  # fmt: skip
        assert main(words) == 0
        room = folder / "console"
        log = ["--log", str(room / "audit"), "--keys", str(room / "keys")]
        assert main(["audit", "init", "--name", "review.example.com/audit", *log, *secret]) == 0


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    home = found(Plan(folder / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    (folder / "secret").write_text("x" * 40)
    (folder / "console").mkdir()
    console, hostile, page = (f"http://localhost:{port}" for port in free_ports(3))
    _commands(folder, home, page)
    # The console knows one player; a page with the address of another console stands at the same origin.
    (folder / "console" / "people.yaml").write_text(f"schema: 1\naddress: {console}\nplayer: {page}\nidle: 60m\n...\n")
    short = Path(tempfile.mkdtemp())  # a socket's name has 107 characters at the most
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, short)
        custodian = stack.enter_context(custodian_of(folder, short / "s"))
        (public,) = (folder / "c" / "keys").glob("review-*.pub")
        review = RecipientPublic.from_bytes(base64url.decode(public.read_text().strip()))
        ask(short / "s", "bundle", bundle=govern(home, PLAIN, readers=(review,)))
        made, others = _recordings(home)
        paths = ("--home", str(folder / "console"), "--store", str(home.folder), "--key-file", str(folder / "secret"),
                 "--custodian", str(short / "s"), "--no-player")  # fmt: skip
        process, _ = stack.enter_context(up(console.rpartition(":")[2], *paths))
        proxy = stack.enter_context(between(console, page, int(hostile.rpartition(":")[2])))
        player = stack.enter_context(ExitStack())
        player.enter_context(player_of(page, proxy.address))
        opens = stack.enter_context(opened(folder / "console", home.folder, (folder / "secret").read_bytes()))
        house = House(
            folder,
            home,
            short / "s",
            console,
            page,
            proxy,
            opens,
            made,
            custodian,
            stack,
            process,
            paths,
            player,
            others,
        )
        for who in PEOPLE:
            opens.people.invite(f"{who}@example.com", "root@host", "host")
            house.sessions[who] = opens.people.sign_in(Proof("password", f"{who}@example.com"), "192.0.2.1").token
        yield house


@contextmanager
def player_of(page: str, console: str) -> Iterator[None]:
    """`eyelid-review player serve`, as a process."""
    words = [sys.executable, "-m", "review", "player", "serve", "--console", console, "--http", "--host", "127.0.0.1",
             "--port", page.rpartition(":")[2], "--json"]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline()
            yield
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(60) == 0


def papers_of(home: Home, recording: str) -> dict[str, Any]:
    with closing(home.database()) as database, database.reading() as connection:
        return papers(connection, gather(connection, UUID(recording)), home.blobs(), home.store_key())


def _recordings(home: Home, *, more: bool = True) -> tuple[MadeRecording, dict[str, str]]:
    """One by the real encoders of the north; and if `more`, `south`, ended; `open`, of the north, which goes on."""
    services = open_services(home, wall)
    others: dict[str, str] = {}
    with closing(services), serving(home, services) as client:
        with services.database.reading() as connection:
            newest = newest_bundle(connection)
        assert newest is not None
        bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)

        def pc(group: str) -> Pc:
            with services.database.writing() as connection:
                secret = make_secret(connection, uses=1, expires_at=wall() + 3600 * SECOND, group=group, now=wall())
            made = Pc(client)
            assert made.enrol(secret).is_success
            assert made.ask_token(wall() // SECOND).is_success
            return made

        made = make(pc("north desk"), bundle, start=None if more else wall() - 3600 * SECOND)
        made.send()
        for name, group in (("south", "south desk"), ("open", "north desk")) if more else ():
            filmed = make_filmed(pc(group), bundle)
            if name == "south":
                close(filmed)
            filmed.put_all()
            assert filmed.pc.send_ledger().status_code == 200
            others[name] = str(filmed.recording.id)
    return made, others


@pytest.fixture(scope="session", params=("chromium", "firefox"))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser, started once for all tests of one kind."""
    headless = devtools.headless if request.param == "chromium" else bidi.headless
    with headless(tmp_path_factory.mktemp(request.param)) as browser:
        yield browser


@pytest.fixture
def plain(house: House) -> Iterator[House]:
    """With nothing changed between, and the plain rules."""
    house.between.change = house.between.late = None
    house.govern(PLAIN)
    yield house
    house.between.change = house.between.late = None
