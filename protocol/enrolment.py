"""The one string a person pastes to enrol a PC: where the store is, whom to trust there, and a secret to be let in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol import base64url
from protocol.claims import VERSION, Claims, parse_object
from protocol.errors import EnrolmentError, KeyProblem
from protocol.keys import public_from_text, public_to_text

PREFIX: Final = "eyelid1."
MAX_SIZE: Final = 64 * 2**10  # characters
_LONGEST_ADDRESS: Final = 2_048  # characters


@dataclass(frozen=True, slots=True)
class Enrolment:
    """`address`: the store's base URL. `ca`: PEM certificate that its TLS must chain to ("" on loopback without TLS).

    `compliance`: fingerprint of the compliance key (`protocol.keys.thumbprint`).
    `secret`: opaque to the agent; the store knows how often and until when it is good.
    """

    address: str
    ca: str
    store_key: Ed25519PublicKey
    compliance: str
    secret: str = field(repr=False)
    group: str = ""


def make(enrolment: Enrolment) -> str:
    fields = {
        "v": VERSION,
        "address": enrolment.address,
        "ca": enrolment.ca,
        "store_key": public_to_text(enrolment.store_key),
        "compliance": enrolment.compliance,
        "secret": enrolment.secret,
        "group": enrolment.group,
    }
    return PREFIX + base64url.encode(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))


def is_acceptable(address: str) -> bool:
    """Whether a store may be reached there: never in clear over a network."""
    if len(address) > _LONGEST_ADDRESS or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return port_fits and bool(parts.hostname) and (plain or parts.scheme == "https")


def are_certificates(pem: str) -> bool:
    """Whether each PEM certificate in it can be read, and there is one at least."""
    try:
        x509.load_pem_x509_certificates(pem.encode("utf-8"))
    except (ValueError, x509.InvalidVersion):  # the second is no ValueError
        return False
    return True


def parse(pasted: str) -> Enrolment:
    """Line breaks and blanks from the way it was pasted do not matter.

    Raises EnrolmentError: not-a-token, oversized, damaged, bad-field, unknown-version, unknown-critical.
    """
    token = "".join(pasted.split())
    if not token.startswith(PREFIX):
        raise EnrolmentError("not-a-token", f"an enrolment token begins with {PREFIX}: copy the whole of it")
    if len(token) > MAX_SIZE:
        raise EnrolmentError("oversized", f"the enrolment token has {len(token)} characters, {MAX_SIZE} are allowed")
    try:
        fields = parse_object(base64url.decode(token.removeprefix(PREFIX)))
    except ValueError:
        raise EnrolmentError("damaged", "the enrolment token is not whole: copy it again") from None
    claims = Claims(fields, "enrolment token", EnrolmentError)
    claims.check_format()
    address = claims.text("address")
    if not is_acceptable(address):
        raise claims.refuse("address", "an https address (http only on loopback)")
    ca = claims.text("ca")
    if ca and not are_certificates(ca):
        raise claims.refuse("ca", "a PEM certificate")
    try:
        store_key = public_from_text(claims.text("store_key"))
    except KeyProblem:
        raise claims.refuse("store_key", "a public signing key") from None
    return Enrolment(
        address=address.rstrip("/"),
        ca=ca,
        store_key=store_key,
        compliance=base64url.encode(claims.raw("compliance", 32)),
        secret=claims.text("secret"),
        group=claims.text("group"),
    )
