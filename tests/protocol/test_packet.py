"""The key packet: signed by its device, open to its recipients, and of no use with any key but the one committed to."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, jws, keys
from protocol.envelope import Edition
from protocol.errors import KeyProblem, SignatureError
from protocol.packet import KeyPacket, Monitor
from tests.vectors.packets import parts_of, raw_jws

RECORDING = UUID("019b76da-a800-7000-8000-0000000000a1")
DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AUDITOR, RECOVERY = keys.RecipientPrivate.generate(), keys.RecipientPrivate.generate()
KEY = os.urandom(32)


def build(
    recipients: tuple[keys.RecipientPublic, ...] = (AUDITOR.public, RECOVERY.public), edition: Edition = Edition.FIRST
) -> KeyPacket:
    return KeyPacket.build(
        KEY,
        recipients,
        recording=RECORDING,
        bundle_revision=3,
        policy="ab" * 32,
        start=1_767_225_600_000_000_000,
        device="d-7",
        host="desk-12",
        os_user="maría",
        monitors=(Monitor(0, -1920, 0, 1920, 1080, "DP-1"),),
        agent_version="0.1.0",
        edition=edition,
    )


def test_round_trip() -> None:
    packet = build()
    read = KeyPacket.verify(packet.sign(DEVICE), DEVICE.public_key())
    assert read == packet
    assert (read.kem, read.kdf, read.aead) == (0x647A, 1, 2)
    assert read.open_key(AUDITOR) == read.open_key(RECOVERY) == KEY


def test_the_packet_says_of_which_edition_its_chunks_are() -> None:
    """One that says nothing is of before there was a second."""
    _, said, _ = parts_of(build().sign(DEVICE))
    assert "envelope" not in said
    for edition, number in ((Edition.SIGNED, 2), (Edition.KEYED, 3)):
        signed = replace(build(), edition=edition)
        header, said, _ = parts_of(signed.sign(DEVICE))
        assert said["envelope"] == number
        assert KeyPacket.verify(signed.sign(DEVICE), DEVICE.public_key()) == signed
    first = raw_jws(header, said | {"envelope": 1}, DEVICE)
    assert KeyPacket.verify(first, DEVICE.public_key()).edition is Edition.FIRST


@pytest.mark.parametrize("edition", [Edition.SIGNED, Edition.KEYED])
def test_from_the_second_edition_on_the_key_that_commits_seals_nothing(edition: Edition) -> None:
    packet = build(edition=edition)
    recording = packet.recording
    assert packet.commitment == keys.commitment(keys.commitment_key(KEY, recording), recording)
    assert packet.open_key(AUDITOR) == KEY
    assert [packet.stream_key(KEY, stream) for stream in (0, 1)] == [
        keys.stream_key(KEY, recording, stream) for stream in (0, 1)
    ]
    with pytest.raises(KeyProblem) as refused:
        replace(packet, commitment=build().commitment).open_key(AUDITOR)
    assert refused.value.code == "wrong-commitment"


def test_of_the_first_edition_one_key_opens_every_stream() -> None:
    packet = build()
    assert packet.commitment == keys.commitment(KEY, packet.recording)
    assert {packet.stream_key(packet.open_key(AUDITOR), stream) for stream in (0, 1, 0x8000)} == {KEY}


@pytest.mark.parametrize(("envelope", "code"), [(0, "unknown-version"), (4, "unknown-version"), ("2", "bad-field")])
def test_an_edition_that_is_not_known_is_refused(envelope: object, code: str) -> None:
    header, said, _ = parts_of(build().sign(DEVICE))
    with pytest.raises(SignatureError) as refused:
        KeyPacket.verify(raw_jws(header, said | {"envelope": envelope}, DEVICE), DEVICE.public_key())
    assert refused.value.code == code


def test_the_signed_packet_is_ascii() -> None:
    """Its bytes are stored and hashed as stream 0xFFFF, so there must be only one way to write them."""
    assert build().sign(DEVICE).isascii()


def test_nobody_else_opens_it() -> None:
    with pytest.raises(KeyProblem) as refused:
        build().open_key(keys.RecipientPrivate.generate())
    assert refused.value.code == "not-a-recipient"


def test_a_packet_for_nobody_is_never_made() -> None:
    with pytest.raises(KeyProblem) as refused:
        build(recipients=())
    assert refused.value.code == "no-recipients"


def test_two_recipients_cannot_be_given_two_keys() -> None:
    """A forging device wraps one key for the auditor and another for the court: the commitment fits only one."""
    honest = build()
    forged = KeyPacket.verify(
        raw_jws(*swapped(honest, RECOVERY, os.urandom(32)), DEVICE),
        DEVICE.public_key(),
    )
    assert forged.open_key(AUDITOR) == KEY
    with pytest.raises(KeyProblem) as refused:
        forged.open_key(RECOVERY)
    assert refused.value.code == "wrong-commitment"


def swapped(packet: KeyPacket, recipient: keys.RecipientPrivate, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = parts_of(packet.sign(DEVICE))
    payload["wrapped"][recipient.key_id] = base64url.encode(keys.wrap(recipient.public, RECORDING, key))
    return header, payload


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("v", 0, "unknown-version"),
        ("v", "1", "bad-field"),
        ("suite", {"kem": 0x647A, "kdf": 1, "aead": 3}, "unknown-suite"),
        ("suite", {"kem": 0x647A, "kdf": 1}, "bad-field"),
        ("recording", "REC-1", "bad-field"),
        ("wrapped", {"id": "AAAA"}, "bad-field"),
        ("wrapped", ["AAAA"], "bad-field"),
        ("commitment", "AAAA", "bad-field"),
        ("bundle_revision", -1, "bad-field"),
        ("policy", "AB" * 32, "bad-field"),
        ("start", 1.5, "bad-field"),
        ("device", None, "bad-field"),
        ("host", 7, "bad-field"),
        ("os_user", [], "bad-field"),
        ("monitors", [{"stream": 0xFFFF, "x": 0, "y": 0, "width": 1, "height": 1, "name": ""}], "bad-field"),
        ("monitors", [{"stream": 0}], "bad-field"),
        ("agent_version", {}, "bad-field"),
    ],
)
def test_a_field_of_another_shape_is_refused(name: str, value: object, code: str) -> None:
    header, payload, _ = parts_of(build().sign(DEVICE))
    with pytest.raises(SignatureError) as refused:
        KeyPacket.verify(raw_jws(header, {**payload, name: value}, DEVICE), DEVICE.public_key())
    assert refused.value.code == code


def test_another_device_s_packet_is_refused() -> None:
    with pytest.raises(SignatureError) as refused:
        KeyPacket.verify(build().sign(Ed25519PrivateKey.generate()), DEVICE.public_key())
    assert refused.value.code == "wrong-signer"
    with pytest.raises(SignatureError) as refused:
        KeyPacket.verify(jws.sign(jws.RECEIPT, {}, DEVICE), DEVICE.public_key())
    assert refused.value.code == "wrong-type"


def test_places_and_sizes_up_to_31_bits() -> None:
    header, payload, _ = parts_of(build().sign(DEVICE))
    most = 2**31 - 1
    largest: dict[str, Any] = {"stream": 0xFFFE, "x": -most, "y": -most, "width": most, "height": most, "name": ""}
    for monitor in (largest, {**largest, "x": most, "y": most}):
        token = raw_jws(header, {**payload, "monitors": [monitor]}, DEVICE)
        assert KeyPacket.verify(token, DEVICE.public_key()).monitors == (Monitor(**monitor),)
    for name in ("x", "y", "width", "height"):
        for beyond in (most + 1, -most - 1):
            token = raw_jws(header, {**payload, "monitors": [{**largest, name: beyond}]}, DEVICE)
            with pytest.raises(SignatureError) as refused:
                KeyPacket.verify(token, DEVICE.public_key())
            assert refused.value.code == "bad-field"
