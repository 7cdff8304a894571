"""The enrolment token survives being pasted, and says what is wrong when it did not."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from protocol import base64url, enrolment
from protocol.enrolment import PREFIX, Enrolment
from protocol.errors import EnrolmentError
from protocol.keys import thumbprint

STORE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def authority() -> str:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a store's CA")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .sign(key, None)
    )
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


ENROLMENT = Enrolment(
    address="https://store.example:8443",
    ca=authority(),
    store_key=STORE.public_key(),
    compliance=thumbprint(STORE.public_key()),
    secret="only-once",
    group="front desk",
)


def with_fields(**changed: object) -> str:
    fields = json.loads(base64url.decode(enrolment.make(ENROLMENT).removeprefix(PREFIX)))
    return PREFIX + base64url.encode(json.dumps({**fields, **changed}).encode())


def test_round_trip() -> None:
    assert enrolment.parse(enrolment.make(ENROLMENT)) == ENROLMENT


def test_the_way_it_was_pasted_does_not_matter() -> None:
    token = enrolment.make(ENROLMENT)
    wrapped = "  " + "\r\n ".join(token[at : at + 60] for at in range(0, len(token), 60)) + "\n"
    assert enrolment.parse(wrapped) == ENROLMENT


@pytest.mark.parametrize(
    "address", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "https://x/eyelid/", "https://x:1"]
)
def test_addresses(address: str) -> None:
    token = enrolment.make(replace(ENROLMENT, address=address, ca=""))
    assert enrolment.parse(token).address == address.rstrip("/")


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "not-a-token"),
        ("eyelid2.e30", "not-a-token"),
        (PREFIX, "damaged"),
        (PREFIX + "e3", "damaged"),
        (enrolment.make(ENROLMENT)[:-1], "damaged"),
        (PREFIX + "A" * enrolment.MAX_SIZE, "oversized"),
        (PREFIX + "e30", "bad-field"),
        (with_fields(address="store.example"), "bad-field"),
        (with_fields(address="http://store.example"), "bad-field"),
        (with_fields(address="ftp://store.example"), "bad-field"),
        (with_fields(address="https://"), "bad-field"),
        (with_fields(address="https://[::1"), "bad-field"),
        (with_fields(address="https://store.example:99999"), "bad-field"),
        (with_fields(address="https://store.example:0"), "bad-field"),
        (with_fields(ca="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), "bad-field"),
        (with_fields(ca="no certificate"), "bad-field"),
        (with_fields(store_key="AAAA"), "bad-field"),
        (with_fields(compliance="AAAA"), "bad-field"),
        (with_fields(secret=7), "bad-field"),
        (with_fields(group=None), "bad-field"),
    ],
)
def test_what_cannot_be_used_is_refused(token: str, code: str) -> None:
    with pytest.raises(EnrolmentError) as refused:
        enrolment.parse(token)
    assert refused.value.code == code


def test_the_longest_token_is_read_and_one_letter_more_is_not() -> None:
    room = enrolment.MAX_SIZE - len(PREFIX)
    token = PREFIX + base64url.encode(b"{" + b" " * (room // 4 * 3 - 2) + b"}")
    assert enrolment.MAX_SIZE == 64 * 2**10 == len(token)
    for pasted, code in ((token, "bad-field"), (token + "A", "oversized")):
        with pytest.raises(EnrolmentError) as refused:
            enrolment.parse(pasted)
        assert refused.value.code == code


def test_the_secret_does_not_show() -> None:
    assert "only-once" not in repr(ENROLMENT)
