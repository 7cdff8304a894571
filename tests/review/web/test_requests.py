"""Requests: who may ask what of which recording, who sees and answers it, and what becomes of what people write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select, update

from review.people import schema
from review.requests.states import NEXT, RequestState, Step
from tests.review.web.conftest import Served

WHO = ("lena", "sam", "cleo", "kim", "paula", "anna", "carl")
# What each gets who asks this of Anna's newest recording, in the order of WHO: 403 where they may list it and not ask,
# 404 where it is none of theirs. Purposes are those of the rules; of one's own no purpose is named.
ASKING = {
    ("legal-hold", "complaint"): "200 404 403 404 403 403 404",
    ("legal-hold", ""): "403 404 403 404 403 403 404",
    ("legal-hold", "audit"): "403 404 403 404 403 403 404",
    ("erasure", "request"): "403 404 403 404 200 403 404",
    ("erasure", ""): "403 404 403 404 403 200 404",
    ("correction", ""): "403 404 403 404 403 200 404",
    ("correction", "request"): "403 404 403 404 200 403 404",
    ("release", ""): "404 404 404 404 404 404 404",
    ("LEGAL-HOLD", "complaint"): "404 404 404 404 404 404 404",
}
# Who sees a request, and with which steps. Kim may ask for erasures, and answers none.
SEEING = {
    ("lena", "anna", "legal-hold", "complaint"): {"lena": "withdraw", "cleo": "answer refuse"},
    ("sam", "carl", "legal-hold", "coaching"): {"sam": "withdraw", "cleo": "answer refuse"},
    ("anna", "anna", "erasure", ""): {"anna": "withdraw", "paula": "answer refuse"},
    ("anna", "anna", "correction", ""): {"anna": "withdraw", "paula": "answer refuse"},
    ("paula", "carl", "erasure", "request"): {"paula": "withdraw"},
}
REASON = "The customer disputes what was agreed in this call"


@pytest.fixture(autouse=True)
def nothing_asked(served: Served) -> Iterator[None]:
    yield
    with served.console.people.database.writing() as connection:
        connection.execute(delete(schema.requests))


def ask(
    served: Served, who: str, whose: str = "anna", subject: str = "legal-hold", purpose: str = "complaint",
    reason: str = REASON,
) -> httpx.Response:  # fmt: skip
    recording = served.room.recordings[whose][-1]
    with served.client(who, Origin=served.room.address) as client:
        said = {"subject": subject, "purpose": purpose, "reason": reason}
        return client.post(f"/v1/recordings/{recording}/requests", json=said)


def asked(served: Served, who: str, *words: str) -> str:
    answer = ask(served, who, *words)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["request"])


def step(served: Served, who: str, request: str, name: str, reason: str = "Seen, and decided") -> httpx.Response:
    with served.client(who, Origin=served.room.address) as client:
        return client.post(f"/v1/requests/{request}", json={"step": name, "reason": reason})


def shown(served: Served, who: str, path: str = "/requests") -> str:
    with served.client(who) as client:
        answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("wanted", ASKING, ids=" ".join)
def test_who_may_ask(served: Served, wanted: tuple[str, str]) -> None:
    got = [ask(served, who, "anna", *wanted) for who in WHO]
    assert " ".join(str(one.status_code) for one in got) == ASKING[wanted]
    anna = served.room.recordings["anna"][-1]
    for who, one in zip(WHO, got, strict=True):
        if one.status_code != 404:
            page = shown(served, who, f"/recordings/{anna}")
            # Another purpose of the same person may be the one that lets them.
            assert (f'id="ask-{wanted[0]}"' in page) <= (one.status_code != 200)  # asked already
            assert "All requests" in page or one.status_code != 200
            assert REASON not in page


@pytest.mark.parametrize("wanted", SEEING, ids=" ".join)
def test_who_sees_it_and_with_which_steps(served: Served, wanted: tuple[str, ...]) -> None:
    request = asked(served, *wanted)
    for who in WHO:
        text = shown(served, who)
        steps = re.findall(r'name="step" value="(\w+)"', text)
        assert " ".join(steps) == SEEING[wanted].get(who, "")
        assert (REASON in text) == (who in SEEING[wanted]) == (request in text)
        for name in Step:
            if name not in steps:
                refused = step(served, who, request, name)
                assert refused.status_code == (403 if who in SEEING[wanted] else 404)
        if who not in SEEING[wanted]:  # as one that there is not, to the byte
            nothing = step(served, who, "0" * 16, "answer")
            assert step(served, who, request, "answer").content == nothing.content


@pytest.mark.parametrize("first", Step)
def test_it_is_ended_once(served: Served, first: Step) -> None:
    request = asked(served, "anna", "anna", "erasure", "")
    by = {Step.WITHDRAW: "anna", Step.ANSWER: "paula", Step.REFUSE: "paula"}
    ended = step(served, by[first], request, first, "")
    if first is Step.WITHDRAW:
        assert ended.json() == {"request": request, "state": NEXT[RequestState.ASKED, first]}
    else:  # an answer has a reason
        assert (ended.status_code, ended.json()["error"]) == (422, "bad-reason")
        assert step(served, by[first], request, first).json()["state"] == NEXT[RequestState.ASKED, first]
    for again in Step:
        answer = step(served, by[again], request, again)
        assert (answer.status_code, answer.json()["error"]) == (409, "ended-before")
    assert request not in shown(served, "anna")
    text = shown(served, "anna", "/requests?ended=1")
    assert request in text
    assert ("Seen, and decided" in text) == (first is not Step.WITHDRAW)
    assert asked(served, "anna", "anna", "erasure", "") != request  # who still wants it asks anew


@pytest.mark.parametrize("who", WHO)
def test_a_page_offers_what_can_be_asked(served: Served, who: str) -> None:
    """And nothing else: each form that is there works, each that is not is refused."""
    with served.client(who) as client:
        page = client.get(f"/recordings/{served.room.recordings['anna'][-1]}")
    offered = set(re.findall(r'id="ask-([a-z-]+)"', page.text))
    can = {subject for (subject, _), got in ASKING.items() if got.split()[WHO.index(who)] == "200"}
    assert offered == can


def test_one_thing_is_asked_once_until_it_is_answered(served: Served) -> None:
    asked(served, "anna", "anna", "erasure", "")
    again = ask(served, "anna", "anna", "erasure", "")
    assert (again.status_code, again.json()["error"]) == (409, "asked-before")
    asked(served, "anna", "anna", "correction", "")
    asked(served, "paula", "anna", "erasure", "request")


def test_who_asks_without_end_is_stopped_for_a_day(served: Served) -> None:
    request = asked(served, "anna", "anna", "erasure", "")
    assert step(served, "anna", request, "withdraw", "").status_code == 200
    with served.console.people.database.writing() as connection:
        row = dict(connection.execute(select(schema.requests)).one()._mapping)
        more = [row | {"id": f"{number:016x}"} for number in range(99)]
        connection.execute(schema.requests.insert(), more)
    stopped = ask(served, "anna", "anna", "erasure", "")
    assert (stopped.status_code, stopped.json()["error"]) == (429, "asked-too-much")
    asked(served, "paula", "anna", "erasure", "request")


def test_each_step_is_in_the_log_and_none_of_what_was_written(served: Served) -> None:
    before = served.entries()
    request = asked(served, "lena")
    assert step(served, "cleo", request, "refuse").status_code == 200
    assert step(served, "cleo", request, "refuse").status_code == 409
    noted = [one for one in served.noted(before) if one["kind"] in {"request", "answer"}]
    anna = served.room.recordings["anna"][-1]
    assert [(one["kind"], one["resource"], one["facts"]) for one in noted] == [
        ("request", [anna], {"act": "legal-hold", "request": request, "purpose": "complaint"}),
        ("answer", [anna], {"act": "legal-hold", "request": request, "step": "refuse"}),
    ]
    files = [one for one in served.room.home.rglob("*") if one.is_file()]
    assert any(one.name == "people.db" for one in files)
    for one in files:
        assert REASON.encode() not in one.read_bytes()


def test_a_hold_that_is_asked_for_is_no_look_that_the_person_sees(served: Served) -> None:
    """It tells of an inquiry."""
    anna = served.room.recordings["anna"][-1]
    paths = ("/mine", f"/recordings/{anna}", f"/recordings/{anna}/access", "/requests")
    words = ("lena@example.com", "legal-hold")  # the rules' own reasons name the act
    before = [[shown(served, "anna", path).count(word) for word in words] for path in paths]
    request = asked(served, "lena")
    after = [shown(served, "anna", path) for path in paths]
    assert [[text.count(word) for word in words] for text in after] == before
    assert not [text for text in after if request in text]


def test_erasures_are_due_in_a_month_and_late_behind_it(served: Served) -> None:
    asked(served, "anna", "anna", "erasure", "")
    text = shown(served, "paula")
    assert "Answer due by" in text
    assert "overdue" not in text
    with served.console.people.database.writing() as connection:
        connection.execute(update(schema.requests).values(due="2020-02-29"))
    assert "Saturday, 29 Feb 2020" in shown(served, "paula")
    assert "overdue" in shown(served, "paula")
    asked(served, "lena")
    assert "Answer due by" not in shown(served, "cleo")


def test_of_an_erased_recording_the_asker_and_who_covers_all_see_it(served: Served) -> None:
    request = asked(served, "anna", "anna", "erasure", "")
    gone = "0193a1b2-0000-7000-8000-000000000000"
    with served.console.people.database.writing() as connection:
        connection.execute(update(schema.requests).values(recording=gone))
    for who in WHO:
        text = shown(served, who)
        assert (request in text) == (who in {"anna", "paula"})
        assert f'href="/recordings/{gone}"' not in text


def test_how_it_is_done_is_said_to_who_answers(served: Served) -> None:
    request = asked(served, "lena")
    anna = served.room.recordings["anna"][-1]
    assert f"holds place NAME {anna} --why request-{request}" in shown(served, "cleo")
    assert "holds place" not in shown(served, "lena")


def test_lists_go_on_by_key(served: Served) -> None:
    request = asked(served, "anna", "anna", "erasure", "")
    with served.console.people.database.writing() as connection:
        row = dict(connection.execute(select(schema.requests)).one()._mapping)
        sealed: list[dict[str, Any]] = []
        for number in range(70):
            made = f"{number:016x}"
            text = served.console.people.sealer.seal(
                f"request {made} asked", {"purpose": "", "reason": f"no {number}."}
            )
            sealed.append(row | {"id": made, "asked_at": row["asked_at"] - number // 3 - 1, "text": text})
        connection.execute(schema.requests.insert(), sealed)
    for who in ("anna", "paula"):
        found, path = list[str](), "/requests"
        while path:
            text = shown(served, who, path)
            found += re.findall(r'id="title-([0-9a-f]{16})"', text)
            path = unescape(next(iter(re.findall(r'href="([^"]*)" rel="next"', text)), ""))
        assert sorted(found) == sorted([request, *(one["id"] for one in sealed)])
    assert shown(served, "cleo").count('id="title-') == 0


@pytest.mark.parametrize("after", ["1", "x.0000000000000000", "99999999999999999999.0000000000000000", "1.1'--"])
def test_a_place_that_is_none_is_said_in_words(served: Served, after: str) -> None:
    with served.client("cleo") as client:
        assert client.get("/requests", params={"after": after}).status_code == 400


ODD = {
    "markup": "<script>alert(1)</script>\"'&{{7*7}}{% raw %}",
    "arabic": "\u0627\u0644\u0639\u0645\u064a\u0644 \u064a\u0639\u062a\u0631\u0636",
    "lines": "first\nsecond",
    "longest": "ä" * 4000,
    "joined": "\U0001f469\u200d\U0001f4bb e\u0301",
}
NONE = {
    "nothing": "", "blank": " \n\t ", "too long": "x" * 4001, "much too long": "y" * 10_000, "nul": "a\x00b",
    "escape": "a\x1b[31mb", "turned": "a\u202eb", "isolated": "a\u2067b", "mark": "a\u200fb", "half": "\ud800",
}  # fmt: skip


def post_raw(served: Served, who: str, path: str, body: str) -> httpx.Response:
    with served.client(who, Origin=served.room.address) as client:
        return client.post(path, content=body.encode(), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("name", ODD)
def test_what_people_write_stays_text(served: Served, name: str) -> None:
    text = ODD[name]
    request = asked(served, "anna", "anna", "erasure", "", text)
    assert step(served, "paula", request, "refuse", text).status_code == 200
    for who in ("anna", "paula"):
        page = shown(served, who, "/requests?ended=1")
        assert unescape(page).count(text) == 2
        assert "<script>alert" not in page


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_reason_is_refused(served: Served, name: str) -> None:
    anna = served.room.recordings["anna"][-1]
    body = json.dumps({"subject": "erasure", "purpose": "", "reason": NONE[name]})
    refused = post_raw(served, "anna", f"/v1/recordings/{anna}/requests", body)
    assert refused.status_code in {400, 422}
    assert refused.json()["error"] in {"bad-reason", "bad-json"}
    request = asked(served, "anna", "anna", "erasure", "")
    refused = post_raw(served, "paula", f"/v1/requests/{request}", json.dumps({"step": "refuse", "reason": NONE[name]}))
    assert refused.status_code in {400, 422}
    assert request in shown(served, "anna")


@pytest.mark.parametrize("value", [*ODD.values(), *NONE.values()], ids=[*ODD, *NONE])
@pytest.mark.parametrize("field", ["subject", "purpose", "step"])
def test_unknown_fields_and_values_make_no_request(served: Served, field: str, value: str) -> None:
    anna = served.room.recordings["anna"][-1]
    said = {"subject": "erasure", "purpose": "", "step": "answer", "reason": REASON} | {field: value}
    if (field, value) == ("purpose", ""):
        said["subject"] = "legal-hold"
    path = "/v1/requests/" + "0" * 16 if field == "step" else f"/v1/recordings/{anna}/requests"
    assert post_raw(served, "anna", path, json.dumps(said)).status_code in {400, 403, 404, 422}
    assert post_raw(served, "anna", f"/v1/requests/{'0' * 15}%00", json.dumps(said)).status_code in {400, 404, 422}
