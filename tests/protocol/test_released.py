"""A stream's key on its way to a session: it opens there, for that request, recording and stream, and nowhere else.

And where a recording comes from, as the store signs it.
"""

from __future__ import annotations

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol import base64url, jws
from protocol.errors import KeyProblem, SignatureError
from protocol.keys import public_to_text
from protocol.origin import Origin
from protocol.released import SessionPrivate, receive, release, session_key

KEY, REQUEST, RECORDING = bytes(range(32)), "ab" * 32, UUID(int=7)
SESSIONS: list[SessionPrivate] = [X25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]


def text(session: SessionPrivate) -> str:
    if isinstance(session, X25519PrivateKey):
        return base64url.encode(session.public_key().public_bytes_raw())
    point = session.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64url.encode(point)


@pytest.mark.parametrize("session", SESSIONS)
def test_it_opens_for_its_session_request_recording_and_stream_alone(session: SessionPrivate) -> None:
    sealed = release(session_key(text(session)), KEY, request=REQUEST, recording=RECORDING, stream=3)
    assert receive(session, sealed, request=REQUEST, recording=RECORDING, stream=3) == KEY
    for other, request, recording, stream in (
        (session, "cd" * 32, RECORDING, 3),
        (session, REQUEST, UUID(int=8), 3),
        (session, REQUEST, RECORDING, 4),
        (X25519PrivateKey.generate(), REQUEST, RECORDING, 3),
        (ec.generate_private_key(ec.SECP256R1()), REQUEST, RECORDING, 3),
    ):
        with pytest.raises(KeyProblem) as error:
            receive(other, sealed, request=request, recording=recording, stream=stream)
        assert error.value.code == "wrong-key"


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(65), b"\4" + bytes(64), b"\2" + bytes(64)])
def test_what_is_no_session_key_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyProblem) as error:
        session_key(base64url.encode(raw))
    assert error.value.code == "bad-key"
    with pytest.raises(KeyProblem):
        session_key("=")


def test_nothing_is_released_to_a_weak_session() -> None:
    for nothing in (
        lambda: session_key(base64url.encode(bytes(32))),
        lambda: release(
            X25519PublicKey.from_public_bytes(bytes(32)), KEY, request=REQUEST, recording=RECORDING, stream=0
        ),
    ):
        with pytest.raises(KeyProblem) as error:
            nothing()
        assert error.value.code == "bad-key"


def test_an_origin_is_the_stores_and_names_a_sound_key() -> None:
    store, evidence = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    origin = Origin(RECORDING, "ab" * 32, "d-1", evidence.public_key(), "north desk", 5)
    token = origin.sign(store)
    read = Origin.verify(token, store.public_key())
    assert (read.recording, read.packet, read.device, read.group, read.at) == (
        RECORDING, "ab" * 32, "d-1", "north desk", 5,
    )  # fmt: skip
    assert public_to_text(read.evidence_key) == public_to_text(evidence.public_key())
    with pytest.raises(SignatureError) as error:
        Origin.verify(token, evidence.public_key())
    assert error.value.code == "wrong-signer"
    claims = jws.verify(jws.ORIGIN, token, store.public_key())
    for changed in ({"evidence_key": base64url.encode(bytes(32))}, {"packet": "x"}, {"at": -1}, {"group": 7}):
        with pytest.raises(SignatureError) as error:
            Origin.verify(jws.sign(jws.ORIGIN, claims | changed, store), store.public_key())
        assert error.value.code == "bad-field"
