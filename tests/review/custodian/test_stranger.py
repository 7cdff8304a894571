"""A browser's own cryptography (WebCrypto, in Node), written from docs/custodian.md: it enrols, asks, and opens."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from testkit.custody import House

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(not NODE, reason="no Node on this machine")
ANN = "ann@example.com"


@pytest.fixture
def browser() -> Iterator[Callable[..., dict[str, Any]]]:
    with subprocess.Popen(
        [NODE or "", str(Path(__file__).with_name("stranger.mjs"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip

        def ask(do: str, **fields: Any) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
            return dict(json.loads(process.stdout.readline()))

        yield ask
        process.kill()


@pytest.mark.parametrize(("alg", "session"), [("Ed25519", "X25519"), ("ES256", "P-256")])
def test_a_browser_enrols_a_key_of_its_own_and_opens_a_stream(
    browser: Callable[..., dict[str, Any]], tmp_path: Path, alg: str, session: str
) -> None:
    house = House(tmp_path / "house")
    custodian = house.ready()
    made = browser("keys", alg=alg, session=session)
    invitation, secret = house.invitation(ANN)
    payload = {"invitation": hashlib.sha256(invitation.encode()).hexdigest(), "key": made["spki"]}
    token = browser("sign", typ=personal.NEW_KEY, payload=payload)["token"]
    once = Ed25519PrivateKey.from_private_bytes(base64url.decode(secret))
    taken = {"invitation": invitation, "key": token, "proof": base64url.encode(once.sign(token.encode()))}
    custodian.enrol(Claims(taken, "test", ProtocolError), "test")

    kept = house.recording()
    terms = house.terms(ANN, kept.id, session=made["session"], streams=["0"]) | custodian.nonce()
    request = browser("sign", typ=personal.REQUEST, payload=terms)["token"]
    asked = Claims({"request": request, "papers": kept.papers}, "test", ProtocolError)
    answer = house.released(custodian.open(asked, "test"))
    told = {"request": answer["request"], "recording": str(kept.id), "stream": 0}
    keys: Any = answer["keys"]
    assert browser("open", sealed=keys["0"], **told)["key"] == kept.stream_key(0).hex()
