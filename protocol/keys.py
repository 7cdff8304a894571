"""Keys and their bytes: Ed25519 to sign, a hybrid of ML-KEM-768 and X25519 to read recordings that are kept for years.

`cryptography` gives HPKE's hybrid KEM but neither generates nor stores its keys; the bytes here are those of
draft-ietf-hpke-pq (MLKEM768-X25519, code point 0x647A, the same as X-Wing): other HPKE libraries read them as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OKPKey

from protocol import base64url
from protocol.errors import KeyProblem

RECORDING_KEY_SIZE: Final = 32
RECIPIENT_PUBLIC_SIZE: Final = 1184 + 32
RECIPIENT_PRIVATE_SIZE: Final = 32
WRAPPED_SIZE: Final = 1088 + 32 + RECORDING_KEY_SIZE + 16  # encapsulation, then ciphertext and tag

# One suite per format version; nothing is negotiated (numbers: IANA's HPKE registry, KEM from draft-ietf-hpke-pq).
KEM_ID: Final = 0x647A
KDF_ID: Final = 0x0001
AEAD_ID: Final = 0x0002
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO: Final = b"eyelid recording key v1"
_CASE_INFO: Final = b"eyelid case key v1"
_COMMIT: Final = b"eyelid commit"
_STREAM_COMMIT: Final = b"eyelid stream commit"
_CHUNK_COMMIT: Final = b"eyelid chunk commit"
# HKDF's info begins so: one label for each use, and of each one length.
_STREAM_KEY: Final = b"eyelid stream key v2"
_COMMITMENT_KEY: Final = b"eyelid commitment key v2"
_CHUNK_KEY: Final = b"eyelid chunk key v3"
_COMMENT_KEY: Final = b"eyelid comment key v1"
_DERIVED_KEY: Final = b"eyelid derived key v1"  # a label's SHA-256 follows
# What a reader's X25519 key is tried with. Every private key is a multiple of 8 (RFC 7748 section 5), so that any of
# them makes zero of a point of small order, however it is written.
_TRIED_WITH: Final = X25519PrivateKey.from_private_bytes(bytes(32))


# -- keys that sign -----------------------------------------------------------------------------------------------


def thumbprint(public: Ed25519PublicKey) -> str:
    """RFC 7638 thumbprint (SHA-256, base64url) of the key's JWK: a key's `kid`, and the compliance fingerprint."""
    return OKPKey.import_key(public).thumbprint()


def public_to_text(public: Ed25519PublicKey) -> str:
    """The 32 raw bytes (RFC 8032) in base64url."""
    return base64url.encode(public.public_bytes_raw())


def public_from_text(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64url.decode(text))
    except ValueError:
        raise KeyProblem("bad-key", "a public signing key must be 32 bytes in base64url") from None


def signing_key(raw: bytes) -> Ed25519PrivateKey:
    """From its 32 raw bytes (RFC 8032), as `Ed25519PrivateKey.private_bytes_raw` gives them."""
    try:
        return Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError:
        raise KeyProblem("bad-key", f"a private signing key is 32 bytes, not {len(raw)}") from None


_P: Final = 2**255 - 19
# The y of the eight points of small order: y and sign are how a key is written (RFC 8032 section 5.1.2).
_SMALL_ORDER: Final = frozenset({
    0,
    1,
    _P - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
})  # fmt: skip


def is_weak(public: Ed25519PublicKey) -> bool:
    """Whether it is of small order: signatures that it accepts can be made without any private key."""
    y = int.from_bytes(public.public_bytes_raw(), "little") & (2**255 - 1)
    return y % _P in _SMALL_ORDER


def strong_from_text(text: str) -> Ed25519PublicKey:
    """As `public_from_text`, for a key of a stranger's choosing: a weak one is refused, too."""
    public = public_from_text(text)
    if is_weak(public):
        raise KeyProblem("bad-key", "a public signing key must not be of small order: anyone could sign for it")
    return public


# -- keys that read recordings ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecipientPublic:
    """Whom recordings are sealed to. `raw`: ML-KEM-768 encapsulation key (1,184 bytes), then X25519 public key (32).

    Raises KeyProblem for what nothing can be sealed to: a bundle must be refused for it, not each recording.
    """

    raw: bytes

    def __post_init__(self) -> None:
        self.hpke()
        try:
            _TRIED_WITH.exchange(X25519PublicKey.from_public_bytes(self.raw[1184:]))
        except ValueError:  # RFC 7748 section 6.1: an all-zero secret
            message = "a recipient's X25519 key must not be of small order: nothing can be sealed to it"
            raise KeyProblem("bad-key", message) from None

    def hpke(self) -> MLKEM768X25519PublicKey:
        if len(self.raw) != RECIPIENT_PUBLIC_SIZE:
            raise KeyProblem("bad-key", f"a recipient's key is {RECIPIENT_PUBLIC_SIZE} bytes, not {len(self.raw)}")
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(self.raw[:1184])
            return MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(self.raw[1184:]))
        except ValueError:  # FIPS 203 section 7.2: an encapsulation key with a coefficient out of range
            raise KeyProblem("bad-key", "a recipient's key is not an ML-KEM-768 encapsulation key") from None

    @classmethod
    def from_bytes(cls, raw: bytes) -> RecipientPublic:
        return cls(raw)

    def to_bytes(self) -> bytes:
        return self.raw

    @property
    def key_id(self) -> str:
        """SHA-256 of the key's bytes, base64url (43 characters)."""
        return base64url.encode(hashlib.sha256(self.raw).digest())


class RecipientPrivate:
    """Who can read recordings: a 32-byte seed that SHAKE256 stretches to the two parts' seeds (64 + 32 bytes)."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != RECIPIENT_PRIVATE_SIZE:
            raise KeyProblem("bad-key", f"a recipient's private key is {RECIPIENT_PRIVATE_SIZE} bytes, not {len(seed)}")
        self._seed = seed
        parts = hashlib.shake_256(seed).digest(96)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(parts[:64])
        x25519 = X25519PrivateKey.from_private_bytes(parts[64:])
        self.hpke = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public = RecipientPublic(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> RecipientPrivate:
        """Its id begins with no hyphen: a command would take that for an option."""
        made = cls(os.urandom(RECIPIENT_PRIVATE_SIZE))
        while made.key_id.startswith("-"):
            made = cls(os.urandom(RECIPIENT_PRIVATE_SIZE))
        return made

    @classmethod
    def from_bytes(cls, raw: bytes) -> RecipientPrivate:
        return cls(raw)

    def to_bytes(self) -> bytes:
        return self._seed

    @property
    def key_id(self) -> str:
        return self.public.key_id


def wrap(recipient: RecipientPublic, recording: UUID, key: bytes) -> bytes:
    """The recording's key for one recipient: HPKE base mode (RFC 9180), encapsulation then ciphertext, 1,168 bytes."""
    if len(key) != RECORDING_KEY_SIZE:
        raise KeyProblem("bad-key", f"a recording key is {RECORDING_KEY_SIZE} bytes, not {len(key)}")
    return _SUITE.encrypt(key, recipient.hpke(), info=_INFO + recording.bytes)


def unwrap(recipient: RecipientPrivate, recording: UUID, wrapped: bytes) -> bytes:
    """The recording's key. Raises KeyProblem: bad-length; wrong-key (another recipient or recording, changed bytes)."""
    if len(wrapped) != WRAPPED_SIZE:
        raise KeyProblem("bad-length", f"a wrapped recording key is {WRAPPED_SIZE} bytes, not {len(wrapped)}")
    try:
        return _SUITE.decrypt(wrapped, recipient.hpke, info=_INFO + recording.bytes)
    except InvalidTag:
        raise KeyProblem(
            "wrong-key", f"recording {recording}: the private key {recipient.key_id} does not open this wrapped key"
        ) from None


def wrap_case(recipient: RecipientPublic, case: UUID, key: bytes) -> bytes:
    """The key of an exported case, as `wrap`: one cannot be taken for the other."""
    return _SUITE.encrypt(key, recipient.hpke(), info=_CASE_INFO + case.bytes)


def unwrap_case(recipient: RecipientPrivate, case: UUID, wrapped: bytes) -> bytes:
    """Raises KeyProblem ("wrong-key")."""
    try:
        return _SUITE.decrypt(wrapped, recipient.hpke, info=_CASE_INFO + case.bytes)
    except InvalidTag:
        raise KeyProblem("wrong-key", f"case {case}: the private key {recipient.key_id} does not open it") from None


def _derived(key: bytes, recording: UUID, info: bytes) -> bytes:
    """32 bytes by HKDF-SHA256 (RFC 5869), salted with the recording's id."""
    return HKDF(algorithm=SHA256(), length=RECORDING_KEY_SIZE, salt=recording.bytes, info=info).derive(key)


def stream_key(key: bytes, recording: UUID, stream: int) -> bytes:
    """From the second edition on: of one stream. Neither the recording's key nor another stream's can be had from it.

    In the second edition it seals the stream's chunks, in the third each chunk's own key comes from it.
    """
    return _derived(key, recording, _STREAM_KEY + stream.to_bytes(2, "big"))


def comment_key(key: bytes, recording: UUID) -> bytes:
    """What seals comments on a recording: they can be read as long as its key is, and open none of its streams."""
    return _derived(key, recording, _COMMENT_KEY)


def derived_key(key: bytes, recording: UUID, label: str) -> bytes:
    """What seals one thing that the analysis makes of a recording, such as speech/original: its words.

    Neither the recording's key, a stream's nor another label's can be had from it, and it dies with the recording's.
    """
    return _derived(key, recording, _DERIVED_KEY + hashlib.sha256(label.encode()).digest())


def stream_commitment(key: bytes, recording: UUID, stream: int) -> bytes:
    """From the second edition on: HMAC-SHA256 that ties a stream to one key. `key`: the stream's."""
    return hmac.digest(key, _STREAM_COMMIT + recording.bytes + stream.to_bytes(2, "big"), "sha256")


def chunk_key(stream_key: bytes, recording: UUID, stream: int, sequence: int) -> bytes:
    """Third edition: what seals one chunk. Neither its stream's key nor another chunk's can be had from it."""
    return _derived(stream_key, recording, _CHUNK_KEY + _place(stream, sequence))


def chunk_commitment(chunk_key: bytes, recording: UUID, stream: int, sequence: int) -> bytes:
    """Third edition: HMAC-SHA256 that ties a chunk to one key, for those who have no other key of the stream."""
    return hmac.digest(chunk_key, _CHUNK_COMMIT + recording.bytes + _place(stream, sequence), "sha256")


def _place(stream: int, sequence: int) -> bytes:
    return stream.to_bytes(2, "big") + sequence.to_bytes(8, "big")


def commitment_key(key: bytes, recording: UUID) -> bytes:
    """From the second edition on: what `commitment` is made with, so that no key that commits seals too."""
    return _derived(key, recording, _COMMITMENT_KEY)


def commitment(key: bytes, recording: UUID) -> bytes:
    """HMAC-SHA256 that ties the recording to one key: AES-GCM alone opens one ciphertext under two keys.

    `key`: in the first edition the recording's, later its `commitment_key`.
    """
    return hmac.digest(key, _COMMIT + recording.bytes, "sha256")


def check_commitment(key: bytes, recording: UUID, committed: bytes) -> None:
    """Raises KeyProblem ("wrong-commitment") unless the key is the one that the packet committed to.

    `key`: as of `commitment`.
    """
    if not hmac.compare_digest(commitment(key, recording), committed):
        raise KeyProblem("wrong-commitment", f"recording {recording}: the key is not the one its packet committed to")
