"""What an order to erase and its certificate say, and what neither can be made to say."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.erasure import Destroyed, Erasure, hash_of
from protocol.errors import SignatureError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORDER = Erasure(
    UUID(int=7), "d" * 8, "request", "rest", "0" * 64, "DSR-2026-17", "review.example.com/audit", 17, 1_800 * 10**15
)
DESTROYED = Destroyed(1_801 * 10**15, ("a" * 64,), 3, 4096, ("mirror",), "2027-02-01", ())
CERTIFICATE = replace(ORDER, destroyed=DESTROYED)
WITHOUT_A_PACKET = replace(ORDER, destroyed=replace(DESTROYED, replicas=(), absent=("mirror",)))


@pytest.mark.parametrize("said", [ORDER, CERTIFICATE, WITHOUT_A_PACKET])
def test_it_is_read_as_it_was_signed(said: Erasure) -> None:
    token = said.sign(KEY)
    assert Erasure.verify(token, KEY.public_key()) == said
    assert hash_of(token) == hash_of(said.sign(KEY))  # signed again it is the same certificate


def test_another_key_and_another_shape_are_refused() -> None:
    with pytest.raises(SignatureError) as refused:
        Erasure.verify(ORDER.sign(Ed25519PrivateKey.generate()), KEY.public_key())
    assert refused.value.code == "wrong-signer"
    with pytest.raises(SignatureError) as refused:
        Erasure.verify(jws.sign(jws.ERASURE, {"recording": str(UUID(int=7))}, KEY), KEY.public_key())
    assert refused.value.code == "bad-field"


def test_the_log_named_certificates_by_these_bytes() -> None:
    assert [hash_of(said.sign(KEY)) for said in (ORDER, CERTIFICATE)] == [
        "7691037bd12b37b10c09d4382ee2a1903f3e8f85ff720cb5afa8c2fd3c821b80",
        "0d8350f41f7ed39b0039c663c7ce88c87c611d641885e4dd23d9105b9aec32df",
    ]
