"""Reviews in the console: who sees which month and which recordings of it, outcomes, notes, and what is signed."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete, insert, select

from review.exchange import SIZE
from review.people import schema
from review.people.routes import SESSION
from review.requests.reviews import Reviews
from review.reviews import OUTCOMES, listed
from review.samples import GRACE, Month
from testkit.console_browser import to, wait_for
from testkit.devtools import DevTools, headless
from testkit.keyboard import press
from testkit.lifecycle import govern
from testkit.looks import faults
from testkit.reading_room import MARKUP, RULES
from tests.review.web.conftest import Served, custodian_of

WHO: Final = ("", "enrolling", "lena", "sam", "cleo", "kim", "paula", "anna")
LINES: Final = """reviews:
  - { review: mifid, by: compliance, since: 2026-01-01, within: 20d, why: "MiFID II 16(7)" }
  - { review: desk, by: lead, since: 2026-01-01, within: 10d, why: house rules }
retention:"""
REVIEWED: Final = (
    RULES.replace("    purposes: [audit]", "    purposes: [audit, mifid]\n    sample: { mifid: 5 per agent per month }")
    .replace("[coaching, complaint]", "[coaching, complaint, desk]\n    sample: { desk: 2 per agent per month }")
    .replace("retention:", LINES)
)
NOTE: Final = f"The costs were not named to the customer {MARKUP}"


@pytest.fixture(scope="module", autouse=True)
def rules(served: Served) -> None:
    govern(served.room.world.home, REVIEWED)


@pytest.fixture
def month(served: Served) -> Iterator[str]:
    """The last one that can have been drawn: of both reviews a recording of Anna's and one of Carl's are drawn.

    On a month's first days that is not the last one that is over.
    """
    name = Month.of(Month.of(served.console.people.clock() - GRACE).start - 1).name
    drawn = [served.room.recordings[one][-1] for one in ("anna", "carl")]
    put(served, name, {"mifid": drawn, "desk": drawn})
    yield name
    with served.console.people.database.writing() as connection:
        for table in (schema.review_signatures, schema.review_outcomes, schema.review_samples):
            connection.execute(delete(table))


def put(served: Served, month: str, samples: dict[str, list[str]]) -> None:
    with served.console.people.database.writing() as connection:
        for review, drawn in samples.items():
            of = {"review": review, "month": month}
            connection.execute(insert(schema.review_samples).values(**of, drawn_at=1))
            connection.execute(insert(schema.review_outcomes), [of | {"recording": one} for one in drawn])


def sign(served: Served, review: str, month: str, state: str, at: int) -> None:
    values = {"id": uuid4().hex * 2, "review": review, "month": month, "person": "cleo@example.com", "state": state,
              "at": at, "token": "t", "reviewed": "r"}  # fmt: skip
    with served.console.people.database.writing() as connection:
        connection.execute(insert(schema.review_signatures).values(values))


def got(served: Served, who: str, path: str, **headers: str) -> httpx.Response:
    with served.client(who, **headers) as client:
        return client.get(path)


def short(answer: httpx.Response) -> str:
    where = answer.headers.get("Location", "")
    if where.startswith("/sign-in"):
        return "S"
    return "E" if where == "/enrol" else "-" if answer.status_code == 404 else str(answer.status_code)


def judge(served: Served, who: str, path: str, recording: str, outcome: str = "fine", note: str = "") -> httpx.Response:
    return served.post(who, f"/v1{path}", recording=recording, outcome=outcome, note=note)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


# In the order of WHO, of whom "" is not signed in: leads do `desk`, compliance does `mifid` and may make a report, and
# so sees how both stand.
TABLE: Final = {
    "/reviews": "S E 200 200 200 - - -",
    "/reviews/mifid/{month}": "S E - - 200 - - -",
    "/reviews/desk/{month}": "S E 200 200 200 - - -",
    "/reviews/desk/{month}?after=x": "S E 400 400 400 - - -",
    "/reviews/desk/{now}": "S E - - - - - -",
    "/reviews/desk/2025-12": "S E - - - - - -",
    "/reviews/desk/x": "S E - - - - - -",
    "/reviews/none/{month}": "S E - - - - - -",
    "/reviews/coaching/{month}": "S E - - - - - -",
}
POSTED: Final = {
    "/v1/reviews/mifid/{month}": "401 403 404 404 200 404 404 404",
    "/v1/reviews/desk/{month}": "401 403 200 404 403 404 404 404",
    "/v1/reviews/none/{month}": "401 403 404 404 404 404 404 404",
    "/v1/reviews/desk/{now}": "401 403 404 404 404 404 404 404",
}
LISTS: Final = {
    "/v1/reviews/mifid/{month}/list": "401 403 404 404 200 404 404 404",
    "/v1/reviews/desk/{month}/list": "401 403 403 403 403 404 404 404",  # each lead sees one recording of two
    "/v1/reviews/none/{month}/list": "401 403 404 404 404 404 404 404",
}


@pytest.mark.parametrize("path", TABLE)
def test_who_sees_which_month(served: Served, month: str, path: str) -> None:
    now = Month.of(served.console.people.clock()).name
    assert " ".join(short(got(served, who, path.format(month=month, now=now))) for who in WHO) == TABLE[path]


@pytest.mark.parametrize("path", POSTED)
def test_who_writes_an_outcome(served: Served, month: str, path: str) -> None:
    """Of a recording of Anna's, which Sam may not list."""
    now = Month.of(served.console.people.clock()).name
    anna = served.room.recordings["anna"][-1]
    body = {"recording": anna, "outcome": "fine", "note": ""}
    answers = [served.post(who, path.format(month=month, now=now), **body) for who in WHO]
    assert " ".join(str(one.status_code) for one in answers) == POSTED[path]


@pytest.mark.parametrize("path", LISTS)
def test_who_is_given_the_list_to_sign(served: Served, month: str, path: str) -> None:
    answers = [got(served, who, path.format(month=month), Origin=served.room.player) for who in WHO]
    assert " ".join(str(one.status_code) for one in answers) == LISTS[path]
    assert code(got(served, "cleo", path.format(month=month), Origin=served.room.address)) == (403, "cross-origin")
    if "mifid" in path:
        noted = served.noted(0)[-1]
        assert (noted["kind"], noted["facts"]["step"], len(noted["facts"]["recordings"])) == ("review", "looked", 2)


def test_each_sees_what_they_may_list_and_how_many_more(served: Served, month: str) -> None:
    anna, carl = (served.room.recordings[one][-1] for one in ("anna", "carl"))
    for who, sees, hidden in (("lena", {anna}, True), ("sam", {carl}, True), ("cleo", {anna, carl}, False)):
        page = got(served, who, f"/reviews/desk/{month}").text
        assert {one for one in (anna, carl) if one in page} == sees
        assert ("1 more is not shown" in page) == hidden
        assert 'id="sign"' not in page
    page = got(served, "cleo", f"/reviews/mifid/{month}").text
    assert f"#play={anna}&amp;for=mifid" in page
    assert "Sign as unfinished" in page
    noted = served.noted(0)[-1]
    assert (noted["kind"], noted["resource"]) == ("review", ["mifid"])
    assert noted["facts"] == {"step": "looked", "month": month, "recordings": sorted((anna, carl))}


def test_no_other_recording_is_judged(served: Served, month: str) -> None:
    """Not one that was not drawn, nor one of another team's; to all the answer is the same."""
    bert, carl = served.room.recordings["bert"][-1], served.room.recordings["carl"][-1]
    for recording in (bert, carl, str(uuid4()), "x", carl.upper()):
        assert judge(served, "lena", f"/reviews/desk/{month}", recording).status_code == 404
    with served.console.people.database.reading() as connection:
        assert not connection.scalars(select(schema.review_outcomes.c.outcome)).all()[0]


@pytest.mark.parametrize(
    ("outcome", "note", "answer"),
    [
        ("fine", "", (200, "")), ("fine", NOTE, (200, "")), ("finding", NOTE, (200, "")),
        ("escalated", NOTE, (200, "")),
        ("finding", " ", (422, "bad-reason")), ("escalated", "", (422, "bad-reason")),
        ("missing", NOTE, (422, "no-outcome")), ("", NOTE, (422, "no-outcome")), ("Fine", NOTE, (422, "no-outcome")),
        ("finding", "x" * 4001, (422, "bad-reason")), ("finding", "a\u202eb", (422, "bad-reason")),
    ],
)  # fmt: skip
def test_an_outcome_with_its_note(served: Served, month: str, outcome: str, note: str, answer: tuple[int, str]) -> None:
    anna, path = served.room.recordings["anna"][-1], f"/reviews/mifid/{month}"
    before = len(served.noted(0))
    assert code(judge(served, "cleo", path, anna, outcome, note)) == answer
    noted = served.noted(0)[before:]
    if answer[0] != 200:
        assert not noted
        return
    (entry,) = noted
    assert entry["facts"] == {"step": "judged", "month": month, "outcome": outcome, "recordings": [anna]}
    assert "costs were not named" not in str(served.noted(0))
    page = got(served, "cleo", path).text
    assert "1 of 2" in page
    assert MARKUP not in page
    assert (NOTE in unescape(page)) == bool(note)
    with served.console.people.database.reading() as connection:
        [kept] = connection.scalars(select(schema.review_outcomes.c.note).where(
            (schema.review_outcomes.c.recording == anna) & (schema.review_outcomes.c.review == "mifid")
        )).all()  # fmt: skip
    assert (kept is not None) == bool(note)
    assert "customer" not in str(kept)


def test_a_note_is_for_those_who_do_the_review(served: Served, month: str) -> None:
    anna, path = served.room.recordings["anna"][-1], f"/reviews/desk/{month}"
    assert judge(served, "lena", path, anna, "finding", NOTE).status_code == 200
    assert NOTE in unescape(got(served, "lena", path).text)
    page = unescape(got(served, "cleo", path).text)  # sees how it stands
    assert "a finding" in page
    assert NOTE not in page


def test_a_note_is_bound_to_its_recording(served: Served, month: str) -> None:
    """Who owns the database cannot show it at another."""
    anna, carl = (served.room.recordings[one][-1] for one in ("anna", "carl"))
    path, columns = f"/reviews/mifid/{month}", schema.review_outcomes.c
    assert judge(served, "cleo", path, anna, "finding", NOTE).status_code == 200
    with served.console.people.database.writing() as connection:
        moved = select(columns.note).where((columns.recording == anna) & (columns.review == "mifid")).scalar_subquery()
        values = {"note": connection.scalar(select(moved)), "outcome": "fine"}
        connection.execute(schema.review_outcomes.update().where(columns.recording == carl).values(values))
    # The console ends the connection of an error that it did not expect: no other test is to have that one.
    assert got(served, "cleo", path, Connection="close").status_code != 200


def test_what_was_signed_as_done_stays(served: Served, month: str) -> None:
    anna, path = served.room.recordings["anna"][-1], f"/reviews/mifid/{month}"
    now = served.console.people.clock()
    sign(served, "mifid", month, "unfinished", now)
    assert judge(served, "cleo", path, anna).status_code == 200
    assert "signed as unfinished" in got(served, "cleo", path).text
    sign(served, "mifid", month, "done", now)
    assert code(judge(served, "cleo", path, anna, "finding", NOTE)) == (409, "review-signed")
    page = got(served, "cleo", path).text
    assert "signed as done" in page
    assert "Save the outcome" not in page
    assert 'id="sign"' not in page
    answer = got(served, "cleo", f"/v1{path}/list", Origin=served.room.player)
    assert code(answer) == (409, "review-signed")


def test_what_is_late_is_named(served: Served, month: str) -> None:
    over = Month.named(month).end
    for at, late in ((over + 19 * 86_400 * 10**9, False), (over + 20 * 86_400 * 10**9, True)):
        sign(served, "mifid", month, "done", at)
        page = got(served, "cleo", f"/reviews/mifid/{month}").text
        assert ('class="late"' in page) == late
        with served.console.people.database.writing() as connection:
            connection.execute(delete(schema.review_signatures))


def test_a_month_without_a_draw_says_so(served: Served, month: str) -> None:
    with served.console.people.database.writing() as connection:
        for table in (schema.review_outcomes, schema.review_samples):
            connection.execute(delete(table))
    page = got(served, "cleo", f"/reviews/mifid/{month}").text
    assert "not drawn yet, or the custodian does not answer" in page
    assert 'id="sign"' not in page


def test_notes_on_what_is_erased_go_and_outcomes_stay(served: Served, month: str) -> None:
    anna, path = served.room.recordings["anna"][-1], f"/reviews/mifid/{month}"
    assert judge(served, "cleo", path, anna, "finding", NOTE).status_code == 200
    reviews = Reviews(served.console.people)
    reviews.forget([served.room.recordings["bert"][0]])
    assert NOTE in unescape(got(served, "cleo", path).text)
    reviews.forget([anna])
    page = unescape(got(served, "cleo", path).text)
    assert NOTE not in page
    assert "a finding" in page


def test_the_head_leads_to_them_for_those_who_see_them(served: Served, month: str) -> None:
    for who, sees in (("lena", True), ("cleo", True), ("kim", False), ("paula", False), ("anna", False)):
        assert ('href="/reviews"' in got(served, who, "/mine").text) == sees
    text = got(served, "cleo", "/reviews", **{"Accept-Language": "de"}).text
    assert "Prüfungen" in text
    assert re.search(rf"/reviews/mifid/{month}", text)


def test_what_is_signed_in_anothers_name_is_not_passed_on(served: Served, month: str) -> None:
    from tests.review.web.test_custody_routes import post, token  # noqa: PLC0415 - this test alone

    said: dict[str, Any] = {"review": "mifid", "month": month, "state": "done", "outcomes": "0" * 64}
    said |= dict.fromkeys(("drawn", "missing", *OUTCOMES), 0)
    for who, person, answer in (
        ("cleo", "lena@example.com", (403, "other-person")), ("lena", "lena@example.com", (404, "no-such-path")),
        ("cleo", "cleo@example.com", (503, "no-custodian")),
    ):  # fmt: skip
        found = post(served, who, do="review", review=token("eyelid-review", person=person, **said))
        assert code(found) == answer


def test_no_outcome_changes_while_the_month_is_signed(served: Served, month: str) -> None:
    """The list is with the custodian when another tab writes an outcome: that one comes too late."""
    from tests.review.web.test_custody_routes import post, token  # noqa: PLC0415 - as above

    anna, carl = (served.room.recordings[one][-1] for one in ("anna", "carl"))
    path, came = f"/reviews/mifid/{month}", threading.Event()
    for one in (anna, carl):
        assert judge(served, "cleo", path, one).status_code == 200
    said: dict[str, Any] = {"review": "mifid", "month": month, "state": "done", "outcomes": "0" * 64}
    said |= dict.fromkeys(("drawn", "missing", *OUTCOMES), 0)
    tabs, lists, late = ThreadPoolExecutor(), list[str](), list[httpx.Response]()

    def custodian(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["do"] == "drawn":  # the other tab's request is under way
            came.set()
            return {"drawn": None}
        lists.append(asked["list"])
        with served.console.people.database.writing() as connection:  # so that it asks what is drawn
            connection.execute(delete(schema.review_samples))
        tabs.submit(lambda: late.append(judge(served, "cleo", path, anna, "finding", NOTE)))
        came.wait()
        for _ in range(20):  # in that time an outcome would be written
            got(served, "cleo", "/mine")
        return {"reviewed": "r"}

    with answering(custodian_of(served.room), custodian), tabs:
        signed = post(served, "cleo", do="review", review=token("eyelid-review", person="cleo@example.com", **said))
    assert (signed.status_code, lists) == (200, [listed(dict.fromkeys((anna, carl), "fine"))])
    assert [code(one) for one in late] == [(409, "review-signed")]
    with served.console.people.database.reading() as connection:
        columns = schema.review_outcomes.c
        asked = select(columns.outcome).where((columns.review == "mifid") & (columns.recording == anna))
        assert connection.scalars(asked).all() == ["fine"]


@contextmanager
def answering(path: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """In place of a custodian."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = json.loads(self.rfile.read(*SIZE.unpack(self.rfile.read(SIZE.size))))
            answered = json.dumps(answer(asked)).encode()
            self.wfile.write(SIZE.pack(len(answered)) + answered)

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
    path.unlink()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevTools]:
    with headless(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.mark.slow(reason="a browser, and each page in both schemes")
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_nothing_on_the_pages(
    served: Served, month: str, chromium: DevTools, axe: str, language: str
) -> None:
    """By keyboard: the form of an outcome is reached, and sends it."""
    anna, path = served.room.recordings["anna"][-1], f"/reviews/mifid/{month}"
    assert judge(served, "cleo", path, anna, "finding", NOTE).status_code == 200
    sign(served, "mifid", month, "unfinished", served.console.people.clock())
    address = served.room.address
    found = []
    with chromium.apart():
        browser = chromium
        browser.open(address + "/static/nothing")
        browser.asks_for(language)
        browser.remember(address, SESSION, served.sessions["cleo"])
        for name, where in (("reviews", "/reviews"), ("a review", path)):
            to(browser, address + where)
            assert browser.run("document.documentElement.lang") == language
            browser.run("document.querySelectorAll('details').forEach((one, at) => { one.open = !at; })")
            found += faults(browser, axe, name)
        assert not found, "\n".join(map(str, found))
        browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        carl = f"input[value='{served.room.recordings['carl'][-1]}']"
        browser.run(f"document.querySelector({carl!r}).form.elements.outcome.focus()")
        press(browser, "Tab")  # to the note
        press(browser, "Tab")  # to the button
        press(browser, "Enter")
        seen = "2 of 2" if language == "en" else "2 von 2"
        wait_for(browser, f"document.body.innerText.includes({seen!r}) && document.readyState === 'complete'")
