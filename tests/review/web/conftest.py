"""One console as a process, with a store and recordings of two teams; sessions of everybody, made beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from review.audit.bodies import bodies
from review.audit.kinds import Act
from review.commands.people import OpenConsole, opened
from review.people.routes import SESSION
from review.people.service import LASTS, Proof
from review.people.states import SessionState
from store.catalog import schema
from testkit.reading_room import MARKUP, NUMBER, PEOPLE, ReadingRoom, furnish
from testkit.waits import until

FIRST = "lena@example.com"
REASON = "<b>letter</b> of 3 May"


class Pool(httpx.HTTPTransport):
    """Connections that all clients of a console share: it takes so many new ones a second, and these tests ask more."""

    def __init__(self) -> None:
        # Less than the server keeps one: none is used in the moment in which that closes it.
        super().__init__(limits=httpx.Limits(keepalive_expiry=2.0))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """What a client leaves, the next uses."""

    def close(self) -> None:
        """As `__exit__`."""

    def end(self) -> None:
        super().close()


@dataclass
class Served:
    """`sessions`: person -> token. `link`: for the first person, who has not used it. `about`: entries of the log.
    `cases`: whose recordings -> a case that Lena, or Cleo, made of them. `privacy`: kind -> a request of a customer's.
    """

    room: ReadingRoom
    console: OpenConsole
    address: str
    link: str
    sessions: dict[str, str] = field(default_factory=dict)
    about: dict[str, int] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    privacy: dict[str, str] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)
    joined: int = 0  # when who enrols came, ns

    def client(self, who: str = "", **headers: str) -> httpx.Client:
        """As a browser of that person, which follows no redirect; "" is nobody."""
        headers = self.cookie(who) | headers
        return httpx.Client(base_url=self.address, headers=headers, timeout=60, transport=self.pool)

    def cookie(self, who: str) -> dict[str, str]:
        return {"Cookie": f"{SESSION}={self.session(who)}"} if who else {}

    def sign_in(self, who: str) -> str:
        """A new session of them; its token."""
        return self.console.people.sign_in(Proof("password", f"{who}@example.com"), "192.0.2.1").token

    def session(self, who: str) -> str:
        """Their token. Who enrols joins anew: on a busy machine the tests take longer than such a session."""
        if who == "enrolling" and self.console.people.clock() - self.joined > LASTS[SessionState.ENROLLING] // 3:
            self.join()
        return self.sessions[who]

    def join(self) -> None:
        """As Bert, who has no way to sign in yet."""
        link = self.console.people.invite("bert@example.com", "root@host", "host").partition("#")[2]
        self.joined = self.console.people.clock()
        self.sessions["enrolling"] = self.console.people.join(link, "192.0.2.1").token

    def post(self, who: str, path: str, **body: object) -> httpx.Response:
        with self.client(who, Origin=self.room.address) as client:
            return client.post(path, json=body)

    def make_case(self, who: str, title: str, *recordings: str) -> str:
        """Its id. With a span of each."""
        answer = self.post(who, "/v1/cases", title=title, note=f"A note {MARKUP}")
        assert answer.status_code == 200, answer.text
        made = str(answer.json()["case"])
        for one in recordings:
            span = {"from": "0:10", "until": "1:23.5"}
            answer = self.post(who, f"/v1/recordings/{one}/case", case=made, title="", **span)
            assert answer.status_code == 200, answer.text
        return made

    def noted(self, since: int) -> list[dict[str, Any]]:
        log = self.console.log
        return [one.said for one in bodies(log.log.folder, log.log.verifier, log.key, since)]

    def entries(self) -> int:
        log = self.console.log
        return max((one.position + 1 for one in bodies(log.log.folder, log.log.verifier, log.key)), default=0)


def custodian_of(room: ReadingRoom) -> Path:
    """Where the console asks one; none listens there, but where a test does."""
    return room.home / "custodian"


@pytest.fixture(scope="module")  # each ends sessions that another counts on
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("room")
    room = furnish(folder)
    with ExitStack() as stack:
        said = stack.enter_context(room.up("--first", FIRST, "--custodian", str(custodian_of(room))))
        secret = (room.home / "secret").read_bytes()
        console = stack.enter_context(opened(room.home, Path(room.world.folder / "home"), secret))
        made = Served(room, console, said["address"], said["link"])
        stack.callback(made.pool.end)
        for who in PEOPLE:
            if who != FIRST.partition("@")[0]:
                console.people.invite(f"{who}@example.com", "root@host", "host")
            made.sessions[who] = made.sign_in(who)
        made.join()
        every = sum(map(len, room.recordings.values()))
        with made.client("cleo") as client:
            until(lambda: f"{every} recordings" in client.get("/find").text, "the index was filled")
        anna, carl = (room.recordings[name][-1] for name in ("anna", "carl"))
        for name, ids in {"anna": [anna], "carl": [carl], "both": [anna, carl], "none": []}.items():
            facts = {"of": "account", "results": len(ids)} | ({"recordings": ids} if ids else {})
            made.about[f"about_{name}"] = console.log.log.append(
                Act("list", "cleo@example.com", "-", ["console"], facts)
            )
        for who, name, ids in (("lena", "anna", [anna]), ("cleo", "both", [anna, carl]), ("cleo", "empty", [])):
            made.cases[name] = made.make_case(who, f"Case {MARKUP} {name}", *ids)
        for kind in ("access", "erasure"):
            came = {"came": today().isoformat(), "caller": NUMBER, "agent": "", "note": f"By letter {MARKUP}"}
            made.privacy[kind] = made.post("paula", "/v1/privacy", kind=kind, **came).json()["privacy"]
        yield made


def looked_at(served: Served) -> None:
    with served.client("cleo") as client:
        until(lambda: "were looked at so far" not in client.get("/gaps").text, "all computers were looked at")


def today() -> date:
    return date.today()  # noqa: DTZ011 - as the console's


@pytest.fixture(scope="module")
def held(served: Served) -> list[str]:
    """Of the recordings under two holds, the later one overdue."""
    anna = served.room.recordings["anna"]
    now = served.console.people.clock()
    with served.console.catalog.writing() as connection:
        for hold, review, some in (("case-1", "2999-01-01", anna[:1]), ("case-2", "2020-01-01", anna[1:3])):
            for one in some:
                row = {"hold": hold, "recording": one, "why": REASON, "owner": "cleo@example.com", "review": review}
                connection.execute(insert(schema.holds).values(**row, placed_at=now))
    return anna[:3]
