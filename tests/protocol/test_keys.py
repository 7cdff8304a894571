"""Keys as bytes: the published forms, nothing else, and a commitment that ties a recording to one key."""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import base64url, keys
from protocol.errors import KeyProblem

RECORDING = UUID("019b76da-a800-7000-8000-0000000000a1")
KEY = bytes(range(32))


def test_thumbprint_is_that_of_rfc_8037() -> None:
    """RFC 8037 appendix A.3."""
    public = Ed25519PublicKey.from_public_bytes(base64url.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    assert keys.thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_public_signing_keys_round_trip_as_text() -> None:
    public = Ed25519PrivateKey.generate().public_key()
    assert keys.public_from_text(keys.public_to_text(public)) == public


@pytest.mark.parametrize("text", ["", "Zm9v", "not base64url!", "A" * 44])
def test_what_is_no_public_signing_key_is_refused(text: str) -> None:
    with pytest.raises(KeyProblem) as refused:
        keys.public_from_text(text)
    assert refused.value.code == "bad-key"


# -- weak keys: an oracle that works with points and not with a table (RFC 8032 section 5.1) --------------------------

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
L = 2**252 + 27742317777372353535851937790883648493  # order of the points that honest keys are


def add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (x, y), (u, v) = one, other
    k = D * x * u * y * v
    return (x * v + u * y) * pow(1 + k, -1, P) % P, (y * v + x * u) * pow(1 - k, -1, P) % P


def times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    for bit in f"{number:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def small_points() -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for y in range(2, 200):
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
        if x * x % P == square:
            found |= {times(L, (x, y)), times(L, (P - x, y))}
    return found


def test_every_spelling_of_every_point_of_small_order_is_weak() -> None:
    points = small_points()
    assert len(points) == 8
    assert all(times(8, point) == (0, 1) for point in points)
    spelled = [y for _, y in points] + [y + P for _, y in points if y + P < 2**255]
    for y in spelled:
        for sign in (0, 2**255):
            text = base64url.encode((y + sign).to_bytes(32, "little"))
            assert keys.is_weak(keys.public_from_text(text))
            with pytest.raises(KeyProblem, match="small order") as refused:
                keys.strong_from_text(text)
            assert refused.value.code == "bad-key"


def test_an_honest_key_is_not_weak() -> None:
    public = Ed25519PrivateKey.generate().public_key()
    assert keys.strong_from_text(keys.public_to_text(public)) == public


def test_private_signing_keys_are_32_bytes() -> None:
    private = Ed25519PrivateKey.generate()
    assert keys.signing_key(private.private_bytes_raw()).public_key() == private.public_key()
    with pytest.raises(KeyProblem) as refused:
        keys.signing_key(bytes(31))
    assert refused.value.code == "bad-key"


def test_a_recipient_s_keys_round_trip_as_bytes() -> None:
    private = keys.RecipientPrivate.generate()
    again = keys.RecipientPrivate.from_bytes(private.to_bytes())
    public = keys.RecipientPublic.from_bytes(private.public.to_bytes())
    assert (len(private.to_bytes()), len(public.to_bytes())) == (32, 1216)
    assert again.public == private.public == public
    assert again.key_id == private.key_id == public.key_id
    assert public.key_id == base64url.encode(hashlib.sha256(public.to_bytes()).digest())


def test_no_id_of_a_recipient_begins_as_an_option_does(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(bytes(28) + n.to_bytes(4, "big") for n in range(200))
    begins = [keys.RecipientPrivate.from_bytes(bytes(28) + n.to_bytes(4, "big")).key_id[0] for n in range(200)]
    assert "-" in begins
    monkeypatch.setattr(keys.os, "urandom", lambda _: next(drawn))  # chance would have it once in 64 keys
    assert "-" not in [keys.RecipientPrivate.generate().key_id[0] for _ in range(150)]


def test_the_seed_is_stretched_as_x_wing_does() -> None:
    """First vector of draft-connolly-cfrg-xwing-kem appendix C: the seed, and the start and end of the public key."""
    seed = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
    public = keys.RecipientPrivate.from_bytes(seed).public.to_bytes()
    assert public.hex().startswith("e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5")
    assert public.hex().endswith("859edb06eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534")


@pytest.mark.parametrize("length", [0, 31, 64, 1216])
def test_a_private_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(KeyProblem) as refused:
        keys.RecipientPrivate.from_bytes(bytes(length))
    assert refused.value.code == "bad-key"


@pytest.mark.parametrize("raw", [bytes(1215), b"\xff" * 1216], ids=["short", "coefficients out of range"])
def test_what_is_no_recipient_s_key_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyProblem) as refused:
        keys.RecipientPublic.from_bytes(raw)
    assert refused.value.code == "bad-key"


def test_a_key_whose_x25519_half_is_of_small_order_is_no_recipient_s() -> None:
    """Every point of small order of curve and twist, in every spelling: the secret would be zero, and HPKE refuses."""
    mlkem = MLKEM768PrivateKey.generate().public_key().public_bytes_raw()
    montgomery = {(1 + y) * pow(1 - y, -1, P) % P for _, y in small_points() if y != 1} | {P - 1}
    assert len(montgomery) == 5
    spelled = [*montgomery] + [u + P for u in montgomery if u + P < 2**255]
    for u in spelled:
        for unused in (0, 2**255):
            with pytest.raises(KeyProblem, match="small order") as refused:
                keys.RecipientPublic.from_bytes(mlkem + (u + unused).to_bytes(32, "little"))
            assert refused.value.code == "bad-key"


def test_a_wrapped_key_opens_for_its_recipient_and_recording_only() -> None:
    private = keys.RecipientPrivate.generate()
    wrapped = keys.wrap(private.public, RECORDING, KEY)
    assert len(wrapped) == keys.WRAPPED_SIZE
    assert keys.unwrap(private, RECORDING, wrapped) == KEY
    assert keys.wrap(private.public, RECORDING, KEY) != wrapped
    for recipient, recording, changed, code in (
        (keys.RecipientPrivate.generate(), RECORDING, wrapped, "wrong-key"),
        (private, UUID(int=1), wrapped, "wrong-key"),
        (private, RECORDING, bytes([wrapped[0] ^ 1]) + wrapped[1:], "wrong-key"),
        (private, RECORDING, wrapped[:1119] + bytes([wrapped[1119] ^ 1]) + wrapped[1120:], "wrong-key"),
        (private, RECORDING, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), "wrong-key"),
        (private, RECORDING, wrapped[:-1], "bad-length"),
    ):
        with pytest.raises(KeyProblem) as refused:
            keys.unwrap(recipient, recording, changed)
        assert refused.value.code == code


def test_a_cases_key_opens_for_its_recipient_and_case_only() -> None:
    private = keys.RecipientPrivate.generate()
    wrapped = keys.wrap_case(private.public, RECORDING, KEY)
    assert keys.unwrap_case(private, RECORDING, wrapped) == KEY
    for recipient, case, changed in (
        (keys.RecipientPrivate.generate(), RECORDING, wrapped),
        (private, UUID(int=1), wrapped),
        (private, RECORDING, wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
        (private, RECORDING, keys.wrap(private.public, RECORDING, KEY)),  # of a recording with the same id
    ):
        with pytest.raises(KeyProblem) as refused:
            keys.unwrap_case(recipient, case, changed)
        assert refused.value.code == "wrong-key"
    with pytest.raises(KeyProblem, match="does not open"):
        keys.unwrap(private, RECORDING, wrapped)


def test_only_a_whole_recording_key_is_wrapped() -> None:
    with pytest.raises(KeyProblem) as refused:
        keys.wrap(keys.RecipientPrivate.generate().public, RECORDING, KEY[:16])
    assert refused.value.code == "bad-key"


def test_the_commitment_binds_key_and_recording() -> None:
    committed = keys.commitment(KEY, RECORDING)
    assert committed == hmac.digest(KEY, b"eyelid commit" + RECORDING.bytes, "sha256")
    keys.check_commitment(KEY, RECORDING, committed)
    for key, recording in ((os.urandom(32), RECORDING), (KEY, UUID(int=1))):
        with pytest.raises(KeyProblem) as refused:
            keys.check_commitment(key, recording, committed)
        assert refused.value.code == "wrong-commitment"


# -- from the second edition on ------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32), st.uuids(), st.integers(0, 0xFFFE))
def test_a_stream_s_key_is_hkdf_of_the_recording_s(key: bytes, recording: UUID, stream: int) -> None:
    """RFC 5869, written out: both its steps are HMAC, and 32 bytes need one block."""
    extracted = hmac.digest(recording.bytes, key, "sha256")
    number = stream.to_bytes(2, "big")
    own = hmac.digest(extracted, b"eyelid stream key v2" + number + b"\1", "sha256")
    assert keys.stream_key(key, recording, stream) == own
    committing = hmac.digest(extracted, b"eyelid commitment key v2\1", "sha256")
    assert keys.commitment_key(key, recording) == committing
    said = hmac.digest(own, b"eyelid stream commit" + recording.bytes + number, "sha256")
    assert keys.stream_commitment(own, recording, stream) == said
    commenting = hmac.digest(extracted, b"eyelid comment key v1\1", "sha256")
    assert keys.comment_key(key, recording) == commenting
    made = b"eyelid derived key v1" + hashlib.sha256(b"speech/original").digest()
    derived = hmac.digest(extracted, made + b"\1", "sha256")
    assert keys.derived_key(key, recording, "speech/original") == derived
    assert len({key, own, committing, said, commenting, derived}) == 6


@given(st.sets(st.integers(0, 0xFFFE), min_size=2, max_size=9))
def test_no_two_streams_share_a_key(streams: set[int]) -> None:
    own = {keys.stream_key(KEY, RECORDING, stream) for stream in streams}
    assert len(own | {keys.commitment_key(KEY, RECORDING), KEY}) == len(streams) + 2


@given(st.binary(min_size=32, max_size=32), st.uuids(), st.integers(0, 0xFFFE), st.integers(0, 2**64 - 1))
def test_a_chunk_s_key_is_hkdf_of_its_stream_s(key: bytes, recording: UUID, stream: int, sequence: int) -> None:
    place = stream.to_bytes(2, "big") + sequence.to_bytes(8, "big")
    extracted = hmac.digest(recording.bytes, key, "sha256")
    own = hmac.digest(extracted, b"eyelid chunk key v3" + place + b"\1", "sha256")
    assert keys.chunk_key(key, recording, stream, sequence) == own
    said = hmac.digest(own, b"eyelid chunk commit" + recording.bytes + place, "sha256")
    assert keys.chunk_commitment(own, recording, stream, sequence) == said


@given(st.sets(st.tuples(st.integers(0, 0xFFFE), st.integers(0, 2**64 - 1)), min_size=2, max_size=9))
def test_no_two_chunks_share_a_key(places: set[tuple[int, int]]) -> None:
    own = {keys.chunk_key(KEY, RECORDING, *place) for place in places}
    assert len(own | {keys.stream_key(KEY, RECORDING, 0), keys.commitment_key(KEY, RECORDING), KEY}) == len(places) + 3
