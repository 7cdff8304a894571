"""Where a store is and whose certificate it shows, signed by its key: PCs follow a new name and a new CA."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.claims import Claims
from protocol.enrolment import are_certificates, is_acceptable
from protocol.errors import SignatureError


@dataclass(frozen=True, slots=True)
class Location:
    """`number` only ever rises. `address`: the store's base URL. `ca`: PEM certificates of which one must have signed
    its TLS certificate; "" for the system's."""

    number: int
    address: str
    ca: str

    def sign(self, store_key: Ed25519PrivateKey) -> str:
        return jws.sign(jws.LOCATION, {"number": self.number, "address": self.address, "ca": self.ca}, store_key)

    @classmethod
    def verify(cls, token: str, store_keys: jws.Keys) -> Location:
        """Raises SignatureError: as `jws.verify`; bad-field."""
        claims = Claims(jws.verify(jws.LOCATION, token, store_keys), "location", SignatureError)
        address, ca = claims.text("address"), claims.text("ca")
        if not is_acceptable(address):
            raise claims.refuse("address", "an https address (http only on loopback)")
        if ca and not are_certificates(ca):
            raise claims.refuse("ca", "PEM certificates")
        return cls(claims.integer("number"), address.rstrip("/"), ca)
