"""The store's promise that a sealed chunk is durable: the only thing against which the agent forgets one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.claims import Claims
from protocol.errors import SignatureError


@dataclass(frozen=True, slots=True)
class Receipt:
    """`sha256`: hex, over the whole sealed chunk or key packet. `at`: the store's wall clock, ns since 1970."""

    recording: UUID
    stream: int
    sequence: int
    sha256: str
    at: int
    device: str

    def sign(self, store_key: Ed25519PrivateKey) -> str:
        payload = {
            "recording": str(self.recording),
            "stream": self.stream,
            "sequence": self.sequence,
            "sha256": self.sha256,
            "at": self.at,
            "device": self.device,
        }
        return jws.sign(jws.RECEIPT, payload, store_key)

    @classmethod
    def verify(cls, token: str, store_key: jws.Keys) -> Receipt:
        """What the store promises; the caller compares it with what it sent. Raises SignatureError."""
        claims = Claims(jws.verify(jws.RECEIPT, token, store_key), "receipt", SignatureError)
        return cls(
            recording=claims.uuid("recording"),
            stream=claims.integer("stream", most=0xFFFF),
            sequence=claims.integer("sequence", most=2**64 - 1),
            sha256=claims.hex256("sha256"),
            at=claims.integer("at"),
            device=claims.text("device"),
        )
