"""What the bench of bit flips turns over: exactly one bit, where it says, and every class of bytes."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.loss_flips import FLIPS
from protocol import base64url, jws
from protocol.envelope import COMMITMENT_SIZE, HEADER_SIZE, SIGNATURE_SIZE, TAG_SIZE
from testkit.flipping import CHUNK, flip, flip_in


@pytest.mark.parametrize(("at", "bit"), CHUNK.values(), ids=CHUNK)
def test_one_bit(at: int, bit: int) -> None:
    body = bytes(range(200))
    turned = flip(body, at, bit)
    assert sum((a ^ b).bit_count() for a, b in zip(body, turned, strict=True)) == 1
    assert turned[at % 200] ^ body[at % 200] == 1 << bit


def test_every_field_of_a_sealed_chunk_is_among_them() -> None:
    """Magic, kind, flags, stream, recording, sequence, start, end, previous, nonce; then what follows the header."""
    fields = [(0, 4), (4, 5), (5, 6), (6, 8), (8, 24), (24, 32), (32, 40), (40, 48), (48, 80), (80, HEADER_SIZE)]
    places = {at % 1000 for at, _ in CHUNK.values()}
    signature = 1000 - SIGNATURE_SIZE
    chunk_s, stream_s = signature - COMMITMENT_SIZE, signature - 2 * COMMITMENT_SIZE
    tag = stream_s - TAG_SIZE
    for first, end in [
        *fields, (HEADER_SIZE, tag), (tag, stream_s), (stream_s, chunk_s), (chunk_s, signature), (signature, 1000),
    ]:  # fmt: skip
        assert any(first <= at < end for at in places), (first, end)


def test_a_member_of_a_signed_statement() -> None:
    token = jws.sign(jws.AUTH, {"device": "one", "iat": 1, "exp": 2, "jti": "three"}, Ed25519PrivateKey.generate())
    turned = flip_in(token, 1, "jti")
    assert sum(a != b for a, b in zip(token, turned, strict=True)) == 1
    changed = base64url.decode(turned.split(".")[1])
    honest = base64url.decode(token.split(".")[1])
    assert len(changed) == len(honest)
    assert json.loads(honest)["jti"].encode() not in changed


def test_names_are_told_once() -> None:
    names = [one.name for one in FLIPS]
    assert len(names) == len(set(names))
    assert {name.partition(":")[0] for name in names} == {
        "chunk",
        "key packet",
        "bundle",
        "ledger batch",
        "ledger entry",
    }
