"""One-time links and sessions: forged, fixed, stolen, replayed, expired; each is refused, noted, and opens nothing."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from review.people import schema
from review.people.names import Narrowing
from review.people.routes import ATTEMPTS, SESSION, create_app
from review.people.service import MOST_SESSIONS, Failed, Proof
from review.people.states import ALLOWS, NEXT, Event, SessionState, Use, end_of
from store.errors import Refusal, WrongUsage
from store.server import turns
from store.server.turns import Turns
from tests.review.people.conftest import ANNA, BERT, Browser, Console

MINUTE, HOUR = 60, 3600


def signed_in(console: Console, person: str = ANNA) -> Browser:
    """A browser of somebody who is signed in, by whatever proof."""
    if console.people.known(person) is None:
        console.invited(person)
    return console.browser().has(console.people.sign_in(Proof("passkey", person), "192.0.2.1"))


# -- the tables -------------------------------------------------------------------------------------------------------


def test_no_state_but_a_proven_one_allows_the_console() -> None:
    assert [state for state in SessionState if Use.CONSOLE in ALLOWS[state]] == [SessionState.SIGNED_IN]
    assert {event for (_, event), then in NEXT.items() if then is SessionState.SIGNED_IN} == {
        Event.PROOF,
        Event.ENROLLED,
    }
    assert not [state for (state, _) in NEXT if state is SessionState.ENDED]  # nothing comes back


@pytest.mark.parametrize(
    ("now", "event"),
    [(100, None), (109, None), (110, Event.IDLE), (200, Event.EXPIRED), (101 - 300 * 10**9, None)],
)
def test_what_ends_a_session(now: int, event: Event | None) -> None:
    assert end_of(now, 100, 10, 200) is event
    assert end_of(100 - 300 * 10**9 - 1, 100, 10, 200) is Event.CLOCK


# -- links ------------------------------------------------------------------------------------------------------------


def test_a_link_lets_somebody_make_a_way_to_sign_in_and_nothing_else(console: Console) -> None:
    browser = console.browser()
    answer = browser.post("/v1/join", {"link": console.invited()})
    assert answer.json() == {"state": "enrolling", "person": ANNA}
    assert browser.get("/v1/session").json()["error"] == "not-enrolled"
    assert browser.get("/v1/sessions").status_code == 403
    assert browser.post("/v1/sessions/end", {"sessions": []}).status_code == 403
    assert browser.post("/v1/passkey/new").status_code == 200
    assert console.log.said() == ["account root@host invited", f"sign-in {ANNA} link"]


def test_a_link_is_good_once(console: Console) -> None:
    link = console.invited()
    assert console.browser().post("/v1/join", {"link": link}).status_code == 200
    answer = console.browser().post("/v1/join", {"link": link})
    assert (answer.status_code, answer.json()["error"]) == (401, "no-link")
    assert console.log.said()[-1] == "sign-in stranger no-link"


def test_a_late_link_an_older_one_and_an_invented_one(console: Console) -> None:
    older, newer = console.invited(), console.invited()
    answers = [console.browser().post("/v1/join", {"link": one}) for one in (older, "A" * 43, "")]
    console.clock.pass_by(24 * HOUR)
    answers.append(console.browser().post("/v1/join", {"link": newer}))
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert console.log.said()[-1] == f"sign-in {ANNA} late-link"
    assert not answers[0].headers.get("set-cookie")


def test_only_whom_the_rules_name_is_invited(console: Console) -> None:
    for name in ("eve@example.org", "\u0430nna@example.com", ""):
        with pytest.raises(WrongUsage):
            console.people.invite(name, "root@host", "host")
    assert console.people.invite("ANNA@example.com", "root@host", "host").startswith(f"{console.address}/join#")


def test_of_what_a_browser_holds_only_hashes_are_kept(console: Console) -> None:
    link = console.invited()
    browser = console.browser()
    browser.post("/v1/join", {"link": link})
    with console.people.database.reading() as connection:
        for table in schema.metadata.sorted_tables:
            kept = repr(connection.execute(table.select()).all())
            assert browser.token not in kept
            assert link not in kept
    assert len(browser.token) == 43  # 256 bits


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_who_am_i(console: Console) -> None:
    browser = signed_in(console)
    answer = browser.get("/v1/session").json()
    assert (answer["person"], answer["roles"], answer["teams"]) == (ANNA, ["agent", "lead"], ["north", "south"])
    assert browser.get("/v1/session").headers["cache-control"] == "no-store"
    assert console.browser().get("/v1/session").headers["cache-control"] == "no-store"


def test_a_forged_session_is_none(console: Console) -> None:
    signed_in(console)
    for token in ("", "A" * 43, "é" * 4, "x" * 9000):
        sent = f"{SESSION}={token}".encode()
        assert console.browser().get("/v1/session", Cookie=sent).status_code == 401


def test_a_forged_session_is_noted_and_no_flood_of_them(console: Console) -> None:
    for _ in range(5):
        console.browser().get("/v1/session", Cookie=f"{SESSION}={'A' * 43}")
    assert console.log.said() == ["sign-in stranger no-session"]


def test_a_fixed_session_is_never_taken_over(console: Console) -> None:
    """What an attacker planted in the browser before is not what the browser has after."""
    planted = "A" * 43
    browser = console.browser()
    browser.cookies[SESSION] = planted
    browser.post("/v1/join", {"link": console.invited()})
    assert browser.token != planted
    assert console.browser().get("/v1/session", Cookie=f"{SESSION}={planted}").status_code == 401


def test_a_sign_in_ends_the_session_that_the_browser_had(console: Console) -> None:
    browser = signed_in(console)
    stolen = browser.token
    browser.post("/v1/join", {"link": console.invited(BERT)})
    assert console.browser().get("/v1/session", Cookie=f"{SESSION}={stolen}").json()["error"] == "no-session"


def test_cookies_are_of_this_host_alone(console: Console) -> None:
    browser = console.browser()
    browser.post("/v1/join", {"link": console.invited()})
    assert browser.set
    for line in browser.set:
        assert line.startswith("__Host-")
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= {part.strip().lower() for part in line.split(";")}
        assert "domain" not in line.lower()


def test_a_page_that_waits_keeps_no_session_alive(console: Console) -> None:
    browser = signed_in(console)
    for _ in range(7):
        console.clock.pass_by(2 * MINUTE)
        assert console.people.session(browser.token, Use.CONSOLE, acts=False).person == ANNA
    console.clock.pass_by(MINUTE)
    with pytest.raises(Refusal, match="ended"):
        console.people.session(browser.token, Use.CONSOLE, acts=False)


def test_a_session_ends_by_idleness_and_says_so(console: Console) -> None:
    browser = signed_in(console)
    for _ in range(4):
        console.clock.pass_by(14 * MINUTE)
        assert console.status(browser) == 200
    console.clock.pass_by(15 * MINUTE)
    assert browser.get("/v1/session").json()["error"] == "session-ended"
    assert console.log.said()[-1] == f"sign-out {ANNA} idle"
    console.clock.pass_by(-15 * MINUTE)
    assert console.status(browser) == 401  # and does not come back


def test_a_session_ends_after_twelve_hours(console: Console) -> None:
    browser = signed_in(console)
    for _ in range(12 * 6 - 1):
        console.clock.pass_by(10 * MINUTE)
        assert console.status(browser) == 200
    console.clock.pass_by(10 * MINUTE)
    assert console.status(browser) == 401
    assert console.log.said()[-1] == f"sign-out {ANNA} expired"


def test_a_clock_that_is_set_back_ends_it(console: Console) -> None:
    browser = signed_in(console)
    console.clock.pass_by(-4 * MINUTE)
    assert console.status(browser) == 200
    console.clock.pass_by(-365 * 24 * HOUR)
    assert console.status(browser) == 401
    assert console.log.said()[-1] == f"sign-out {ANNA} clock"


def test_what_nobody_uses_is_swept_once(console: Console) -> None:
    for _ in range(3):
        signed_in(console)
    console.clock.pass_by(15 * MINUTE)
    console.people.sweep()
    console.people.sweep()
    assert console.log.said()[-3:] == [f"sign-out {ANNA} idle"] * 3
    assert len(console.log.acts) == 1 + 3 + 3


def test_a_person_lists_and_ends_their_own_sessions_alone(console: Console) -> None:
    first, second, berts = signed_in(console), signed_in(console), signed_in(console, BERT)
    listed = first.get("/v1/sessions").json()["sessions"]
    assert [one["this"] for one in listed] == [True, False]
    foreign = berts.get("/v1/session").json()["id"]
    ids = [listed[1]["id"], foreign, "nothing", "", "\x00"]
    assert first.post("/v1/sessions/end", {"sessions": ids}).json() == {"ended": 1}
    assert [console.status(one) for one in (first, second, berts)] == [200, 401, 200]


def test_one_person_has_so_many_sessions(console: Console) -> None:
    browsers = []
    for _ in range(MOST_SESSIONS + 1):
        console.clock.pass_by(1)
        browsers.append(signed_in(console))
    assert [console.status(browsers[at]) for at in (0, 1, -1)] == [401, 200, 200]


def test_sign_out(console: Console) -> None:
    browser = signed_in(console)
    token = browser.token
    assert browser.post("/v1/sign-out").json() == {"state": "ended"}
    assert not browser.token
    assert console.browser().get("/v1/session", Cookie=f"{SESSION}={token}").status_code == 401


# -- where it is asked from -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "", "Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"},
    ],
)
def test_what_another_page_makes_a_browser_send_is_refused(console: Console, headers: dict[str, str]) -> None:
    browser = signed_in(console)
    link = console.invited(BERT)
    for path, body in (("/v1/sign-out", {}), ("/v1/join", {"link": link}), ("/v1/sessions/end", {"sessions": []})):
        assert browser.post(path, body, **headers).json()["error"] == "cross-origin"
    assert console.status(browser) == 200


def test_a_form_of_another_page_is_no_json(console: Console) -> None:
    answer = console.browser().post("/v1/join", {"link": ""}, Content_Type="text/plain")
    assert answer.json()["error"] == "no-json"


@pytest.mark.parametrize("body", [[], 7, {"link": 7}, {"link": None}, {}])
def test_bodies_of_another_shape(console: Console, body: object) -> None:
    answer = console.browser().post("/v1/join", body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "message"}


def test_a_large_body(console: Console) -> None:
    assert console.browser().post("/v1/join", {"link": "x" * 2**17}).status_code == 413


def test_an_address_tries_so_often(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.0)  # refused, not delayed
    console.app.turns = Turns(lambda: 0.0)
    console.app.turns.due("203.0.113.9", ATTEMPTS, ATTEMPTS.burst - 1)

    async def tries(address: str) -> list[int]:
        transport = httpx.ASGITransport(create_app(console.app), client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=console.address) as client:
            sent = {"json": {"link": ""}, "headers": {"Origin": console.address}}
            return [(await client.post("/v1/join", **sent)).status_code for _ in range(2)]

    assert asyncio.run(tries("203.0.113.9")) == [401, 429]
    assert asyncio.run(tries("203.0.113.10")) == [401, 401]


# -- what narrows, and what ends --------------------------------------------------------------------------------------


def test_the_catalog_only_narrows(console: Console) -> None:
    browser = signed_in(console)
    console.people.narrow(ANNA, Narrowing(frozenset({"lead", "owner"}), frozenset({"south"})), "root@host", "host")
    answer = browser.get("/v1/session").json()
    assert (answer["roles"], answer["teams"]) == (["lead"], ["south"])
    console.people.narrow(ANNA, Narrowing(), "root@host", "host")
    assert browser.get("/v1/session").json()["roles"] == ["agent", "lead"]


def test_who_has_no_role_any_more_is_out_at_once(console: Console) -> None:
    browser = signed_in(console)
    console.people.narrow(ANNA, Narrowing(roles=frozenset()), "root@host", "host")
    assert console.status(browser) == 401
    assert console.log.said()[-1] == f"sign-out {ANNA} removed"
    with pytest.raises(Refusal, match="did not sign you in"):
        signed_in(console)
    assert console.log.said()[-1] == f"sign-in {ANNA} no-role"


def test_who_is_removed_comes_back_by_a_new_link_alone(console: Console) -> None:
    browser, link = signed_in(console), console.invited()
    console.people.remove(ANNA, "root@host", "host")
    assert console.status(browser) == 401
    assert console.browser().post("/v1/join", {"link": link}).status_code == 401
    with pytest.raises(Refusal):
        console.people.sign_in(Proof("oidc", ANNA, ("https://idp", "1")), "192.0.2.1")
    assert console.log.said()[-1] == f"sign-in {ANNA} removed"
    assert console.browser().post("/v1/join", {"link": console.invited()}).status_code == 200


def test_a_link_starts_over(console: Console) -> None:
    """What was there may be in other hands: it goes once something new is made, and not before."""
    secret = console.with_password()
    code = console.code(secret)
    begun = console.begun()
    browser = signed_in(console)
    proof = console.app.passwords.prove(ANNA, "pewter lantern sidewalk mango", code, "", "192.0.2.1")
    console.people.enrol(begun.session, "passkey-added", "192.0.2.1", lambda _: None)
    assert console.status(browser) == 401
    with pytest.raises(Refusal):
        console.people.sign_in(proof, "192.0.2.1")
    with pytest.raises(Failed, match="no-password"):
        console.app.passwords.prove(ANNA, "pewter lantern sidewalk mango", code, "", "192.0.2.1")


def test_a_stolen_session_makes_no_way_to_sign_in_later(console: Console) -> None:
    browser = signed_in(console)
    console.clock.pass_by(11 * MINUTE)
    assert browser.post("/v1/passkey/new").status_code == 200
    session = console.people.session(browser.token, Use.ENROL)
    with pytest.raises(Refusal, match="last ten minutes"):
        console.people.enrol(session, "passkey-added", "192.0.2.1", lambda _: None)


def test_no_log_no_session(console: Console) -> None:
    link = console.invited()
    console.log.broken = True
    answer = console.browser().post("/v1/join", {"link": link})
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
    console.log.broken = False
    assert console.people.sessions(ANNA) == []
    assert console.browser().post("/v1/join", {"link": link}).status_code == 200  # and the link was not used up
