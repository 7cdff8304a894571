"""Signed statements: compact JWS (RFC 7515) with one algorithm, and a type of its own for each kind of statement.

A statement of one type can never pass for another, and no header is believed that could choose how it is checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey

from protocol import base64url
from protocol.claims import FORMAT_NAMES, MOST_VALUES, VERSION, Claims, has_values, parse_object
from protocol.errors import KeyProblem, SignatureError
from protocol.keys import public_from_text, public_to_text, thumbprint

ALG: Final = "Ed25519"  # RFC 9864; the older name "EdDSA" leaves the curve open

PACKET: Final = "eyelid-packet"
LEDGER: Final = "eyelid-ledger"
RECEIPT: Final = "eyelid-receipt"
BUNDLE: Final = "eyelid-bundle"
TOKEN: Final = "eyelid-token"  # noqa: S105 - a type's name
AUTH: Final = "eyelid-auth"
SUCCESSOR: Final = "eyelid-successor"
REPORT: Final = "eyelid-report"
APPLICATION: Final = "eyelid-application"
ADMISSION: Final = "eyelid-admission"
LOCATION: Final = "eyelid-location"
ORIGIN: Final = "eyelid-origin"
INVITATION: Final = "eyelid-invitation"
ERASURE: Final = "eyelid-erasure"
INTERACTION: Final = "eyelid-interaction"
DECIDED: Final = "eyelid-decided"
FOUND: Final = "eyelid-found"
RELEASE: Final = "eyelid-release"
COMMENTED: Final = "eyelid-commented"
REVIEWED: Final = "eyelid-reviewed"
SAMPLED: Final = "eyelid-sampled"
LEASED: Final = "eyelid-leased"
PERIOD: Final = "eyelid-report-of-period"
CASE: Final = "eyelid-case"
TYPES: Final = frozenset({
    *(PACKET, LEDGER, RECEIPT, BUNDLE, TOKEN, AUTH, SUCCESSOR, REPORT, APPLICATION, ADMISSION, LOCATION),
    *(ORIGIN, INVITATION, ERASURE, INTERACTION, DECIDED, FOUND, RELEASE, COMMENTED, REVIEWED, SAMPLED, LEASED),
    *(PERIOD, CASE),
})  # fmt: skip

# Names in a payload's `crit` that are understood. The header has none: it has exactly the names that it must have.
_CRITICAL: Final = {PACKET: frozenset({"envelope"})}

# What devices and integrations sign: the values of such a statement have a bound.
_OF_MANY: Final = frozenset({PACKET, LEDGER, REPORT, APPLICATION, AUTH, INTERACTION})

MAX_SIZE: Final = 16 * 2**20  # characters of a whole token
MAX_HEADER: Final = 512  # characters of its first part
_SIGNATURE_SIZE: Final = 64  # bytes (RFC 8032)

Keys = Ed25519PublicKey | Mapping[str, Ed25519PublicKey]
"""One key, or several by their thumbprint where a signer's key may have successors."""


class _Registry(jws.JWSRegistry):
    max_header_length = MAX_HEADER
    max_payload_length = MAX_SIZE  # joserfc's own 128,000 would be less than a bundle's policies


_REGISTRY: Final = _Registry(algorithms=[ALG])


@lru_cache(maxsize=8)
def _signer(key: Ed25519PrivateKey) -> tuple[OKPKey, str]:
    """The key as joserfc wants it, and its `kid`: a store signs hundreds of receipts a second with one."""
    return OKPKey.import_key(key), thumbprint(key.public_key())


def sign(typ: str, payload: Mapping[str, object], key: Ed25519PrivateKey, *, with_key: bool = False) -> str:
    """Compact JWS. `with_key` puts the public key itself into the header (`jwk`): only a bundle does.

    The payload gets its version, `v`.
    """
    if typ not in TYPES:
        raise SignatureError("wrong-type", f"{typ!r} is no type of signed statement")
    imported, kid = _signer(key)
    header: dict[str, object] = {"alg": ALG, "typ": typ, "kid": kid}
    if with_key:
        header["jwk"] = {"kty": "OKP", "crv": "Ed25519", "x": public_to_text(key.public_key())}
    try:
        text = json.dumps({"v": VERSION, **payload}, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
            "utf-8"
        )
    except UnicodeEncodeError:  # Python reads names that are no UTF-8 (a user's, a host's) as half surrogates
        raise SignatureError("malformed", f"{typ}: a text in it is no Unicode and cannot be signed") from None
    token = jws.serialize_compact(header, text, imported, registry=_REGISTRY)
    if len(token) > MAX_SIZE:
        raise SignatureError("oversized", f"{typ}: {len(token)} characters signed, more than the {MAX_SIZE} allowed")
    return token


def read_header(typ: str, token: str, *, with_key: bool = False) -> dict[str, object]:
    """The header, its form, `alg` and `typ` checked; the signature is not.

    Raises SignatureError: oversized, malformed, wrong-algorithm, wrong-type.
    """
    if len(token) > MAX_SIZE:
        raise SignatureError("oversized", f"{typ}: {len(token)} characters, more than the {MAX_SIZE} allowed")
    parts = token.split(".")
    if len(parts) != 3 or len(parts[0]) > MAX_HEADER:
        raise SignatureError("malformed", f"{typ}: not a compact JWS (three parts with dots between, a short header)")
    try:
        header_text, _, signature = (base64url.decode(part) for part in parts)
        header = parse_object(header_text)
    except ValueError as error:
        raise SignatureError("malformed", f"{typ}: not a compact JWS ({error})") from None
    if header.get("alg") != ALG:
        raise SignatureError("wrong-algorithm", f"{typ}: signed with another algorithm than {ALG}")
    if header.get("typ") != typ:
        raise SignatureError("wrong-type", f"{typ}: this is another type of statement")
    wanted = {"alg", "typ", "kid", "jwk"} if with_key else {"alg", "typ", "kid"}
    if header.keys() != wanted or not isinstance(header["kid"], str):
        raise SignatureError("malformed", f"{typ}: the header must have {', '.join(sorted(wanted))} and nothing else")
    if len(signature) != _SIGNATURE_SIZE:
        raise SignatureError("malformed", f"{typ}: an Ed25519 signature is {_SIGNATURE_SIZE} bytes")
    return header


def verify(typ: str, token: str, key: Keys, *, with_key: bool = False) -> dict[str, object]:
    """The payload of a token of this type signed by this key (or by one of these), without its version and `crit`.

    Everything else is refused.

    Raises SignatureError: as `read_header`; wrong-signer (it names another key than any of these),
    bad-signature; as `Claims.check_format`.
    """
    header = read_header(typ, token, with_key=with_key)
    keys = {thumbprint(key): key} if isinstance(key, Ed25519PublicKey) else key
    public = keys.get(str(header["kid"]))
    if public is None:
        raise SignatureError("wrong-signer", f"{typ}: signed by another key than the one that must sign it")
    try:
        verified = jws.deserialize_compact(token, OKPKey.import_key(public), registry=_REGISTRY)
    except BadSignatureError:
        raise SignatureError(
            "bad-signature", f"{typ}: the signature does not fit: changed, or not signed by its key"
        ) from None
    if typ in _OF_MANY and not has_values(verified.payload):
        raise SignatureError("oversized", f"{typ}: more than {MOST_VALUES} values")
    try:
        payload = parse_object(verified.payload)
    except ValueError as error:
        raise SignatureError("malformed", f"{typ}: signed, but {error}") from None
    Claims(payload, typ, SignatureError).check_format(_CRITICAL.get(typ, frozenset()))
    return {name: value for name, value in payload.items() if name not in FORMAT_NAMES}


def verify_by(typ: str, token: str, fingerprint: str) -> dict[str, object]:
    """As `verify`, of a token that brings its key (`jwk`), which must have this fingerprint.

    Raises SignatureError: as `verify`; wrong-fingerprint.
    """
    match read_header(typ, token, with_key=True)["jwk"]:
        case {"kty": "OKP", "crv": "Ed25519", "x": str(text), **others} if not others:
            try:
                public = public_from_text(text)
            except KeyProblem as error:
                raise SignatureError("malformed", f"{typ}: {error}") from None
        case _:
            raise SignatureError("malformed", f"{typ}: the key in its header is not an Ed25519 key and nothing else")
    if thumbprint(public) != fingerprint:
        raise SignatureError(
            "wrong-fingerprint", f"{typ}: not signed by the compliance key with fingerprint {fingerprint}"
        )
    return verify(typ, token, public, with_key=True)
