"""A receipt is the store's word and nobody else's, over exactly one sealed chunk."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import jws
from protocol.errors import SignatureError
from protocol.receipt import Receipt

STORE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RECEIPT = Receipt(UUID(int=7), 0xFFFF, 0, "ab" * 32, 1_767_225_600_000_000_000, "d-7")


@given(
    st.builds(
        Receipt,
        recording=st.uuids(),
        stream=st.integers(0, 0xFFFF),
        sequence=st.integers(0, 2**64 - 1),
        sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
        at=st.integers(0, 2**63 - 1),
        device=st.text(max_size=20),
    )
)
def test_round_trip(receipt: Receipt) -> None:
    assert Receipt.verify(receipt.sign(STORE), STORE.public_key()) == receipt


def test_the_last_sequence_number_has_a_receipt_too() -> None:
    last = dataclasses.replace(RECEIPT, sequence=2**64 - 1)
    assert Receipt.verify(last.sign(STORE), STORE.public_key()) == last


def test_only_the_store_signs_one() -> None:
    with pytest.raises(SignatureError) as refused:
        Receipt.verify(RECEIPT.sign(Ed25519PrivateKey.generate()), STORE.public_key())
    assert refused.value.code == "wrong-signer"


@pytest.mark.parametrize(
    "changed",
    [
        {"stream": 0x10000},
        {"sequence": -1},
        {"sha256": "AB" * 32},
        {"at": "now"},
        {"device": 7},
        {"recording": "x"},
    ],
)
def test_a_field_of_another_shape_is_refused(changed: dict[str, object]) -> None:
    payload = {**dataclasses.asdict(RECEIPT), "recording": str(RECEIPT.recording), **changed}
    with pytest.raises(SignatureError) as refused:
        Receipt.verify(jws.sign(jws.RECEIPT, payload, STORE), STORE.public_key())
    assert refused.value.code == "bad-field"
