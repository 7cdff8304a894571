"""What the player asks of the console: which origin, which person, and what each route answers to them."""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from protocol import base64url, personal
from review.people.names import Narrowing
from review.people.routes import ROUTES as SIGN_IN_ROUTES
from review.people.routes import SESSION
from review.player.files import page_files
from review.web.custody import PATHS, VERBS
from review.web.routes import ROUTES
from tests.review.web.conftest import Served
from tests.review.web.test_routes import TABLE as PAGES
from tests.review.web.test_routes import WHO, paths

RECORDING: Final = "/v1/recordings/{anna_new}"
READ: Final = ("opening", "player/papers", "player/index", "player/account", "player/chunks/0?from=0&to=1")
# In the order of WHO: 200, not signed in (S), not enrolled or not theirs to open (E), not found (-).
ASKED: Final = {
    **{f"{RECORDING}/{one}": "S E 200 - 200 - 200 - 200 200 -" for one in READ},
    **{f"/v1/recordings/{{carl_new}}/{one}": "S E - 200 200 - 200 - 200 - 200" for one in READ},
    **{f"/v1/recordings/{{nothing}}/{one}": "S E - - - - - - - - -" for one in READ},
    **{f"/v1/recordings/{{upper}}/{one}": "S E - - - - - - - - -" for one in READ},
    f"{RECORDING}/comments": "S E 200 - 200 - E - 200 200 -",
    "/v1/recordings/{carl_new}/comments": "S E - 200 200 - E - 200 - 200",
    "/v1/recordings/{nothing}/comments": "S E - - - - - - - - -",
    f"{RECORDING}/transcript": "S E - - - - E - - - -",  # none was made here: who may open it is told so
    "/v1/recordings/{nothing}/transcript": "S E - - - - - - - - -",
    f"{RECORDING}/player/keys": "- - - - - - - - - - -",
    f"{RECORDING}/player/chunks/0?from=0&to=99": "S E - - - - - - - - -",
    f"{RECORDING}/player/chunks/9?from=0&to=1": "S E - - - - - - - - -",
}
ORIGINS: Final = ("player", "console", "", "null", "https://evil.example", "player/", "http://localhost")
CUSTODY: Final = ("/v1/custodian", "/v1/reviews/mifid/2026-10/list", f"{RECORDING}/opening", f"{RECORDING}/comments",
                  f"{RECORDING}/transcript", f"{RECORDING}/player/papers", f"{RECORDING}/player/index")  # fmt: skip


def origin_of(served: Served, name: str) -> dict[str, str]:
    known = {"player": served.room.player, "console": served.room.address, "player/": f"{served.room.player}/"}
    return {"Origin": known.get(name, name)} if name else {}


@pytest.mark.parametrize("path", ASKED)
def test_each_person_gets_what_the_rules_give_them(served: Served, path: str) -> None:
    got = []
    for who in WHO:
        with served.client("" if who == "nobody" else who, **origin_of(served, "player")) as client:
            answer = client.get(path.format(**paths(served)))
        short = {401: "S", 403: "E", 404: "-"}.get(answer.status_code, str(answer.status_code))
        got.append(short)
        assert answer.headers["Access-Control-Allow-Origin"] == served.room.player
    assert " ".join(got) == ASKED[path]


@pytest.mark.parametrize("path", CUSTODY)
@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_the_players_pages_alone_are_answered(served: Served, path: str, origin: str, method: str) -> None:
    with served.client("cleo", **origin_of(served, origin)) as client:
        body = {"json": {"do": "nothing"}} if method == "POST" else {}
        answer = client.request(method, path.format(**paths(served)), **body)
    if origin == "player":
        assert answer.status_code != 403
        assert answer.headers["Access-Control-Allow-Origin"] == served.room.player
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"
    else:
        assert (answer.status_code, answer.json()["error"]) == (403, "cross-origin")
        assert not [one for one in answer.headers if one.startswith("access-control")]


@pytest.mark.parametrize("path", [*PAGES, *(route.path for route in SIGN_IN_ROUTES)])
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_no_other_route_is_opened_to_the_players_origin(served: Served, path: str, method: str) -> None:
    with served.client("cleo", **origin_of(served, "player")) as client:
        answer = client.request(method, path.format(name="staff", **paths(served)), json={})
    assert not [one for one in answer.headers if one.startswith("access-control")]
    if method == "POST" and path.startswith("/v1/"):
        assert answer.status_code in {403, 405}  # as of any other origin


def test_the_paths_are_those_of_the_routes() -> None:
    wanted = (
        "/v1/custodian",
        "/v1/reviews/x/y/list",
        *(f"/v1/recordings/x/{one}" for one in ("opening", "comments", "transcript", "player/papers")),
    )
    assert all(PATHS.fullmatch(one) for one in wanted)
    others = [route.path for route in (*SIGN_IN_ROUTES, *ROUTES)]
    assert not [one for one in others if PATHS.fullmatch(one)]
    for odd in (
        "/v1/custodian/",
        "//v1/custodian",
        "/v1/recordings/x/y/opening",
        "/v1/recordings/x/player/",
        "/v1/recordings/x/comments/",
        "/v1/reviews/x/y/z/list",
        "/v1/reviews/x/y",
    ):
        assert not PATHS.fullmatch(odd)


@pytest.mark.parametrize("path", ["/recordings/{anna_new}", "/find?agent=anna", "/audit", "/v1/session"])
@pytest.mark.parametrize("site", ["same-site", "cross-site", "same-origin", "none", ""])
def test_no_page_elsewhere_makes_an_entry_in_the_name_of_who_is_signed_in(served: Served, path: str, site: str) -> None:
    """A page on another port of the host is sent the session with what it loads, such as a picture."""
    for dest in ("image", "script", "iframe", "empty", "document", ""):
        headers = {name: value for name, value in (("Sec-Fetch-Site", site), ("Sec-Fetch-Dest", dest)) if value}
        foreign = site in {"same-site", "cross-site"} and dest != "document"
        before = served.entries()
        with served.client("cleo", **headers) as client:
            assert client.get(path.format(**paths(served))).status_code == (403 if foreign else 200)
        assert not foreign or served.entries() == before


@pytest.mark.parametrize("path", CUSTODY)
@pytest.mark.parametrize("more", ["%0A", "%0D%0A", "%00", "%C2%85"])
def test_a_path_with_a_control_character_is_none(served: Served, path: str, more: str) -> None:
    """A route takes one that ends with a line feed for the same."""
    for method in ("GET", "POST"):
        with served.client("cleo", **{"Sec-Fetch-Site": "cross-site"}) as client:
            assert client.request(method, path.format(**paths(served)) + more).status_code == 404


def post(served: Served, who: str, **body: object) -> httpx.Response:
    with served.client(who, **origin_of(served, "player")) as client:
        return client.post("/v1/custodian", json=body)


def token(typ: str, **payload: object) -> str:
    """As somebody may write it, without a key."""
    parts = ({"alg": "Ed25519", "typ": typ, "kid": "x"}, {"v": 1, **payload})
    return ".".join([*(base64url.encode(str(one).replace("'", '"').encode()) for one in parts), "AA"])


def test_only_what_people_ask_goes_to_the_custodian(served: Served) -> None:
    for do in ("bundle", "keys", "remove", "file", "__class__", ""):
        assert post(served, "cleo", do=do).json()["error"] == "unknown-verb"
    own = {"nonce", "enrol", "open", "approve", "filed", "comment", "review", "sampled", "watched"}
    assert set(VERBS) == own | {"consent", "consent-of"}
    assert post(served, "", do="nonce").status_code == 401
    assert post(served, "enrolling", do="nonce").status_code == 403
    with served.client("cleo", **origin_of(served, "player"), **{"Content-Type": "text/plain"}) as client:
        assert client.post("/v1/custodian", content=b'{"do": "nonce"}').status_code == 415


SIGNED: Final = {
    "open": (personal.REQUEST, "request"), "consent": (personal.CONSENT, "consent"),
    "comment": (personal.COMMENT, "comment"), "approve": (personal.APPROVAL, "approval"),
}  # fmt: skip


@pytest.mark.parametrize("do", SIGNED)
def test_what_another_person_signed_is_not_passed_on(served: Served, do: str) -> None:
    typ, name = SIGNED[do]
    made = token(typ, person="cleo@example.com", recording=paths(served)["anna_new"])
    answer = post(served, "lena", do=do, **{name: made})
    assert (answer.status_code, answer.json()["error"]) == (403, "other-person")


def test_what_is_left_of_a_sample_is_asked_for_oneself_alone(served: Served) -> None:
    asked = {"recording": paths(served)["anna_new"], "purpose": "coaching", "nonce": "A" * 22}
    answer = post(served, "lena", do="sampled", person="cleo@example.com", **asked)
    assert (answer.status_code, answer.json()["error"]) == (403, "other-person")


@pytest.mark.parametrize(("who", "purpose"), [("lena", "coaching"), ("lena", "none-of-theirs"), ("anna", "coaching")])
def test_nor_for_a_purpose_that_opens_more_than_what_was_drawn(served: Served, who: str, purpose: str) -> None:
    """Or everybody who may list a recording would learn whether it lies in a secret sample."""
    asked = {"recording": paths(served)["anna_new"], "purpose": purpose, "nonce": "A" * 22}
    answer = post(served, who, do="sampled", person=f"{who}@example.com", **asked)
    assert (answer.status_code, answer.json()["error"]) == (404, "no-such-path")


@pytest.mark.parametrize(("do", "which"), [("open", "carl_new"), ("open", "nothing"), ("consent", "carl_new"),
                                           ("comment", "carl_new"), ("comment", "nothing"),
                                           ("consent-of", "carl_new"), ("consent-of", "nothing"),
                                           ("sampled", "carl_new"), ("sampled", "nothing")])  # fmt: skip
def test_the_custodian_is_not_asked_about_recordings_that_one_may_not_list(served: Served, do: str, which: str) -> None:
    """As of what is not there, to the byte."""
    recording = paths(served)[which]
    body: dict[str, object] = {"recording": recording}
    if do == "sampled":
        body |= {"purpose": "coaching", "person": "lena@example.com", "nonce": "A" * 22}
    elif do != "consent-of":
        typ, name = SIGNED[do]
        body = {name: token(typ, person="lena@example.com", recording=recording)}
    answer = post(served, "lena", do=do, **body)
    assert (answer.status_code, answer.json()["error"]) == (404, "no-such-path")


def test_a_custodian_that_is_not_there_is_said(served: Served) -> None:
    answer = post(served, "lena", do="nonce")
    assert (answer.status_code, answer.json()["error"]) == (503, "no-custodian")


NO_REQUESTS: Final = (
    b"", b"[]", b"{", b'{"do": 1}', b'{"do": "open"}', b'{"do": "open", "request": "x"}',
    b'{"do": "comment", "comment": "x"}',
    b'{"do": "enrol", "invitation": "x.y"}', b'{"do": "consent-of", "recording": "x"}',
)  # fmt: skip


@pytest.mark.parametrize("body", NO_REQUESTS)
def test_what_is_no_request_is_refused_in_words(served: Served, body: bytes) -> None:
    headers = {**origin_of(served, "player"), "Content-Type": "application/json"}
    with served.client("lena", **headers) as client:
        answer = client.post("/v1/custodian", content=body)
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"error", "message"}


def test_ciphertext_is_asked_for_anew_each_time(served: Served) -> None:
    """A right that ends while somebody plays ends it."""
    path = f"{RECORDING}/player/index".format(**paths(served))
    people = served.console.people
    with served.client("lena", **origin_of(served, "player")) as client:
        assert client.get(path).status_code == 200
        people.narrow("lena@example.com", Narrowing(teams=frozenset()), "root@host", "host")
        try:
            assert client.get(path).status_code == 404
        finally:
            people.narrow("lena@example.com", Narrowing(), "root@host", "host")
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", [*READ, "comments", "consent"])
def test_who_leaves_out_the_opening_is_noted_as_well(served: Served, path: str) -> None:
    """Papers, account and comments say as much of a recording as its page."""
    anna, session = paths(served)["anna_new"], {"Cookie": f"{SESSION}={served.sign_in('cleo')}"}
    before = served.entries()
    with served.client(**origin_of(served, "player"), **session) as client:
        if path == "consent":
            client.post("/v1/custodian", json={"do": "consent-of", "recording": anna})
        else:
            assert client.get(f"/v1/recordings/{anna}/{path}").status_code == 200
            assert client.get(f"/v1/recordings/{anna}/player/index").status_code == 200
    noted = [one["facts"] for one in served.noted(before) if one["kind"] == "list"]
    assert all(one["recordings"] == [anna] for one in noted)
    assert noted[0]["of"] == (path if path in {"comments", "consent"} else "account")
    assert len(noted) == (2 if path == "comments" else 1)
    with served.client(Origin=served.room.address, **session) as client:
        assert client.post("/v1/sign-out", json={}).status_code == 200


def test_the_players_origin_serves_its_files_and_nothing_else(served: Served) -> None:
    files = page_files()
    with httpx.Client(base_url=served.room.player) as client:
        for name, content in files.items():
            assert client.get(f"/{name}").content == content
        assert client.get("/").content == files["index.html"]
        assert client.get("/console.json").json() == {"console": served.room.address}
        for path in ("/sign-in", "/v1/session", "/SHA256SUMS", "/%2e%2e/files.py", "/page/page.js", "/x"):
            assert client.get(path).status_code == 404
        assert client.post("/").status_code == 405
        policy = client.get("/").headers["Content-Security-Policy"]
        assert f"connect-src 'self' {served.room.address};" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    with served.client("cleo") as client:  # and the console serves none of the player's
        for name in files.keys() - {"style.css"}:
            assert client.get(f"/{name}").status_code == 404
