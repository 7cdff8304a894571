"""A signed statement is believed only as what it is: its algorithm and type come before its signature."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger import BATCH_LINES
from protocol import base64url, jws, ledger
from protocol.api import MAX_PACKET_BODY
from protocol.claims import FORMAT_NAMES, MOST_VALUES, has_values
from protocol.envelope import Edition
from protocol.errors import SignatureError
from protocol.interaction import MOST_AGENTS, MOST_TAGS, Agent, Interaction
from protocol.keys import WRAPPED_SIZE, thumbprint
from protocol.packet import KeyPacket, Monitor
from protocol.report import DeviceReport
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


@pytest.mark.parametrize("typ", [jws.PACKET, jws.LEDGER, jws.REPORT, jws.APPLICATION, jws.AUTH, jws.INTERACTION])
def test_what_devices_and_integrations_sign_has_a_bound_of_values(typ: str) -> None:
    """Nested or many: a megabyte of them took seconds and 60 MB where it was read."""
    most = [0] * (MOST_VALUES - 2)  # and the object's brace, and the comma behind `v`
    assert jws.verify(typ, jws.sign(typ, {"a": most}, KEY), KEY.public_key()) == {"a": most}
    texts = {"a": ['["' * MOST_VALUES]}
    assert jws.verify(typ, jws.sign(typ, texts, KEY), KEY.public_key()) == texts
    for many in ([*most, 0], [[]] * MOST_VALUES, ["a"] * 2 * MOST_VALUES, {str(n): n for n in range(MOST_VALUES)}):
        assert code_of(jws.sign(typ, {"a": many}, KEY), typ) == "oversized"
    assert jws.verify(jws.BUNDLE, jws.sign(jws.BUNDLE, {"a": [*most, 0]}, KEY), KEY.public_key())


def test_the_largest_that_is_honest_has_half_of_them() -> None:
    """A batch of 500 lines, a packet for as many readers as fit its body, 256 streams reported, 512 tags, 64 agents."""
    heads = {str(number): [1, "0" * 64] for number in range(256)}
    one = ledger.line(0, ledger.ZERO, at=0, wall=0, kind="heads", heads=heads)
    texts = Interaction(
        UUID(int=0), "i", "call", "in", "q", 0, 1, {"voice": "given"}, (Agent("a@b.de", "u", "h", "d"),) * MOST_AGENTS,
        ("0" * 64,) * MOST_TAGS,
    )  # fmt: skip
    reported = DeviceReport("d", 0, UUID(int=0), dict.fromkeys(range(256), (1, "0" * 64)), {}, (1, "0" * 64), 0)
    packet = KeyPacket(
        UUID(int=0), {str(n): bytes(WRAPPED_SIZE) for n in range(MAX_PACKET_BODY // 1600)}, 1, "0" * 64, bytes(32), 0,
        "d", "h", "u", tuple(Monitor(n, 0, 0, 1, 1, "m") for n in range(256)), "1", max(Edition),
    )  # fmt: skip
    signed = [
        ledger.Batch("d", 0, BATCH_LINES - 1, (one,) * BATCH_LINES).sign(KEY), texts.sign(KEY), reported.sign(KEY),
        packet.sign(KEY),
    ]  # fmt: skip
    for token in signed:
        payload = base64url.decode(token.split(".")[1])
        assert has_values(payload, MOST_VALUES // 2)
