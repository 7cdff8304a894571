"""The key of one stream on its way to one session: HPKE (RFC 9180) to a key that the reader's browser made.

It opens for this request, recording and stream, and nowhere else.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from protocol import base64url
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import KeyProblem

COMMENTS: Final = KEY_PACKET_STREAM  # where the key of comments is released: no stream has this number
DERIVED: Final = COMMENTS  # likewise the key of what the analysis makes of it, under a label of its own
STREAM_KEY: Final = b"eyelid released key v1"
CHUNK_KEYS: Final = b"eyelid released chunk keys v1"  # of one stream, one behind the other, by their sequence numbers
DERIVED_KEY: Final = b"eyelid released derived key v1"  # under which a worker seals what it makes (review.leases)
REPORT_KEY: Final = b"eyelid released report key v1"  # of what a page says that it played (review.played)
_X25519: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_P256: Final = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_TRIED_WITH: Final = X25519PrivateKey.from_private_bytes(bytes(32))

SessionPublic = X25519PublicKey | ec.EllipticCurvePublicKey
SessionPrivate = X25519PrivateKey | ec.EllipticCurvePrivateKey


def session_key(text: str) -> SessionPublic:
    """As WebCrypto exports it ("raw"), in base64url: 32 bytes of X25519, or 65 of P-256. Raises KeyProblem."""
    try:
        raw = base64url.decode(text)
        if len(raw) == 32:
            public = X25519PublicKey.from_public_bytes(raw)
            _TRIED_WITH.exchange(public)  # RFC 7748 section 6.1: refuses one of small order, before anything is noted
            return public
        if len(raw) == 65:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        pass
    raise KeyProblem("bad-key", "a session's key must be X25519 (32 bytes) or P-256 (65 bytes) in base64url")


def _info(label: bytes, request: str, recording: UUID, stream: int) -> bytes:
    return label + bytes.fromhex(request) + recording.bytes + stream.to_bytes(2, "big")


def release(
    session: SessionPublic, key: bytes, *, request: str, recording: UUID, stream: int, label: bytes = STREAM_KEY
) -> bytes:
    """`key`: the stream's, with `CHUNK_KEYS` those of some of its chunks, with `REPORT_KEY` that of reports.
    `request`: id of the signed request.

    Raises KeyProblem ("bad-key") for a weak session.
    """
    info = _info(label, request, recording, stream)
    try:
        if isinstance(session, X25519PublicKey):
            return _X25519.encrypt(key, session, info=info)
        return _P256.encrypt(key, session, info=info)
    except ValueError:
        raise KeyProblem("bad-key", "nothing can be sealed to this session's key: it is weak") from None


def receive(
    session: SessionPrivate, sealed: bytes, *, request: str, recording: UUID, stream: int, label: bytes = STREAM_KEY
) -> bytes:
    """What was released, under the same label. Raises KeyProblem ("wrong-key")."""
    info = _info(label, request, recording, stream)
    try:
        if isinstance(session, X25519PrivateKey):
            return _X25519.decrypt(sealed, session, info=info)
        return _P256.decrypt(sealed, session, info=info)
    except (InvalidTag, ValueError):
        raise KeyProblem("wrong-key", "released to another session, request, recording or stream") from None
