"""My recordings: the first page of who lists their own alone, who looked, how long, and the notice for everybody."""

from __future__ import annotations

import re
from html import unescape

import pytest

from review.audit.kinds import Act as Noted
from review.people.names import Narrowing
from tests.review.web.conftest import Served

# By rights: who lists their own alone gets these first, and who answers for all what changed.
FIND, MINE = "Find recordings", "My recordings"
FIRST = {
    "lena": FIND, "sam": FIND, "cleo": "What changed", "paula": "Privacy requests", "otto": "Report of a period",
    "ian": "Computers", "kim": MINE, "anna": MINE, "carl": MINE,
}  # fmt: skip


@pytest.mark.parametrize("who", FIRST)
def test_the_first_page_is_chosen_by_rights(served: Served, who: str) -> None:
    with served.client(who) as client:
        first = client.get("/")
        text = client.get(first.headers.get("Location", "/")).text
        assert re.findall("<h1>(.*)</h1>", text) == [FIRST[who]]
        assert "<h1>Find recordings" in client.get("/?agent=").text  # a search is always one of Find
        assert "<h1>My recordings" in client.get("/mine").text
        mine = re.findall(r'href="/recordings/([0-9a-f-]{36})"', client.get("/mine").text)
    assert sorted(mine) == sorted(served.room.recordings.get(who, []))


def test_who_is_narrowed_to_their_own_gets_these_first(served: Served) -> None:
    people = served.console.people
    people.narrow("lena@example.com", Narrowing(roles=frozenset({"agent"})), "root@host", "host")
    try:
        with served.client("lena") as client:
            assert "<h1>My recordings" in client.get("/").text
    finally:
        people.narrow("lena@example.com", Narrowing(), "root@host", "host")


def looked(served: Served, who: str, *recordings: str, kind: str = "list") -> None:
    facts = {"results": 1, "of": "account", "recordings": list(recordings)}
    served.console.people.note(Noted(kind, f"{who}@example.com", "192.0.2.7", ["console"], facts))


def rows(text: str) -> list[str]:
    part = text[text.index('id="looked"') :]
    return re.findall(r"<tr><td>.*?</tr>", part, re.DOTALL)


def test_my_recordings_list_looks_of_others(served: Served) -> None:
    anna, bert = served.room.recordings["anna"], served.room.recordings["bert"]

    def seen(who: str) -> list[str]:
        with served.client(who) as client:
            return rows(client.get("/mine").text)

    before = {who: seen(who) for who in ("bert", "carl", "kim")}
    looked(served, "cleo", anna[0], bert[0])
    looked(served, "lena", anna[-1])
    looked(served, "bert", bert[-1])
    facts = {"purpose": "complaint", "rule": "roles", "rendition": "original"}
    served.console.people.note(Noted("export", "cleo@example.com", "192.0.2.7", [bert[1]], facts))
    hold = {"hold": "case-17", "why": "letter", "owner": "cleo@example.com", "review": "2027-03-01"}
    served.console.people.note(Noted("hold", "cleo@example.com", "192.0.2.7", [bert[1]], hold))
    for who in ("anna", "bert", "carl", "kim"):
        with served.client(who) as client:
            text = client.get("/mine").text
        found = rows(text)
        if who == "bert":
            assert len(found) == len(before["bert"]) + 2  # neither the hold, nor their own look, nor Anna's
            assert "exported it" in found[0]
            assert "complaint" in found[0]
            assert "looked at the account" in found[1]
            assert all("cleo@example.com" in one for one in found[:2])
        if who in {"carl", "kim"}:
            assert found == before[who]
        assert "case-17" not in text
        for other in ("anna", "bert", "carl"):
            if other != who:
                assert not [one for one in served.room.recordings[other] if one in text]


def test_looks_of_others_go_back_page_by_page(served: Served) -> None:
    carl = served.room.recordings["carl"]
    with served.client("carl") as client:
        before = len(rows(client.get("/mine").text))
    for number in range(120):
        looked(served, ("cleo", "sam", "carl")[number % 3], carl[number % 4])
    with served.client("carl") as client:
        path, found, pages = "/mine", list[str](), 0
        while path:
            text = client.get(path).text
            page = rows(text)
            assert len(page) <= 50
            found += page
            pages += 1
            path = unescape(next(iter(re.findall(r'href="(/mine\?before=\d+)"', text)), ""))
    assert pages == 2
    assert sum("sam@example.com" in one for one in found) == 40
    assert len(found) == before + 80


@pytest.mark.parametrize("before", ["-1", "x", "99999999999999999999", "1'--", "\u0661"])
def test_an_entry_that_is_none_is_said_in_words(served: Served, before: str) -> None:
    with served.client("carl") as client:
        assert client.get("/mine", params={"before": before}).status_code == 400
        assert client.get("/mine", params={"before": "0"}).status_code == 200


def test_how_long_and_why(served: Served) -> None:
    with served.client("anna") as client:
        text = client.get("/mine").text
        german = client.get("/mine", headers={"Accept-Language": "de"}).text
    table = text[text.index('id="classes"') : text.index('id="looked"')]
    assert re.search(r"cards</th><td>2 years</td><td>1 year</td><td>PCI DSS</td><td class=\"number\">2<", table)
    assert re.search(r"rest</th><td>180 days</td><td>.</td><td>.</td><td class=\"number\">2<", table)
    assert "180 Tage" in german
    assert text.count("Kept at least until") == 1


def test_each_look_at_the_mirror_is_noted(served: Served) -> None:
    before = served.entries()
    with served.client("anna") as client:
        client.get("/mine")
    noted = served.noted(before)
    assert [one["kind"] for one in noted] == ["read-log"]
    assert noted[0]["facts"]["query"].startswith("q.")


@pytest.mark.parametrize("who", ["", "enrolling", "anna", "cleo"])
def test_the_notice_is_for_everybody(served: Served, who: str) -> None:
    with served.client(who) as client:
        answer = client.get("/notice")
        assert 'href="/notice"' in client.get("/sign-in").text
    assert answer.status_code == 200
    assert "You may ask for access, erasure and correction: privacy@example.com" in answer.text
    assert ('href="/mine"' in answer.text) == (who in {"anna", "cleo"})
