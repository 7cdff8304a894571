"""OpenID providers: a real one in a process of its own, and one that lies, hangs, floods and changes its keys."""

from __future__ import annotations

import hashlib
import hmac
import socket
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from protocol import base64url
from review.people import oidc, schema
from review.people.routes import FLOW
from review.people.settings import ProviderSettings
from testkit.waits import until
from tests.review.people.authenticator import Authenticator
from tests.review.people.conftest import ANNA, BERT, PASSWORD, Browser, Console, NewConsole, secret_of
from tests.review.people.providers import EC, KEYS, OTHER, Claims, Misbehaving, by_hand, misbehaving, send, signed

CLIENT = "eyelid"


@pytest.fixture
def provider() -> Iterator[Misbehaving]:
    at: list[Console] = []
    with misbehaving(lambda: at[0].clock.seconds if at else 0) as made:
        made.console = at  # type: ignore[attr-defined]
        yield made


def settings_of(provider: Misbehaving, **more: Any) -> ProviderSettings:
    return ProviderSettings(provider.address, CLIENT, ("*@example.com",), **more)


@pytest.fixture
def connected(new_console: NewConsole, provider: Misbehaving) -> Callable[..., Console]:
    def make(**more: Any) -> Console:
        console = new_console(staff=settings_of(provider, **more))
        provider.console.append(console)  # type: ignore[attr-defined]
        return console

    return make


def begin(browser: Browser, provider: Misbehaving, name: str = "staff") -> dict[str, str]:
    """What the browser was sent to the provider with."""
    answer = browser.post(f"/v1/oidc/{name}")
    assert answer.status_code == 200, answer.text
    asked = {key: values[0] for key, values in parse_qs(urlsplit(answer.json()["url"]).query).items()}
    provider.nonce = asked["nonce"]
    return asked


def back(browser: Browser, asked: dict[str, str], name: str = "staff", **answer: str) -> httpx.Response:
    """As the provider sends the browser back."""
    query = {"code": "c", "state": asked["state"], **answer}
    return browser.get(f"/v1/oidc/{name}/callback?{httpx.QueryParams({k: v for k, v in query.items() if v})}")


def sign_in(console: Console, provider: Misbehaving, **claims: Any) -> tuple[Browser, httpx.Response]:
    provider.claims = {"email": ANNA, "email_verified": True, **claims}
    browser = console.browser()
    return browser, back(browser, begin(browser, provider))


def refused(console: Console, answer: httpx.Response, reason: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "not-signed-in"), answer.text
    assert "__Host-eyelid-session" not in answer.headers.get("set-cookie", "")
    assert console.log.acts[-1].reason == reason
    with console.people.database.reading() as connection:
        assert not connection.execute(schema.sessions.select()).all()


# -- as it should be --------------------------------------------------------------------------------------------------


def test_a_first_sign_in_makes_them_known(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    browser, answer = sign_in(console, provider, email="Anna@EXAMPLE.com")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/v1/session").json()["person"] == ANNA
    assert FLOW not in browser.cookies
    assert console.log.said() == [f"sign-in {ANNA} oidc"]


def test_what_it_is_asked(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected(secret="s3cret:%", acr=("urn:mfa",))
    provider.claims |= {"acr": "urn:mfa"}
    browser = console.browser()
    asked = begin(browser, provider)
    assert asked["redirect_uri"] == f"{console.address}/v1/oidc/staff/callback"
    assert (asked["response_type"], asked["code_challenge_method"], asked["acr_values"]) == ("code", "S256", "urn:mfa")
    assert back(browser, asked).status_code == 303
    verifier = provider.form["code_verifier"][0]
    assert base64url.encode(hashlib.sha256(verifier.encode()).digest()) == asked["code_challenge"]
    assert b64decode(provider.basic.removeprefix("Basic ")) == b"eyelid:s3cret%3A%25"
    assert verifier not in str(asked)


def test_two_audiences_need_the_party_that_it_is_for(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    assert sign_in(console, provider, aud=[CLIENT, "other"], azp=CLIENT)[1].status_code == 303


def test_whom_a_provider_vouches_for_gets_no_way_around_it(
    connected: Callable[..., Console], provider: Misbehaving
) -> None:
    """Or they would still come in when it knows them no more."""
    console = connected()
    browser, _ = sign_in(console, provider)
    authenticator = Authenticator("localhost", console.address)
    made = authenticator.make(browser.post("/v1/passkey/new").json())
    assert browser.post("/v1/passkey/add", {"credential": made}).json()["error"] == "by-link"
    pending = browser.post("/v1/password/new", {"password": PASSWORD}).json()
    code = console.code(secret_of(pending["uri"]))
    assert browser.post("/v1/password/set", {"pending": pending["pending"], "code": code}).json()["error"] == "by-link"
    assert console.status(browser) == 200


# -- what its token may not say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "claims"),
    [
        ("another-issuer", {"iss": "https://evil.example"}),
        ("another-issuer", {"iss": None}),
        ("another-audience", {"aud": "other"}),
        ("another-audience", {"aud": []}),
        ("another-audience", {"aud": [CLIENT, "other"]}),
        ("another-audience", {"aud": [CLIENT], "azp": "other"}),
        ("another-nonce", {"nonce": "replayed"}),
        ("another-nonce", {"nonce": None}),
        ("another-nonce", {"nonce": "é"}),
        ("late-token", {"exp": 5}),
        ("late-token", {"exp": True}),
        ("late-token", {"exp": "2099"}),
        ("early-token", {"iat": 2**40}),
        ("early-token", {"iat": None}),
        ("early-token", {"nbf": 2**40}),
        ("no-subject", {"sub": None}),
        ("no-subject", {"sub": ""}),
        ("no-subject", {"sub": "s" * 256}),
        ("no-subject", {"sub": {"a": 1}}),
        ("no-subject", {"sub": "s\x00"}),
        ("not-verified", {"email_verified": False}),
        ("not-verified", {"email_verified": "true"}),
        ("not-verified", {"email_verified": None}),
        ("no-name", {"email": None}),
        ("no-name", {"email": ""}),
        ("no-name", {"email": [ANNA]}),
        ("no-name", {"email": "\u0430nna@example.com"}),
        ("no-name", {"email": "\u212aarl@example.com"}),
        ("not-of-provider", {"email": "anna@example.org"}),
        ("not-of-provider", {"email": "anna@evil.example.com.example.org"}),
        ("not-of-provider", {"email": "analyst"}),
    ],
)
def test_a_token_that_says_something_else(
    connected: Callable[..., Console], provider: Misbehaving, reason: str, claims: Claims
) -> None:
    console = connected()
    refused(console, sign_in(console, provider, **claims)[1], reason)


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub", "nonce", "email", "email_verified"])
def test_a_token_that_says_less(connected: Callable[..., Console], provider: Misbehaving, claim: str) -> None:
    console = connected()
    provider.without = (claim,)
    _, answer = sign_in(console, provider)
    assert answer.status_code == 401


def test_clocks_that_differ_a_little(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    now = console.clock.seconds
    assert sign_in(console, provider, exp=now - oidc.SKEW + 1)[1].status_code == 303
    assert sign_in(console, provider, exp=now - oidc.SKEW)[1].status_code == 401
    assert sign_in(console, provider, iat=now + oidc.SKEW)[1].status_code == 303
    assert sign_in(console, provider, iat=now + oidc.SKEW + 1)[1].status_code == 401


def test_how_strong_it_must_have_been(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected(amr=("mfa", "hwk"), acr=("high",))
    for reason, claims in [
        ("weak-acr", {"amr": ["mfa"]}),
        ("weak-acr", {"acr": "low", "amr": ["mfa"]}),
        ("weak-amr", {"acr": "high"}),
        ("weak-amr", {"acr": "high", "amr": ["pwd"]}),
        ("weak-amr", {"acr": "high", "amr": "mfa"}),
    ]:
        refused(console, sign_in(console, provider, **claims)[1], reason)
    assert sign_in(console, provider, acr="high", amr=["pwd", "hwk"])[1].status_code == 303


def test_who_gets_somebodys_address_is_not_them(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    assert sign_in(console, provider)[1].status_code == 303
    console.people.end(ANNA)
    refused(console, sign_in(console, provider, sub="s-2")[1], "another-identity")
    refused(console, sign_in(console, provider, email=BERT)[1], "another-identity")  # and who changes theirs
    console.people.remove(ANNA, "root@host", "host")
    console.invited()
    assert sign_in(console, provider, sub="s-2")[1].status_code == 303


def test_whom_no_rule_names_stays_unknown(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    console.rules[0] = replace(console.rules[0], people=())
    refused(console, sign_in(console, provider)[1], "unknown-person")
    assert console.people.everybody() == []


# -- what its claims leave --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "roles", "teams"),
    [
        (["leads", "north"], ["lead"], ["north"]),
        ("leads", ["lead"], []),
        (["leads", "owners", 7, None], ["lead"], []),
        (["agents", "south"], ["agent"], []),
        ([], [], []),
        (None, [], []),
        ({"leads": True}, [], []),
    ],
)
def test_claims_only_narrow(
    connected: Callable[..., Console], provider: Misbehaving, groups: object, roles: list[str], teams: list[str]
) -> None:
    leaves = {"leads": frozenset({"lead"}), "owners": frozenset({"owner"}), "agents": frozenset({"agent"})}
    console = connected(roles=leaves, teams={"north": frozenset({"north", "east"}), "south": frozenset({"south"})})
    browser, answer = sign_in(console, provider, groups=groups)
    if roles:
        session = browser.get("/v1/session").json()
        assert (session["roles"], session["teams"]) == (roles, teams)
    else:
        refused(console, answer, "no-role")


# -- signatures and keys ----------------------------------------------------------------------------------------------


def rsa(text: bytes) -> bytes:
    return KEYS["first"].private_key.sign(text, PKCS1v15(), SHA256())


def public_as_secret(text: bytes) -> bytes:
    return hmac.digest(KEYS["first"].as_pem(private=False), text, "sha256")


def test_a_token_by_hand(connected: Callable[..., Console], provider: Misbehaving) -> None:
    """That those below are refused for what is wrong with them."""
    console = connected()
    provider.sign = lambda claims: by_hand({"alg": "RS256", "kid": "first"}, claims, rsa)
    assert sign_in(console, provider)[1].status_code == 303


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(lambda claims: by_hand({"alg": "none"}, claims, lambda _: b""), id="none"),
        pytest.param(lambda claims: signed(claims, OTHER), id="another key by the same name"),
        pytest.param(lambda claims: signed(claims, KEYS["second"]), id="a key that is not published"),
        pytest.param(lambda claims: signed(claims)[:-4] + "AAAA", id="another signature"),
        pytest.param(lambda claims: signed(claims) + ".x.y", id="five parts"),
        pytest.param(lambda _: "", id="nothing"),
        pytest.param(lambda _: "\u00e9.\u00e9.\u00e9", id="no base64"),
        pytest.param(
            lambda claims: by_hand({"alg": "RS256", "kid": "first", "crit": ["new"], "new": 1}, claims, rsa),
            id="a header that must be understood",
        ),
        # The algorithm is not the token's to choose: a public key is no secret.
        pytest.param(lambda claims: by_hand({"alg": "HS256", "kid": "first"}, claims, public_as_secret), id="HS256"),
    ],
)
def test_what_its_keys_did_not_sign(
    connected: Callable[..., Console], provider: Misbehaving, sign: Callable[[Claims], str]
) -> None:
    console = connected()
    provider.sign = sign
    refused(console, sign_in(console, provider)[1], "bad-signature")


def test_keys_change(connected: Callable[..., Console], provider: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "AGAIN_AFTER", 0.0)  # a second otherwise
    console = connected()
    assert sign_in(console, provider)[1].status_code == 303
    provider.published = [KEYS["second"]]
    provider.sign = lambda claims: signed(claims, KEYS["second"])
    assert sign_in(console, provider)[1].status_code == 303
    assert provider.asked.count("/keys") == 2
    provider.sign = signed  # the old one is good no more
    assert sign_in(console, provider)[1].status_code == 401


def test_keys_of_other_kinds(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    provider.published = [{"kty": "new"}, {"kty": "oct", "k": "c2VjcmV0"}, "key", 7, EC, KEYS["first"]]
    provider.published = [one for one in provider.published if not isinstance(one, (str, int))]
    provider.sign = lambda claims: signed(claims, EC, alg="ES256")
    assert sign_in(console, provider)[1].status_code == 303


# -- the way back -----------------------------------------------------------------------------------------------------


def test_the_way_back_is_of_one_browser_once_and_in_time(
    connected: Callable[..., Console], provider: Misbehaving
) -> None:
    console = connected()
    browser, victim = console.browser(), console.browser()
    asked = begin(browser, provider)
    refused(console, back(victim, asked), "no-flow")  # a page elsewhere sends a browser in as somebody else
    begin(victim, provider)
    refused(console, back(victim, asked), "another-state")
    refused(console, back(browser, asked, state=""), "another-state")
    refused(console, back(browser, asked, state="é"), "another-state")
    refused(console, back(browser, asked, code=""), "provider-refused")
    refused(console, back(browser, asked, error="access_denied"), "provider-refused")
    refused(console, back(browser, asked, iss="https://evil.example"), "another-issuer")
    console.clock.pass_by(600)
    refused(console, back(browser, asked), "late")


def test_an_answer_is_good_once(connected: Callable[..., Console], provider: Misbehaving) -> None:
    console = connected()
    browser = console.browser()
    asked = begin(browser, provider)
    flow = browser.cookies[FLOW]
    assert back(browser, asked).status_code == 303
    console.people.end(ANNA)
    browser.cookies = {FLOW: flow}
    refused(console, back(browser, asked), "replayed")


def test_an_issuer_that_says_that_it_says_who_it_is_must(
    connected: Callable[..., Console], provider: Misbehaving
) -> None:
    console = connected()
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    browser = console.browser()
    asked = begin(browser, provider)
    refused(console, back(browser, asked), "another-issuer")
    assert back(browser, asked, iss=provider.address).status_code == 303


def test_one_providers_answer_is_not_anothers(new_console: NewConsole, provider: Misbehaving) -> None:
    console = new_console(staff=settings_of(provider), guests=settings_of(provider, claim="sub"))
    provider.console.append(console)  # type: ignore[attr-defined]
    browser = console.browser()
    asked = begin(browser, provider)
    refused(console, back(browser, asked, "guests"), "another-provider")
    assert browser.post("/v1/oidc/nobody").status_code == 404
    assert browser.get("/v1/oidc/nobody/callback").status_code == 404


# -- an outage --------------------------------------------------------------------------------------------------------


def flood(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(100 * 2**20))
    handler.end_headers()
    for _ in range(100 * 2**4):
        handler.wfile.write(b" " * 2**16)


OUTAGES = {
    "oversized": flood,
    "provider-error": lambda handler: send(handler, b"{}", 500),
    "bad-answer": lambda handler: send(handler, b"<html>"),
    "nested": lambda handler: send(handler, b'{"a":' * 20000 + b"1" + b"}" * 20000),
    "redirect": lambda handler: send(handler, b"", 302, Location="http://169.254.169.254/"),
    "no HTTP": lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n"),
}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_a_provider_that_does_not_answer_as_one(
    connected: Callable[..., Console], provider: Misbehaving, path: str, outage: str
) -> None:
    console = connected()
    provider.answers = {path: OUTAGES[outage]}
    browser = console.browser()
    if path != "/token":
        answer = browser.post("/v1/oidc/staff")
        assert (answer.status_code, answer.json()["error"]) == (503, "provider-unavailable")
    else:
        answer = back(browser, begin(browser, provider))
        known = {"nested": "bad-answer", "redirect": "provider-error", "no HTTP": "no-answer"}
        refused(console, answer, known.get(outage, outage))
    provider.answers = {}
    assert sign_in(console, provider)[1].status_code == 303


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"token_endpoint": ["https://x"]},
    ],
)
def test_what_it_publishes_is_checked(
    connected: Callable[..., Console], provider: Misbehaving, metadata: Claims
) -> None:
    console = connected()
    provider.metadata = metadata
    assert console.browser().post("/v1/oidc/staff").status_code == 503


def test_a_provider_that_hangs_holds_nobody_up(
    connected: Callable[..., Console], provider: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = connected()
    secret = console.with_password()
    provider.answers = {"/token": lambda _: provider.ended.wait()}
    browser = console.browser()
    asked = begin(browser, provider)  # which has ten seconds
    monkeypatch.setattr(oidc, "ANSWERS_WITHIN", 0.3)  # of ten seconds
    refused(console, back(browser, asked), "no-answer")
    answer = console.browser().post(
        "/v1/password", {"person": ANNA, "password": "pewter lantern sidewalk mango", "code": console.code(secret)}
    )
    assert answer.status_code == 200  # sign-in by other ways, and sessions, go on


# -- a real one -------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path) -> Iterator[str]:
    """The address of oidc-provider-mock, which is authlib's provider in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    with (tmp_path / "provider.log").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            until(lambda: process.poll() is not None or _answers(address), "the provider answers")
            assert process.poll() is None, (tmp_path / "provider.log").read_text()
            yield address
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/.well-known/openid-configuration").status_code == 200
    except httpx.TransportError:
        return False


def test_a_real_provider(new_console: NewConsole, real: str) -> None:
    console = new_console(staff=ProviderSettings(real, CLIENT, ("*@example.com",), "secret"))
    httpx.put(f"{real}/users/s-1", json={"email": "Anna@example.com", "email_verified": True}).raise_for_status()
    httpx.put(f"{real}/users/s-2", json={"email": BERT}).raise_for_status()
    browser = console.browser()
    url = browser.post("/v1/oidc/staff").json()["url"]
    there = httpx.post(url, data={"sub": "s-1"})
    answer = browser.get(there.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/v1/session").json()["person"] == ANNA
    browser = console.browser()
    there = httpx.post(browser.post("/v1/oidc/staff").json()["url"], data={"sub": "s-2"})
    assert browser.get(there.headers["location"]).status_code == 401
    assert console.log.acts[-1].reason == "not-verified"
