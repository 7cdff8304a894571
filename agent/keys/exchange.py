"""What passes over the keys service's socket: one request and one answer a connection, each with its length in front.

    request   verb (1 byte) · user number (4, big-endian) · length (4) · body
    answer    Answer (1 byte) · length (4) · body

The user number is for root, who enrols for others; from anybody else it counts only as their own. A body is JSON, but
for a chunk (its bytes up to the signature) and for what is signed (as it is).
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.application import Application
from protocol.claims import Claims
from protocol.envelope import MAX_SEALED

REQUEST: Final = struct.Struct(">BII")
ANSWER: Final = struct.Struct(">BI")
MAX_BODY: Final = MAX_SEALED  # a ledger batch is less than a tenth of it


class Verb(IntEnum):
    ABOUT = 0  # whose keys these are; signs nothing
    APPLY = 1
    ADMITTED = 2
    FORGET = 3
    PACKET = 4
    CHUNK = 5
    BATCH = 6
    REPORT = 7
    ASSERTION = 8


class Answer(IntEnum):
    DONE = 0
    REFUSED = 1  # for good: it does not follow from what was signed
    BUSY = 2  # may pass


@dataclass(frozen=True, slots=True)
class Applicant:
    """An `Application` before it has keys."""

    secret: str = field(repr=False)
    store: str
    host: str
    user: str
    os: str
    agent_version: str
    nonce: str

    @classmethod
    def read(cls, claims: Claims) -> Applicant:
        return cls(**{n: claims.text(n) for n in ("secret", "store", "host", "user", "os", "agent_version", "nonce")})

    def application(self, token: Ed25519PrivateKey, evidence: Ed25519PrivateKey) -> Application:
        return Application(token_key=token.public_key(), evidence_key=evidence.public_key(), **asdict(self))
