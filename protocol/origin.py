"""Where a recording comes from, as the store says and signs it: for the custodian, which sees neither of them.

A device's signature alone does not do: who has one device's key could claim another's recording with its wraps.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import jws
from protocol.claims import Claims
from protocol.errors import KeyProblem, SignatureError
from protocol.keys import public_to_text, strong_from_text


@dataclass(frozen=True, slots=True)
class Origin:
    """`packet`: SHA-256 of the key packet, hex. `group`: that the device enrolled in. `at`: when the packet came."""

    recording: UUID
    packet: str
    device: str
    evidence_key: Ed25519PublicKey
    group: str
    at: int

    def sign(self, store_key: Ed25519PrivateKey) -> str:
        payload = {
            "recording": str(self.recording),
            "packet": self.packet,
            "device": self.device,
            "evidence_key": public_to_text(self.evidence_key),
            "group": self.group,
            "at": self.at,
        }
        return jws.sign(jws.ORIGIN, payload, store_key)

    @classmethod
    def verify(cls, token: str, store_keys: jws.Keys) -> Origin:
        """Raises SignatureError: as `jws.verify`; bad-field."""
        claims = Claims(jws.verify(jws.ORIGIN, token, store_keys), "origin", SignatureError)
        try:
            evidence_key = strong_from_text(claims.text("evidence_key"))
        except KeyProblem as error:
            raise SignatureError("bad-field", f"origin: {error}") from None
        return cls(
            recording=claims.uuid("recording"),
            packet=claims.hex256("packet"),
            device=claims.text("device"),
            evidence_key=evidence_key,
            group=claims.text("group"),
            at=claims.integer("at"),
        )
