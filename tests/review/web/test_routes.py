"""Every route for everybody: what it answers, and that nothing of what they may not list is in the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from review.people import schema
from review.people.names import Narrowing
from review.people.routes import ROUTES as SIGN_IN_ROUTES
from review.people.routes import SESSION
from review.people.service import Proof
from review.web.headers import POLICY
from review.web.routes import ROUTES
from testkit.reading_room import MARKUP
from tests.review.web.conftest import Served

WHO = ("nobody", "enrolling", "lena", "sam", "cleo", "kim", "paula", "ian", "otto", "anna", "carl")
# What each gets, in the order of WHO: 200, or a redirect to sign-in (S) or to making a way in (E), or not found (-).
TABLE = {
    "/sign-in": "200 200 200 200 200 200 200 200 200 200 200",
    "/join": "200 200 200 200 200 200 200 200 200 200 200",
    "/enrol": "S 200 200 200 200 200 200 200 200 200 200",
    "/": "S E 200 200 303 200 303 303 303 200 200",  # who answers for all begins elsewhere: test_mine.py
    "/since": "S E 200 200 200 - 200 200 200 - -",
    "/since?from=2026-01-01T08:30": "S E 200 200 200 - 200 200 200 - -",
    "/since?from=x": "S E 400 400 400 - 400 400 400 - -",
    "/fleet?change=stopped&from=2026-01-01T08:30": "S E 200 200 200 - - 200 - - -",
    "/find": "S E 200 200 200 200 200 200 200 200 200",
    "/mine": "S E 200 200 200 200 200 200 200 200 200",
    "/requests": "S E 200 200 200 200 200 200 200 200 200",
    "/notice": "200 200 200 200 200 200 200 200 200 200 200",
    "/sessions": "S E 200 200 200 200 200 200 200 200 200",
    # Anna is of team north, Carl of team south; leads reach back thirty days.
    "/recordings/{anna_new}": "S E 200 - 200 - 200 - 200 200 -",
    "/recordings/{anna_old}": "S E - - 200 - 200 - 200 200 -",
    "/recordings/{carl_new}": "S E - 200 200 - 200 - 200 - 200",
    "/recordings/{nothing}": "S E - - - - - - - - -",
    "/recordings/{upper}": "S E - - - - - - - - -",  # one name for one recording
    # Who may see who looked: agents at their own, compliance at all.
    "/recordings/{anna_new}/access": "S E - - 200 - - - - 200 -",
    "/recordings/{carl_new}/access": "S E - - 200 - - - - - 200",
    "/recordings/{nothing}/access": "S E - - - - - - - - -",
    # Leads see the computers of their teams, compliance all.
    "/fleet": "S E 200 200 200 - - 200 - - -",
    "/fleet?level=fine&text=desk&gone=1": "S E 200 200 200 - - 200 - - -",
    "/fleet?level=x": "S E 400 400 400 - - 400 - - -",
    "/fleet?after=x": "S E 400 400 400 - - 400 - - -",
    "/fleet/{anna_pc}": "S E 200 - 200 - - 200 - - -",
    "/fleet/{carl_pc}": "S E - 200 200 - - 200 - - -",
    "/fleet/{nothing}": "S E - - - - - - - - -",
    # Lists of the same computers.
    "/alarms": "S E 200 200 200 - - 200 - - -",
    "/alarms?state=x": "S E 400 400 400 - - 400 - - -",
    "/gaps": "S E 200 200 200 - - 200 - - -",
    "/gaps?kind=lost&text=desk&from=2026-01-01T08:30": "S E 200 200 200 - - 200 - - -",
    "/rules/uses": "S E 200 200 200 - - 200 - - -",
    "/rules/uses?text={anna_pc}": "S E 200 200 200 - - 200 - - -",
    "/language/de": "303 303 303 303 303 303 303 303 303 303 303",
    "/static/0/style.css": "- - - - - - - - - - -",
    "/nothing": "- - - - - - - - - - -",
    # Who reads the audit log: compliance all of it, leads what is about their team's recordings alone.
    "/audit": "S E 200 200 200 - - - 200 - -",
    "/audit/{about_anna}": "S E 200 - 200 - - - 200 - -",
    "/audit/{about_anna}/proof": "S E 200 - 200 - - - 200 - -",
    "/audit/{about_carl}": "S E - 200 200 - - - 200 - -",
    "/audit/{about_both}": "S E - - 200 - - - 200 - -",
    "/audit/{about_none}": "S E - - 200 - - - 200 - -",
    "/audit/{about_none}/proof": "S E - - 200 - - - 200 - -",
    "/audit/{beyond}": "S E - - - - - - - - -",
    "/audit/{beyond}/proof": "S E - - - - - - - - -",
    # A report tells of all recordings and all of the log.
    "/report": "S E - - 200 - - - 200 - -",
    "/rules": "S E - - 200 - - - 200 - -",
    "/rules/policy": "S E - - 200 - - - 200 - -",
    "/rules?who=anna@example.com&recording={anna_new}": "S E - - 200 - - - 200 - -",
    "/rules?who=anna@example.com&do=x": "S E - - 400 - - - 400 - -",
    # What is deleted next: for who lists all, and sees to holds, to erasures, or to the audit log.
    "/retention": "S E - - 200 - 200 - 200 - -",
    "/retention?recording={anna_new}": "S E - - 200 - 200 - 200 - -",
    "/retention?recording=x": "S E - - 400 - 400 - 400 - -",
    # A case is seen by who made it, and by who may hold or export all of it.
    "/cases": "S E 200 200 200 - 200 - - - -",  # who answers requests for access makes some, too
    "/cases?after=x": "S E 400 400 400 - 400 - - - -",
    "/cases/{case_anna}": "S E 200 - 200 - - - - - -",
    "/cases/{case_both}": "S E - - 200 - - - - - -",
    "/cases/{case_empty}": "S E - - 200 - - - - - -",
    "/cases/{nothing}": "S E - - - - - - - - -",
    # No review is demanded here; tests/review/web/test_reviews.py has rules that demand two.
    "/reviews": "S E - - - - - - - - -",
    "/reviews/{review}/{month}": "S E - - - - - - - - -",
    # Privacy requests: for who has the act for a kind over all recordings.
    "/privacy": "S E - - - 200 200 - - - -",
    "/privacy?after=x": "S E - - - 400 400 - - - -",
    "/privacy/{privacy_access}": "S E - - - - 200 - - - -",
    "/privacy/{privacy_erasure}": "S E - - - 200 200 - - - -",
    "/privacy/{no_privacy}": "S E - - - - - - - - -",
    "/privacy/{nothing}": "S E - - - - - - - - -",
    "/v1/reports": "401 403 - - 200 - - - 200 - -",
    "/v1/rules/trial": "401 403 - - 200 - - - 200 - -",
    "/v1/session": "401 403 200 200 200 200 200 200 200 200 200",
    "/v1/sessions": "401 403 200 200 200 200 200 200 200 200 200",
    "/v1/oidc/{nothing}/callback": "- - - - - - - - - - -",
    "/report/report.pdf": "S E - - - - - - - - -",  # there is none yet
}
# What is posted, with nothing in the body. All are JSON of this origin alone.
POSTED = {
    "/v1/find/call": "401 403 400 400 400 400 400 400 400 400 400",
    "/v1/searches": "401 403 400 400 400 400 400 400 400 400 400",
    "/v1/searches/{nothing}": "401 403 200 200 200 200 200 200 200 200 200",
    "/v1/recordings/{anna_new}/requests": "401 403 400 400 400 400 400 400 400 400 400",
    "/v1/reports": "401 403 404 404 400 404 404 404 400 404 404",
    "/v1/recordings/{anna_new}/case": "401 403 400 400 400 404 400 404 404 404 404",
    "/v1/cases": "401 403 400 400 400 404 400 404 404 404 404",
    "/v1/cases/{case_anna}": "401 403 400 400 400 404 400 404 404 404 404",
    "/v1/cases/{case_anna}/remove": "401 403 400 400 400 404 400 404 404 404 404",
    "/v1/cases/{case_anna}/hold": "401 403 400 400 400 404 400 404 404 404 404",
    "/v1/reviews/{review}/{month}": "401 403 404 404 404 404 404 404 404 404 404",
    "/v1/privacy": "401 403 404 404 404 400 400 404 404 404 404",
    "/v1/privacy/{privacy_access}": "401 403 404 404 404 400 400 404 404 404 404",
    "/v1/privacy/{privacy_access}/case": "401 403 404 404 404 400 400 404 404 404 404",
    "/v1/privacy/{privacy_access}/hold": "401 403 404 404 404 400 400 404 404 404 404",
    "/v1/retention/requests": "401 403 404 404 400 404 400 404 400 404 404",
    "/v1/rules/trial": "401 403 404 404 400 404 404 404 400 404 404",
    # Sign-in's own: an empty body proves nothing of anybody, and changes what is one's own alone.
    "/v1/sessions/end": "401 403 400 400 400 400 400 400 400 400 400",
    "/v1/join": "400 400 400 400 400 400 400 400 400 400 400",
    "/v1/password": "400 400 400 400 400 400 400 400 400 400 400",
    "/v1/password/new": "401 400 400 400 400 400 400 400 400 400 400",
    "/v1/password/set": "401 400 400 400 400 400 400 400 400 400 400",
    "/v1/passkey/ask": "200 200 200 200 200 200 200 200 200 200 200",
    "/v1/passkey": "400 400 400 400 400 400 400 400 400 400 400",
    "/v1/passkey/new": "401 200 200 200 200 200 200 200 200 200 200",
    "/v1/passkey/add": "401 400 400 400 400 400 400 400 400 400 400",
    "/v1/oidc/{nothing}": "404 404 404 404 404 404 404 404 404 404 404",
    # A form: it sends people on to sign in.
    "/v1/rules/policy": "303 303 404 404 400 404 404 404 400 404 404",
    "/v1/requests/{nothing}": "401 403 400 400 400 400 400 400 400 400 400",
}
POSTS = [route.path for route in (*SIGN_IN_ROUTES, *ROUTES) if "POST" in (route.methods or ())]
MINE = {  # whose recordings each lists, and how many of each
    "lena": {"anna": 3, "bert": 3},
    "sam": {"carl": 3},
    "cleo": {"anna": 4, "bert": 4, "carl": 4},
    "kim": {},
    "paula": {"anna": 4, "bert": 4, "carl": 4},
    "ian": {},
    "otto": {"anna": 4, "bert": 4, "carl": 4},
    "anna": {"anna": 4},
    "carl": {"carl": 4},
}


def paths(served: Served) -> dict[str, str]:
    recordings = served.room.recordings
    return {
        **{name: str(position) for name, position in served.about.items()},
        **{f"case_{name}": case for name, case in served.cases.items()},
        **{f"privacy_{kind}": made for kind, made in served.privacy.items()},
        "no_privacy": "0" * 16,
        "beyond": str(10**14),
        "anna_new": recordings["anna"][-1],
        "anna_old": recordings["anna"][0],
        "carl_new": recordings["carl"][-1],
        "nothing": "00000000-0000-4000-8000-000000000000",
        "upper": recordings["anna"][-1].upper(),
        "anna_pc": served.room.computers["anna"],
        "carl_pc": served.room.computers["carl"],
        "review": "mifid",
        "month": "2026-10",
    }


def shape(path: str) -> str:
    """Of what is asked, or of a route: with a star for each part that it takes."""
    return re.sub(r"\{[^}]*\}", "*", path.partition("?")[0])


def test_the_table_has_every_route_by_its_method() -> None:
    """But one: signing out would end the sessions of the others. tests/review/people tries it."""
    tried = {("GET", shape(one)) for one in TABLE} | {("POST", shape(one)) for one in POSTED}
    tried |= {("GET", one) for one in ("/static/*/*", "/language/*", "/report/*")} | {("POST", "/v1/sign-out")}
    for route in (*SIGN_IN_ROUTES, *ROUTES):
        assert {(method, shape(route.path)) for method in (route.methods or set()) - {"HEAD"}} <= tried, route.path


def answers(served: Served, method: str, path: str, **asked: Any) -> Iterator[tuple[str, httpx.Response]]:
    """To each of WHO; over one connection, as a console takes only so many new ones of an address."""
    more = asked.pop("headers", {})
    with served.client() as client:
        for who in WHO:
            cookie = served.cookie("" if who == "nobody" else who)
            yield who, client.request(method, path.format(**paths(served)), headers=cookie | more, **asked)
            client.cookies.clear()


@pytest.mark.parametrize("path", TABLE)
def test_each_person_gets_what_the_rules_give_them(served: Served, path: str) -> None:
    got = []
    for who, answer in answers(served, "GET", path):
        location = answer.headers.get("Location", "")
        short = "S" if location.startswith("/sign-in") else "E" if location == "/enrol" else str(answer.status_code)
        got.append("-" if short == "404" else short)
        for name, ids in served.room.recordings.items():
            if who not in MINE or name not in MINE[who]:
                assert not [one for one in ids if one in answer.text and one not in path.format(**paths(served))]
    assert " ".join(got) == TABLE[path]


def test_a_run_may_take_longer_than_the_session_of_who_enrols(served: Served) -> None:
    """Fifteen minutes, which the tests of this module pass on a busy machine."""
    served.joined = 0
    with served.console.people.database.writing() as connection:
        connection.execute(update(schema.sessions).values(ends_at=0).where(schema.sessions.c.state == "enrolling"))
    with served.client("enrolling") as client:
        assert client.get("/").headers["Location"] == "/enrol"


@pytest.mark.parametrize("path", POSTED)
def test_what_is_posted_asks_first_who_it_is(served: Served, path: str) -> None:
    got = answers(served, "POST", path, headers={"Origin": served.room.address}, json={})
    assert " ".join(str(answer.status_code) for _, answer in got) == POSTED[path]


@pytest.mark.parametrize("who", MINE)
def test_each_lists_what_is_theirs_and_counts_it(served: Served, who: str) -> None:
    with served.client(who) as client:
        text = client.get("/find").text
        found = re.findall(r"/recordings/([0-9a-f-]{36})", text)
        wanted = [one for name, many in MINE[who].items() for one in served.room.recordings[name][-many:]]
        assert sorted(found) == sorted(wanted)
        assert f"{len(wanted)} recordings" in text
        # A filter that names another's shows nothing of theirs, and says nothing of whether there is any.
        for agent in ("anna", "bert", "carl", "nobody"):
            shown = client.get("/find", params={"agent": agent}).text
            assert len(re.findall(r"/recordings/", shown)) == MINE[who].get(agent, 0)
    options = re.findall(r'<option value="([^"]*@[^"]*)"', text)
    assert sorted(options) == sorted(f"{name}@example.com" for name in MINE[who])


def test_whether_it_is_under_a_hold_is_told_to_those_who_have_to_do_with_holds(served: Served) -> None:
    shown = {}
    for who in ("lena", "cleo", "paula", "anna"):
        with served.client(who) as client:
            shown[who] = "Legal holds" in client.get(f"/recordings/{served.room.recordings['anna'][-1]}").text
    assert shown == {"lena": True, "cleo": True, "paula": False, "anna": False}


@pytest.mark.parametrize("path", [one for one in TABLE if "{" in one])
def test_what_is_refused_looks_like_what_is_not_there(served: Served, path: str) -> None:
    """To the byte, but for the address that it names itself."""

    def body(text: str) -> str:
        with served.client("lena" if path.startswith("/privacy") else "kim") as client:
            return re.sub(r'\?back=[^"]*', "", client.get(text).text)

    assert body(path.format(**paths(served))) == body(path.format(**dict.fromkeys(paths(served), "nothing")))


@pytest.mark.parametrize("path", ["/", "/sign-in", "/recordings/{anna_new}", "/nothing", "/v1/session", "/v1/nothing"])
@pytest.mark.parametrize("who", ["", "cleo"])
def test_no_frame_no_script_of_others_no_cache(served: Served, path: str, who: str) -> None:
    with served.client(who) as client:
        answer = client.get(path.format(**paths(served)))
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in POLICY
    assert "unsafe" not in POLICY
    # Nothing in a page that the policy would have to allow, nor anything of another host.
    assert not re.search(r"<script(?![^>]*src=\"/static/)|\sstyle=|\son[a-z]+=(?=[\"'])|javascript:", answer.text)
    assert not re.findall(r"(?:src|href|action)=\"(?!/|#)[^\"]*\"", answer.text.replace(served.room.player, ""))


def test_markup_of_a_pc_stays_text(served: Served) -> None:
    with served.client("cleo") as client:
        listed = client.get("/find").text
        one = client.get(f"/recordings/{served.room.recordings['anna'][2]}").text
        asked = client.get("/", params={"agent": MARKUP, "team": MARKUP, "rule": MARKUP}).text
        back = client.get("/sign-in", params={"back": f"/{MARKUP}"}).text
    for text in (listed, one, asked, back):
        assert "<img src=x" not in text
        assert "<b>" not in text
    for text in (listed, one, asked):
        assert MARKUP in unescape(text)


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "/ /evil", "javascript:alert(1)", "/\r\nX: y"]
)
def test_no_address_sends_elsewhere(served: Served, back: str) -> None:
    with served.client() as client:
        assert 'data-back="/"' in client.get("/sign-in", params={"back": back}).text
        answer = client.get("/language/de", params={"back": back})
        assert answer.headers["Location"] == "/"
        assert answer.headers.get_list("X") == []


@pytest.mark.parametrize(
    "asked",
    [
        "from=2026-13-01", "from=yesterday", "from=2026-11-30&to=2026-11-01", "length=9", "length=-1", "after=1",
        "after=99999999999999999999.1", "after=1.1'--", "agent=%00", "agent=" + "a" * 201, "rule=%0a",
        "from=9999-01-01", "to=0001-01-01",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_in_words(served: Served, asked: str) -> None:
    with served.client("cleo") as client:
        answer = client.get(f"/?{asked}")
        assert answer.status_code == 400
        assert "This cannot be asked so" in answer.text
        assert "Traceback" not in answer.text
        german = client.get(f"/?{asked}", headers={"Accept-Language": "de-DE,de;q=0.9"})
        assert "So lässt sich das nicht fragen" in german.text


@pytest.mark.parametrize("asked", ["agent='%20or%201=1", "rule=%25", "team=north%22", "after=0.0", "from=1970-01-01"])
def test_what_is_odd_finds_nothing_and_breaks_nothing(served: Served, asked: str) -> None:
    with served.client("cleo") as client:
        assert client.get(f"/?{asked}").status_code == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_page_elsewhere_makes_a_browser_change_anything(served: Served, path: str, headers: dict[str, str]) -> None:
    with served.client("lena", **headers) as client:
        named = {
            "name": "staff",
            "recording": served.room.recordings["anna"][-1],
            "request": "0" * 16,
            "search": "0" * 16,
            "case": served.cases["anna"],
            "review": "mifid",
            "month": "2026-10",
            "privacy": served.privacy["access"],
        }
        answer = client.post(path.format(**named), json={})
    assert answer.status_code == 403
    assert answer.json()["error"] == "cross-origin"


@pytest.mark.parametrize("path", [one for one in TABLE if one != "/language/de" and one[:4] != "/v1/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_are_read_alone(served: Served, path: str, method: str) -> None:
    with served.client("cleo", Origin=served.room.address) as client:
        assert client.request(method, path.format(**paths(served))).status_code in {404, 405}


def test_a_session_that_somebody_chose_is_none(served: Served) -> None:
    """Fixation: a token that the console never gave is none, and signing in gives another one."""
    with served.client(Cookie=f"{SESSION}={'a' * 43}") as client:
        assert client.get("/").headers["Location"] == "/sign-in"
    before = served.sign_in("sam")
    after = served.console.people.sign_in(Proof("password", "sam@example.com"), "192.0.2.1", before).token
    with served.client(Cookie=f"{SESSION}={before}") as client:
        assert client.get("/").status_code == 303
    with served.client(Cookie=f"{SESSION}={after}") as client:
        assert client.get("/").status_code == 200


def test_one_ends_ones_own_sessions_alone(served: Served) -> None:
    token = served.sign_in("anna")
    with served.client(Cookie=f"{SESSION}={token}", Origin=served.room.address) as client:
        own = client.get("/v1/session").json()["id"]
        page = client.get("/sessions").text
        assert own not in re.findall(r'data-session="([^"]*)"', page)
    with served.client("carl", Origin=served.room.address) as other:
        assert other.post("/v1/sessions/end", json={"sessions": [own]}).json() == {"ended": 0}
    with served.client(Cookie=f"{SESSION}={token}") as client:
        assert client.get("/sessions").status_code == 200


def test_what_is_narrowed_is_narrowed_here(served: Served) -> None:
    people = served.console.people
    with served.client("lena") as client:
        assert "6 recordings" in client.get("/").text
        people.narrow("lena@example.com", Narrowing(teams=frozenset()), "root@host", "host")
        try:
            assert "0 recordings" in client.get("/").text
            assert client.get(f"/recordings/{served.room.recordings['anna'][-1]}").status_code == 404
        finally:
            people.narrow("lena@example.com", Narrowing(), "root@host", "host")
        assert "6 recordings" in client.get("/").text


def test_searches_and_looks_are_noted_first_and_no_text_is_in_the_clear(served: Served) -> None:
    anna = served.room.recordings["anna"][-1]
    before = served.entries()
    with served.client("cleo") as client:
        assert client.get("/find").status_code == 200  # a page of one's own house: no entry
        assert client.get("/", params={"agent": "anna@example.com"}).status_code == 200
        assert client.get(f"/recordings/{anna}").status_code == 200
        assert client.get(f"/recordings/{anna}/access").status_code == 200
        assert client.get("/recordings/00000000-0000-4000-8000-000000000000").status_code == 404
    noted = served.noted(before)
    assert [one["kind"] for one in noted] == ["search", "list", "read-log"]
    assert all(one["who"].startswith("p.") for one in noted)
    assert noted[0]["facts"]["query"].startswith("q.")
    assert noted[0]["facts"]["results"] == 4
    assert noted[1]["facts"] == {"of": "account", "results": 1, "recordings": [anna]}
    assert "anna" not in str(noted)
    with served.client("anna") as client:
        shown = client.get(f"/recordings/{anna}/access").text
    assert "cleo@example.com" in shown
    assert "looked at the account" in shown
