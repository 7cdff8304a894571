"""Find by a call: by number, address or id, only among what one may list, and nothing of it in the clear."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import closing
from html import unescape
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from protocol import base64url
from protocol.interaction import Agent, Interaction
from review.search import calls
from review.search.find import Finder, Meanings, Wanted
from review.web import routes
from store.catalog import interactions
from store.catalog.database import Database
from store.clock import MINUTE
from store.errors import Refusal
from store.server.turns import Allowance
from testkit.reading_room import CUSTOMER, NUMBER
from testkit.reading_room import served as up
from tests.review.web.conftest import Served

WHO = ("lena", "sam", "cleo", "kim", "paula", "anna", "carl")
# Whose recordings each finds, by the caller: the number called Anna, and Carl before; the customer wrote to Bert.
FINDS = {
    NUMBER: {"lena": "anna", "sam": "carl", "cleo": "anna carl", "paula": "anna carl", "anna": "anna", "carl": "carl"},
    "030 1234567": {"lena": "anna", "sam": "carl", "cleo": "anna carl", "paula": "anna carl", "anna": "anna",
                    "carl": "carl"},
    "sip:+49301234567@phone.example.com": {"lena": "anna", "sam": "carl", "cleo": "anna carl", "paula": "anna carl",
                                           "anna": "anna", "carl": "carl"},
    "c-17": {"lena": "anna", "cleo": "anna", "paula": "anna", "anna": "anna"},
    CUSTOMER.upper(): {"lena": "bert", "cleo": "bert", "paula": "bert"},
    "030 7654321": {},
    "anna@example.com": {"lena": "anna", "cleo": "anna", "paula": "anna", "anna": "anna"},  # who answered
    "<script>alert(1)</script>": {},
    "' or 1=1 --": {},
    "%": {},
}  # fmt: skip


def search(served: Served, who: str, caller: str) -> httpx.Response:
    with served.client(who, Origin=served.room.address) as client:
        return client.post("/v1/find/call", json={"caller": caller})


def found(served: Served, who: str, call: str, **more: str) -> tuple[list[str], str]:
    with served.client(who) as client:
        answer = client.get("/find", params={"call": call, **more})
    assert answer.status_code == 200
    return re.findall(r'href="/recordings/([0-9a-f-]{36})"', answer.text), answer.text


@pytest.mark.parametrize("caller", FINDS)
def test_each_finds_what_they_may_list_alone(served: Served, caller: str) -> None:
    last = {ids[-1]: whose for whose, ids in served.room.recordings.items()}
    last |= {ids[-2]: whose for whose, ids in served.room.recordings.items()}
    for who in WHO:
        answer = search(served, who, caller)
        assert answer.status_code == 200
        names, text = found(served, who, answer.json()["call"])
        assert sorted(last[one] for one in names) == FINDS[caller].get(who, "").split()
        assert f"{len(names)} recording" in text
        # Who gets the address finds what they may list, and not who called.
        other = "sam" if who == "lena" else "lena"
        shared, page = found(served, other, answer.json()["call"])
        assert sorted(last[one] for one in shared) == FINDS[caller].get(other, "").split()
        assert len(caller) < 5 or "anna" in caller or caller not in unescape(page)
        assert "<script>alert" not in page


def test_it_can_be_narrowed_and_goes_on_with_it(served: Served) -> None:
    call = search(served, "cleo", NUMBER).json()["call"]
    assert len(found(served, "cleo", call, agent="anna@example.com")[0]) == 1
    assert len(found(served, "cleo", call, team="south", rule="card-forms")[0]) == 1
    assert found(served, "cleo", call, rule="patient-charts", agent="anna")[0] == []
    assert len(found(served, "cleo", call, length="1")[0]) == 1
    assert found(served, "cleo", call, to="1990-01-01")[0] == []
    names, text = found(served, "cleo", call, agent="anna")
    assert f'name="call" value="{call}"' in text
    assert names == served.room.recordings["anna"][-1:]


def test_the_index_finds_what_the_catalog_says(served: Served) -> None:
    """For random agents and times: each of the people gets the store's own answer, less what they may not list."""
    chance, people, catalog = random.Random(11), served.console.people, served.console.catalog
    every = [one for ids in served.room.recordings.values() for one in ids]
    now, found = people.clock(), 0
    with closing(Database.sqlite(served.room.home / "find.db")) as index:
        everybody = [
            Finder(index, catalog, people.rules(), people.rules().person(f"{who}@example.com"), now, Meanings())
            for who in WHO
        ]  # fmt: skip
        for _ in range(60):
            agent = Agent(
                chance.choice(["", "anna@example.com", "bert@example.com"]), chance.choice(["", "ANNA", "carl"]),
                chance.choice(["", "", "PC-7", "desk-2<b>"]),
            )  # fmt: skip
            began = (UUID(chance.choice(every)).int >> 80) * 1_000_000  # ns: ids begin with their time
            start = began + chance.randrange(-6, 16) * MINUTE
            call = Interaction(UUID(int=1), "", "call", "inbound", "", start, start + 5 * MINUTE, agents=(agent,))
            with catalog.reading() as connection:
                rows = interactions.recordings_of(
                    connection, call.agents, call.start, call.end, people.rules().person_of
                )  # fmt: skip
            wanted = {row.id for row in rows}
            found += len(wanted)
            for finder in everybody:
                got = calls.belonging(finder, [call])
                may = finder.listed(wanted)[1]
                assert may <= got <= wanted
                page = finder.page(Wanted(), got)
                assert {one.recording for one in page.rows} == may
                assert page.count == len(may)
    assert found > 10


@pytest.mark.parametrize("change", ["", "x", "A" * 40, "\u00e9", "../..", "<script>"])
def test_a_search_that_was_not_made_here_is_none(served: Served, change: str) -> None:
    call = search(served, "cleo", NUMBER).json()["call"]
    with served.client("cleo") as client:
        for wrong in (call[:-4] + change + "AAAA", change or "x", call + change + "A"):
            answer = client.get("/find", params={"call": wrong})
            assert answer.status_code == 400
            assert "search again" in answer.text
    other = served.console.people.sealer.seal("request 1 asked", {"tags": ["x"]})
    with served.client("cleo") as client:
        assert client.get("/find", params={"call": other}).status_code == 400


def test_each_page_of_a_search_is_of_the_same_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs an entry in the log, as the search does."""

    async def wait(key: str, allowance: Allowance) -> None:
        assert (key, allowance) == ("find kim", routes.SEARCHES)
        raise Refusal(429, "too-many", "later")

    async def session(_request: object) -> Any:
        return SimpleNamespace(person="kim")

    console = SimpleNamespace(sign_in=SimpleNamespace(turns=SimpleNamespace(wait=wait)))
    for name, stands_in in {
        "session_of": session, "console_of": lambda _: console, "words_of": lambda _: str, "_tags": lambda *_: ("t",),
    }.items():  # fmt: skip
        monkeypatch.setattr(routes, name, stands_in)  # 60 real ones take long, and a refusal 5 s more
    asked: Any = SimpleNamespace(query_params={"call": "c"})
    with pytest.raises(Refusal) as refused:
        asyncio.run(routes._find(asked))
    assert refused.value.status == 429


@pytest.mark.parametrize("caller", ["", "  ", "a\x00b", "x" * 201, "y" * 10_000, "a\u202eb", "\n"])
def test_what_is_no_caller_is_said(served: Served, caller: str) -> None:
    answer = search(served, "cleo", caller)
    assert (answer.status_code, answer.json()["error"]) == (422, "no-caller")


def test_each_search_is_in_the_log_as_a_pseudonym_and_nowhere_in_the_clear(served: Served) -> None:
    before = served.entries()
    call = search(served, "cleo", NUMBER).json()["call"]
    again = search(served, "cleo", "+49 30 1234567").json()["call"]
    assert call != again  # an address says nothing of what another is about
    found(served, "cleo", call)
    noted = served.noted(before)
    assert [one["kind"] for one in noted] == ["search", "search", "list"]
    assert noted[0]["facts"]["query"].startswith("q.")
    assert noted[0]["facts"]["query"] == noted[1]["facts"]["query"]  # one number, however it is written
    assert [one["facts"]["results"] for one in noted] == [2, 2, 2]
    assert noted[2]["facts"]["of"] == "caller"
    digits = b"301234567"
    assert digits not in base64url.decode(call)
    files = [one for one in served.room.home.rglob("*") if one.is_file() and one.name != "calls.jsonl"]
    for one in files:
        assert digits not in one.read_bytes()


def test_a_recording_names_the_calls_that_it_shows(served: Served) -> None:
    with served.client("cleo") as client:
        pages = {
            whose: client.get(f"/recordings/{ids[-1]}").text for whose, ids in served.room.recordings.items()
        }  # fmt: skip
        old = client.get(f"/recordings/{served.room.recordings['anna'][0]}").text
    for whose in ("anna", "bert"):
        assert "Calls, chats and mails meanwhile" in pages[whose]
        assert re.search(r"call, inbound</td><td>support<", pages[whose])
    for text in (*pages.values(), old):
        assert "1234567" not in text
        assert CUSTOMER not in text
    assert "Calls, chats and mails meanwhile" not in old


def test_without_the_key_no_call_is_found(served: Served) -> None:
    """Which is how a console is served where nothing else is said."""
    call = search(served, "cleo", NUMBER).json()["call"]
    with (
        up("0", *served.room.paths, "--no-player") as said,
        served.client("cleo", Origin=served.room.address) as client,
    ):
        client.base_url = httpx.URL(said["address"])
        assert 'id="caller"' not in client.get("/find").text
        assert client.get("/find", params={"call": call}).status_code == 400
        assert client.post("/v1/find/call", json={"caller": NUMBER}).status_code == 404
    with served.client("cleo") as client:
        assert 'id="caller"' in client.get("/find").text
