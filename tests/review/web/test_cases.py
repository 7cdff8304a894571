"""Cases: who sees which, who changes them, the approvals of an export, and what the command hands over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from review.cases.spans import MOST_SPANS, Case, moment
from review.cli import main
from review.people import schema
from review.people.names import Narrowing
from review.requests.cases import Cases
from review.requests.states import CASE_NEXT, CaseState, CaseStep
from testkit.lifecycle import govern
from testkit.reading_room import MARKUP, RULES
from tests.review.web.conftest import Served

WHO = ("lena", "sam", "cleo", "bert", "kim", "paula", "anna")
TITLE = "Complaint of the customer about the contract of 3 May"
REASON = "The court of Lower Example asks for these moments"
# Bert is of compliance here, too; two people approve an export, without a delay.
APPROVED = RULES.replace("  kim@example.com", "  bert@example.com: { roles: [compliance] }\n  kim@example.com").replace(
    "retention:", "approvals:\n  - { act: [export], by: [privacy, compliance], need: 2, within: 24h }\nretention:", 1
)


@pytest.fixture(scope="module", autouse=True)
def rules(served: Served) -> None:
    govern(served.room.world.home, APPROVED)


@pytest.fixture(autouse=True)
def none_before(served: Served) -> Iterator[None]:
    yield
    with served.console.people.database.writing() as connection:
        for table in (schema.case_approvals, schema.case_spans, schema.cases, schema.requests):
            connection.execute(delete(table))


def newest(served: Served, *names: str) -> list[str]:
    return [served.room.recordings[name][-1] for name in names]


def made(served: Served, who: str, *names: str) -> str:
    return served.make_case(who, TITLE, *newest(served, *names))


def step(
    served: Served, who: str, case: str, name: str, purpose: str = "audit", reason: str = REASON
) -> httpx.Response:
    """As the page has its form now, where they see one."""
    return as_shown(served, who, case, name, asked_at(served, case), purpose=purpose, reason=reason)


def as_shown(served: Served, who: str, case: str, name: str, asked: str, **said: str) -> httpx.Response:
    return served.post(who, f"/v1/cases/{case}", step=name, asked=asked, **({"purpose": "", "reason": REASON} | said))


def asked_at(served: Served, case: str) -> str:
    """Of the request that stands now."""
    of = (schema.cases.c.id == case) & schema.cases.c.asked_by.is_not(None)
    with served.console.people.database.reading() as connection:
        return str(connection.scalar(select(schema.cases.c.asked_at).where(of)) or "")


def add(served: Served, who: str, recording: str, case: str = "", **said: str) -> httpx.Response:
    body = {"title": "" if case else TITLE, "from": "0", "until": "1:00"} | said
    return served.post(who, f"/v1/recordings/{recording}/case", case=case, **body)


def shown(served: Served, who: str, path: str) -> str:
    with served.client(who) as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def status(served: Served, who: str, path: str) -> int:
    with served.client(who) as client:
        return client.get(path).status_code


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def set_state(served: Served, case: str, state: CaseState) -> None:
    values = {"state": state, "asked_by": None}
    if state in {CaseState.ASKED, CaseState.EXPORTED}:
        sealed = served.console.people.sealer.seal(f"case {case} asked", {"purpose": "audit", "reason": REASON})
        values = {"state": state, "asked_by": "cleo@example.com", "asked": sealed}
        values["asked_at"] = served.console.people.clock()  # type: ignore[assignment] - a number among texts
    with served.console.people.database.writing() as connection:
        connection.execute(update(schema.cases).where(schema.cases.c.id == case).values(values))


# -- who sees and changes them ----------------------------------------------------------------------------------------

# Whose recordings -> what each gets who adds one of them to a new case, in the order of WHO.
ADDING = {
    "anna": "200 404 200 200 404 403 404",  # who approves exports lists it, and builds no cases
    "carl": "404 200 200 200 404 403 404",
}
# Who made a case, of whose recordings -> who sees it.
SEEING = {
    ("lena", "anna"): "lena cleo bert",
    ("sam", "carl"): "sam cleo bert",
    ("cleo", "anna"): "lena cleo bert",  # a lead may ask for a hold of all of it
    ("cleo", "anna", "carl"): "cleo bert",
    ("cleo",): "cleo",
    ("lena",): "lena",
}


@pytest.mark.parametrize("name", ADDING)
def test_who_puts_a_recording_into_a_case(served: Served, name: str) -> None:
    [recording] = newest(served, name)
    got = [add(served, who, recording) for who in WHO]
    assert " ".join(str(one.status_code) for one in got) == ADDING[name]
    for who in WHO:
        with served.client(who) as client:
            page = client.get(f"/recordings/{recording}").text
        assert ('id="add-span"' in page) == (got[WHO.index(who)].status_code == 200)
        assert (TITLE in page) == ('id="add-span"' in page)


@pytest.mark.parametrize("wanted", SEEING, ids=" ".join)
def test_who_sees_a_case(served: Served, wanted: tuple[str, ...]) -> None:
    """To all others it is not there, to the byte, whatever they send."""
    case, nothing = made(served, *wanted), str(uuid4())
    [recording] = newest(served, "anna")
    for who in WHO:
        sees = who in SEEING[wanted].split()
        assert (status(served, who, f"/cases/{case}") == 200) == sees
        if status(served, who, "/cases") == 200:
            assert (case in shown(served, who, "/cases")) == sees
        if not sees:
            for path, body in (
                ("/v1/cases/{}", {"step": "close", "asked": "", "purpose": "", "reason": ""}),
                ("/v1/cases/{}/remove", {"span": "0" * 16}),
                ("/v1/cases/{}/hold", {"purpose": "complaint", "reason": REASON}),
            ):
                answer = served.post(who, path.format(case), **body)
                assert answer.status_code == 404
                assert answer.content == served.post(who, path.format(nothing), **body).content
            assert add(served, who, recording, case).status_code == 404


def test_its_maker_sees_only_what_they_may_list(served: Served) -> None:
    case = made(served, "lena", "anna")
    anna, carl = newest(served, "anna", "carl")
    with served.console.people.database.writing() as connection:
        spans = schema.case_spans
        row = dict(connection.execute(select(spans).where(spans.c.case_id == case)).one()._mapping)
        connection.execute(spans.insert().values(row | {"id": "f" * 16, "recording": carl}))
    page = shown(served, "lena", f"/cases/{case}")
    assert anna in page
    assert carl not in page
    assert "1 more is not shown" in page
    assert served.post("lena", f"/v1/cases/{case}/remove", span="f" * 16).status_code == 404
    assert carl in shown(served, "cleo", f"/cases/{case}")
    people = served.console.people
    people.narrow("lena@example.com", Narrowing(teams=frozenset()), "root@host", "host")
    try:
        assert anna not in shown(served, "lena", f"/cases/{case}")
    finally:
        people.narrow("lena@example.com", Narrowing(), "root@host", "host")


def test_a_span_is_removed_by_who_works_on_its_case_alone(served: Served) -> None:
    case, other = made(served, "cleo", "anna"), made(served, "cleo", "carl")
    span = re.findall(r'name="span" value="([0-9a-f]{16})"', shown(served, "cleo", f"/cases/{case}"))[0]
    assert served.post("cleo", f"/v1/cases/{other}/remove", span=span).status_code == 404
    assert served.post("cleo", f"/v1/cases/{case}/remove", span=span).status_code == 200
    assert served.post("cleo", f"/v1/cases/{case}/remove", span=span).status_code == 404
    assert "0:10.0" not in shown(served, "cleo", f"/cases/{case}")


@pytest.mark.parametrize(
    ("since", "until"),
    [("1:00", "1:00"), ("2", "1"), ("0", "99:00:00"), ("x", "1"), ("0", ""), ("-1", "1"), ("0", "1e3")],
)
def test_what_is_no_span_is_refused(served: Served, since: str, until: str) -> None:
    answer = add(served, "cleo", newest(served, "anna")[0], **{"from": since, "until": until})
    assert code(answer) == (422, "bad-span")


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\nb", "a\u202eb", "a\x00b"])
def test_what_is_no_title_is_refused(served: Served, title: str) -> None:
    assert code(served.post("cleo", "/v1/cases", title=title, note="")) == (422, "bad-title")
    assert code(add(served, "cleo", newest(served, "anna")[0], title=title)) == (422, "bad-title")


def test_the_end_that_a_page_shows_is_the_end(served: Served) -> None:
    """It shows tenths of a second, and a recording ends between two."""
    recording = newest(served, "anna")[0]
    page = shown(served, "cleo", f"/recordings/{recording}?from=83.5&until=1:30")
    assert 'name="from" required value="1:23.5"' in page
    assert 'name="until" required value="1:30.0"' in page
    whole = re.findall(r'name="until" required value="([^"]*)"', shown(served, "cleo", f"/recordings/{recording}"))[0]
    assert add(served, "cleo", recording, until=whole).status_code == 200


@pytest.mark.parametrize(
    ("text", "ns"),
    [("83.5", 83_500_000_000), ("1:23.5", 83_500_000_000), ("0:01:23,5", 83_500_000_000), ("2:00:00", 7200 * 10**9),
     ("0", 0), ("0.000000001", 1), ("", None), (".5", None), ("1:", None), ("1:2:3:4", None), ("٣", None)],
)  # fmt: skip
def test_a_moment_is_read_as_it_is_written(text: str, ns: int | None) -> None:
    assert moment(text) == ns


def test_a_case_takes_so_many_spans(served: Served) -> None:
    case = made(served, "cleo", "anna")
    with served.console.people.database.writing() as connection:
        row = dict(connection.execute(select(schema.case_spans)).one()._mapping)
        more = [row | {"id": f"{number:016x}"} for number in range(MOST_SPANS - 1)]
        connection.execute(schema.case_spans.insert(), more)
    assert code(add(served, "cleo", newest(served, "anna")[0], case)) == (409, "case-full")


def test_who_makes_cases_without_end_is_stopped_for_a_day(served: Served) -> None:
    made(served, "cleo")
    with served.console.people.database.writing() as connection:
        row = dict(connection.execute(select(schema.cases)).one()._mapping)
        connection.execute(schema.cases.insert(), [row | {"id": str(uuid4())} for _ in range(99)])
    assert code(served.post("cleo", "/v1/cases", title=TITLE, note="")) == (429, "asked-too-much")
    made(served, "lena")


# -- its states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "name"), list(product(CaseState, CaseStep)))
def test_a_case_does_only_what_the_table_says(served: Served, state: CaseState, name: CaseStep) -> None:
    case = made(served, "cleo", "anna")
    set_state(served, case, state)
    by = "bert" if name in {CaseStep.APPROVE, CaseStep.REFUSE} else "cleo"
    after = CASE_NEXT.get((state, name))
    offered = re.findall(r'name="step" value="([a-z-]+)"', shown(served, by, f"/cases/{case}"))
    answer = step(served, by, case, name)
    if after is None:
        assert code(answer) == (409, "case-fixed")
        assert name not in offered
    elif name is CaseStep.EXPORTED:  # not approved yet
        assert code(answer) == (403, "not-yours")
        assert name not in offered
    else:
        assert answer.json() == {"state": after}
        assert name in offered
    if state is not CaseState.OPEN:
        set_state(served, case, state)
        assert code(add(served, "cleo", newest(served, "anna")[0], case)) == (409, "case-fixed")
        assert "/remove" not in shown(served, "cleo", f"/cases/{case}")


def test_an_export_is_approved_by_two_others_and_then_handed_over(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    case = made(served, "cleo", "anna", "carl")
    on = {"recording": newest(served, "carl")[0], "person": "lena@example.com", "at": 1, "commented": "vouched"}
    inside, behind = (
        {"id": "carl-1", "start": 11 * 10**9, "end": 12 * 10**9, "token": "inside"},
        {"id": "carl-2", "start": 90 * 10**9, "end": 10**11, "token": "behind"},
    )
    with served.console.people.database.writing() as connection:
        connection.execute(schema.comments.insert(), [on | inside, on | behind])
    command = ["case", "show", case, *served.room.paths]
    assert code(step(served, "cleo", case, "ask-export", "coaching")) == (403, "not-yours")
    assert code(step(served, "cleo", case, "ask-export", reason="")) == (422, "bad-reason")
    assert main(command) == 2
    assert step(served, "cleo", case, "ask-export").json() == {"state": "export-asked"}
    assert main(command) == 1
    assert "2 more approvals by privacy or compliance are missing" in capsys.readouterr().err
    assert code(step(served, "cleo", case, "approve")) == (403, "not-yours")
    for who in ("lena", "sam", "kim", "anna"):  # a lead does not see all of it; others approve nothing
        assert step(served, who, case, "approve").status_code == 404
    assert step(served, "bert", case, "approve").status_code == 200
    assert code(step(served, "bert", case, "approve")) == (403, "not-yours")
    page = shown(served, "cleo", f"/cases/{case}")
    assert "1 more approval by privacy is missing" in page
    assert "case export" not in page
    assert code(step(served, "cleo", case, "exported")) == (403, "not-yours")
    assert REASON in shown(served, "paula", f"/cases/{case}")  # who approves sees it now
    assert step(served, "paula", case, "approve").status_code == 200
    page = unescape(shown(served, "cleo", f"/cases/{case}"))
    assert f"eyelid-review case show {case} --json | eyelid-review case export --spans - " in page
    assert f"<title>Case {case[:8]}" in page  # browsers keep it on the disk
    assert "paula@example.com" in page
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr().out
    read = Case.read(said.encode())
    assert (str(read.id), read.title) == (case, TITLE)
    assert sorted(str(one.recording) for one in read.spans) == sorted(newest(served, "anna", "carl"))
    assert {(one.start, one.until) for one in read.spans} == {(10 * 10**9, 83_500_000_000)}
    assert json.loads(said)["approved_by"] == ["bert@example.com", "paula@example.com"]
    assert json.loads(said)["comments"] == [{"comment": "inside", "commented": "vouched"}]
    assert main(command) == 0
    assert step(served, "cleo", case, "exported").json() == {"state": "exported"}
    assert 'name="step"' not in shown(served, "paula", f"/cases/{case}")


@pytest.mark.parametrize("end", ["refuse", "withdraw"])
def test_an_approval_is_of_one_request(served: Served, end: str) -> None:
    case = made(served, "cleo", "anna")
    assert step(served, "cleo", case, "ask-export").status_code == 200
    assert step(served, "paula", case, "approve").status_code == 200
    assert step(served, "bert" if end == "refuse" else "cleo", case, end, reason="Not these moments").status_code == 200
    page = shown(served, "cleo", f"/cases/{case}")
    assert ("Refused by bert@example.com" in page) == (end == "refuse") == ("Not these moments" in page)
    assert step(served, "cleo", case, "ask-export").status_code == 200
    page = shown(served, "cleo", f"/cases/{case}")
    assert "2 more approvals" in page
    assert "Refused by" not in page


def test_a_role_that_narrowing_took_approves_no_export(served: Served) -> None:
    """Who counts the approvals knows the signed rules alone, and would count it as of that role."""
    people, home = served.console.people, served.room.world.home
    govern(home, APPROVED.replace("bert@example.com: { roles: [", "bert@example.com: { roles: [privacy, "))
    case = made(served, "cleo", "anna")
    assert step(served, "cleo", case, "ask-export").status_code == 200
    people.narrow("bert@example.com", Narrowing(roles=frozenset({"privacy", "agent"})), "root@host", "host")
    try:
        assert step(served, "bert", case, "approve").status_code == 404
    finally:
        people.narrow("bert@example.com", Narrowing(), "root@host", "host")
    assert step(served, "bert", case, "approve").status_code == 200
    govern(home, APPROVED)


@pytest.mark.parametrize("role", ["agent", "lead"])
def test_what_was_granted_is_not_handed_over_once_its_role_was_taken(
    served: Served, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    """A lead still sees the case."""
    people, home = served.console.people, served.room.world.home
    both = "{ roles: [compliance, lead], teams: [north], since: 2026-01-01 }"
    govern(home, APPROVED.replace("{ roles: [compliance] }", both, 1))
    case = made(served, "cleo", "anna")
    command = ["case", "show", case, *served.room.paths]
    assert step(served, "cleo", case, "ask-export").status_code == 200
    for who in ("bert", "paula"):
        assert step(served, who, case, "approve").status_code == 200
    assert main(command) == 0
    people.narrow("cleo@example.com", Narrowing(roles=frozenset({role})), "root@host", "host")
    try:
        assert main(command) == 1
        assert f"the export of case {case} is not granted" in capsys.readouterr().err or role == "agent"
    finally:
        people.narrow("cleo@example.com", Narrowing(), "root@host", "host")
        govern(home, APPROVED)


@pytest.mark.parametrize("name", ["approve", "refuse"])
def test_an_answer_is_of_the_spans_that_its_page_showed(served: Served, name: str) -> None:
    """Who asks can withdraw, add another recording and ask again while somebody reads the page."""
    case = made(served, "cleo", "anna")
    assert step(served, "cleo", case, "ask-export").status_code == 200
    page = shown(served, "paula", f"/cases/{case}")
    [read] = re.findall(rf'id="{name}".*?name="asked" value="([0-9]*)"', page, re.DOTALL)
    assert step(served, "cleo", case, "withdraw").status_code == 200
    assert add(served, "cleo", newest(served, "carl")[0], case).status_code == 200
    assert step(served, "cleo", case, "ask-export").status_code == 200
    for other in (read, "", "0", f" {asked_at(served, case)}"):
        assert code(as_shown(served, "paula", case, name, other)) == (409, "case-fixed")
    assert "2 more approvals" in shown(served, "cleo", f"/cases/{case}")
    assert step(served, "paula", case, name).status_code == 200


def test_a_request_that_is_too_old_is_granted_no_more(served: Served) -> None:
    case = made(served, "cleo", "anna")
    assert step(served, "cleo", case, "ask-export").status_code == 200
    for who in ("bert", "paula"):
        assert step(served, who, case, "approve").status_code == 200
    day = 25 * 3600 * 10**9
    columns, given = schema.cases.c, schema.case_approvals.c
    with served.console.people.database.writing() as connection:
        connection.execute(update(schema.cases).values(asked_at=columns.asked_at - day))
        connection.execute(update(schema.case_approvals).values(at=given.at - day))
    assert "file a new one" in shown(served, "cleo", f"/cases/{case}")
    assert code(step(served, "cleo", case, "exported")) == (403, "not-yours")
    assert main(["case", "show", case, *served.room.paths]) == 1


# -- holds, the log, and what people write ----------------------------------------------------------------------------


def test_a_hold_is_asked_for_over_all_its_recordings(served: Served) -> None:
    case = made(served, "lena", "anna", "bert")
    assert "0 of 2 recordings" in shown(served, "lena", f"/cases/{case}")
    body = {"purpose": "complaint", "reason": REASON}
    assert code(served.post("lena", f"/v1/cases/{case}/hold", **(body | {"purpose": "audit"}))) == (403, "not-yours")
    assert served.post("lena", f"/v1/cases/{case}/hold", **body).json() == {"asked": 2}
    assert code(served.post("lena", f"/v1/cases/{case}/hold", **body)) == (409, "asked-before")
    assert shown(served, "cleo", "/requests").count(REASON) == 2
    assert code(served.post("cleo", f"/v1/cases/{case}/hold", **body)) == (403, "not-yours")


def test_each_act_is_in_the_log_and_none_of_what_was_written(served: Served) -> None:
    before, [anna] = served.entries(), newest(served, "anna")
    case = made(served, "cleo", "anna")
    shown(served, "cleo", f"/cases/{case}")
    assert step(served, "cleo", case, "ask-export").status_code == 200
    assert step(served, "bert", case, "refuse").status_code == 200
    noted = [one for one in served.noted(before) if one["kind"] == "case"]
    of = {"recordings": [anna], "spans": [[10 * 10**9, 83_500_000_000]]}
    assert [one["facts"] for one in noted] == [
        {"step": "made"}, {"step": "added", **of}, {"step": "looked", **of},
        {"step": "ask-export", "purpose": "audit", **of}, {"step": "refuse", "purpose": "audit", **of},
    ]  # fmt: skip
    assert {tuple(one["resource"]) for one in noted} == {(case,)}
    files = [one for one in served.room.home.rglob("*") if one.is_file()]
    assert any(one.name == "people.db" for one in files)
    for one in files:
        content = one.read_bytes()
        assert TITLE.encode() not in content
        assert REASON.encode() not in content


def test_a_case_tells_the_recorded_person_nothing(served: Served) -> None:
    anna = newest(served, "anna")[0]
    paths = ("/mine", f"/recordings/{anna}", f"/recordings/{anna}/access", "/requests")
    before = [shown(served, "anna", path).count("cleo@example.com") for path in paths]
    case = made(served, "cleo", "anna")
    shown(served, "cleo", f"/cases/{case}")
    after = [shown(served, "anna", path) for path in paths]
    assert [text.count("cleo@example.com") for text in after] == before
    assert not [text for text in after if case in text or "/cases" in text]


def test_what_people_write_stays_text(served: Served) -> None:
    case = served.make_case("cleo", MARKUP, *newest(served, "anna"))
    assert step(served, "cleo", case, "ask-export", reason=MARKUP).status_code == 200
    assert step(served, "bert", case, "refuse", reason=MARKUP).status_code == 200
    for path in ("/cases", f"/cases/{case}", f"/recordings/{newest(served, 'anna')[0]}"):
        text = shown(served, "cleo", path)
        assert "<img src=x" not in text
        assert MARKUP in unescape(text)


def test_comments_on_its_spans_lead_to_the_player(served: Served) -> None:
    case, [anna] = made(served, "cleo", "anna"), newest(served, "anna")
    row = {"recording": anna, "person": "lena@example.com", "at": 1, "token": "x", "commented": "x"}
    inside, behind = (
        {"id": "1", "start": 11 * 10**9, "end": 12 * 10**9},
        {"id": "2", "start": 90 * 10**9, "end": 10**11},
    )
    with served.console.people.database.writing() as connection:
        connection.execute(schema.comments.insert(), [row | inside, row | behind])
    text = unescape(shown(served, "cleo", f"/cases/{case}"))
    assert "Comment by lena@example.com at 0:11.0" in text
    assert text.count("Comment by") == 1
    assert f"{served.room.player}/#play={anna}&t=11.000" in text


def test_lists_go_on_by_key(served: Served) -> None:
    case = made(served, "cleo")
    with served.console.people.database.writing() as connection:
        row = dict(connection.execute(select(schema.cases)).one()._mapping)
        sealed: list[dict[str, Any]] = []
        for number in range(70):
            one = str(uuid4())
            text = served.console.people.sealer.seal(f"case {one} text", {"title": f"no {number}", "note": ""})
            sealed.append(row | {"id": one, "made_at": row["made_at"] - number // 3 - 1, "text": text})
        connection.execute(schema.cases.insert(), sealed)
    found, path = list[str](), "/cases"
    while path:
        text = shown(served, "cleo", path)
        found += re.findall(r'href="/cases/([0-9a-f-]{36})"', text)
        path = unescape(next(iter(re.findall(r'href="([^"]*)" rel="next"', text)), ""))
    assert sorted(found) == sorted([case, *(one["id"] for one in sealed)])
    assert "There are none" in shown(served, "bert", "/cases")


def test_spans_of_what_is_erased_go_with_it(served: Served) -> None:
    made(served, "cleo", "anna", "carl")
    anna, carl = newest(served, "anna", "carl")
    cases = Cases(served.console.people)
    cases.forget(["0193a1b2-0000-7000-8000-000000000000"])
    cases.forget([anna])
    with served.console.people.database.reading() as connection:
        assert connection.scalars(select(schema.case_spans.c.recording)).all() == [carl]
        assert connection.scalar(select(func.count()).select_from(schema.cases)) == 1
