"""Passkeys: those of another origin, host or challenge, unverified, replayed, cloned; and what is no passkey at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from webauthn import verify_authentication_response, verify_registration_response

from protocol.base64url import decode, encode
from review.people.passkeys import _verified
from review.people.routes import FLOW, SESSION
from review.people.service import Failed
from review.people.settings import Settings
from tests.review.people.authenticator import PRESENT, VERIFIED, Authenticator
from tests.review.people.conftest import ANNA, BERT, Browser, Console

Change = Callable[[Authenticator], object]


def authenticator_of(console: Console) -> Authenticator:
    return Authenticator("localhost", console.address)


def joined(console: Console, person: str = ANNA) -> Browser:
    browser = console.browser()
    browser.post("/v1/join", {"link": console.invited(person)})
    return browser


def add(browser: Browser, authenticator: Authenticator) -> httpx.Response:
    credential = authenticator.make(browser.post("/v1/passkey/new").json())
    return browser.post("/v1/passkey/add", {"credential": credential})


def enrolled(console: Console, person: str = ANNA) -> Authenticator:
    """Of somebody who is not signed in."""
    authenticator = authenticator_of(console)
    assert add(joined(console, person), authenticator).status_code == 200
    console.people.end(person)
    console.log.acts.clear()
    return authenticator


def enter(browser: Browser, authenticator: Authenticator) -> httpx.Response:
    return browser.post("/v1/passkey", {"credential": authenticator.sign(browser.post("/v1/passkey/ask").json())})


def refused(console: Console, answer: httpx.Response, reason: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "not-signed-in"), answer.text
    assert SESSION not in answer.headers.get("set-cookie", "")
    assert console.log.acts[-1].reason == reason


def test_a_passkey_is_made_by_a_link_and_signs_in(console: Console) -> None:
    browser, authenticator = joined(console), authenticator_of(console)
    before = browser.token
    assert add(browser, authenticator).json() == {"state": "signed-in", "person": ANNA}
    assert browser.token != before
    assert console.log.said()[-2:] == [f"sign-out {ANNA} sign-out", f"account {ANNA} passkey-added"]
    browser = console.browser()
    assert enter(browser, authenticator).json() == {"state": "signed-in", "person": ANNA}
    assert console.status(browser) == 200
    assert console.log.said()[-1] == f"sign-in {ANNA} passkey"


def test_what_is_asked_names_nobody(console: Console) -> None:
    enrolled(console)
    asked = console.browser().post("/v1/passkey/ask").json()
    assert asked["allowCredentials"] == []
    assert (asked["rpId"], asked["userVerification"]) == ("localhost", "required")
    offered = joined(console).post("/v1/passkey/new").json()
    assert ANNA not in offered["user"]["id"]
    assert offered["authenticatorSelection"]["residentKey"] == "required"
    assert [one["id"] for one in offered["excludeCredentials"]]


CHANGES: dict[str, tuple[str, Change]] = {
    "another origin": ("another-origin", lambda one: one.changed.update(origin="https://evil.example")),
    "http for https": ("another-origin", lambda one: one.changed.update(origin=one.origin.replace("http", "https"))),
    "another host": ("another-host", lambda one: setattr(one, "host", "evil.example")),
    "a host below": ("another-host", lambda one: setattr(one, "host", "review.localhost")),
    "another challenge": ("another-challenge", lambda one: one.changed.update(challenge="A" * 43)),
    "unverified": ("not-verified", lambda one: setattr(one, "flags", PRESENT)),
    "not present": ("not-present", lambda one: setattr(one, "flags", VERIFIED)),
    "made, not asked": ("bad-passkey", lambda one: one.changed.update(type="webauthn.create")),
    "another person's handle": ("another-handle", lambda one: setattr(one, "handle", "A" * 43)),
    "count went back": ("count-went-back", lambda one: setattr(one, "count", -1 + one.count - 1)),
    "count stood still": ("count-went-back", lambda one: setattr(one, "count", one.count - 1)),
    "another key": ("bad-signature", lambda one: setattr(one, "key", Authenticator("", "").key)),
    "an unknown id": ("unknown-passkey", lambda one: setattr(one, "id", b"0" * 16)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_passkey_that_is_not_as_it_should_be(console: Console, change: str) -> None:
    authenticator = enrolled(console)
    for _ in range(3):
        assert enter(console.browser(), authenticator).status_code == 200
    reason, apply = CHANGES[change]
    apply(authenticator)
    refused(console, enter(console.browser(), authenticator), reason)


@pytest.mark.parametrize("change", ["another origin", "another host", "another challenge", "unverified", "not present"])
def test_what_is_made_is_checked_alike(console: Console, change: str) -> None:
    browser, authenticator = joined(console), authenticator_of(console)
    CHANGES[change][1](authenticator)
    answer = add(browser, authenticator)
    assert (answer.status_code, answer.json()["error"]) == (422, "not-made")
    assert console.people.everybody()[0]["passkeys"] == 0
    assert console.status(browser) == 403  # still enrolling


def test_an_answer_is_good_once(console: Console) -> None:
    authenticator = enrolled(console)
    browser = console.browser()
    credential = authenticator.sign(browser.post("/v1/passkey/ask").json())
    flow = browser.cookies[FLOW]
    assert browser.post("/v1/passkey", {"credential": credential}).status_code == 200
    browser.cookies[FLOW] = flow
    refused(console, browser.post("/v1/passkey", {"credential": credential}), "count-went-back")


def test_an_authenticator_that_does_not_count_replays_nothing(console: Console) -> None:
    """Passkeys that are synchronised count nothing: the challenge is good once."""
    authenticator = enrolled(console)
    browser = console.browser()
    authenticator.count = -1
    credential = authenticator.sign(browser.post("/v1/passkey/ask").json())
    flow = browser.cookies[FLOW]
    assert browser.post("/v1/passkey", {"credential": credential}).status_code == 200
    browser.cookies[FLOW] = flow
    refused(console, browser.post("/v1/passkey", {"credential": credential}), "replayed")


def test_another_browsers_challenge_a_late_one_and_none(console: Console) -> None:
    authenticator = enrolled(console)
    one, other = console.browser(), console.browser()
    credential = authenticator.sign(one.post("/v1/passkey/ask").json())
    refused(console, other.post("/v1/passkey", {"credential": credential}), "no-challenge")
    other.post("/v1/passkey/ask")
    refused(console, other.post("/v1/passkey", {"credential": credential}), "another-challenge")
    console.clock.pass_by(300)
    refused(console, one.post("/v1/passkey", {"credential": credential}), "late")


def test_a_challenge_is_for_what_it_was_made(console: Console) -> None:
    authenticator = enrolled(console)
    browser, berts = joined(console), joined(console, BERT)
    offered = browser.post("/v1/passkey/new").json()
    berts.cookies[FLOW] = browser.cookies[FLOW]
    answer = berts.post("/v1/passkey/add", {"credential": authenticator_of(console).make(offered)})
    assert answer.json()["error"] == "not-made"  # another session's
    answer = browser.post("/v1/passkey", {"credential": authenticator.sign(offered)})
    refused(console, answer, "no-challenge")


def test_one_key_is_of_one_person(console: Console) -> None:
    authenticator = enrolled(console)
    handle = authenticator.handle
    assert add(joined(console, BERT), authenticator).json()["error"] == "not-made"
    authenticator.handle = handle
    assert enter(console.browser(), authenticator).json()["person"] == ANNA


def test_who_is_gone_has_no_passkey(console: Console) -> None:
    authenticator = enrolled(console)
    console.people.remove(ANNA, "root@host", "host")
    refused(console, enter(console.browser(), authenticator), "unknown-passkey")


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 7},
        {"id": "\x00"},
        {"id": "x" * 60000},
        {"id": ["a"], "response": []},
        {"response": {"clientDataJSON": "é"}},
        {"rawId": None, "type": "password", "response": {"userHandle": {}}},
    ],
)
def test_what_is_no_passkey(console: Console, credential: dict[str, Any]) -> None:
    authenticator = enrolled(console)
    browser = console.browser()
    browser.post("/v1/passkey/ask")
    known = authenticator.sign({"challenge": "A"}) | credential
    for one in (credential, known):
        answer = browser.post("/v1/passkey", {"credential": one})
        assert answer.status_code == 401, answer.text
    enrolling = joined(console)
    enrolling.post("/v1/passkey/new")
    assert enrolling.post("/v1/passkey/add", {"credential": credential}).status_code == 422


@given(st.data())
def test_whatever_a_browser_sends_is_refused_in_words(data: st.DataObject) -> None:
    """Bytes that were cut, turned and added to, where the library reads them: no error of another kind comes out."""
    authenticator = Authenticator("localhost", "http://localhost")
    options = {"challenge": encode(bytes(32)), "user": {"id": "AAAA"}}
    made, signed = authenticator.make(options), authenticator.sign(options)
    kind, credential, field = data.draw(
        st.sampled_from(
            [(kind, one, field) for kind, one in (("make", made), ("sign", signed)) for field in one["response"]]
        )
    )
    raw = bytearray(decode(credential["response"][field] or "AAAA"))
    at = data.draw(st.integers(0, 1000)) % len(raw)
    inserted = data.draw(st.one_of(st.binary(max_size=40), st.just(b"\x81" * 5000), st.just(b"[" * 5000)))
    raw[at : at + data.draw(st.integers(0, 40))] = inserted
    credential["response"][field] = data.draw(st.sampled_from([encode(bytes(raw)), raw.decode("latin-1"), None, 7, {}]))
    expected = {
        "credential": credential, "expected_challenge": bytes(32), "expected_rp_id": "localhost",
        "expected_origin": "http://localhost", "require_user_verification": True,
    }  # fmt: skip
    with contextlib.suppress(Failed):
        if kind == "make":
            _verified(lambda: verify_registration_response(**expected))
        else:
            key = bytes.fromhex("a5010203262001215820") + bytes(32) + bytes.fromhex("225820") + bytes(32)
            count = {"credential_public_key": key, "credential_current_sign_count": 0}
            _verified(lambda: verify_authentication_response(**expected, **count))


def test_a_key_is_bound_to_the_host_of_the_address() -> None:
    assert Settings("https://review.example.com:8443").host == "review.example.com"
