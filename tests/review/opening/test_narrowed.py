"""The custodian knows the signed rules alone: what a session was left less than these, the console does not pass on."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import base64url, personal
from review.people.names import Narrowing
from tests.review.opening.conftest import APPROVED, PLAIN, House

CLEO = "cleo@example.com"
BOTH = "cleo@example.com: { roles: [compliance, privacy] }"


def of_both(rules: str) -> str:
    return rules.replace("cleo@example.com: { roles: [compliance] }", BOTH)


@pytest.fixture
def narrowing(house: House) -> Iterator[House]:
    yield house
    house.open_console.people.narrow(CLEO, Narrowing(), "root@host", "host")


def narrow(house: House, *roles: str) -> None:
    house.open_console.people.narrow(CLEO, Narrowing(roles=frozenset(roles)), "root@host", "host")


def sent(house: House, key: Ed25519PrivateKey, typ: str, do: str, name: str, **said: object) -> httpx.Response:
    with house.client("cleo") as client:
        nonce = client.post("/v1/custodian", json={"do": "nonce"}).json()
        token = personal.sign(typ, {**said, **nonce, "person": CLEO}, key)
        return client.post("/v1/custodian", json={"do": do, name: token})


def opening(house: House) -> dict[str, object]:
    session = base64url.encode(X25519PrivateKey.generate().public_key().public_bytes_raw())
    return {"act": "play", "recording": house.recording, "purpose": "audit", "rendition": "original",
            "session": session, "streams": ["0"]}  # fmt: skip


def test_what_narrowing_took_opens_nothing_and_consents_to_nothing(narrowing: House) -> None:
    house = narrowing
    house.govern(of_both(PLAIN))
    key, asked = house.keys("cleo"), opening(house)
    consent = {"recording": house.recording, "channel": "screen", "state": "given", "purpose": "audit",
               "reference": "F-1"}  # fmt: skip
    narrow(house, "privacy")  # which lists all, and opens nothing
    for typ, do, name, said in (
        (personal.REQUEST, "open", "request", asked), (personal.CONSENT, "consent", "consent", consent),
    ):  # fmt: skip
        answer = sent(house, key, typ, do, name, **said)
        assert (answer.status_code, answer.json().get("error")) == (403, "narrowed")
    narrow(house, "compliance")
    assert "release" in sent(house, key, personal.REQUEST, "open", "request", **asked).json()


def test_a_role_that_narrowing_took_approves_nothing(narrowing: House) -> None:
    house = narrowing
    house.govern(of_both(APPROVED))
    key, ann = house.keys("cleo"), house.keys("ann")
    session = base64url.encode(X25519PrivateKey.generate().public_key().public_bytes_raw())
    terms = opening(house) | {"purpose": "coaching", "rendition": "redacted", "session": session}
    with house.client("ann") as client:
        nonce = client.post("/v1/custodian", json={"do": "nonce"}).json()
        token = personal.sign(personal.REQUEST, {**terms, **nonce, "person": "ann@example.com"}, ann)
        filed = client.post("/v1/custodian", json={"do": "open", "request": token}).json()["filed"]
    said = {name: value for name, value in terms.items() if name != "streams"} | {"filed": filed, "verdict": "approve"}
    narrow(house, "privacy")
    answer = sent(house, key, personal.APPROVAL, "approve", "approval", **said)
    assert (answer.status_code, answer.json().get("error")) == (403, "narrowed")
    house.open_console.people.narrow(CLEO, Narrowing(), "root@host", "host")
    assert sent(house, key, personal.APPROVAL, "approve", "approval", **said).json()["verdict"] == "approve"
