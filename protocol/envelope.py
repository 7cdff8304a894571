"""The sealed chunk, to the byte: what lies in spool and store, and what an auditor opens years later.

docs/envelope.md says the same for a reader in another language; tests/vectors/ says it in bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.errors import EnvelopeError
from protocol.keys import chunk_commitment, chunk_key, stream_commitment

MAGIC: Final = b"EYL"  # and the digit of the edition
KEY_PACKET_STREAM: Final = 0xFFFF  # the key packet's place among a recording's objects; it is a JWS, not an envelope
SOUND_STREAM: Final = 0x8000  # both ends of the call, as two channels; monitors are numbered from 0 and stay below
SCENE_STREAM: Final = 0x8001  # what was in view, as JSON lines, where the policy asked for it; no media
SCREEN, AUDIO = "screen", "audio"  # the lanes, as the ledger names them
SCENE: Final = "scene"  # a lane that is not played and that no rule closes
HEADER_SIZE: Final = 92
TAG_SIZE: Final = 16
COMMITMENT_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
KEY_SIZE: Final = 32
# ns. A recording lasts an hour; what claims more than these is a lie, and what reads it would never end.
LONGEST_CHUNK: Final = 2 * 3600 * 10**9
LATEST_END: Final = 31 * 86_400 * 10**9  # since the recording's start: a PC may have slept meanwhile
MAX_SEALED: Final = 16 * 2**20  # bytes; a hundred times what 4 s of a busy 1080p desktop were measured to take
_SIGNED_AS: Final = b"eyelid chunk v"  # and the edition; no JWS begins so: the same key signs key packets and ledger
_LAYOUT: Final = struct.Struct(">4sBBH16sQQQ32s12s")
_MAX_U64: Final = 2**64 - 1


class Edition(IntEnum):
    """In the first the tag alone vouches for a chunk, and everyone who can read the recording can make one.

    In the second each stream has a key of its own, and behind the tag stand the commitment to it and the device's
    signature. In each chunk, because a monitor that is plugged in begins a stream that the key packet could not name.
    In the third each chunk has a key of its own, and a commitment to that too: a part of a stream can be given away.
    """

    FIRST = 1
    SIGNED = 2
    KEYED = 3

    @property
    def magic(self) -> bytes:
        return MAGIC + b"%d" % self

    @property
    def is_signed(self) -> bool:
        """Each of its chunks: every edition but the first."""
        return self is not Edition.FIRST

    @property
    def behind_tag(self) -> int:
        """Bytes: one commitment in the second edition, two in the third, then the signature."""
        return (self - 1) * COMMITMENT_SIZE + SIGNATURE_SIZE if self.is_signed else 0

    @property
    def overhead(self) -> int:
        """Bytes of a sealed chunk beside its content."""
        return HEADER_SIZE + TAG_SIZE + self.behind_tag


LEAST_READ: Final = max(edition.overhead for edition in Edition)  # so many bytes of any chunk say where it belongs


class Kind(IntEnum):
    HEADER = 0  # CMAF initialisation segment of the stream
    MEDIA = 1  # one CMAF fragment; in the scenes' stream, lines


class Flag(IntFlag):
    NONE = 0
    KEY_FRAME = 1  # starts with a key frame
    AFTER_GAP = 2  # something between the chunk before and this one was not kept


_KNOWN_FLAGS: Final = int(Flag.KEY_FRAME | Flag.AFTER_GAP)  # as int: ~ of an IntFlag drops the unknown bits


def lane_of(stream: int) -> str:
    if stream == SCENE_STREAM:
        return SCENE
    return AUDIO if stream >= SOUND_STREAM else SCREEN


def fresh_nonce() -> bytes:
    return os.urandom(12)


@dataclass(frozen=True, slots=True)
class Header:
    """Bytes 0-91 of a sealed chunk, all of them authenticated.

    `start`, `end`: ns since the recording's start. `previous`: SHA-256 of the previous sealed chunk of the stream, of
    the key packet for the first. One Header seals one plaintext: a second under the same nonce would reveal both
    (NIST SP 800-38D section 8).
    """

    kind: Kind
    flags: Flag
    stream: int
    recording: UUID
    sequence: int
    start: int
    end: int
    previous: bytes
    nonce: bytes = field(default_factory=fresh_nonce)
    edition: Edition = Edition.FIRST

    def __post_init__(self) -> None:
        if not 0 <= self.stream < KEY_PACKET_STREAM:
            raise EnvelopeError("bad-stream", f"sealed chunk: stream {self.stream} is not within 0 to 65534")
        if not 0 <= self.sequence <= _MAX_U64:
            raise EnvelopeError("bad-sequence", f"sealed chunk: sequence {self.sequence} does not fit 8 bytes")
        if not 0 <= self.start <= self.end <= _MAX_U64:
            raise EnvelopeError("bad-span", f"sealed chunk: a span cannot run from {self.start} to {self.end} ns")
        if len(self.previous) != 32:
            raise EnvelopeError("bad-previous", "sealed chunk: the previous chunk's SHA-256 must be 32 bytes")
        if len(self.nonce) != 12:
            raise EnvelopeError("bad-nonce", "sealed chunk: the nonce must be 12 bytes")

    def pack(self) -> bytes:
        return _LAYOUT.pack(
            self.edition.magic, self.kind, self.flags, self.stream, self.recording.bytes,
            self.sequence, self.start, self.end, self.previous, self.nonce,
        )  # fmt: skip

    @classmethod
    def parse_unsigned(cls, body: bytes) -> Header:
        """The header of a chunk whose signature is still to come. Raises EnvelopeError, as `parse`; wrong-edition."""
        if len(body) + SIGNATURE_SIZE > MAX_SEALED:
            raise EnvelopeError("oversized", "sealed chunk: there is no room for its signature")
        header = cls.parse(body[:LEAST_READ] + bytes(SIGNATURE_SIZE))
        if not header.edition.is_signed:
            raise EnvelopeError("wrong-edition", "sealed chunk: of an edition without signatures")
        return header

    @classmethod
    def parse(cls, sealed: bytes) -> Header:
        """The header of a whole sealed chunk; says nothing about whether it is authentic.

        Raises EnvelopeError: oversized, truncated, bad-magic, unknown-kind, unknown-flags, bad-stream, bad-span.
        """
        if len(sealed) > MAX_SEALED:
            raise EnvelopeError("oversized", f"sealed chunk: {len(sealed)} bytes, more than the {MAX_SEALED} allowed")
        if len(sealed) < HEADER_SIZE + TAG_SIZE:
            raise EnvelopeError(
                "truncated", f"sealed chunk: {len(sealed)} bytes, header and tag alone are {HEADER_SIZE + TAG_SIZE}"
            )
        magic, kind, flags, stream, recording, sequence, start, end, previous, nonce = _LAYOUT.unpack_from(sealed)
        edition = _EDITIONS.get(magic)
        if edition is None:
            raise EnvelopeError("bad-magic", "sealed chunk: does not begin with EYL1, EYL2 or EYL3")
        if len(sealed) < edition.overhead:
            raise EnvelopeError(
                "truncated", f"sealed chunk: {len(sealed)} bytes, in its edition {edition.overhead} at least"
            )
        if kind not in (Kind.HEADER, Kind.MEDIA):
            raise EnvelopeError("unknown-kind", f"sealed chunk: kind {kind} is none that this version can read")
        if flags & ~_KNOWN_FLAGS:
            raise EnvelopeError("unknown-flags", f"sealed chunk: flags {flags:#04x} have bits this version cannot read")
        place = (stream, UUID(bytes=recording), sequence)
        return cls(Kind(kind), Flag(flags), *place, start, end, previous, nonce, edition)


_EDITIONS: Final = {edition.magic: edition for edition in Edition}


def check_span(start: int, end: int) -> None:
    """Raises EnvelopeError ("bad-span") for a span that no recording can have; a chunk of it parses all the same."""
    if end - start > LONGEST_CHUNK or end > LATEST_END:
        raise EnvelopeError("bad-span", "sealed chunk: it claims more time than a recording can last")


def _check_key(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise EnvelopeError("bad-key", f"a key that seals is {KEY_SIZE} bytes, not {len(key)}")


class Unsigned:
    """A sealed chunk up to its signature: what the device signs, wherever its key is. `sha256`: over all of it."""

    def __init__(self, edition: Edition, *parts: bytes) -> None:
        self.edition = edition
        self.parts = parts
        self._hashed = hashlib.sha256()
        for part in parts:
            self._hashed.update(part)

    @property
    def sha256(self) -> bytes:
        return self._hashed.digest()

    def signed(self, signature: bytes) -> tuple[bytes, bytes]:
        """(the whole chunk, its `digest`)."""
        hashed = self._hashed.copy()
        hashed.update(signature)
        return b"".join((*self.parts, signature)), hashed.digest()


def seal(key: bytes, header: Header, plaintext: bytes, signer: Ed25519PrivateKey | None = None) -> bytes:
    """Header, ciphertext and tag (AES-256-GCM, NIST SP 800-38D); in a signed edition, commitments and signature.

    `key`: the stream's, 32 bytes (`KeyPacket.stream_key`). `signer`: the device's evidence key, for a signed edition
    and no other.
    """
    unsigned = seal_unsigned(key, header, plaintext)
    if header.edition.is_signed != (signer is not None):
        raise EnvelopeError("wrong-edition", "sealed chunk: a signed one needs a key that signs it, and no other does")
    return unsigned.signed(b"" if signer is None else sign_digest(unsigned.sha256, signer, header.edition))[0]


def seal_unsigned(key: bytes, header: Header, plaintext: bytes) -> Unsigned:
    """As `seal`, all but the signature."""
    _check_key(key)
    edition, stream, place = header.edition, (header.recording, header.stream), _place(header)
    if edition.overhead + len(plaintext) > MAX_SEALED:
        raise EnvelopeError("oversized", f"a chunk of {len(plaintext)} bytes does not fit {MAX_SEALED} bytes sealed")
    own = chunk_key(key, *place) if edition is Edition.KEYED else key
    packed = header.pack()
    parts = [packed, AESGCM(own).encrypt(header.nonce, plaintext, packed)]
    if edition.is_signed:
        parts.append(stream_commitment(key, *stream))
    if edition is Edition.KEYED:
        parts.append(chunk_commitment(own, *place))
    return Unsigned(edition, *parts)


def sign_digest(sha256: bytes, signer: Ed25519PrivateKey, edition: Edition) -> bytes:
    """The signature of a chunk, 64 bytes. `sha256`: over all that stands before it, 32 bytes."""
    return signer.sign(_signed_as(edition) + sha256)


def _signed_as(edition: Edition) -> bytes:
    return _SIGNED_AS + b"%d" % edition


def committed(sealed: bytes) -> bytes | None:
    """The commitment to the stream's key that a chunk carries; None in the first edition. Errors: as `Header.parse`."""
    edition = Header.parse(sealed).edition
    return _commitments(edition, sealed)[:COMMITMENT_SIZE] if edition.is_signed else None


def _commitments(edition: Edition, sealed: bytes) -> bytes:
    return sealed[-edition.behind_tag : -SIGNATURE_SIZE]


def check_signature(sealed: bytes, device: Ed25519PublicKey) -> None:
    """That the device made it. The tag cannot say so: it needs a key that all readers have.

    Raises EnvelopeError: as `Header.parse`; wrong-edition (it carries no signature), bad-signature.
    """
    edition = Header.parse(sealed).edition
    if not edition.is_signed:
        raise EnvelopeError("wrong-edition", "sealed chunk: of an edition without signatures")
    try:
        device.verify(sealed[-SIGNATURE_SIZE:], _signed_as(edition) + digest(sealed[:-SIGNATURE_SIZE]))
    except InvalidSignature:
        raise EnvelopeError("bad-signature", "sealed chunk: its signature is not the device's") from None


def open_sealed(key: bytes, sealed: bytes) -> tuple[Header, bytes]:
    """(header, plaintext). Raises EnvelopeError as `Header.parse`; wrong-commitment, wrong-tag.

    `key`: the stream's. Says nothing about a signature. GCM does not commit to its key: in the first edition check the
    key against the packet's commitment first (`protocol.packet`); later those of the chunk are checked here.
    """
    _check_key(key)
    header = Header.parse(sealed)
    if header.edition.is_signed:
        own = stream_commitment(key, header.recording, header.stream)
        if not hmac.compare_digest(_commitments(header.edition, sealed)[:COMMITMENT_SIZE], own):
            raise _wrong_commitment(header, "the stream's key")
    if header.edition is Edition.KEYED:
        return header, _open_keyed(chunk_key(key, *_place(header)), header, sealed)
    return header, _decrypted(key, header, sealed)


def open_by_chunk_key(key: bytes, sealed: bytes) -> tuple[Header, bytes]:
    """As `open_sealed`, for those who were given this chunk's key and no other. `key`: `protocol.keys.chunk_key`.

    Raises EnvelopeError, too: wrong-edition (its stream has one key for all its chunks). Says nothing about a
    signature, and the commitment proves what the device sealed only under that: `check_signature`.
    """
    _check_key(key)
    header = Header.parse(sealed)
    if header.edition is not Edition.KEYED:
        raise EnvelopeError("wrong-edition", "sealed chunk: of an edition in which no chunk has a key of its own")
    return header, _open_keyed(key, header, sealed)


def _open_keyed(key: bytes, header: Header, sealed: bytes) -> bytes:
    own = chunk_commitment(key, *_place(header))
    if not hmac.compare_digest(_commitments(header.edition, sealed)[COMMITMENT_SIZE:], own):
        raise _wrong_commitment(header, "the chunk's key")
    return _decrypted(key, header, sealed)


def _decrypted(key: bytes, header: Header, sealed: bytes) -> bytes:
    end = len(sealed) - header.edition.behind_tag
    try:
        return AESGCM(key).decrypt(header.nonce, sealed[HEADER_SIZE:end], sealed[:HEADER_SIZE])
    except InvalidTag:
        raise EnvelopeError(
            "wrong-tag", f"{_claimed(header)}: the tag does not fit: changed, cut short, or another key"
        ) from None


def _wrong_commitment(header: Header, key: str) -> EnvelopeError:
    return EnvelopeError("wrong-commitment", f"{_claimed(header)}: {key} is not the one that the chunk commits to")


def _place(header: Header) -> tuple[UUID, int, int]:
    return header.recording, header.stream, header.sequence


def _claimed(header: Header) -> str:
    return f"recording {header.recording}, stream {header.stream}, sequence {header.sequence} (as it says itself)"


def expect(header: Header, *, recording: UUID, stream: int, sequence: int, previous: bytes) -> None:
    """Check that a chunk stands in its place: the tag proves what a chunk says, not where it was found.

    Raises EnvelopeError: wrong-recording, wrong-stream, wrong-sequence, wrong-previous.
    """
    where = f"recording {recording}, stream {stream}, sequence {sequence}"
    if header.recording != recording:
        raise EnvelopeError("wrong-recording", f"{where}: the chunk says recording {header.recording}")
    if header.stream != stream:
        raise EnvelopeError("wrong-stream", f"{where}: the chunk says stream {header.stream}")
    if header.sequence != sequence:
        raise EnvelopeError("wrong-sequence", f"{where}: the chunk says sequence {header.sequence}")
    if header.previous != previous:
        raise EnvelopeError("wrong-previous", f"{where}: the chunk does not follow from the one before it")


def digest(sealed: bytes) -> bytes:
    """SHA-256 over the whole sealed chunk or key packet: 32 bytes."""
    return hashlib.sha256(sealed).digest()
