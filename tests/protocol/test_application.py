"""An application is good only with the signature of each key that it brings, and an answer only for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, jws
from protocol.application import Application
from protocol.claims import Claims
from protocol.errors import ProtocolError, SignatureError

TOKEN, EVIDENCE, STORE, OTHER = (Ed25519PrivateKey.generate() for _ in range(4))
APPLICATION = Application(
    secret="secret",
    store="s" * 43,
    token_key=TOKEN.public_key(),
    evidence_key=EVIDENCE.public_key(),
    host="pc-7",
    user="lovelace",
    os="Linux",
    agent_version="0.1.0",
    nonce=base64url.encode(bytes(16)),
)
REQUEST = dict(APPLICATION.sign(TOKEN, EVIDENCE))


def read(**changes: object) -> Application:
    """A change to None leaves the field out."""
    fields = {name: value for name, value in {**REQUEST, **changes}.items() if value is not None}
    return Application.verify(Claims(fields, "enrolment", ProtocolError))


def test_what_both_keys_signed_is_read_back() -> None:
    assert read() == APPLICATION
    assert "secret='" not in repr(APPLICATION)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"host": "pc-8"}, "unproven-key"),
        ({"secret": "another"}, "unproven-key"),
        ({"token_proof": None}, "unproven-key"),
        ({"evidence_proof": None}, "unproven-key"),
        ({"token_proof": REQUEST["evidence_proof"]}, "unproven-key"),
        ({"evidence_proof": "garbage"}, "unproven-key"),
        ({"evidence_key": REQUEST["token_key"]}, "same-key"),
        ({"token_key": "A" * 43}, "bad-key"),
        ({"nonce": "AAAA"}, "bad-field"),
        ({"user": None}, "bad-field"),
    ],
)
def test_anything_else_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        read(**changes)
    assert refused.value.code == code


def test_a_signature_of_another_kind_of_statement_proves_nothing() -> None:
    statement = jws.sign(jws.AUTH, {"device": "d"}, TOKEN)
    with pytest.raises(ProtocolError, match="another type of statement"):
        read(token_proof=statement)


def test_the_answer_is_the_stores_and_to_this_application() -> None:
    proof = APPLICATION.admit("d-1", "bundle", STORE)
    keys = STORE.public_key()
    APPLICATION.check_admission(proof, "d-1", "bundle", keys)
    for application, device, bundle, key, code in (
        (replace(APPLICATION, host="pc-8"), "d-1", "bundle", keys, "wrong-admission"),
        (APPLICATION, "d-2", "bundle", keys, "wrong-admission"),
        (APPLICATION, "d-1", "an older one", keys, "wrong-admission"),
        (APPLICATION, "d-1", "bundle", OTHER.public_key(), "wrong-signer"),
    ):
        with pytest.raises(SignatureError) as refused:
            application.check_admission(proof, device, bundle, key)
        assert refused.value.code == code
