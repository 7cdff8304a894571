"""Who asks: a device signs a one-time assertion with its token key and gets a bearer token for ten minutes.

All times are the store's: a PC with a wrong clock reads the Date of the answer and tries again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, delete

from protocol import jws
from protocol.api import DEVICE_REVOKED, DEVICE_UNKNOWN, TokenResponse
from protocol.claims import Claims
from protocol.errors import SignatureError
from store.catalog import schema
from store.catalog.inserting import add_if_new
from store.catalog.queries import Device, find_device
from store.clock import SECOND
from store.errors import Refusal
from store.server.services import Services

TOKEN_LIFE: Final = 600  # seconds
ASSERTION_LIFE: Final = 300  # seconds that an assertion may be good for at most
SKEW: Final = 60  # seconds by which a PC's clock may be ahead
_JTI: Final = range(16, 65)  # characters
_REMEMBERED: Final = 16_384  # bearer tokens, of some 400 bytes; every PC has one


@dataclass(frozen=True, slots=True)
class Assertion:
    """That a device signed, and that is good now if it was not used before. Times: seconds since 1970."""

    device: str
    jti: str
    expires: int
    now: int


def read_assertion(services: Services, assertion: str) -> Assertion:
    """Refusals: 400 as `jws.verify`; 401 wrong-time; 403 unknown-device, device-revoked."""
    now = services.clock() // SECOND
    header = jws.read_header(jws.AUTH, assertion)
    with services.database.reading() as connection:
        device = find_device(connection, schema.devices.c.token_kid == str(header["kid"]))
    if device is None:
        raise Refusal(403, "unknown-device", "no enrolled device has this key: enrol the PC again")
    claims = Claims(jws.verify(jws.AUTH, assertion, device.token_key), "assertion", SignatureError)
    if claims.text("device") != device.id:
        raise Refusal(403, "unknown-device", "the assertion names another device than the one that signed it")
    refuse_revoked(device)
    issued, expires, jti = claims.integer("iat"), claims.integer("exp"), claims.text("jti")
    if len(jti) not in _JTI or "\0" in jti:
        raise claims.refuse("jti", f"{_JTI.start} to {_JTI.stop - 1} characters")
    if not issued <= now + SKEW or not now < expires <= issued + ASSERTION_LIFE:
        raise Refusal(
            401,
            "wrong-time",
            f"the assertion is not good now, or for longer than {ASSERTION_LIFE} s: "
            "set its times by the Date of this answer",
        )
    return Assertion(device.id, jti, expires, now)


def issue_token(services: Services, asked: Assertion) -> TokenResponse:
    """A bearer token. Refusals: 401 replayed-assertion, as each assertion is good once."""
    if not services.writer.write(partial(_spend, asked=asked)):
        raise Refusal(401, "replayed-assertion", "this assertion was used before: sign a new one")
    claims = {"device": asked.device, "iat": asked.now, "exp": asked.now + TOKEN_LIFE}
    return {"token": jws.sign(jws.TOKEN, claims, services.store_key), "expires_in": TOKEN_LIFE}


def _spend(connection: Connection, asked: Assertion) -> bool:
    spent = schema.spent_assertions
    connection.execute(delete(spent).where(spent.c.expires_at < (asked.now - SKEW) * SECOND))
    return add_if_new(connection, spent, device=asked.device, jti=asked.jti, expires_at=asked.expires * SECOND)


@lru_cache(maxsize=_REMEMBERED)
def _read_token(token: str, store_key: bytes) -> tuple[str, int]:
    """(device, when it ends) of a bearer token; one that was read before is known by its text.

    Raises SignatureError, which is not remembered.
    """
    key = Ed25519PublicKey.from_public_bytes(store_key)
    claims = Claims(jws.verify(jws.TOKEN, token, key), "token", SignatureError)
    return claims.text("device"), claims.integer("exp")


def read_bearer(services: Services, authorization: str | None) -> str:
    """Id of the device that a bearer token was issued to; whether it may still send is not asked (no I/O).

    Refusals: 401 no-token, bad-token, expired-token.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "no-token", "send `Authorization: Bearer` with a token from /v1/token")
    try:
        device, expires = _read_token(token, services.store_key.public_key().public_bytes_raw())
    except SignatureError:
        raise Refusal(401, "bad-token", "this is no token of this store: get one from /v1/token") from None
    if expires <= services.clock() // SECOND:
        raise Refusal(401, "expired-token", "the token has expired: get a new one from /v1/token")
    return device


def authenticate(services: Services, authorization: str | None) -> Device:
    """The device that a bearer token was issued to. Refusals: as `read_bearer`; 403 unknown-device, device-revoked."""
    sender = read_bearer(services, authorization)
    with services.database.reading() as connection:
        device = find_device(connection, schema.devices.c.id == sender)
    if device is None:
        raise unknown()
    refuse_revoked(device)
    return device


def unknown() -> Refusal:
    return Refusal(403, DEVICE_UNKNOWN, "this device is not enrolled here: enrol the PC again")


def revoked() -> Refusal:
    return Refusal(403, DEVICE_REVOKED, "this device was revoked: ask the store's operator")


def refuse_revoked(device: Device) -> None:
    if device.revoked_at is not None:
        raise revoked()
