"""Signed notes, checkpoints and cosignatures, without I/O: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint
and https://c2sp.org/tlog-cosignature, with Ed25519 (RFC 8032) alone.

A note is text, an empty line, and a line for each signature. Each form has one spelling here: what decodes to the same
bytes and is written in another way is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.keys import is_weak
from review.audit.errors import AuditError
from review.audit.tree import HASH_SIZE

_DASH: Final = "\N{EM DASH} "
_NAME: Final = re.compile(r"[^\s+\x00-\x1f]{1,200}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_LARGEST: Final = 64 * 2**10  # bytes of a note, sixteen post-quantum signatures included
_ID_SIZE: Final = 4


class KeyType(IntEnum):
    LOG = 1
    COSIGNER = 4


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decode(text: str) -> bytes:
    """ValueError for anything but the one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
    if _encode(raw) != text:
        raise ValueError("base64 in another spelling")
    return raw


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signatures count: the name says which log or cosigner."""

    name: str
    type: KeyType
    public: Ed25519PublicKey

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise AuditError("bad-name", "the name of a log or cosigner has 1 to 200 characters, no space and no plus")

    @property
    def _material(self) -> bytes:
        return bytes([self.type]) + self.public.public_bytes_raw()

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self._material).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(self._material)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises AuditError ("bad-key")."""
        try:
            name, identity, material = text.split("+", 2)
            kind, *raw = _decode(material)
            key = cls(name, KeyType(kind), Ed25519PublicKey.from_public_bytes(bytes(raw)))
            if identity != key.id.hex():
                raise ValueError("another id")  # noqa: TRY301 - told below, as every other fault
        except ValueError:
            message = "a verifier's key is one line, NAME+ID+KEY, as `eyelid-review audit init` or `cosign` wrote it"
            raise AuditError("bad-key", message) from None
        if is_weak(key.public):
            raise AuditError("bad-key", f"the key of {name} is of small order: anyone could sign for it")
        return key


class Signer(NamedTuple):
    """`key.name`: of the log, its checkpoints' origin; or of the cosigner."""

    key: VerifierKey
    private: Ed25519PrivateKey

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey, kind: KeyType = KeyType.LOG) -> Signer:
        return cls(VerifierKey(name, kind, private.public_key()), private)


class Signature(NamedTuple):
    """`raw`: what follows the key's id."""

    name: str
    id: bytes
    raw: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {_encode(self.id + self.raw)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """`text` ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(one.line for one in self.signatures)}".encode()

    @classmethod
    def parse(cls, content: bytes) -> Note:
        """The form alone; nothing is verified. Raises AuditError ("malformed-note")."""
        try:
            if len(content) > _LARGEST:
                raise ValueError("too large")  # noqa: TRY301 - told below, as every other fault
            whole = content.decode("utf-8")
            if any(letter < " " and letter != "\n" for letter in whole) or not whole.endswith("\n"):
                raise ValueError("a control character, or no newline at its end")  # noqa: TRY301
            text, _, below = whole.rpartition("\n\n")
            lines = below[:-1].split("\n")
            if not text:
                raise ValueError("no text, or no signature")  # noqa: TRY301
            return cls(text + "\n", tuple(map(_signature, lines)))
        except ValueError:
            message = "not a signed note: text, an empty line, and one line for each signature"
            raise AuditError("malformed-note", message) from None

    def with_signature(self, added: Signature) -> Note:
        """In place of one by the same key."""
        others = [one for one in self.signatures if one[:2] != added[:2]]
        return Note(self.text, (*others, added))


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH) or line.count(" ") != 2:
        raise ValueError("no signature")
    _, name, encoded = line.split(" ")
    raw = _decode(encoded)
    if not _NAME.fullmatch(name) or len(raw) <= _ID_SIZE:
        raise ValueError("no signature")
    return Signature(name, raw[:_ID_SIZE], raw[_ID_SIZE:])


def sign(text: str, by: Signer) -> Signature:
    return Signature(by.key.name, by.key.id, by.private.sign(text.encode()))


def cosign(text: str, by: Signer, seconds: int) -> Signature:
    """`seconds`: the time of it, POSIX."""
    return Signature(by.key.name, by.key.id, seconds.to_bytes(8, "big") + by.private.sign(_cosigned(text, seconds)))


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def verify(note: Note, key: VerifierKey) -> int | None:
    """That `key` signed it; for a cosigner, when (POSIX seconds). Raises AuditError: not-signed, bad-signature."""
    own = [one.raw for one in note.signatures if one.name == key.name and one.id == key.id]
    if not own:
        raise AuditError("not-signed", f"it is not signed by the key of {key.name} that was given")
    seconds = None
    for raw in own:
        signed, signature = note.text.encode(), raw
        if key.type is KeyType.COSIGNER:
            seconds = int.from_bytes(raw[:8], "big")
            signed, signature = _cosigned(note.text, seconds), raw[8:]
        try:
            key.public.verify(signature, signed)
        except InvalidSignature:
            raise AuditError("bad-signature", f"the signature of {key.name} does not fit: it was changed") from None
    return seconds


class Checkpoint(NamedTuple):
    """`origin`: the log's name. `root`: of the tree of its first `size` entries."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises AuditError ("malformed-checkpoint"). Extension lines are refused: this log writes none."""
        try:
            origin, size, root = text.removesuffix("\n").split("\n")
            read = cls(origin, int(size), _decode(root))
            if not origin or not _SIZE.fullmatch(size) or len(read.root) != HASH_SIZE:
                raise ValueError("not in its form")  # noqa: TRY301 - told below, as every other fault
        except ValueError:
            message = "not a checkpoint: three lines, the log's name, how many entries it has, and the tree's root"
            raise AuditError("malformed-checkpoint", message) from None
        return read


def signed_checkpoint(content: bytes, log: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that the log signed.

    Raises AuditError: malformed-note, malformed-checkpoint, other-log, not-signed, bad-signature.
    """
    note = Note.parse(content)
    read = Checkpoint.parse(note.text)
    if read.origin != log.name:
        raise AuditError("other-log", f"it is a checkpoint of another log: {read.origin!r}, not {log.name!r}")
    verify(note, log)
    return read
