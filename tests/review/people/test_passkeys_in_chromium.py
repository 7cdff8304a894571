"""Passkeys in a real browser with a virtual authenticator: what the console says is what a browser understands."""

from __future__ import annotations

from pathlib import Path

from testkit.devtools import DevTools, headless
from tests.review.people.conftest import ANNA, Console

POST = """
async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body ?? {}),
  });
  return [answer.status, await answer.json()];
}
async function make() {
  const [, options] = await post("/v1/passkey/new");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return post("/v1/passkey/add", {credential: (await navigator.credentials.create({publicKey})).toJSON()});
}
async function enter() {
  const [, options] = await post("/v1/passkey/ask");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return post("/v1/passkey", {credential: (await navigator.credentials.get({publicKey})).toJSON()});
}
"""


def authenticator(browser: DevTools, **more: object) -> str:
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    made = browser.call("WebAuthn.addVirtualAuthenticator", options=options | {"isUserVerified": True, **more})
    return str(made["authenticatorId"])


def test_a_passkey_from_the_link_to_the_sign_in(console: Console, tmp_path: Path) -> None:
    link = console.people.invite(ANNA, "root@host", "host")
    with headless(tmp_path) as browser:
        browser.open(f"{console.address}/nothing#{link.partition('#')[2]}")
        browser.call("WebAuthn.enable")
        key = authenticator(browser)
        browser.run(POST)
        assert browser.run('post("/v1/join", {link: location.hash.slice(1)})') == [
            200,
            {"state": "enrolling", "person": ANNA},
        ]
        assert browser.run("make()") == [200, {"state": "signed-in", "person": ANNA}]
        assert browser.run('fetch("/v1/session").then((answer) => answer.json())')["person"] == ANNA
        assert browser.run("document.cookie") == ""  # no script sees the session
        assert browser.run('post("/v1/sign-out")')[0] == 200
        for _ in range(2):
            assert browser.run("enter()") == [200, {"state": "signed-in", "person": ANNA}]
        # A copy of the key that signed less often than the key did.
        kept = browser.call("WebAuthn.getCredentials", authenticatorId=key)["credentials"][0]
        browser.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=key)
        clone = authenticator(browser)
        browser.call("WebAuthn.addCredential", authenticatorId=clone, credential=kept | {"signCount": 0})
        status, answer = browser.run("enter()")
        assert (status, answer["error"]) == (401, "not-signed-in")
        assert console.log.acts[-1].reason == "count-went-back"
