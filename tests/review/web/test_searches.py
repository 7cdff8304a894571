"""Searches that people keep: each sees and removes their own, nothing lies in the clear, and they grant nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import delete, select

from review.people import schema
from review.requests.searches import MOST
from testkit.reading_room import MARKUP, NUMBER
from tests.review.web.conftest import Served

NAME = "Calls of the till, October"
ASKED = {"from": "2026-10-01", "agent": "anna@example.com", "rule": "card-forms"}


@pytest.fixture(autouse=True)
def none_before(served: Served) -> Iterator[None]:
    yield
    with served.console.people.database.writing() as connection:
        connection.execute(delete(schema.searches))


def keep(served: Served, who: str, name: str = NAME, **said: str) -> httpx.Response:
    return served.post(who, "/v1/searches", name=name, asked=urlencode(said or ASKED))


def kept(served: Served, who: str) -> dict[str, tuple[str, str]]:
    """Name -> its address and its id, as the page has them."""
    with served.client(who) as client:
        text = client.get("/find").text
    found = re.findall(r'<li><a href="(/find\?[^"]*)" dir="auto" >(.*?)</a>\s*<form [^>]*/v1/searches/(\w+)"', text)
    return {unescape(name): (unescape(href), made) for href, name, made in found}


def test_a_search_is_kept_and_asked_again_by_its_name(served: Served) -> None:
    assert keep(served, "lena").status_code == 200
    assert keep(served, "lena", "all of ours", team="north").status_code == 200
    assert list(kept(served, "lena")) == ["all of ours", NAME]
    href, made = kept(served, "lena")[NAME]
    with served.client("lena") as client:
        answer = client.get(href)
        assert answer.status_code == 200
        assert 'value="2026-10-01"' in answer.text
        assert 'value="anna@example.com"' in answer.text
        assert f'aria-current="true">{NAME}</a>' in answer.text
    assert served.post("lena", f"/v1/searches/{made}").status_code == 200
    assert list(kept(served, "lena")) == ["all of ours"]


def test_a_search_by_a_caller_can_be_kept_and_has_no_number(served: Served) -> None:
    call = served.post("lena", "/v1/find/call", caller=NUMBER).json()["call"]
    assert keep(served, "lena", call=call).status_code == 200
    href, _ = kept(served, "lena")[NAME]
    with served.client("lena") as client:
        assert served.room.recordings["anna"][-1] in client.get(href).text


def test_each_sees_and_removes_their_own_alone(served: Served) -> None:
    keep(served, "lena")
    _, made = kept(served, "lena")[NAME]
    assert kept(served, "cleo") == {}
    assert served.post("cleo", f"/v1/searches/{made}").status_code == 200
    assert NAME in kept(served, "lena")


def test_it_grants_what_its_address_does(served: Served) -> None:
    """Sam keeps a search of an agent whom the rules do not let Sam list."""
    keep(served, "sam", agent="anna@example.com")
    href, _ = kept(served, "sam")[NAME]
    with served.client("sam") as client:
        text = client.get(href).text
    assert not [one for one in served.room.recordings["anna"] if one in text]


def test_nothing_of_it_lies_in_the_clear(served: Served) -> None:
    keep(served, "lena")
    with served.console.people.database.reading() as connection:
        (row,) = connection.execute(select(schema.searches)).all()
    assert "till" not in row.text
    assert "anna" not in row.text
    for what in (f"search {row.id} of cleo@example.com", f"search {'0' * 16} of lena@example.com"):
        with pytest.raises(ValueError, match="not sealed here"):
            served.console.people.sealer.open(what, row.text)


@pytest.mark.parametrize(
    ("name", "query", "status", "code"),
    [
        ("", "team=a", 422, "bad-title"),
        ("n" * 201, "team=a", 422, "bad-title"),
        ("two\nlines", "team=a", 422, "bad-title"),
        (NAME, "from=2026-13-01", 400, "bad-question"),
        (NAME, "length=9", 400, "bad-question"),
        (NAME, "call=made-up", 400, "bad-question"),
        (NAME, "&".join("team=a" for _ in range(30)), 400, "bad-question"),
    ],
)
def test_what_find_does_not_take_is_not_kept(served: Served, name: str, query: str, status: int, code: str) -> None:
    answer = served.post("lena", "/v1/searches", name=name, asked=query)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert kept(served, "lena") == {}


def test_a_name_is_text_whatever_it_is(served: Served) -> None:
    keep(served, "lena", MARKUP)
    with served.client("lena") as client:
        assert MARKUP not in client.get("/find").text
    assert list(kept(served, "lena")) == [MARKUP]


def test_fifty_are_kept(served: Served) -> None:
    assert {keep(served, "lena", f"search {number}").status_code for number in range(MOST)} == {200}
    answer = keep(served, "lena", "one more")
    assert (answer.status_code, answer.json()["error"]) == (429, "searches-full")


def test_they_go_with_the_person(served: Served) -> None:
    people = served.console.people
    people.invite("zoe@example.com", "root", "shell")
    with people.database.writing() as connection:
        values = {"id": "0" * 16, "person": "zoe@example.com", "at": 1, "text": "sealed"}
        connection.execute(schema.searches.insert().values(values))
    people.remove("zoe@example.com", "root", "shell")
    with people.database.reading() as connection:
        assert connection.execute(select(schema.searches)).all() == []
