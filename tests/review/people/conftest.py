"""A console's sign-in on a free port, with a clock that a test moves, and what it noted."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from review.audit.entries import ReadingKey
from review.audit.kinds import Act
from review.governance.model import Governance
from review.people import schema, totp
from review.people.passwords import Passwords
from review.people.routes import SESSION, SignIn, create_app
from review.people.sealing import Sealer
from review.people.service import Begun, People
from review.people.settings import ProviderSettings, Settings
from review.people.states import SessionState
from review.rules import parse_files
from store.catalog.database import Database
from store.clock import SECOND
from store.server.listening import listen, make_server
from store.server.turns import Turns
from tests.store.conftest import SetClock

RULES = """\
schema: 1
revision: 1
name: House
roles:
  lead: { may: [list, play], of: { team: own }, purposes: [coaching] }
  agent: { may: [list, play], of: own }
people:
  anna@example.com: { roles: [lead], teams: [north, south] }
  bert@example.com: { roles: [lead], teams: [south] }
  "*@example.com": { roles: [agent] }
teams:
  north: { groups: [n] }
  south: { groups: [s] }
retention:
  - { class: rest, keep: 180d }
...
"""
ANNA, BERT = "anna@example.com", "bert@example.com"
PASSWORD = "pewter lantern sidewalk mango"
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # tests need no strength


class Log:
    """What was noted, each entry written as the audit log would."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.broken = False
        self._key = ReadingKey(bytes(32))

    def __call__(self, act: Act) -> None:
        act.body(self._key)
        if self.broken:
            raise OSError("the disk of the log is full")
        self.acts.append(act)

    def said(self) -> list[str]:
        """Kind and who, and why it failed or what it was."""
        facts = [act.facts.get("change") or act.facts.get("by") or act.facts.get("method") for act in self.acts]
        return [f"{act.kind} {act.who} {act.reason or fact}" for act, fact in zip(self.acts, facts, strict=True)]


@dataclass
class Console:
    """`guesses_at`: seconds, for the counts of guesses."""

    people: People
    log: Log
    clock: SetClock
    rules: list[Governance]
    app: SignIn
    address: str
    guesses_at: list[float] = field(default_factory=lambda: [0.0])

    def browser(self) -> Browser:
        return Browser(self.address)

    def invited(self, person: str = ANNA) -> str:
        """The secret of a new link."""
        return self.people.invite(person, "root@host", "host").partition("#")[2]

    def begun(self, person: str = ANNA) -> Begun:
        """A session of somebody who may enrol."""
        return self.people.join(self.invited(person), "192.0.2.1")

    def with_password(self, person: str = ANNA) -> bytes:
        """Enrols; the code's secret. It signs no one in."""
        session = self.begun(person).session
        proposed = self.app.passwords.propose(session, PASSWORD)
        secret = secret_of(proposed["uri"])
        self.app.passwords.confirm(session, proposed["pending"], self.code(secret), "192.0.2.1")
        self.people.end(person)
        self.clock.pass_by(90)
        self.log.acts.clear()
        return secret

    def code(self, secret: bytes) -> str:
        return totp.code_of(secret, self.clock() // totp.PERIOD)

    def status(self, browser: Browser) -> int:
        return browser.get("/v1/session").status_code


def secret_of(uri: str) -> bytes:
    return base64.b32decode(httpx.URL(uri).params["secret"])


class Browser:
    """Keeps cookies as a browser does, and sends Origin with what it posts."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies: dict[str, str] = {}
        self.set: list[str] = []

    def get(self, path: str, **headers: str | bytes) -> httpx.Response:
        return self._send("GET", path, headers)

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self._send("POST", path, {"Origin": self.address, **headers}, json={} if body is None else body)

    def _send(self, method: str, path: str, headers: Mapping[str, str | bytes], **named: Any) -> httpx.Response:
        url = path if path.startswith("http") else self.address + path
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {name.replace("_", "-"): value for name, value in {"Cookie": cookies, **headers}.items() if value}
        answer = httpx.request(method, url, headers=sent, timeout=30, **named)
        self.set = answer.headers.get_list("set-cookie")
        for line in self.set:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    @property
    def token(self) -> str:
        return self.cookies.get(SESSION, "")

    def has(self, begun: Begun) -> Browser:
        self.cookies[SESSION] = begun.token
        return self


NewConsole = Callable[..., Console]


@contextmanager
def console_on(
    database: Database, folder: Path, providers: Mapping[str, ProviderSettings] | None = None
) -> Iterator[Console]:
    schema.prepare(database, "people.db")
    rules = [parse_files({"rules.yaml": RULES.encode()})]
    log, clock = Log(), SetClock()
    with listen("127.0.0.1", 0) as listener:
        address = f"http://localhost:{listener.getsockname()[1]}"
        settings = Settings(address, providers=providers or {})
        sealer = Sealer.of(folder / "people.key")
        people = People(database, sealer, settings, lambda: rules[0], log, clock=clock)
        at = [0.0]
        guesses = Passwords(people, Turns(lambda: at[0]), HASHER)
        guesses._salt = bytes(16)  # by which none of the tests' names share a count
        app = SignIn(people, guesses=guesses)
        server = make_server(create_app(app), None)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Console(people, log, clock, rules, app, address, at)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def new_console(tmp_path: Path) -> Iterator[NewConsole]:
    with ExitStack() as stack:

        def make(**providers: ProviderSettings) -> Console:
            database = Database.sqlite(tmp_path / "people.db")
            stack.callback(database.close)
            return stack.enter_context(console_on(database, tmp_path, providers))

        yield make


@pytest.fixture
def console(new_console: NewConsole) -> Console:
    return new_console()


__all__ = ["ANNA", "BERT", "PASSWORD", "SECOND", "Browser", "Console", "SessionState", "time"]
