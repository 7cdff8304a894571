"""What a PC last knew of its own ends, signed: a store that has less than that cannot say that it never had more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.claims import Claims
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import SignatureError
from protocol.numbers import read_number

Head = tuple[int, str]
"""Number of the next, and hash of the last: of a stream's chunks, or of the ledger's entries."""


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """`wall`: ns since 1970 as the PC believed it. `heads`, `receipted`: of the recording that is open, by stream.

    `receipted`: number of the next chunk after the last that a receipt was given for. `confirmed`: number of the first
    ledger entry that the store had not confirmed yet.
    """

    device: str
    wall: int
    recording: UUID | None
    heads: Mapping[int, Head]
    receipted: Mapping[int, int]
    ledger: Head
    confirmed: int

    def payload(self) -> dict[str, object]:
        open_one = {} if self.recording is None else {"recording": str(self.recording)}
        return {
            "device": self.device,
            "wall": self.wall,
            **open_one,
            "heads": {str(stream): _written(head) for stream, head in self.heads.items()},
            "receipted": {str(stream): following for stream, following in self.receipted.items()},
            "ledger": _written(self.ledger),
            "confirmed": self.confirmed,
        }

    def sign(self, evidence_key: Ed25519PrivateKey) -> str:
        return jws.sign(jws.REPORT, self.payload(), evidence_key)

    @classmethod
    def verify(cls, token: str, key: jws.Keys) -> DeviceReport:
        """Raises SignatureError (as `jws.verify`; bad-field)."""
        return cls.read(jws.verify(jws.REPORT, token, key))

    @classmethod
    def read(cls, payload: Mapping[str, object]) -> DeviceReport:
        """From a `payload`, whose signature is somebody else's business. Raises SignatureError (bad-field)."""
        claims = Claims(payload, "report", SignatureError)
        heads, receipted = claims.object("heads"), claims.object("receipted")
        return cls(
            device=claims.text("device"),
            wall=claims.integer("wall"),
            recording=claims.uuid("recording") if claims.has("recording") else None,
            heads={_stream(heads, name): _head(heads.object(name)) for name in heads.names()},
            receipted={_stream(receipted, name): receipted.integer(name) for name in receipted.names()},
            ledger=_head(claims.object("ledger")),
            confirmed=claims.integer("confirmed"),
        )


def _stream(claims: Claims, name: str) -> int:
    stream = read_number(name, KEY_PACKET_STREAM - 1)
    if stream is None or str(stream) != name:
        raise claims.refuse(name, "by the number of a stream")
    return stream


def _written(head: Head) -> dict[str, object]:
    return {"next": head[0], "head": head[1]}


def _head(claims: Claims) -> Head:
    return claims.integer("next"), claims.hex256("head")
