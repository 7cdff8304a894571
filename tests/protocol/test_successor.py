"""The store's line of keys: trust goes from the pinned key to its descendants and nowhere else."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws, successor
from protocol.errors import SignatureError
from protocol.keys import public_to_text, thumbprint
from tests.vectors.packets import parts_of, raw_jws

LINE = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(4)]
STATEMENTS = [successor.sign(new.public_key(), old, at=7) for old, new in pairwise(LINE)]
OUTSIDER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


def names(*keys: Ed25519PrivateKey) -> set[str]:
    return {thumbprint(key.public_key()) for key in keys}


def test_nothing_said_leaves_the_pinned_key() -> None:
    assert successor.trusted(LINE[0].public_key(), []) == {thumbprint(LINE[0].public_key()): LINE[0].public_key()}


def test_the_whole_line_in_any_order() -> None:
    for seed in range(10):
        shuffled = random.Random(seed).sample(STATEMENTS, len(STATEMENTS))
        assert successor.trusted(LINE[0].public_key(), shuffled).keys() == names(*LINE)


def test_a_missing_link_ends_the_line() -> None:
    assert successor.trusted(LINE[0].public_key(), [STATEMENTS[0], STATEMENTS[2]]).keys() == names(*LINE[:2])


def test_trust_does_not_go_back() -> None:
    assert successor.trusted(LINE[2].public_key(), STATEMENTS).keys() == names(*LINE[2:])


def test_an_outsider_s_statement_adds_nothing() -> None:
    own_line = successor.sign(LINE[1].public_key(), OUTSIDER, at=7)
    assert successor.trusted(LINE[0].public_key(), [own_line]).keys() == names(LINE[0])


def test_a_circle_ends() -> None:
    back = successor.sign(LINE[0].public_key(), LINE[1], at=8)
    assert successor.trusted(LINE[0].public_key(), [*STATEMENTS, back]).keys() == names(*LINE)


def test_a_receipt_of_any_age_is_verified_by_the_line() -> None:
    trusted = successor.trusted(LINE[0].public_key(), STATEMENTS)
    for key in LINE:
        assert jws.verify(jws.RECEIPT, jws.sign(jws.RECEIPT, {"n": 1}, key), trusted) == {"n": 1}


def test_lies_are_refused() -> None:
    header, payload, _ = parts_of(STATEMENTS[0])
    for token, code in (
        (raw_jws(header, payload, OUTSIDER), "bad-signature"),
        (jws.sign(jws.RECEIPT, payload, LINE[0]), "wrong-type"),
        (raw_jws(header, {**payload, "key": "AAAA"}, LINE[0]), "bad-field"),
        (raw_jws(header, {"key": public_to_text(OUTSIDER.public_key())}, LINE[0]), "bad-field"),
        ("hello", "malformed"),
    ):
        with pytest.raises(SignatureError) as refused:
            successor.trusted(LINE[0].public_key(), [token])
        assert refused.value.code == code


def test_more_than_any_store_has_are_refused_before_they_are_read() -> None:
    with pytest.raises(SignatureError) as refused:
        successor.trusted(LINE[0].public_key(), ["junk"] * (successor.MOST + 1))
    assert refused.value.code == "oversized"
