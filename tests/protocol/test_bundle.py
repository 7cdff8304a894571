"""Recipients and policy come from the compliance key alone, whoever carries them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, bundle, jws
from protocol.bundle import Bundle
from protocol.claims import Claims
from protocol.errors import BundleError, ProtocolError, SignatureError
from protocol.keys import RecipientPrivate, thumbprint
from protocol.notice import LONGEST
from tests.vectors.packets import parts_of, raw_jws

COMPLIANCE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FINGERPRINT = thumbprint(COMPLIANCE.public_key())
AUDITOR, RECOVERY = RecipientPrivate.generate().public, RecipientPrivate.generate().public
BUNDLE = Bundle(3, (AUDITOR, RECOVERY), 1_767_225_600_000_000_000, {"a.yaml": "schema: 1\n...\n", "b.yaml": "é"})
GOVERNED = replace(
    BUNDLE, governance="5e" * 32, notice="Wir zeichnen auf.\n\nÉtienne Example: dpo@example.com \U0001faea"
)
HEADER, PAYLOAD, _ = parts_of(bundle.sign(BUNDLE, COMPLIANCE))


def code_of(token: str, error: type[ProtocolError]) -> str:
    with pytest.raises(error) as refused:
        bundle.verify(token, FINGERPRINT)
    return refused.value.code


def test_round_trip() -> None:
    assert bundle.verify(bundle.sign(BUNDLE, COMPLIANCE), FINGERPRINT) == BUNDLE


def test_a_bundle_may_carry_no_policy() -> None:
    plain = Bundle(1, (AUDITOR,), 0)
    assert bundle.verify(bundle.sign(plain, COMPLIANCE), FINGERPRINT) == plain


def test_governance_and_notice_are_two_more_claims() -> None:
    token = bundle.sign(GOVERNED, COMPLIANCE)
    assert bundle.verify(token, FINGERPRINT) == GOVERNED
    _, payload, _ = parts_of(token)
    assert payload == {**PAYLOAD, "governance": GOVERNED.governance, "notice": GOVERNED.notice}
    assert set(PAYLOAD) == {"v", "revision", "created", "recipients", "policy_files"}  # without them, as ever


def test_a_pc_of_before_takes_a_bundle_that_has_them() -> None:
    """It asks the signed claims for what it knows, as it did before there was governance."""
    claims = Claims(
        jws.verify(jws.BUNDLE, bundle.sign(GOVERNED, COMPLIANCE), COMPLIANCE.public_key(), with_key=True),
        "bundle",
        BundleError,
    )
    known = (claims.integer("revision"), claims.integer("created"), claims.text_map("policy_files"))
    assert known == (GOVERNED.revision, GOVERNED.created, GOVERNED.policy_files)
    assert len(claims.texts("recipients")) == 2


def test_another_key_signs_no_bundle() -> None:
    other = Ed25519PrivateKey.generate()
    assert code_of(bundle.sign(BUNDLE, other), SignatureError) == "wrong-fingerprint"
    assert code_of(raw_jws(HEADER, PAYLOAD, other), SignatureError) == "bad-signature"


def test_the_signer_s_name_must_be_the_key_s() -> None:
    assert code_of(raw_jws({**HEADER, "kid": "somebody"}, PAYLOAD, COMPLIANCE), SignatureError) == "wrong-signer"


@pytest.mark.parametrize(
    "jwk",
    [
        "key",
        {},
        {**HEADER["jwk"], "crv": "X25519"},
        {**HEADER["jwk"], "kty": "oct"},
        {**HEADER["jwk"], "x": "AAAA"},
        {**HEADER["jwk"], "x": 7},
        {**HEADER["jwk"], "use": "sig"},
    ],
)
def test_the_header_carries_a_key_and_nothing_but_a_key(jwk: object) -> None:
    assert code_of(raw_jws({**HEADER, "jwk": jwk}, PAYLOAD, COMPLIANCE), SignatureError) == "malformed"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"revision": -1}, "bad-field"),
        ({"created": None}, "bad-field"),
        ({"recipients": "all"}, "bad-field"),
        ({"recipients": []}, "no-recipients"),
        ({"recipients": PAYLOAD["recipients"][:1] * 2}, "doubled-recipient"),
        ({"recipients": ["AAAA"]}, "bad-recipient"),
        ({"recipients": ["not base64url"]}, "bad-recipient"),
        ({"recipients": [base64url.encode(AUDITOR.raw[:1184] + bytes(32))]}, "bad-recipient"),
        ({"policy_files": {"a.yaml": 7}}, "bad-field"),
        ({"governance": ""}, "bad-field"),
        ({"governance": "5E" * 32}, "bad-field"),
        ({"governance": None}, "bad-field"),
        ({"notice": ""}, "bad-field"),
        ({"notice": " \n"}, "bad-field"),
        ({"notice": ["text"]}, "bad-field"),
        ({"notice": "x" * (LONGEST + 1)}, "bad-field"),
        *(({"notice": f"a{unseen}b"}, "bad-field") for unseen in "\0\t\r\x1b\x7f\x85\u2028\u202e\u2066\u200f\ufeff"),
    ],
)
def test_a_signed_mistake_is_refused_whole(changed: dict[str, Any], code: str) -> None:
    assert code_of(raw_jws(HEADER, {**PAYLOAD, **changed}, COMPLIANCE), BundleError) == code


def test_the_longest_notice_is_taken() -> None:
    longest = replace(BUNDLE, notice="x" * LONGEST)
    assert bundle.verify(bundle.sign(longest, COMPLIANCE), FINGERPRINT) == longest
