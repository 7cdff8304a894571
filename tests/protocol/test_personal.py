"""What people sign: with a browser's keys and with passkeys; nothing else passes for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol import base64url, personal
from protocol.errors import KeyProblem, SignatureError
from protocol.personal import NEW_KEY, REQUEST, PersonKey, PersonPrivate

PAGE = "https://review.example.com"
KEYS: dict[str, Callable[[], PersonPrivate]] = {
    "Ed25519": Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
}
PRESENT, VERIFIED = 1, 4


def spki(public: Any) -> str:
    return base64url.encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def refused(token: str, key: PersonKey, typ: str = REQUEST) -> str:
    with pytest.raises(SignatureError) as error:
        personal.check(personal.read(typ, token), key)
    return error.value.code


@pytest.mark.parametrize("kind", KEYS)
def test_what_was_signed_is_read_and_its_id_is_of_what_was_signed(kind: str) -> None:
    private = KEYS[kind]()
    key = PersonKey.read(PersonKey(private.public_key()).text)
    token = personal.sign(REQUEST, {"act": "play"}, private)
    signed = personal.read(REQUEST, token)
    personal.check(signed, key)
    assert (signed.claims.text("act"), signed.algorithm, signed.key) == ("play", kind, key.id)
    assert signed.id == hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    assert signed.claims.names() == ("act",)


@pytest.mark.parametrize("kind", KEYS)
def test_what_was_changed_or_signed_by_another_is_refused(kind: str) -> None:
    private = KEYS[kind]()
    key, other = PersonKey(private.public_key()), PersonKey(KEYS[kind]().public_key())
    token = personal.sign(REQUEST, {"act": "play"}, private)
    head, payload, signature = token.split(".")
    assert refused(token, other) == "wrong-signer"
    assert refused(f"{head}.{base64url.encode(b'{}')}.{signature}", key) == "bad-signature"
    raw = base64url.decode(signature)
    for other in (b"", b"\0" * 64, b"\xff" * 64, raw + b"\0", raw[:-1], raw[:32] + bytes(5) + raw[32:]):
        assert refused(f"{head}.{payload}.{base64url.encode(other)}", key) == "bad-signature"
    assert refused(f"{head}.{payload}.=", key) == "bad-signature"
    assert refused(token, PersonKey(key.public, passkey=True, origin=PAGE)) == "wrong-algorithm"
    assert refused(token, key, NEW_KEY) == "wrong-type"


def test_zeros_before_the_second_half_of_a_signature_are_refused() -> None:
    private = KEYS["ES256"]()
    head, payload, signature = personal.sign(REQUEST, {"act": "play"}, private).split(".")
    raw = base64url.decode(signature)
    padded = base64url.encode(raw[:32] + bytes(5) + raw[32:])
    assert refused(f"{head}.{payload}.{padded}", PersonKey(private.public_key())) == "bad-signature"


def header(**changed: object) -> str:
    told = {"alg": "Ed25519", "typ": REQUEST, "kid": "k"} | changed
    return base64url.encode(json.dumps({name: value for name, value in told.items() if value is not None}).encode())


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c.d", "malformed"),
        (f"{header()}.e30=.x", "malformed"),
        (f"{header(jku='x')}.e30.x", "malformed"),
        (f"{header(kid=None)}.e30.x", "malformed"),
        (f"{header(kid=7)}.e30.x", "bad-field"),
        (f"{header()}.eyJ2IjogMn0.x", "unknown-version"),
        (f"{header()}.eyJjcml0IjogWyJ4Il0sICJ4IjogMX0.x", "unknown-critical"),
        ("x" * (personal.MAX_SIZE + 1), "oversized"),
    ],
)
def test_what_is_no_statement_is_refused_by_name(token: str, code: str) -> None:
    with pytest.raises(SignatureError) as error:
        personal.read(REQUEST, token)
    assert error.value.code == code


OTHERS: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no base64url": lambda: "!",
    "no SPKI": lambda: base64url.encode(b"\0" * 44),
    "RSA": lambda: spki(rsa.generate_private_key(65537, 2048).public_key()),
    "P-384": lambda: spki(ec.generate_private_key(ec.SECP384R1()).public_key()),
    "X25519": lambda: spki(X25519PrivateKey.generate().public_key()),
    "of small order": lambda: base64url.encode(base64url.decode("MCowBQYDK2VwAyEA") + bytes(32)),
    "longer": lambda: spki(Ed25519PrivateKey.generate().public_key()) + "AA",
    "compressed": lambda: base64url.encode(
        base64url.decode("MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC")
        + ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.X962, PublicFormat.CompressedPoint)[1:]
    ),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_key_of_another_kind_is_none_of_a_person(other: str) -> None:
    with pytest.raises(KeyProblem) as error:
        PersonKey.read(OTHERS[other]())
    assert error.value.code == "bad-key"


# -- passkeys -------------------------------------------------------------------------------------------------------


def assertion(private: PersonPrivate, key: PersonKey, **changed: Any) -> str:
    """As an authenticator and the browser make it. `changed`: of the client's data; flags, site, data, extra."""
    payload = base64url.encode(b'{"v":1,"act":"play"}')
    signed = f"{header(alg='webauthn', kid=key.id)}.{payload}"
    client: dict[str, Any] = {
        "type": "webauthn.get", "challenge": base64url.encode(hashlib.sha256(signed.encode()).digest()),
        "origin": PAGE, "crossOrigin": False,
    }  # fmt: skip
    client |= {name: value for name, value in changed.items() if name in client}
    said = json.dumps({name: value for name, value in client.items() if value is not None}).encode()
    site = hashlib.sha256(changed.get("site", "review.example.com").encode()).digest()
    data = changed.get("data", site + bytes([changed.get("flags", PRESENT | VERIFIED)]) + bytes(4))
    over = data + hashlib.sha256(said).digest()
    raw = private.sign(over) if isinstance(private, Ed25519PrivateKey) else private.sign(over, ec.ECDSA(SHA256()))
    third = {"authenticatorData": data, "clientDataJSON": said, "signature": changed.get("signature", raw)}
    text = json.dumps({name: base64url.encode(value) for name, value in third.items()})
    return f"{signed}.{base64url.encode(text.encode())}"


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("changed", [{}, {"crossOrigin": None}, {"flags": 0x1D}])
def test_a_passkey_signs_by_its_assertion(kind: str, changed: dict[str, Any]) -> None:
    private = KEYS[kind]()
    key = PersonKey(private.public_key(), passkey=True, origin=PAGE)
    signed = personal.read(REQUEST, assertion(private, key, **changed))
    personal.check(signed, key)
    assert signed.claims.text("act") == "play"


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "webauthn.create"}, "bad-assertion"),
        ({"challenge": base64url.encode(bytes(32))}, "bad-assertion"),
        ({"origin": "https://review.example.com.evil.example"}, "bad-assertion"),
        ({"crossOrigin": True}, "bad-assertion"),
        ({"crossOrigin": "no"}, "bad-field"),
        ({"site": "evil.example"}, "bad-assertion"),
        ({"flags": PRESENT}, "bad-assertion"),
        ({"flags": VERIFIED}, "bad-assertion"),
        ({"data": b"short"}, "bad-assertion"),
        ({"data": hashlib.sha256(b"review.example.com").digest()}, "bad-assertion"),
        ({"signature": b"\0" * 64}, "bad-signature"),
    ],
)
def test_an_assertion_of_another_page_or_statement_or_without_the_person_is_refused(
    kind: str, changed: dict[str, Any], code: str
) -> None:
    private = KEYS[kind]()
    key = PersonKey(private.public_key(), passkey=True, origin=PAGE)
    assert refused(assertion(private, key, **changed), key) == code


def test_a_third_part_that_is_no_assertion_is_refused() -> None:
    private = Ed25519PrivateKey.generate()
    key = PersonKey(private.public_key(), passkey=True, origin=PAGE)
    signed = assertion(private, key).rpartition(".")[0]
    assert refused(f"{signed}.{base64url.encode(b'no json')}", key) == "bad-signature"
    assert refused(f"{signed}.{base64url.encode(b'{}')}", key) == "bad-field"
