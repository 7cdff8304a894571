"""Privacy requests: who works on which, what is found with whose rights, days, decisions, and what they lead to."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, timedelta
from html import unescape
from itertools import product

import httpx
import pytest
from sqlalchemy import delete, select, update

from protocol.interaction import Interaction
from review.people import schema
from review.requests.states import PRIVACY_KINDS, PRIVACY_NEXT, PrivacyState, PrivacyStep, due, extended
from review.search import calls
from review.search.find import SIZE, Finder, Meanings
from store.catalog import schema as catalog
from store.catalog.database import Database
from testkit.reading_room import CUSTOMER, NUMBER
from tests.review.web.conftest import Served

WHO = ("lena", "sam", "cleo", "kim", "paula", "anna")
WORKS = {"paula": set(PRIVACY_KINDS), "kim": {"erasure"}}
NOTE = "She wrote that she was never asked"
ANSWER = "We enclose what we keep of your calls"
NOTHING = "0" * 16


@pytest.fixture(autouse=True)
def none_before(served: Served) -> None:
    with served.console.people.database.writing() as connection:
        for table in (schema.privacy_requests, schema.requests):
            connection.execute(delete(table))


def today() -> date:
    return date.today()  # noqa: DTZ011 - as there


def make(served: Served, who: str = "paula", kind: str = "access", **said: str) -> httpx.Response:
    body = {"kind": kind, "came": today().isoformat(), "caller": NUMBER, "agent": "", "note": NOTE}
    return served.post(who, "/v1/privacy", **(body | said))


def made(served: Served, who: str = "paula", kind: str = "access", **said: str) -> str:
    answer = make(served, who, kind, **said)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["privacy"])


def step(served: Served, who: str, request: str, name: str, **said: str) -> httpx.Response:
    body = {"step": name, "reason": ANSWER} | ({"outcome": "granted"} if name == "decide" else {}) | said
    return served.post(who, f"/v1/privacy/{request}", **body)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def shown(served: Served, who: str, path: str) -> str:
    with served.client(who) as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def change(served: Served, request: str, **values: str) -> None:
    columns = schema.privacy_requests.c
    with served.console.people.database.writing() as connection:
        connection.execute(update(schema.privacy_requests).where(columns.id == request).values(values))


# -- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PRIVACY_KINDS)
def test_each_kind_is_worked_on_by_who_has_the_act_for_it(served: Served, kind: str) -> None:
    for who in WHO:
        answer = make(served, who, kind)
        wanted = 404 if who not in WORKS else 200 if kind in WORKS[who] else 403
        assert answer.status_code == wanted, who
    # Each sees those of the kinds that they work on, also what others entered.
    for who, kinds in WORKS.items():
        listed = re.findall(r'href="/privacy/([0-9a-f]{16})"', shown(served, who, "/privacy"))
        assert len(listed) == (len([one for one in WORKS if kind in WORKS[one]]) if kind in kinds else 0)


def test_a_request_of_another_kind_is_not_there(served: Served) -> None:
    """To the byte, on every route."""
    recording = served.room.recordings["anna"][-1]
    own = made(served, kind="access")
    for path, body in (
        ("/v1/privacy/{}", {"step": "decide", "reason": ANSWER, "outcome": "granted"}),
        ("/v1/privacy/{}", {"step": "extend", "reason": ANSWER}),
        ("/v1/privacy/{}", {"step": "end", "reason": ""}),
        ("/v1/privacy/{}/case", {"recordings": recording, "only": "audio"}),
        ("/v1/privacy/{}/hold", {"recordings": recording, "purpose": "", "reason": ANSWER}),
    ):
        answer = served.post("kim", path.format(own), **body)
        assert answer.status_code == 404
        assert answer.content == served.post("kim", path.format(NOTHING), **body).content
    with served.client("kim") as client:
        assert client.get(f"/privacy/{own}").status_code == 404
    assert NUMBER in shown(served, "paula", f"/privacy/{own}")
    assert "not answered yet" in shown(served, "paula", "/privacy")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"came": "2999-01-01"}, "bad-came"), ({"came": "2020-01-01"}, "bad-came"), ({"came": "today"}, "bad-came"),
        ({"agent": "anna@example.com"}, "bad-person"), ({"caller": ""}, "bad-person"),
        ({"caller": "x" * 201}, "bad-person"), ({"caller": "a\nb"}, "bad-person"), ({"note": "a\x00b"}, "bad-reason"),
    ],
)  # fmt: skip
def test_what_cannot_be_entered_is_refused(served: Served, said: dict[str, str], wanted: str) -> None:
    assert code(make(served, **said)) == (422, wanted)
    assert code(make(served, kind="gossip")) == (403, "not-yours")


# -- what is found ----------------------------------------------------------------------------------------------------


def found(served: Served, who: str, request: str) -> set[str]:
    page = shown(served, who, f"/privacy/{request}")
    return set(re.findall(r"/recordings/([0-9a-f-]{36})", page))


def test_a_customers_recordings_are_those_of_their_calls_that_the_officer_may_list(served: Served) -> None:
    anna, carl = served.room.recordings["anna"][-1], served.room.recordings["carl"][2]
    request = made(served, kind="erasure")
    assert found(served, "paula", request) == {anna, carl}
    assert "call, inbound" in shown(served, "paula", f"/privacy/{request}")
    assert found(served, "kim", request) == set()  # who lists nothing
    assert found(served, "paula", made(served, caller=CUSTOMER)) == {served.room.recordings["bert"][-1]}
    assert found(served, "paula", made(served, caller="+49 30 999")) == set()


def test_a_persons_recordings_are_their_own(served: Served) -> None:
    request = made(served, caller="", agent="Anna@example.com")
    assert found(served, "paula", request) == set(served.room.recordings["anna"])
    assert found(served, "paula", made(served, caller="", agent="stranger@example.com")) == set()


# -- days and steps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "name"), list(product(PrivacyState, PrivacyStep)))
def test_a_request_does_only_what_the_table_says(served: Served, state: PrivacyState, name: PrivacyStep) -> None:
    request = made(served)
    change(served, request, state=state)
    offered = re.findall(r'name="step" value="([a-z]+)"', shown(served, "paula", f"/privacy/{request}"))
    answer = step(served, "paula", request, name)
    after = PRIVACY_NEXT.get((state, name))
    assert (name in offered) == (after is not None)
    assert code(answer) == ((200, "") if after else (409, "ended-before"))
    with served.console.people.database.reading() as connection:
        assert connection.scalar(select(schema.privacy_requests.c.state)) == (after or state)


def test_it_is_extended_once_and_within_the_first_month(served: Served) -> None:
    came = today() - timedelta(days=20)
    request = made(served, came=came.isoformat())
    assert code(step(served, "paula", request, "extend", reason="")) == (422, "bad-reason")
    assert step(served, "paula", request, "extend", reason="Forty years of calls").status_code == 200
    assert "Forty years of calls" in shown(served, "paula", f"/privacy/{request}")
    with served.console.people.database.reading() as connection:
        assert connection.scalar(select(schema.privacy_requests.c.due)) == extended(came).isoformat()
    assert code(step(served, "paula", request, "extend")) == (409, "ended-before")
    long_ago = today() - timedelta(days=40)
    late = made(served, came=long_ago.isoformat())
    page = shown(served, "paula", f"/privacy/{late}")
    assert "overdue" in page
    assert 'value="extend"' not in page
    assert code(step(served, "paula", late, "extend")) == (409, "too-late")


def test_what_is_due_first_comes_first_and_pages_go_by_key(served: Served) -> None:
    first = made(served)
    with served.console.people.database.writing() as connection:
        row = dict(connection.execute(select(schema.privacy_requests)).one()._mapping)
        text = served.console.people.sealer.open(f"privacy {first} asked", row["text"])
        sealed = {name: text.text(name) for name in ("caller", "agent", "note")}
        day = date.fromisoformat(row["came"])
        rows = []
        for number in range(2 * SIZE):
            own = f"{number:016x}"
            days = {"due": due(day - timedelta(days=number % 7)).isoformat()}
            rows.append(
                row | days | {"id": own, "text": served.console.people.sealer.seal(f"privacy {own} asked", sealed)}
            )
        connection.execute(schema.privacy_requests.insert(), rows)
    wanted = sorted((one["due"], one["id"]) for one in [row, *rows])
    seen, path = [], "/privacy"
    while path:
        page = shown(served, "paula", path)
        seen += re.findall(r'href="/privacy/([0-9a-f]{16})"', page)
        following = re.findall(r'href="([^"]*)" rel="next"', page)
        path = following[0] if following else ""
    assert seen == [id for _, id in wanted]  # noqa: A001 - what it is
    with served.client("paula") as client:
        for after in ("x", "2026-01-01", "2026-01-01.", "2026-01-01." + "g" * 16, "1.1"):
            assert client.get("/privacy", params={"after": after}).status_code == 400


# -- decisions --------------------------------------------------------------------------------------------------------


def test_a_decision_is_reasoned_sealed_and_in_the_log_without_words(served: Served) -> None:
    before = served.entries()
    request = made(served, kind="erasure")
    assert code(step(served, "paula", request, "decide", reason="")) == (422, "bad-reason")
    assert code(step(served, "paula", request, "decide", outcome="perhaps")) == (422, "bad-outcome")
    grounds = {"ground-minimum": "1", "ground-hold": "1"}
    assert step(served, "paula", request, "decide", outcome="in-part", **grounds).status_code == 200
    page = shown(served, "paula", f"/privacy/{request}")
    assert "granted in part" in page
    assert ANSWER in page
    assert "minimum of class cards" in page.partition('id="decision"')[2]  # the rule, with its day
    assert "have to be kept for a legal claim" in page
    assert step(served, "kim", request, "end", reason="").status_code == 200
    assert "Finished:" in shown(served, "paula", f"/privacy/{request}")
    assert request in shown(served, "paula", "/privacy?answered=1")
    steps = [one["facts"] for one in served.noted(before) if one["kind"] == "privacy"]
    assert [one["step"] for one in steps if one["step"] != "looked"] == ["made", "decide", "end"]
    assert steps[1] == {"act": "erasure", "step": "decide", "verdict": "in-part", "grounds": ["minimum", "hold"]}
    kept = b"".join(one.read_bytes() for one in served.room.home.glob("people.db*"))
    everything = kept + "".join(map(str, served.noted(before))).encode()
    for words in (NUMBER, "301234567", NOTE, ANSWER, "legal claim"):
        assert words.encode() not in everything


@pytest.mark.parametrize(("page", "minimum"), [("", True), ("?after=1.1", False)])
def test_grounds_are_those_of_the_page_that_showed_them(served: Served, page: str, minimum: bool) -> None:
    """Each page says the legal minimum of its own recordings, and so does the answer: on the last one there is none."""
    request = made(served, kind="erasure")
    text = shown(served, "paula", f"/privacy/{request}{page}")
    assert ('name="ground-minimum"' in text) == minimum
    (where,) = re.findall(r'id="decide" method="post" data-post="([^"]*)"', text)
    body = {"step": "decide", "reason": ANSWER, "outcome": "in-part", "ground-minimum": "1"}
    assert served.post("paula", where, **body).status_code == 200
    answer = shown(served, "paula", f"/privacy/{request}").partition('class="verdict"')[2]
    assert ("By law we must keep" in answer) == minimum
    assert ANSWER in answer


def test_a_ground_is_in_the_language_of_who_decides(served: Served) -> None:
    request = made(served, kind="erasure")
    body = {"step": "decide", "reason": ANSWER, "outcome": "in-part", "ground-minimum": "1"}
    german = {"Origin": served.room.address, "Accept-Language": "de"}
    with served.client("paula", **german) as client:
        assert client.post(f"/v1/privacy/{request}", json=body).status_code == 200
    answer = shown(served, "paula", f"/privacy/{request}").partition('class="verdict"')[2]
    assert "Mindestfrist der Klasse cards" in answer


def test_a_hold_is_named_to_no_one_who_asks(served: Served, held: list[str]) -> None:
    request = made(served, caller="", agent="anna@example.com")
    page = shown(served, "paula", f"/privacy/{request}")
    assert held[0] in page
    assert "case-1" not in page
    assert "<b>letter" not in page


# -- what it leads to -------------------------------------------------------------------------------------------------


def test_a_case_of_it_has_the_time_of_the_calls_and_the_lane_that_was_chosen(served: Served) -> None:
    anna, carl = served.room.recordings["anna"][-1], served.room.recordings["carl"][2]
    request = made(served)
    assert code(served.post("paula", f"/v1/privacy/{request}/case", recordings=anna, only="x")) == (422, "bad-question")
    bert = served.room.recordings["bert"][-1]
    for foreign in (bert, f"{anna} {bert}"):
        answer = served.post("paula", f"/v1/privacy/{request}/case", recordings=foreign, only="audio")
        assert answer.status_code == 404
    answer = served.post("paula", f"/v1/privacy/{request}/case", recordings=f"{anna} {carl}", only="audio")
    assert answer.status_code == 200, answer.text
    case = answer.json()["case"]
    assert f"/cases/{case}" in shown(served, "paula", f"/privacy/{request}")
    page = shown(served, "paula", f"/cases/{case}")
    assert "Only the sound. The rest is left out for the rights of others." in page
    assert "ask-export" not in page  # who may not export
    assert "0:30.0" in page  # the call began half a minute into the recording
    assert "2:30.0" in page
    export = shown(served, "cleo", f"/cases/{case}")
    assert 'value="ask-export"' in export
    with served.client("lena") as client:
        assert client.get(f"/cases/{case}").status_code == 404


@pytest.mark.parametrize(
    ("way", "others"), [("case", {"erasure", "restriction", "objection"}), ("hold", {"access", "erasure"})]
)
def test_a_request_of_another_kind_or_that_is_finished_leads_to_none(
    served: Served, way: str, others: set[str]
) -> None:
    anna = served.room.recordings["anna"][-1]
    said = {"case": {"only": "audio"}, "hold": {"purpose": "", "reason": ANSWER}}[way]

    def ask(request: str) -> tuple[int, str]:
        return code(served.post("paula", f"/v1/privacy/{request}/{way}", recordings=anna, **said))

    for kind in PRIVACY_KINDS:
        request = made(served, kind=kind)
        assert (ask(request) == (409, "other-kind")) == (kind in others)
        if kind not in others:
            change(served, request, state=PrivacyState.ENDED)
            assert ask(request) == (409, "ended-before")


def test_calls_before_the_newest_are_on_pages_of_their_own(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were not looked at, and nothing said so."""
    monkeypatch.setattr(calls, "MOST_CALLS", 1)  # of this process; the console's is 500
    with closing(Database.sqlite(served.room.home / "find.db")) as index:
        people = served.console.people
        rules, now = people.rules(), people.clock()
        finder = Finder(index, served.console.catalog, rules, rules.person("paula@example.com"), now, Meanings())
        with finder.catalog.reading() as connection:
            tags = frozenset(
                connection.scalars(
                    select(catalog.interaction_names.c.name).where(catalog.interaction_names.c.kind == "tag")
                )
            )
        found, before = list[Interaction](), None
        while True:
            of, before = calls.tagged(finder, tags, before)
            found += of
            if before is None:
                break
    assert [one.start for one in found] == sorted({one.start for one in found}, reverse=True)
    newest, _, oldest = found  # Anna's, the mail to Bert, and Carl's
    request = made(served)
    whole = shown(served, "paula", f"/privacy/{request}")
    page = shown(served, "paula", f"/privacy/{request}?calls={newest.start}.{newest.id}")
    recordings = served.room.recordings
    assert f"/recordings/{recordings['anna'][-1]}" in whole
    assert f"/recordings/{recordings['anna'][-1]}" not in page
    assert f"/recordings/{recordings['carl'][2]}" in page
    assert "Back to the privacy requests" in page
    last = shown(served, "paula", f"/privacy/{request}?calls={oldest.start}.{oldest.id}")
    assert "Nothing was found" in last
    with served.client("paula") as client:
        for wrong in ("x", f"{2**63}.{newest.id}", f"1.{'-' * 35}"):
            assert client.get(f"/privacy/{request}?calls={wrong}").status_code == 400


def test_erasure_leads_to_requests_that_others_answer(served: Served) -> None:
    request = made(served, kind="erasure")
    page = shown(served, "paula", f"/privacy/{request}")
    recordings = re.findall(r'name="recordings" value="([^"]*)"', page)[0]
    answer = served.post("paula", "/v1/retention/requests", recordings=recordings, purpose="request", reason=ANSWER)
    assert answer.json() == {"asked": 2}
    assert "/retention?agent=anna%40example.com#tried" in shown(
        served, "paula", f"/privacy/{made(served, kind='erasure', caller='', agent='anna@example.com')}"
    )


@pytest.mark.parametrize("kind", ["restriction", "objection"])
def test_a_hold_is_asked_for_by_who_may(served: Served, kind: str) -> None:
    request = made(served, kind=kind)
    page = shown(served, "paula", f"/privacy/{request}")
    assert "do not let you ask for a legal hold" in page
    anna = served.room.recordings["anna"][-1]
    answer = served.post("paula", f"/v1/privacy/{request}/hold", recordings=anna, purpose="", reason=ANSWER)
    assert code(answer) == (403, "not-yours")


def test_markup_stays_text(served: Served) -> None:
    request = made(served, caller="<img src=x onerror=alert(1)>", note="<b>bold</b>")
    step(served, "paula", request, "decide", reason="<script>alert(1)</script>")
    with served.client("paula") as client:
        for path in ("/privacy?answered=1", f"/privacy/{request}"):
            text = client.get(path).text
            assert "<img src=x" not in text
            assert "<b>bold" not in text
            assert "<script>alert" not in text
