"""The demo's end: console, player and custodian over what it has recorded, for a person, or for a check in a browser.

For a person they are served on http://localhost, which browsers take as they take TLS: of the demo's own CA they would
warn, and refuse passkeys. The check is played over TLS, as people's consoles are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol.os_user import os_user
from review.cli import main as review_main
from store.cli import main as store_main
from store.server.web_server import listen
from testkit.cheap_keys import cheap_keys
from testkit.console_browser import to, wait_for, with_authenticator
from testkit.devtools import DevTools, headless
from testkit.fleet import Store, installed
from testkit.player_page import READY, until
from testkit.stage import Running, StageError, running
from testkit.waits import until as wait_until

PERSON: Final = "you@example.com"
WITH, WITHOUT = "with-rules", "without-rules"  # groups of PCs, and teams of the console
PURPOSE: Final = "coaching"
RULES: Final = f"""\
schema: 1
revision: 1
name: Demo
roles:
  visitor:
    may: [list, play, see-access, see-fleet, read-audit]
    of: all
    purposes: [{PURPOSE}, complaint]
    rendition: original
people:
  {PERSON}: {{ roles: [visitor] }}
teams:
  {WITH}: {{ groups: [{WITH}] }}
  {WITHOUT}: {{ groups: [{WITHOUT}] }}
os_users:
  - {{ user: "*", person: "*@example.com" }}
retention:
  - {{ class: rest, keep: 180d }}
...
"""
START: Final = 120.0  # seconds that console and player may take to start, on a machine that is busy
SIZE: Final = (1440, 900)  # of the picture


@dataclass(frozen=True, slots=True)
class Links:
    """`enrol`: makes the person's key in the player, as compliance's link does."""

    address: str
    sign_in: str
    enrol: str


@dataclass(frozen=True, slots=True)
class House:
    """Folders and keys of it, made before the first recording, so that the custodian can open each. `short`: for its
    socket, whose name may have 107 bytes."""

    folder: Path
    store: Store
    short: Path
    secure: bool
    address: str
    player: str
    rules: str = RULES

    @classmethod
    def furnish(cls, folder: Path, store: Store, short: Path, *, secure: bool, rules: str = RULES) -> House:
        with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as other:
            ports = [listener.getsockname()[1] for listener in (one, other)]
        address, player = (f"{'https' if secure else 'http'}://localhost:{port}" for port in ports)
        house = cls(folder, store, short, secure, address, player, rules)
        house._custodian()
        house._bundle()
        home = house.console
        house.review("audit", "init", "--name", "localhost/audit", "--log", home / "audit", "--keys", home / "keys")
        (home / "people.yaml").write_text(f"schema: 1\naddress: {address}\nplayer: {player}\n...\n", "utf-8")
        if secure:
            shutil.copytree(store.home / "tls", home / "tls")
        return house

    @property
    def console(self) -> Path:
        return self.folder / "console"

    @property
    def compliance(self) -> Path:
        return self.folder / "keys" / "compliance.key"

    def _custodian(self) -> None:
        token = self.folder / "custodian.token"
        token.write_text(self.store.ask("enroll-token", "--address", self.store.address)["token"], "ascii")
        words = ("--name", "localhost/custodian", "--token", token, "--origin", self.player, "--console", os_user())
        self.review("custodian", "init", "--home", self.folder / "custodian", *words)
        token.unlink()

    def _bundle(self) -> None:
        """Who may see what, and the custodian as a reader, signed by compliance; each PC has it when it enrols."""
        rules, before = self.folder / "governance", self.folder / "first.bundle"
        rules.mkdir()
        (rules / "demo.yaml").write_text(self.rules, "utf-8")
        (reader,) = (self.folder / "custodian" / "keys").glob("review-*.pub")
        _ran(store_main, "bundle", "show", "--home", self.store.home, "--save", before)
        words = ("--key", self.compliance, "--from", before, "--governance", rules, "--add-reader", reader)
        secret = ("--key-file", self.store.secret)
        _ran(store_main, "bundle", "sign", *words, "-o", self.bundle, *secret)
        _ran(store_main, "bundle", "put", self.bundle, "--home", self.store.home)

    @property
    def bundle(self) -> Path:
        return self.folder / "demo.bundle"

    def review(self, *words: object) -> Any:
        return json.loads(_ran(review_main, *words, "--key-file", self.store.secret, "--json"))

    @contextmanager
    def served(self, *more: object, person: str = PERSON) -> Iterator[Links]:
        """All of it, as processes; ended with the context. Raises StageError with the log of what does not start.

        `more`: words for `eyelid-review up`. `person`: whom the links are for.
        """
        with ExitStack() as stack:

            def start(name: str, command: list[str], said: str) -> tuple[Running, str]:
                log = self.folder / f"{name}.log"
                process = stack.enter_context(running(f"the {name}", command, log, os.environ))
                return process, process.until(lambda: _line_with(log, said), "it listened", START)

            socket = self.short / "custodian.socket"
            words = (self.folder / "custodian", self.store.secret, socket)
            start(
                "custodian", installed("python", "-P", "-m", "scripts.showcase.custodian", *map(str, words)), "listens"
            )
            _ran(review_main, "custodian", "bundle", self.bundle, "--socket", socket)
            asked = (person, "--to", self.folder / "custodian" / "keys" / "audit.pub", "--key", self.compliance)
            invited = ("--player", self.player, "-o", self.folder / "invitation")
            enrol = self.review("custodian", "invite", *asked, *invited)["link"]
            up = ["--home", self.console, "--store", self.store.home, "--key-file", self.store.secret, "--custodian",
                  socket, "--first", person, "--host", "127.0.0.1", *more]  # fmt: skip
            up += [] if self.secure else ["--http"]
            _, said = start("console", installed("eyelid-review", "up", "--json", *map(str, up)), '"link"')
            yield Links(self.address, json.loads(said)["link"], enrol)


def _ran(main: Callable[[Sequence[str]], int], *words: object) -> str:
    """What a command of ours prints, run within this process: to start Python for each would take longer than all of
    them. Its keys are sealed by little work, as what opens them lies beside them. Raises StageError."""
    with cheap_keys(), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main([str(word) for word in words])
    if status:
        raise StageError(f"{' '.join(map(str, words[:2]))} ended with {status}: {err.getvalue().strip()}")
    return out.getvalue()


def _line_with(log: Path, said: str) -> str:
    return next((line for line in log.read_text("utf-8").splitlines() if said in line), "")


def check(house: House, links: Links, recordings: tuple[str, str], rule: str, picture: Path) -> None:
    """As a person does: in by the link, both recordings in the list, the first of them alone by the rule; both play,
    every chunk of them checked by the page. `picture`: of the player with the first. Raises StageError.
    """
    with_rules, without = recordings
    certificate = house.store.home / "tls" / "server.crt"
    trust = ssl.create_default_context(cafile=house.store.home / "tls" / "ca.crt")
    httpx.get(f"{links.address}/sign-in", verify=trust).raise_for_status()
    folder = house.short / "check"
    folder.mkdir()
    with headless(folder, f"--ignore-certificate-errors-spki-list={_pin(certificate)}") as browser:
        try:
            sign_in(browser, links)
            both = {with_rules, without}
            wait_until(lambda: both <= listed(browser, links, ""), "both recordings in the console's list")
            found = listed(browser, links, f"?rule={rule}") & both
            if found != {with_rules}:
                raise StageError(f"the console finds {len(found)} recordings closed by {rule}, and not the one")
            browser.open("about:blank")
            to(browser, links.enrol)
            press(browser, "enrol", "#custody .choices div:nth-child(2) button", "enrolled")  # a key, no passkey
            for recording in (without, with_rules):
                browser.open("about:blank")
                to(browser, f"{house.player}/#play={recording}")
                press(browser, "purpose", "#open", "open")
                until(browser, READY)
                if (state := browser.run("document.querySelector('#badge').dataset.state")) != "good":
                    raise StageError(f"the player's verdict on {recording} is {state}")
            browser.run(_SHOW)
            picture.write_bytes(browser.picture(*SIZE))
        except AssertionError as error:  # what a page threw
            raise StageError(f"the console or the player failed in the browser: {error}") from None


# The last that was kept: no page or window that a rule closes for is in view at a recording's end.
_SHOW: Final = """(async () => {
  const {player} = eyelid, {start, end} = player.covered.at(-1);
  player.seek((start + end) / 2);
  while (!player.ready) { await new Promise((done) => setTimeout(done, 4)); player.draw(); }
})()"""


def sign_in(browser: DevTools, links: Links) -> None:
    browser.open(f"{links.address}/sign-in")
    with_authenticator(browser)
    to(browser, links.sign_in)
    for button, there in (("join", "=== '/enrol'"), ("make", "!== '/enrol'")):  # what they may decides where they begin
        browser.run(f"document.getElementById('{button}').click()")
        wait_for(browser, f"location.pathname {there} && document.readyState === 'complete'")


def listed(browser: DevTools, links: Links, query: str) -> set[str]:
    to(browser, f"{links.address}/find{query}")
    rows = "[...document.querySelectorAll('tr.one a')].map((one) => one.pathname.split('/').at(-1))"
    return set(browser.run(rows))


def press(browser: DevTools, state: str, button: str, then: str) -> None:
    for wanted in (state, then):
        reached = f"['{wanted}', 'refused'].includes(document.documentElement.dataset.custody)"
        wait_for(browser, reached)
        if browser.run("document.documentElement.dataset.custody") != wanted:
            raise StageError(f"the player refused: {browser.run('document.querySelector(`#custody`).innerText')}")
        if wanted == state:
            browser.run(f"document.querySelector('{button}').click()")


def _pin(certificate: Path) -> str:
    """By which a browser knows it without a CA: SHA-256 of its public key."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
