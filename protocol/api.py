"""The store's API, version 1, as both sides write it: paths, headers, limits and the shape of every body."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final, NotRequired, TypedDict
from uuid import UUID

from protocol.envelope import MAX_SEALED
from protocol.errors import ProtocolError

VERSION: Final = "v1"
AGENT_VERSION_HEADER: Final = "Eyelid-Agent-Version"
CONTENT_DIGEST_HEADER: Final = "Content-Digest"  # RFC 9530

# Largest request bodies, in bytes. A larger one is refused (413) before it is read whole.
MAX_CHUNK_BODY: Final = MAX_SEALED
MAX_PACKET_BODY: Final = 256 * 2**10  # a recipient takes 1.6 KB
MAX_LEDGER_BODY: Final = 2 * 2**20
MAX_POLICY_BODY: Final = 4 * 2**20
MAX_INTERACTION_BODY: Final = MAX_CHUNK_BODY + MAX_PACKET_BODY + 256 * 2**10
MAX_JSON_BODY: Final = 64 * 2**10  # everything else

# Of what a PC calls itself, its user or its system, in characters.
MAX_NAME: Final = 255

# Templates in the way that both Starlette and str.format read them.
ENROLL: Final = "/v1/enroll"
TOKEN: Final = "/v1/token"  # noqa: S105 - a path
RECORDING: Final = "/v1/recordings/{recording}/{stream}/{sequence}"
LEDGER: Final = "/v1/ledger"
BUNDLE: Final = "/v1/bundle"
POLICY: Final = "/v1/policies/{hash}"
DEVICE_HEALTH: Final = "/v1/devices/{device}/health"
HEALTH: Final = "/v1/health"
INTERACTIONS: Final = "/v1/interactions"
INTERACTIONS_REFUSED: Final = "/v1/interactions/refused"
REFUSED_WHY: Final = ("oversized", "unreadable")
MOST_REFUSED: Final = 10**9

INTEGRATION_KEY: Final = "eyi1."  # what an integration's key begins with


def recording_path(recording: UUID, stream: int, sequence: int) -> str:
    return RECORDING.format(recording=recording, stream=stream, sequence=sequence)


def policy_path(policy: str) -> str:
    return POLICY.format(hash=policy)


def device_health_path(device: str) -> str:
    return DEVICE_HEALTH.format(device=device)


# The 43rd letter of 32 bytes in base64 has two spare bits, which must be zero.
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=):")


def content_digest(body: bytes) -> str:
    """Value of Content-Digest (RFC 9530) for a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def parse_content_digest(value: str) -> bytes:
    """The SHA-256 (32 bytes) in a Content-Digest; ProtocolError ("bad-digest") where it has none or more than that."""
    match = _DIGEST.fullmatch(value.strip())
    if match is None:
        raise ProtocolError(
            "bad-digest", f"{CONTENT_DIGEST_HEADER} must be sha-256=:<base64 of 32 bytes>: and nothing else"
        )
    return base64.b64decode(match[1])


# -- bodies -------------------------------------------------------------------------------------------------------


class Problem(TypedDict):
    """Body of every 4xx and 5xx. `error` is a stable kebab-case code; `message` says what to do, in words."""

    error: str
    message: str


# Codes that the agent answers otherwise than by the status alone. It keeps everything, raises an alarm and asks again.
DEVICE_REVOKED: Final = "device-revoked"  # 401 or 403: the operator has shut this PC out
DEVICE_UNKNOWN: Final = "unknown-device"  # 403: the store has no such PC, as after its restore from an old backup
AGENT_UNSUPPORTED: Final = "agent-unsupported"  # 426: another version of the agent is needed
UNKNOWN_CRITICAL: Final = (
    "unknown-critical"  # 426: of what was sent, `crit` names something that this store is too old for
)
# Refusals (400) of a body that was whole when it left: it is sent again.
DAMAGED_ON_THE_WAY: Final = frozenset({"wrong-digest", "cut-short"})


class EnrollRequest(TypedDict):
    """POST /v1/enroll. Keys: Ed25519, raw 32 bytes in base64url; one for tokens, one for evidence."""

    v: NotRequired[int]  # 1; the first agents sent none
    crit: NotRequired[list[str]]  # names that must be understood: docs/envelope.md
    secret: str
    store: str  # thumbprint of the store's key that the token pinned
    token_key: str
    evidence_key: str
    host: str
    user: str  # the operating system's name of the user
    os: str
    agent_version: str
    nonce: str  # 16 bytes in base64url
    token_proof: str  # JWS, eyelid-application: all of this, signed with each key
    evidence_proof: str


class EnrollResponse(TypedDict):
    v: NotRequired[int]
    crit: NotRequired[list[str]]
    device: str
    bundle: str  # JWS, eyelid-bundle
    successors: list[str]  # JWS, eyelid-successor: the store's keys since the one that the token pinned
    proof: str  # JWS, eyelid-admission


class AuthClaims(TypedDict):
    """Payload of eyelid-auth, signed with the device's token key. Seconds since 1970 by the store's Date header."""

    device: str
    iat: int
    exp: int
    jti: str  # spent once used


class TokenRequest(TypedDict):
    """POST /v1/token."""

    assertion: str  # JWS, eyelid-auth


class TokenResponse(TypedDict):
    token: str  # JWS, eyelid-token: sent as `Authorization: Bearer`
    expires_in: int  # seconds


class BearerClaims(TypedDict):
    """Payload of eyelid-token, signed with the store's key. Opaque to the agent."""

    device: str
    iat: int
    exp: int


class ReceiptResponse(TypedDict):
    """PUT /v1/recordings/... (the body of the request is the sealed bytes)."""

    receipt: str  # JWS, eyelid-receipt


class InteractionResponse(TypedDict):
    """POST /v1/interactions (the body of the request: key packet, statement and sealed chunk, a line feed between)."""

    receipt: str  # JWS, eyelid-receipt: of the chunk
    new: bool  # false: these very bytes were here before


class RefusedRequest(TypedDict):
    """POST /v1/interactions/refused: what an importer could not read, and so did not send."""

    why: str  # one of REFUSED_WHY
    count: int


class RefusedResponse(TypedDict):
    """It is in the operators' log."""

    noted: bool


class LedgerRequest(TypedDict):
    """POST /v1/ledger."""

    batch: str  # JWS, eyelid-ledger


class LedgerResponse(TypedDict):
    """Also the answer (409) to a batch that does not continue what the store has: go on from `next`."""

    next: int  # number of the entry that the store waits for
    head: str  # hash of the entry before it


class LedgerProblem(Problem):
    next: int
    head: str


class BundleResponse(TypedDict):
    """GET /v1/bundle."""

    bundle: str
    successors: list[str]
    location: NotRequired[str]  # JWS, eyelid-location; of a store that has moved since it was made


class PolicyRequest(TypedDict):
    """PUT /v1/policies/{hash}. The store recomputes the hash."""

    files: dict[str, str]  # name -> text


class PolicyResponse(TypedDict):
    hash: str


class StreamHead(TypedDict):
    """What has been sealed of one stream: the next sequence, and the SHA-256 (hex) of the last sealed chunk."""

    next: int
    head: str


class DeviceHealthRequest(TypedDict):
    """PUT /v1/devices/{id}/health, every minute."""

    wall: int  # ns since 1970 as the PC believes it
    agent_version: str
    recording: NotRequired[str]  # the one that is open
    heads: dict[str, StreamHead]  # by stream number, of the open recording
    ledger: StreamHead
    holds: list[str]
    pending_chunks: int
    pending_bytes: int
    bundle_revision: int
    policy: NotRequired[str]  # hash of the policy in force
    location: NotRequired[int]  # number of the one that this PC has
    troubles: NotRequired[list[str]]  # codes of those that are not over
    report: NotRequired[str]  # JWS, eyelid-report: heads and ledger as here


class DeviceHealthResponse(TypedDict):
    bundle_revision: int  # newest the store has: fetch it when it is higher
    location: NotRequired[int]  # number of its newest location: fetched together with the bundle
    ledger: StreamHead


class HealthResponse(TypedDict):
    """GET /v1/health, without authentication."""

    status: str  # ok, or full: chunks are refused for want of room
    version: str
