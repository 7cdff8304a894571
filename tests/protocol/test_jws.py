"""A signed statement is believed only as what it is: its algorithm and type come before its signature."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import base64url, jws
from protocol.claims import FORMAT_NAMES
from protocol.errors import SignatureError
from protocol.keys import thumbprint
from tests.vectors.packets import raw_jws

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KID = thumbprint(KEY.public_key())
HEADER = {"alg": "Ed25519", "typ": "eyelid-receipt", "kid": KID}


def code_of(token: str, typ: str = jws.RECEIPT, key: jws.Keys | None = None) -> str:
    with pytest.raises(SignatureError) as refused:
        jws.verify(typ, token, key or KEY.public_key())
    return refused.value.code


@given(
    st.dictionaries(
        st.text().filter(lambda name: name not in FORMAT_NAMES),
        st.text() | st.integers(-(2**63), 2**64 - 1) | st.booleans() | st.none() | st.lists(st.text()),
    )
)
def test_round_trip(payload: dict[str, object]) -> None:
    token = jws.sign(jws.RECEIPT, payload, KEY)
    assert jws.verify(jws.RECEIPT, token, KEY.public_key()) == payload


def test_the_header_is_algorithm_type_and_signer() -> None:
    token = jws.sign(jws.RECEIPT, {"a": "é"}, KEY)
    header, payload, _ = token.split(".")
    assert json.loads(base64url.decode(header)) == HEADER
    assert base64url.decode(payload) == '{"v":1,"a":"é"}'.encode()


@pytest.mark.parametrize("typ", sorted(jws.TYPES))
def test_no_type_passes_for_another(typ: str) -> None:
    token = jws.sign(typ, {}, KEY)
    assert jws.verify(typ, token, KEY.public_key()) == {}
    for other in jws.TYPES - {typ}:
        assert code_of(token, other) == "wrong-type"


def test_a_type_that_does_not_exist_is_not_signed() -> None:
    with pytest.raises(SignatureError) as refused:
        jws.sign("JWT", {}, KEY)
    assert refused.value.code == "wrong-type"


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "EdDSA", "ed25519", "ES256", "", None, 7, ["Ed25519"]])
def test_no_other_algorithm(alg: object) -> None:
    assert code_of(raw_jws({**HEADER, "alg": alg}, {}, KEY)) == "wrong-algorithm"


def test_the_algorithm_is_refused_before_the_type_and_the_type_before_the_signature() -> None:
    assert code_of(raw_jws({**HEADER, "alg": "none", "typ": "x"}, {}, OTHER)) == "wrong-algorithm"
    assert code_of(raw_jws({**HEADER, "typ": "x"}, {}, OTHER)) == "wrong-type"


@pytest.mark.parametrize(
    "changes", [{"crit": ["b64"], "b64": False}, {"jwk": {}}, {"jku": "https://x"}, {"kid": 7}, {"x": "y" * 600}]
)
def test_a_header_says_nothing_else(changes: dict[str, Any]) -> None:
    assert code_of(raw_jws({**HEADER, **changes}, {}, KEY)) == "malformed"


def test_a_header_says_nothing_less() -> None:
    assert code_of(raw_jws({"alg": "Ed25519", "typ": jws.RECEIPT}, {}, KEY)) == "malformed"


@pytest.mark.parametrize("payload", [[], "text", 7, None])
def test_a_payload_is_an_object(payload: object) -> None:
    assert code_of(raw_jws(HEADER, payload, KEY)) == "malformed"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a.b", "a.b.c.d", "é..", "e30.e30.e30", "=.=.="])
def test_garbage_is_refused(token: str) -> None:
    assert code_of(token) in {"malformed", "wrong-algorithm"}


@given(st.text(max_size=60))
def test_nothing_but_a_signature_error_comes_out_of_a_stranger_s_text(token: str) -> None:
    assert code_of(token) in {"malformed", "wrong-algorithm", "wrong-type"}


@given(st.data())
def test_no_letter_can_be_another(data: st.DataObject) -> None:
    token = jws.sign(jws.RECEIPT, {"sequence": 7}, KEY)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCwxyz0189-_.").filter(lambda letter: letter != token[at]))
    code_of(token[:at] + letter + token[at + 1 :])


def test_another_signer_is_named_as_such_only_by_its_own_claim() -> None:
    assert code_of(jws.sign(jws.RECEIPT, {}, OTHER)) == "wrong-signer"
    assert code_of(raw_jws(HEADER, {}, OTHER)) == "bad-signature"


def test_one_of_several_keys() -> None:
    trusted = {thumbprint(key.public_key()): key.public_key() for key in (KEY, OTHER)}
    assert jws.verify(jws.RECEIPT, jws.sign(jws.RECEIPT, {"n": 1}, OTHER), trusted) == {"n": 1}
    third = jws.sign(jws.RECEIPT, {}, Ed25519PrivateKey.generate())
    assert code_of(third, key=trusted) == "wrong-signer"


def test_a_key_in_the_header_only_where_it_is_asked_for() -> None:
    token = jws.sign(jws.BUNDLE, {}, KEY, with_key=True)
    assert jws.verify(jws.BUNDLE, token, KEY.public_key(), with_key=True) == {}
    assert code_of(token, jws.BUNDLE) == "malformed"


def test_a_large_payload_is_signed_and_read() -> None:
    policies = {"text": "x" * 2**20}
    assert jws.verify(jws.RECEIPT, jws.sign(jws.RECEIPT, policies, KEY), KEY.public_key()) == policies
    assert jws.MAX_SIZE == 16 * 2**20
    assert code_of("e" * (jws.MAX_SIZE + 1)) == "oversized"


def test_what_is_no_unicode_is_not_signed() -> None:
    with pytest.raises(SignatureError) as refused:
        jws.sign(jws.RECEIPT, {"os_user": "mar\udced"}, KEY)
    assert refused.value.code == "malformed"


def test_the_largest_token_is_allowed_and_one_letter_more_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    token = jws.sign(jws.RECEIPT, {"n": 1}, KEY)
    monkeypatch.setattr(jws, "MAX_SIZE", len(token))
    assert jws.sign(jws.RECEIPT, {"n": 1}, KEY) == token
    assert jws.verify(jws.RECEIPT, token, KEY.public_key()) == {"n": 1}
    monkeypatch.setattr(jws, "MAX_SIZE", len(token) - 1)
    assert code_of(token) == "oversized"
    with pytest.raises(SignatureError) as refused:
        jws.sign(jws.RECEIPT, {"n": 1}, KEY)
    assert refused.value.code == "oversized"


def test_the_largest_header_is_read_and_one_byte_more_is_not() -> None:
    room = jws.MAX_HEADER // 4 * 3 - len(json.dumps({**HEADER, "kid": ""}, separators=(",", ":")))
    assert jws.MAX_HEADER == 512
    assert code_of(raw_jws({**HEADER, "kid": "k" * room}, {}, KEY)) == "wrong-signer"
    assert code_of(raw_jws({**HEADER, "kid": "k" * (room + 1)}, {}, KEY)) == "malformed"
