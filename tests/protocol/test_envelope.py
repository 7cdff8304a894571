"""The sealed chunk: what goes in comes out, and no bit of it can be another without being noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import (
    AUDIO,
    COMMITMENT_SIZE,
    HEADER_SIZE,
    KEY_PACKET_STREAM,
    LATEST_END,
    LEAST_READ,
    LONGEST_CHUNK,
    MAX_SEALED,
    SCENE,
    SCENE_STREAM,
    SCREEN,
    SIGNATURE_SIZE,
    SOUND_STREAM,
    TAG_SIZE,
    Edition,
    Flag,
    Header,
    Kind,
    check_signature,
    check_span,
    committed,
    digest,
    expect,
    lane_of,
    open_by_chunk_key,
    open_sealed,
    seal,
    seal_unsigned,
    sign_digest,
)
from protocol.errors import EnvelopeError
from protocol.keys import chunk_commitment, chunk_key, stream_commitment

KEY = bytes(range(32))
U64 = st.integers(0, 2**64 - 1)


def test_a_stream_says_by_its_number_which_lane_it_is_in() -> None:
    assert [lane_of(stream) for stream in (0, SOUND_STREAM - 1)] == [SCREEN, SCREEN]
    assert [lane_of(stream) for stream in (SOUND_STREAM, KEY_PACKET_STREAM - 1)] == [AUDIO, AUDIO]
    assert lane_of(SCENE_STREAM) == SCENE


@st.composite
def headers(draw: st.DrawFn) -> Header:
    start, end = sorted((draw(U64), draw(U64)))
    return Header(
        kind=draw(st.sampled_from(Kind)),
        flags=draw(st.sampled_from([Flag.NONE, Flag.KEY_FRAME, Flag.AFTER_GAP, Flag.KEY_FRAME | Flag.AFTER_GAP])),
        stream=draw(st.integers(0, KEY_PACKET_STREAM - 1)),
        recording=draw(st.uuids()),
        sequence=draw(U64),
        start=start,
        end=end,
        previous=draw(st.binary(min_size=32, max_size=32)),
        nonce=draw(st.binary(min_size=12, max_size=12)),
    )


def header(**changed: Any) -> Header:
    fields: dict[str, Any] = {
        "kind": Kind.MEDIA,
        "flags": Flag.KEY_FRAME,
        "stream": 3,
        "recording": UUID(int=5),
        "sequence": 7,
        "start": 1_000,
        "end": 2_000,
        "previous": bytes(32),
        "nonce": bytes(12),
    }
    return Header(**{**fields, **changed})


@given(headers(), st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_round_trip(written: Header, plaintext: bytes, key: bytes) -> None:
    sealed = seal(key, written, plaintext)
    assert len(sealed) == HEADER_SIZE + len(plaintext) + TAG_SIZE
    assert sealed[:HEADER_SIZE] == written.pack()
    assert Header.parse(sealed) == written
    assert open_sealed(key, sealed) == (written, plaintext)


@given(headers(), st.binary(max_size=40), st.data())
def test_no_bit_can_be_flipped_unnoticed(written: Header, plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, written, plaintext))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EnvelopeError):
        open_sealed(KEY, bytes(sealed))


@given(headers(), st.binary(max_size=40), st.data())
def test_no_end_can_be_cut_off_unnoticed(written: Header, plaintext: bytes, data: st.DataObject) -> None:
    sealed = seal(KEY, written, plaintext)
    with pytest.raises(EnvelopeError):
        open_sealed(KEY, sealed[: data.draw(st.integers(0, len(sealed) - 1))])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(garbage: bytes) -> None:
    """Nothing but an EnvelopeError ever comes out of a stranger's bytes."""
    for sealed in (garbage, b"EYL1" + garbage, b"EYL2" + garbage, b"EYL3" + garbage, header().pack() + garbage):
        for opens in (open_sealed, open_by_chunk_key):
            with pytest.raises(EnvelopeError):
                opens(KEY, sealed)
        with pytest.raises(EnvelopeError):
            check_signature(sealed, DEVICE.public_key())


def test_numbers_that_are_law() -> None:
    assert (KEY_PACKET_STREAM, HEADER_SIZE, TAG_SIZE, MAX_SEALED) == (0xFFFF, 92, 16, 16_777_216)
    assert (Kind.HEADER, Kind.MEDIA, Flag.NONE, Flag.KEY_FRAME, Flag.AFTER_GAP) == (0, 1, 0, 1, 2)


def test_layout_to_the_byte() -> None:
    packed = header(
        flags=Flag.AFTER_GAP,
        stream=0x0102,
        recording=UUID(bytes=bytes(range(16))),
        sequence=0x0304,
        start=0x0506,
        end=0x0708,
        previous=b"p" * 32,
        nonce=b"n" * 12,
    ).pack()
    assert packed == (
        b"EYL1\x01\x02\x01\x02" + bytes(range(16)) + bytes.fromhex("0000000000000304 0000000000000506 0000000000000708")
        + b"p" * 32 + b"n" * 12
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"stream": KEY_PACKET_STREAM}, "bad-stream"),
        ({"stream": -1}, "bad-stream"),
        ({"sequence": 2**64}, "bad-sequence"),
        ({"sequence": -1}, "bad-sequence"),
        ({"start": 2_001}, "bad-span"),
        ({"start": -1}, "bad-span"),
        ({"end": 2**64}, "bad-span"),
        ({"previous": bytes(31)}, "bad-previous"),
        ({"nonce": bytes(16)}, "bad-nonce"),
    ],
)
def test_a_header_that_fits_no_envelope_is_never_made(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(EnvelopeError) as refused:
        header(**changed)
    assert refused.value.code == code


def test_the_largest_numbers_fit() -> None:
    most = 2**64 - 1
    largest = header(stream=KEY_PACKET_STREAM - 1, sequence=most, start=most, end=most)
    assert Header.parse(largest.pack() + bytes(TAG_SIZE)) == largest
    smallest = header(stream=0, sequence=0, start=0, end=0)
    assert Header.parse(smallest.pack() + bytes(TAG_SIZE)) == smallest


@pytest.mark.parametrize("flags", [4, 8, 16, 32, 64, 128, 7])
def test_every_unknown_flag_is_refused(flags: int) -> None:
    packed = bytearray(header().pack() + bytes(TAG_SIZE))
    packed[5] = flags
    with pytest.raises(EnvelopeError) as refused:
        Header.parse(bytes(packed))
    assert refused.value.code == "unknown-flags"


def test_every_nonce_is_drawn_anew() -> None:
    nonces = {Header(Kind.MEDIA, Flag.NONE, 0, UUID(int=1), 0, 0, 1, bytes(32)).nonce for _ in range(100)}
    assert len(nonces) == 100


def test_the_largest_chunk_fits_and_one_byte_more_does_not() -> None:
    room = MAX_SEALED - HEADER_SIZE - TAG_SIZE
    sealed = seal(KEY, header(), bytes(room))
    assert len(sealed) == MAX_SEALED
    assert open_sealed(KEY, sealed)[1] == bytes(room)
    with pytest.raises(EnvelopeError) as refused:
        seal(KEY, header(), bytes(room + 1))
    assert refused.value.code == "oversized"


def test_a_key_of_another_length_seals_nothing() -> None:
    with pytest.raises(EnvelopeError) as refused:
        seal(KEY[:16], header(), b"")
    assert refused.value.code == "bad-key"


def test_a_chunk_is_expected_in_one_place_only() -> None:
    chunk = header()
    place: dict[str, Any] = {"recording": UUID(int=5), "stream": 3, "sequence": 7, "previous": bytes(32)}
    expect(chunk, **place)
    for changed, code in (
        ({"recording": UUID(int=6)}, "wrong-recording"),
        ({"stream": 4}, "wrong-stream"),
        ({"sequence": 8}, "wrong-sequence"),
        ({"previous": b"\1" * 32}, "wrong-previous"),
    ):
        with pytest.raises(EnvelopeError) as refused:
            expect(replace(chunk, **changed), **place)
        assert refused.value.code == code


def test_digest_covers_every_byte() -> None:
    sealed = seal(KEY, header(), b"content")
    assert digest(sealed) == hashlib.sha256(sealed).digest()


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, LONGEST_CHUNK + 1), (LATEST_END, LATEST_END + 1), (0, 2**64 - 1)],
)
def test_a_span_that_no_recording_can_have_is_named(start: int, end: int) -> None:
    with pytest.raises(EnvelopeError) as refused:
        check_span(start, end)
    assert refused.value.code == "bad-span"


def test_a_span_that_a_recording_can_have_is_none_of_those() -> None:
    check_span(0, LONGEST_CHUNK)
    check_span(LATEST_END - 1, LATEST_END)


# -- signed chunks ------------------------------------------------------------------------------------------------

DEVICE = Ed25519PrivateKey.generate()
BEHIND_TAG = {
    Edition.SIGNED: COMMITMENT_SIZE + SIGNATURE_SIZE,
    Edition.KEYED: COMMITMENT_SIZE + COMMITMENT_SIZE + SIGNATURE_SIZE,
}
in_each_signed_edition = pytest.mark.parametrize("edition", BEHIND_TAG)


def signed(
    header_: Header,
    plaintext: bytes = b"content",
    device: Ed25519PrivateKey = DEVICE,
    edition: Edition = Edition.SIGNED,
) -> bytes:
    return seal(KEY, replace(header_, edition=edition), plaintext, device)


def code_of(refused: pytest.ExceptionInfo[EnvelopeError]) -> str:
    return refused.value.code


@in_each_signed_edition
@given(headers(), st.binary(max_size=200))
def test_a_signed_chunk_opens_and_is_the_device_s(edition: Edition, written: Header, plaintext: bytes) -> None:
    sealed = signed(written, plaintext, edition=edition)
    assert (
        len(sealed)
        == HEADER_SIZE + len(plaintext) + TAG_SIZE + BEHIND_TAG[edition]
        == edition.overhead + len(plaintext)
    )
    assert sealed[:4] == {Edition.SIGNED: b"EYL2", Edition.KEYED: b"EYL3"}[edition]
    assert open_sealed(KEY, sealed) == (replace(written, edition=edition), plaintext)
    check_signature(sealed, DEVICE.public_key())


@in_each_signed_edition
@given(headers(), st.binary(max_size=40), st.data())
def test_no_bit_of_a_signed_chunk_is_another_unnoticed(
    edition: Edition, written: Header, plaintext: bytes, data: st.DataObject
) -> None:
    sealed = bytearray(signed(written, plaintext, edition=edition))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EnvelopeError):
        check_signature(bytes(sealed), DEVICE.public_key())


@in_each_signed_edition
@given(headers(), st.binary(max_size=40), st.data())
def test_no_end_of_a_signed_chunk_is_cut_off_unnoticed(
    edition: Edition, written: Header, plaintext: bytes, data: st.DataObject
) -> None:
    sealed = signed(written, plaintext, edition=edition)
    with pytest.raises(EnvelopeError):
        check_signature(sealed[: data.draw(st.integers(0, len(sealed) - 1))], DEVICE.public_key())


def test_a_reader_s_key_signs_nothing() -> None:
    """All that a reader lacks is the device's key."""
    with pytest.raises(EnvelopeError) as refused:
        check_signature(signed(header(), device=Ed25519PrivateKey.generate()), DEVICE.public_key())
    assert code_of(refused) == "bad-signature"


@in_each_signed_edition
def test_the_signature_of_another_chunk_is_none(edition: Edition) -> None:
    one, other = (signed(header(sequence=number), edition=edition) for number in (7, 8))
    with pytest.raises(EnvelopeError) as refused:
        check_signature(one[:-SIGNATURE_SIZE] + other[-SIGNATURE_SIZE:], DEVICE.public_key())
    assert code_of(refused) == "bad-signature"


@in_each_signed_edition
@given(headers(), st.binary(max_size=200))
def test_a_chunk_without_its_signature_says_where_it_belongs(
    edition: Edition, written: Header, plaintext: bytes
) -> None:
    written = replace(written, edition=edition)
    unsigned = seal_unsigned(KEY, written, plaintext)
    assert Header.parse_unsigned(b"".join(unsigned.parts)) == written
    sealed, sha256 = unsigned.signed(sign_digest(unsigned.sha256, DEVICE, edition))
    assert (sealed, sha256) == (signed(written, plaintext, edition=edition), digest(sealed))


def test_a_signature_says_of_which_edition_the_chunk_is() -> None:
    assert len({sign_digest(bytes(32), DEVICE, edition) for edition in BEHIND_TAG}) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "truncated"),
        (b"EYL2".ljust(Edition.SIGNED.overhead - SIGNATURE_SIZE - 1, b"\0"), "truncated"),
        (b"EYL3".ljust(Edition.KEYED.overhead - SIGNATURE_SIZE - 1, b"\0"), "truncated"),
        (bytes(MAX_SEALED - SIGNATURE_SIZE + 1), "oversized"),
        (b"EYL1" + bytes(400), "wrong-edition"),
        (bytes(400), "bad-magic"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_what_is_no_chunk_without_its_signature_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(EnvelopeError) as refused:
        Header.parse_unsigned(body)
    assert code_of(refused) == code


def test_a_chunk_of_the_first_edition_has_no_signature() -> None:
    with pytest.raises(EnvelopeError) as refused:
        check_signature(seal(KEY, header(), b"content"), DEVICE.public_key())
    assert code_of(refused) == "wrong-edition"


@pytest.mark.parametrize(
    ("edition", "signer"), [(Edition.FIRST, DEVICE), (Edition.SIGNED, None), (Edition.KEYED, None)]
)
def test_a_key_that_signs_belongs_to_the_edition_that_is_signed(
    edition: Edition, signer: Ed25519PrivateKey | None
) -> None:
    with pytest.raises(EnvelopeError) as refused:
        seal(KEY, header(edition=edition), b"content", signer)
    assert code_of(refused) == "wrong-edition"


@in_each_signed_edition
def test_a_signed_chunk_without_room_for_its_signature_is_truncated(edition: Edition) -> None:
    packed = header(edition=edition).pack()
    assert Header.parse(packed + bytes(TAG_SIZE + BEHIND_TAG[edition])).edition is edition
    assert Header.parse(packed + bytes(LEAST_READ - HEADER_SIZE)).edition is edition
    with pytest.raises(EnvelopeError) as refused:
        Header.parse(packed + bytes(TAG_SIZE + BEHIND_TAG[edition] - 1))
    assert code_of(refused) == "truncated"


@in_each_signed_edition
def test_the_largest_signed_chunk_fits_and_one_byte_more_does_not(edition: Edition) -> None:
    room = MAX_SEALED - HEADER_SIZE - TAG_SIZE - BEHIND_TAG[edition]
    assert len(signed(header(), bytes(room), edition=edition)) == MAX_SEALED
    with pytest.raises(EnvelopeError) as refused:
        signed(header(), bytes(room + 1), edition=edition)
    assert code_of(refused) == "oversized"


@in_each_signed_edition
@given(headers(), st.binary(max_size=40), st.binary(min_size=32, max_size=32).filter(lambda key: key != KEY))
def test_a_signed_chunk_says_which_key_opens_it(
    edition: Edition, written: Header, plaintext: bytes, other: bytes
) -> None:
    """GCM alone does not: tests/vectors has a chunk that opens under two keys."""
    sealed = signed(written, plaintext, edition=edition)
    assert committed(sealed) == stream_commitment(KEY, written.recording, written.stream)
    with pytest.raises(EnvelopeError) as refused:
        open_sealed(other, sealed)
    assert code_of(refused) == "wrong-commitment"


@in_each_signed_edition
def test_the_commitment_of_another_stream_is_none(edition: Edition) -> None:
    """It names recording and stream, so that a chunk cannot be made out of two."""
    places: tuple[dict[str, Any], ...] = ({}, {"stream": 4}, {"recording": UUID(int=6)})
    assert len({committed(signed(header(**place), edition=edition)) for place in places}) == 3
    one, next_one = (signed(header(sequence=number), edition=edition) for number in (7, 8))
    assert committed(one) == committed(next_one)


def test_a_chunk_of_the_first_edition_commits_to_nothing() -> None:
    assert committed(seal(KEY, header(), b"content")) is None


# -- chunks with keys of their own --------------------------------------------------------------------------------


def own_key(one: Header) -> bytes:
    return chunk_key(KEY, one.recording, one.stream, one.sequence)


@given(headers(), st.binary(max_size=200))
def test_a_chunk_opens_by_its_own_key_alone(written: Header, plaintext: bytes) -> None:
    sealed = signed(written, plaintext, edition=Edition.KEYED)
    assert open_by_chunk_key(own_key(written), sealed) == (replace(written, edition=Edition.KEYED), plaintext)
    for other in (KEY, own_key(replace(written, sequence=written.sequence ^ 1))):
        with pytest.raises(EnvelopeError) as refused:
            open_by_chunk_key(other, sealed)
        assert code_of(refused) == "wrong-commitment"


def test_a_keyed_chunk_to_the_byte() -> None:
    """Cipher, commitment to the stream's key, commitment to the chunk's, signature: by nothing that seals."""
    written = header(edition=Edition.KEYED)
    sealed, key, place = seal(KEY, written, b"content", DEVICE), own_key(written), (UUID(int=5), 3, 7)
    assert AESGCM(key).decrypt(bytes(12), sealed[92:115], sealed[:92]) == b"content"
    assert sealed[115:147] == stream_commitment(KEY, *place[:2])
    assert sealed[147:179] == chunk_commitment(key, *place)
    DEVICE.public_key().verify(sealed[179:], b"eyelid chunk v3" + hashlib.sha256(sealed[:179]).digest())
    assert len(sealed) == 243


@given(headers(), st.binary(max_size=40), st.data())
def test_no_bit_of_a_keyed_chunk_but_the_signature_s_opens_otherwise(
    written: Header, plaintext: bytes, data: st.DataObject
) -> None:
    """Not even without the signature: what a chunk's key cannot see is the commitment to the stream's key."""
    sealed = bytearray(signed(written, plaintext, edition=Edition.KEYED))
    seen = {*range(len(sealed) - SIGNATURE_SIZE)}
    opens, key = data.draw(st.sampled_from([(open_sealed, KEY), (open_by_chunk_key, own_key(written))]))
    if opens is open_by_chunk_key:
        seen -= {*range(HEADER_SIZE + len(plaintext) + TAG_SIZE, len(sealed) - SIGNATURE_SIZE - COMMITMENT_SIZE)}
    at = data.draw(st.sampled_from(sorted(seen)))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EnvelopeError):
        opens(key, bytes(sealed))


def test_a_chunk_that_commits_to_another_chunk_s_key_does_not_open() -> None:
    """Not by the stream's key either: else two readers could be shown two things."""
    one, other = (signed(header(sequence=number), edition=Edition.KEYED) for number in (7, 8))
    swapped = one[:-96] + other[-96:-64] + one[-64:]
    for opens, key in ((open_sealed, KEY), (open_by_chunk_key, own_key(header()))):
        with pytest.raises(EnvelopeError) as refused:
            opens(key, swapped)
        assert code_of(refused) == "wrong-commitment"


@pytest.mark.parametrize("edition", [Edition.FIRST, Edition.SIGNED])
def test_no_chunk_of_an_earlier_edition_opens_by_a_key_of_its_own(edition: Edition) -> None:
    sealed = seal(KEY, header(edition=edition), b"content", DEVICE if edition.is_signed else None)
    for key in (KEY, own_key(header())):
        with pytest.raises(EnvelopeError) as refused:
            open_by_chunk_key(key, sealed)
        assert code_of(refused) == "wrong-edition"


@pytest.mark.parametrize("opens", [open_sealed, open_by_chunk_key])
def test_a_key_of_another_length_opens_nothing(opens: Callable[[bytes, bytes], object]) -> None:
    with pytest.raises(EnvelopeError) as refused:
        opens(KEY[:16], signed(header(), edition=Edition.KEYED))
    assert code_of(refused) == "bad-key"
