"""Keys in the user's home: a process of that user can sign anything with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.keys.exchange import Applicant
from protocol import api, base64url, jws
from protocol.envelope import Unsigned, sign_digest
from protocol.ledger import Batch
from protocol.packet import KeyPacket
from protocol.report import DeviceReport


@dataclass(frozen=True, slots=True)
class HomeKeys:
    """`agent.ports.DeviceKeys` and `NewKeys`. `token` signs for bearer tokens and nothing else, `evidence` the rest."""

    token: Ed25519PrivateKey = field(repr=False)
    evidence: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> HomeKeys:
        return cls(Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate())

    @property
    def where(self) -> str:
        return ""

    def apply(self, applicant: Applicant) -> api.EnrollRequest:
        return applicant.application(self.token, self.evidence).sign(self.token, self.evidence)

    def admitted(self, device: str) -> Mapping[str, str]:
        del device  # for who keeps the keys elsewhere
        return {
            "token_key": base64url.encode(self.token.private_bytes_raw()),
            "evidence_key": base64url.encode(self.evidence.private_bytes_raw()),
        }

    def packet(self, packet: KeyPacket) -> str:
        return packet.sign(self.evidence)

    def chunk(self, unsigned: Unsigned) -> bytes:
        return sign_digest(unsigned.sha256, self.evidence, unsigned.edition)

    def batch(self, batch: Batch) -> str:
        return batch.sign(self.evidence)

    def report(self, report: DeviceReport) -> str:
        return report.sign(self.evidence)

    def assertion(self, claims: api.AuthClaims) -> str:
        return jws.sign(jws.AUTH, dict(claims), self.token)

    def forget(self) -> None:
        """They are in identity.json, and go with it."""
