"""Why a recording is no longer here: an order to erase it, and the certificate that says what was destroyed.

Both are signed by the key of the house's audit log, which its auditors have. An order explains a recording that is
gone; nothing unsigned does.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.claims import Claims
from protocol.errors import SignatureError


@dataclass(frozen=True, slots=True)
class Destroyed:
    """`packets`: SHA-256 (hex) of each key packet; they were shredded at `at` (ns), here and in the `replicas`.

    `absent`: folders in which they were looked for and not found, so that nothing is said of copies there.
    `objects`, `bytes`: of ciphertext, which was removed. `backups_until`: the day on which the last backup dies.
    `exports`: when known ones were made.
    """

    at: int
    packets: tuple[str, ...]
    objects: int
    bytes: int
    replicas: tuple[str, ...]
    backups_until: str
    exports: tuple[str, ...]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """An order; with `destroyed` a certificate.

    `basis`: period, or request (`reference` names it). `rule`: the class by which it was decided, of governance files
    with the hash `rules`. `log`, `position`: the entry of the audit log that ordered it, at `at` (ns).
    """

    recording: UUID
    device: str
    basis: str
    rule: str
    rules: str
    reference: str
    log: str
    position: int
    at: int
    destroyed: Destroyed | None = None

    def sign(self, key: Ed25519PrivateKey) -> str:
        # The log names a certificate by its hash: the fields' order is part of the format, and an empty `absent`, which
        # earlier versions did not know, is left out.
        payload = {**asdict(self), "recording": str(self.recording)}
        if self.destroyed is None:
            del payload["destroyed"]
        elif not self.destroyed.absent:
            del payload["destroyed"]["absent"]
        return jws.sign(jws.ERASURE, payload, key)

    @classmethod
    def verify(cls, token: str, key: jws.Keys) -> Erasure:
        """Raises SignatureError."""
        claims = Claims(jws.verify(jws.ERASURE, token, key), "erasure", SignatureError)
        return cls(
            recording=claims.uuid("recording"),
            device=claims.text("device"),
            basis=claims.text("basis"),
            rule=claims.text("rule"),
            rules=claims.text("rules"),
            reference=claims.text("reference"),
            log=claims.text("log"),
            position=claims.integer("position"),
            at=claims.integer("at"),
            destroyed=_destroyed(claims.object("destroyed")) if claims.has("destroyed") else None,
        )


def _destroyed(claims: Claims) -> Destroyed:
    return Destroyed(
        at=claims.integer("at"),
        packets=claims.texts("packets"),
        objects=claims.integer("objects"),
        bytes=claims.integer("bytes"),
        replicas=claims.texts("replicas"),
        backups_until=claims.text("backups_until"),
        exports=claims.texts("exports"),
        absent=claims.texts("absent") if claims.has("absent") else (),
    )


def hash_of(token: str) -> str:
    """By which the audit log names a certificate."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()
