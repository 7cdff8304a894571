"""The sealed object of a case and the statement over its files, to the byte (docs/envelope.md has the same).

Pure. The case's key is random; it is wrapped for one reader, or lies in a key file under a passphrase.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import base64url, jws, keys
from protocol.claims import MAX_INTEGER, VERSION, Claims, has_values, parse_object
from protocol.errors import SignatureError
from protocol.numbers import read_number
from review.cases.beside import NOTHING, Beside, Gone
from review.cases.selecting import Row
from review.cases.spans import Case, CaseError

STATEMENT, SEALED, KEY_FILE = "case.jws", "case.sealed", "case.key"
KEY_KIND: Final = "case"  # of the key file
KEY_SIZE: Final = 32
MOST_FILES: Final = 4096
LARGEST_SEALED: Final = 128 * 2**20  # bytes; an hour has some 2,000 chunks, of 170 bytes each in it, and its account
MOST_VALUES: Final = 4_000_000  # of the sealed object, eight a chunk; each may take a hundred bytes of memory
_SEALED_AS: Final = b"eyelid case v1"
_COMMIT: Final = b"eyelid case commit"
_NONCE: Final = 12
_TAG: Final = 16
_LAST_STREAM: Final = 0xFFFE  # what follows is the key packet's
_CHUNKS: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(0|[1-9][0-9]{0,4})\.chunks")


def chunks_file(recording: UUID, stream: int) -> str:
    """Sealed chunks, one behind the other, as the sealed object lists them."""
    return f"{recording}.{stream}.chunks"


# -- the statement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """`files`: name -> SHA-256, hex. `wrapped`: the case's key for the reader with this id; empty with a passphrase.

    `signer`: the public key of the store that exported it, which the statement names itself.
    """

    case: UUID
    made: int
    files: Mapping[str, str]
    commitment: bytes
    wrapped: Mapping[str, bytes]
    signer: Ed25519PublicKey

    @property
    def fingerprint(self) -> str:
        return keys.thumbprint(self.signer)


def sign(
    case: UUID, made: int, files: Mapping[str, str], *, key: bytes, reader: keys.RecipientPublic | None,
    signer: Ed25519PrivateKey,
) -> str:  # fmt: skip
    payload = {
        "case": str(case), "made": made, "store_key": keys.public_to_text(signer.public_key()), "files": dict(files),
        "commitment": base64url.encode(commitment(key, case)),
        "wrapped": {} if reader is None else {reader.key_id: base64url.encode(keys.wrap_case(reader, case, key))},
    }  # fmt: skip
    return jws.sign(jws.CASE, payload, signer)


def read_statement(token: str) -> Statement:
    """Signed by the key that it names: whose that is, the reader must know. Raises CaseError, ProtocolError."""
    jws.read_header(jws.CASE, token)
    try:
        said = parse_object(base64url.decode(token.split(".")[1]))
    except ValueError as error:
        raise CaseError("malformed", f"case: {error}") from None
    signer = keys.strong_from_text(Claims(said, "case", SignatureError).text("store_key"))
    claims = Claims(jws.verify(jws.CASE, token, signer), "case", CaseError)
    files, wrapped = claims.object("files"), claims.object("wrapped")
    if len(files.names()) > MOST_FILES or len(wrapped.names()) > 1:
        raise CaseError("bad-field", f"case: it has at most {MOST_FILES} files, and one reader")
    named = {name: files.hex256(name) for name in files.names()}
    if not all(one in (SEALED, KEY_FILE) or _CHUNKS.fullmatch(one) for one in named) or SEALED not in named:
        raise CaseError("bad-name", "case: it names a file that no case has")
    return Statement(
        claims.uuid("case"), claims.integer("made"), named, claims.raw("commitment", 32),
        {name: wrapped.raw(name, keys.WRAPPED_SIZE) for name in wrapped.names()}, signer,
    )  # fmt: skip


def commitment(key: bytes, case: UUID) -> bytes:
    """AES-GCM does not commit to its key: this does."""
    return hmac.digest(key, _COMMIT + case.bytes, "sha256")


def check_key(statement: Statement, key: bytes) -> bytes:
    """The key, if it is the one that was committed to. Raises CaseError ("wrong-commitment")."""
    if len(key) != KEY_SIZE or not hmac.compare_digest(commitment(key, statement.case), statement.commitment):
        raise CaseError("wrong-commitment", "case: the key is not the one that was committed to")
    return key


def unwrap(statement: Statement, reader: keys.RecipientPrivate) -> bytes:
    """The case's key. Raises CaseError: not-a-recipient, wrong-key, wrong-commitment."""
    if (wrapped := statement.wrapped.get(reader.key_id)) is None:
        whom = next(iter(statement.wrapped), "a passphrase")
        raise CaseError("not-a-recipient", f"case {statement.case} was sealed to {whom}, not to {reader.key_id}")
    return check_key(statement, keys.unwrap_case(reader, statement.case, wrapped))


# -- the sealed object ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """All of one recording that a case has beside its chunks.

    `papers`, `account`, `report`: as the player's source gives them (docs/player.md). `origin`: JWS, what the store
    says of where it is from. `rows`, `keys`: by stream; of each chunk one key. `beside`: comments and holds.
    """

    recording: UUID
    origin: str
    papers: Mapping[str, Any]
    account: tuple[Mapping[str, Any], ...]
    report: str | None
    rows: Mapping[int, tuple[Row, ...]]
    keys: Mapping[int, Mapping[int, bytes]]
    beside: Beside = NOTHING

    def __repr__(self) -> str:
        return f"Part(recording={self.recording})"  # a traceback or a failed assertion must not show keys

    def facts(self) -> dict[str, Any]:
        return {
            "recording": str(self.recording), "origin": self.origin, "papers": dict(self.papers),
            "account": list(self.account), "report": self.report,
            "streams": [{"stream": stream, "rows": list(map(list, rows))} for stream, rows in self.rows.items()],
            "keys": {
                str(stream): {str(sequence): base64url.encode(key) for sequence, key in own.items()}
                for stream, own in self.keys.items()
            },
        } | self.beside.facts()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Content:
    """`gone`: recordings of it that were erased, and are no part of it for that reason."""

    case: Case
    parts: tuple[Part, ...]
    gone: tuple[Gone, ...] = ()

    def write(self) -> bytes:
        facts = self.case.facts() | {"recordings": [one.facts() for one in self.parts]}
        facts["erased"] = [one.facts() for one in self.gone]
        return json.dumps({"v": VERSION, **facts}, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

    @classmethod
    def read(cls, content: bytes) -> Content:
        """Raises CaseError."""
        if not fits(content):
            raise CaseError("oversized", f"case: {SEALED} has more than {MOST_VALUES} values: no case has so many")
        try:
            values = parse_object(content)
            case = Case.read(values)
            claims = Claims(values, "case", CaseError)
            parts = tuple(_part(*one) for one in _both(claims, values, "recordings"))
            gone = tuple(map(Gone.read, claims.objects("erased"))) if claims.has("erased") else ()
        except CaseError:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise CaseError("malformed", f"case: its sealed object has another shape ({error})") from None
        erased = {one.recording for one in gone}
        if not parts or tuple(one.recording for one in parts) != tuple(r for r in case.recordings if r not in erased):
            raise CaseError("malformed", "case: its recordings are not those of its spans")
        if not all(map(case.gives, (stream for one in parts for stream in {**one.rows, **one.keys}))):
            raise CaseError("malformed", "case: it has a lane that it says to leave out")
        return cls(case, parts, gone)


def _part(claims: Claims, values: Mapping[str, Any]) -> Part:
    report = values.get("report")
    streams = {one.integer("stream", most=_LAST_STREAM): _rows(said) for one, said in _both(claims, values, "streams")}
    said = claims.object("keys")
    own = {_number(stream, _LAST_STREAM): said.object(stream) for stream in said.names()}
    for name in ("device", "row"):
        claims.object("papers").object(name)
    claims.objects("account")
    return Part(
        claims.uuid("recording"), claims.text("origin"), values["papers"], tuple(values["account"]),
        None if report is None else claims.text("report"), streams,
        {
            stream: {_number(name, MAX_INTEGER): of.raw(name, KEY_SIZE) for name in of.names()}
            for stream, of in own.items()
        },
        Beside.read(claims),
    )  # fmt: skip


def _number(text: str, most: int) -> int:
    if (number := read_number(text, most)) is None:
        raise ValueError("no number of a stream or chunk")
    return number


def _both(claims: Claims, values: Mapping[str, Any], name: str) -> list[tuple[Claims, Mapping[str, Any]]]:
    return list(zip(claims.objects(name), values[name], strict=True))


def _rows(said: Mapping[str, Any]) -> tuple[Row, ...]:
    rows = tuple(map(Row.read, said["rows"]))
    if any(one.sequence >= after.sequence for one, after in pairwise(rows)):
        raise ValueError("chunks are out of order")
    return rows


def fits(content: bytes) -> bool:
    """Whether it is as small as what is read: before any of it is read into objects."""
    return len(content) <= LARGEST_SEALED - _NONCE - _TAG and has_values(content, MOST_VALUES)


def seal(key: bytes, case: UUID, content: bytes) -> bytes:
    """Nonce, ciphertext and tag (AES-256-GCM). `key`: for one content alone."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, _SEALED_AS + case.bytes)


def unseal(key: bytes, case: UUID, sealed: bytes) -> bytes:
    """Raises CaseError ("wrong-tag")."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _SEALED_AS + case.bytes)
    except (InvalidTag, ValueError):
        raise CaseError("wrong-tag", f"case {case}: {SEALED} was changed, or is of another case") from None
