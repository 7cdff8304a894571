"""A PC's application to a store, signed with each key that it brings, and the store's signed answer.

Who only knows a public key cannot enrol it, and an answer is good for the application that it names alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import api, jws
from protocol.claims import VERSION, Claims
from protocol.errors import ProtocolError, SignatureError
from protocol.keys import public_to_text, strong_from_text

NONCE_SIZE: Final = 16  # bytes
UNPROVEN: Final = "unproven-key"


@dataclass(frozen=True, slots=True)
class Application:
    """`secret`: of the enrolment token. `store`: thumbprint of the store's key that the token pinned.

    `user`: the operating system's name. `nonce`: by chance, base64url.
    """

    secret: str = field(repr=False)
    store: str
    token_key: Ed25519PublicKey
    evidence_key: Ed25519PublicKey
    host: str
    user: str
    os: str
    agent_version: str
    nonce: str

    def _claims(self) -> dict[str, object]:
        return {
            "secret": hashlib.sha256(self.secret.encode("utf-8")).hexdigest(),
            "store": self.store,
            "token_key": public_to_text(self.token_key),
            "evidence_key": public_to_text(self.evidence_key),
            "host": self.host,
            "user": self.user,
            "os": self.os,
            "agent_version": self.agent_version,
            "nonce": self.nonce,
        }

    def sign(self, token_key: Ed25519PrivateKey, evidence_key: Ed25519PrivateKey) -> api.EnrollRequest:
        """Raises SignatureError where a text in it is no Unicode."""
        claims = self._claims()
        request = {
            **claims,
            "v": VERSION,
            "secret": self.secret,  # of which the proofs have the hash
            "token_proof": jws.sign(jws.APPLICATION, claims, token_key),
            "evidence_proof": jws.sign(jws.APPLICATION, claims, evidence_key),
        }
        return cast("api.EnrollRequest", request)

    @classmethod
    def verify(cls, claims: Claims) -> Application:
        """Raises ProtocolError: as `Claims.check_format`; bad-field; bad-key; same-key; unproven-key, where one of the
        keys did not sign all of it."""
        claims.check_format()
        keys = {name: strong_from_text(claims.text(name)) for name in ("token_key", "evidence_key")}
        if claims.text("token_key") == claims.text("evidence_key"):
            raise ProtocolError("same-key", "a device has two keys: one for tokens and another for evidence")
        if not claims.has("token_proof") or not claims.has("evidence_proof"):
            raise ProtocolError(
                UNPROVEN,
                "the agent does not prove that it has its keys: bring it up to the store's version, then enrol",
            )
        application = cls(
            secret=claims.text("secret"),
            store=claims.text("store"),
            token_key=keys["token_key"],
            evidence_key=keys["evidence_key"],
            host=claims.text("host"),
            user=claims.text("user"),
            os=claims.text("os"),
            agent_version=claims.text("agent_version"),
            nonce=claims.text("nonce"),
        )
        claims.raw("nonce", NONCE_SIZE)
        for key, proof in (("token_key", "token_proof"), ("evidence_key", "evidence_proof")):
            try:
                signed = jws.verify(jws.APPLICATION, claims.text(proof), keys[key])
            except SignatureError as problem:
                raise ProtocolError(UNPROVEN, f"`{key}` did not sign the enrolment ({problem})") from None
            if signed != application._claims():
                raise ProtocolError(UNPROVEN, f"`{key}` signed another enrolment than this one")
        return application

    def admit(self, device: str, bundle: str, store_key: Ed25519PrivateKey) -> str:
        """The store's answer: JWS, eyelid-admission."""
        return jws.sign(jws.ADMISSION, self._admission(device, bundle), store_key)

    def check_admission(self, proof: str, device: str, bundle: str, store_keys: jws.Keys) -> None:
        """Raises SignatureError, as `jws.verify` and wrong-admission, unless it is the answer to this application."""
        if jws.verify(jws.ADMISSION, proof, store_keys) != self._admission(device, bundle):
            raise SignatureError("wrong-admission", "the store's answer is to another enrolment than this PC's")

    def _admission(self, device: str, bundle: str) -> dict[str, object]:
        return {**self._claims(), "device": device, "bundle": hashlib.sha256(bundle.encode("utf-8")).hexdigest()}
