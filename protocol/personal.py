"""What a person signs with a key of their own: one that a browser holds (Ed25519, P-256) or a passkey (WebAuthn).

Three parts with dots between, as of a JWS. A passkey signs no text: there the third part is its assertion, whose
challenge is the SHA-256 of the first two. Only the key's owner can sign so; docs/custodian.md has the format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from protocol import base64url
from protocol.claims import FORMAT_NAMES, VERSION, Claims, parse_object
from protocol.errors import KeyProblem, SignatureError
from protocol.keys import is_weak

REQUEST: Final = "eyelid-request"
APPROVAL: Final = "eyelid-approval"
NEW_KEY: Final = "eyelid-person-key"
CONSENT: Final = "eyelid-consent"
COMMENT: Final = "eyelid-comment"
REVIEW: Final = "eyelid-review"
LEASE: Final = "eyelid-lease"
MAX_SIZE: Final = 16 * 2**10  # characters
PASSKEY: Final = "webauthn"
_ED25519, _P256 = "Ed25519", "ES256"
_PRESENT_AND_VERIFIED: Final = 0x05  # flags of WebAuthn: the person was there (1), and it was they (4)

PersonPublic = Ed25519PublicKey | ec.EllipticCurvePublicKey
PersonPrivate = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class PersonKey:
    """`passkey`: it signs assertions for `origin`, such as https://review.example.com, and nothing else."""

    public: PersonPublic
    passkey: bool = False
    origin: str = ""

    @property
    def id(self) -> str:
        """SHA-256 of the key as it is written (SPKI), base64url."""
        return base64url.encode(hashlib.sha256(_spki(self.public)).digest())

    @property
    def text(self) -> str:
        """As WebCrypto exports it ("spki"), in base64url."""
        return base64url.encode(_spki(self.public))

    @property
    def algorithm(self) -> str:
        return PASSKEY if self.passkey else _ED25519 if isinstance(self.public, Ed25519PublicKey) else _P256

    @classmethod
    def read(cls, text: str, *, passkey: bool = False, origin: str = "") -> PersonKey:
        """Raises KeyProblem ("bad-key")."""
        try:
            raw = base64url.decode(text)
            public = load_der_public_key(raw)
        except (ValueError, UnsupportedAlgorithm):
            raise KeyProblem("bad-key", "a person's key must be an SPKI in base64url") from None
        ed25519 = isinstance(public, Ed25519PublicKey) and not is_weak(public)
        p256 = isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1)
        if not (ed25519 or p256) or _spki(public) != raw:  # type: ignore[arg-type] # as was just asked
            raise KeyProblem("bad-key", "a person's key must be Ed25519 or P-256, in its one spelling")
        return cls(public, passkey, origin)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Signed:
    """`id`: SHA-256 of what was signed, hex. Of an ECDSA signature there are two spellings, of this one."""

    id: str
    key: str
    algorithm: str
    claims: Claims
    token: str


def sign(typ: str, payload: Mapping[str, object], key: PersonPrivate) -> str:
    """As a browser does that holds the key. The payload gets its version, `v`."""
    public = PersonKey(key.public_key())
    header = {"alg": public.algorithm, "typ": typ, "kid": public.id}
    signed = f"{_written(header)}.{_written({'v': VERSION, **payload})}"
    if isinstance(key, Ed25519PrivateKey):
        raw = key.sign(signed.encode())
    else:
        r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{signed}.{base64url.encode(raw)}"


def read(typ: str, token: str) -> Signed:
    """What it says, and by which key it says that it was signed: nothing is believed yet.

    Raises SignatureError: oversized, malformed, wrong-type; as `Claims.check_format`.
    """
    if len(token) > MAX_SIZE:
        raise SignatureError("oversized", f"{typ}: {len(token)} characters, more than the {MAX_SIZE} allowed")
    signed, _, _ = token.rpartition(".")
    parts = signed.split(".")
    try:
        if len(parts) != 2:
            raise ValueError("not three parts")  # noqa: TRY301
        header, payload = (parse_object(base64url.decode(part)) for part in parts)
    except ValueError as error:
        raise SignatureError("malformed", f"{typ}: not a signed statement ({error})") from None
    if header.get("typ") != typ:
        raise SignatureError("wrong-type", f"{typ}: this is another type of statement")
    if header.keys() != {"alg", "typ", "kid"}:
        raise SignatureError("malformed", f"{typ}: the header must have alg, kid, typ and nothing else")
    named = Claims(header, typ, SignatureError)
    Claims(payload, typ, SignatureError).check_format()
    claims = Claims({name: value for name, value in payload.items() if name not in FORMAT_NAMES}, typ, SignatureError)
    return Signed(hashlib.sha256(signed.encode()).hexdigest(), named.text("kid"), named.text("alg"), claims, token)


def check(signed: Signed, key: PersonKey) -> None:
    """Raises SignatureError: wrong-signer, wrong-algorithm, bad-signature, bad-assertion."""
    if signed.key != key.id:
        raise SignatureError("wrong-signer", "signed by another key than the one that must sign it")
    if signed.algorithm != key.algorithm:
        raise SignatureError("wrong-algorithm", f"this key signs as {key.algorithm} and no other way")
    text, _, last = signed.token.rpartition(".")
    try:
        raw = base64url.decode(last)
        if key.passkey:
            _check_assertion(raw, hashlib.sha256(text.encode()).digest(), key)
        elif isinstance(key.public, Ed25519PublicKey):
            key.public.verify(raw, text.encode())
        elif len(raw) != 64:  # zeros before S would make a second spelling
            raise ValueError("RFC 7518, section 3.4: R and S of 32 bytes each")  # noqa: TRY301
        else:
            r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
            key.public.verify(encode_dss_signature(r, s), text.encode(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError) as error:
        if isinstance(error, SignatureError):
            raise
        raise SignatureError("bad-signature", "the signature does not fit: changed, or not by its key") from None


def _check_assertion(third: bytes, challenge: bytes, key: PersonKey) -> None:
    """WebAuthn level 2, section 7.2, of what an assertion without extensions and counters has."""
    claims = Claims(parse_object(third), "assertion", SignatureError)
    data, client = claims.raw("authenticatorData"), claims.raw("clientDataJSON")
    said = Claims(parse_object(client), "assertion", SignatureError)
    party = hashlib.sha256((urlsplit(key.origin).hostname or "").encode()).digest()
    for wrong, message in (
        (said.text("type") != "webauthn.get", "it is no assertion"),
        (said.text("challenge") != base64url.encode(challenge), "it was made for another statement"),
        (said.text("origin") != key.origin, "it was made for another page"),
        (said.has("crossOrigin") and said.flag("crossOrigin"), "it was made in a frame of another page"),
        (len(data) < 37 or data[:32] != party, "it was made for another site"),
        (len(data) < 37 or data[32] & _PRESENT_AND_VERIFIED != _PRESENT_AND_VERIFIED, "the person was not verified"),
    ):
        if wrong:
            raise SignatureError("bad-assertion", f"a passkey's assertion: {message}")
    over, signature = data + hashlib.sha256(client).digest(), claims.raw("signature")
    if isinstance(key.public, Ed25519PublicKey):
        key.public.verify(signature, over)
    else:
        key.public.verify(signature, over, ec.ECDSA(SHA256()))


def _spki(public: PersonPublic) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _written(values: Mapping[str, object]) -> str:
    return base64url.encode(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())
