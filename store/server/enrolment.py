"""How a PC comes to be known: a token good for n enrolments until a date, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from protocol import base64url, jws
from protocol.api import MAX_NAME, EnrollResponse
from protocol.application import Application
from protocol.claims import VERSION
from protocol.keys import public_to_text, thumbprint
from store.catalog import schema
from store.catalog.queries import find_device
from store.catalog.statements import successors
from store.errors import Refusal
from store.server.auth import refuse_revoked
from store.server.services import Services


def _hash(secret: str) -> str:
    # 256 bits by chance need no slow hash.
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def make_secret(
    connection: Connection, *, uses: int, expires_at: int, group: str, now: int, enrolment: str = ""
) -> str:
    """A new secret, good for `uses` enrolments before `expires_at` (ns since 1970). `enrolment`: its id."""
    secret = base64url.encode(secrets.token_bytes(32))
    connection.execute(
        insert(schema.enrolments).values(
            id=enrolment or str(uuid4()),
            secret_sha256=_hash(secret),
            group_name=group,
            uses_left=uses,
            expires_at=expires_at,
            created_at=now,
        )
    )
    return secret


def enrol(services: Services, application: Application) -> EnrollResponse:
    """The device's id and the bundle. The same PC asking again (its answer was lost) spends no further use.

    Refusals: 400 bad-field; 403 other-store, unknown-enrolment, withdrawn-enrolment, expired-enrolment,
    used-up-enrolment, device-revoked; 409 key-taken.
    """
    for name in ("host", "user", "os", "agent_version"):
        text: str = getattr(application, name)
        if len(text) > MAX_NAME or "\0" in text:
            raise Refusal(400, "bad-field", f"`{name}` has more than {MAX_NAME} characters, or a zero byte")
    with services.database.reading() as connection:
        statements = successors(connection)
    if application.store not in _own_keys(services, statements):
        raise Refusal(403, "other-store", "this enrolment was signed for another store: ask this one for a token")
    now = services.clock()
    device = services.writer.write(lambda connection: _admit(connection, application, now))
    with services.database.reading() as connection:
        bundle = services.bundles.newest(connection)
        if bundle is None:
            raise Refusal(503, "no-bundle", "the store has no bundle yet: ask its operator", retry_after=60)
    return {
        "v": VERSION,
        "device": device,
        "bundle": bundle,
        "successors": statements,
        "proof": application.admit(device, bundle, services.store_key),
    }


def _own_keys(services: Services, statements: list[str]) -> set[str]:
    """Thumbprints of the store's key and of those before it: a token may have pinned an earlier one."""
    earlier = {str(jws.read_header(jws.SUCCESSOR, statement)["kid"]) for statement in statements}
    return {thumbprint(services.store_key.public_key()), *earlier}


def _admit(connection: Connection, application: Application, now: int) -> str:
    columns = schema.enrolments.c
    enrolment = connection.execute(
        select(schema.enrolments).where(columns.secret_sha256 == _hash(application.secret))
    ).first()
    if enrolment is None:
        raise Refusal(403, "unknown-enrolment", "this enrolment token is not of this store: ask for another")
    token_key, evidence_key = public_to_text(application.token_key), public_to_text(application.evidence_key)
    devices = schema.devices.c
    known = find_device(connection, (devices.evidence_key == evidence_key) | (devices.token_key == token_key))
    if known is not None:
        same = (public_to_text(known.token_key), public_to_text(known.evidence_key)) == (token_key, evidence_key)
        if not same:
            raise Refusal(409, "key-taken", "another device has one of these keys: make new ones")
        refuse_revoked(known)
        return known.id
    if enrolment.withdrawn_at is not None:
        raise Refusal(403, "withdrawn-enrolment", "this enrolment token was withdrawn: ask for another")
    if enrolment.expires_at <= now:
        raise Refusal(403, "expired-enrolment", "this enrolment token has expired: ask for another")
    spent = connection.execute(
        update(schema.enrolments)
        .where(columns.id == enrolment.id, columns.uses_left > 0)
        .values(uses_left=columns.uses_left - 1)
        .returning(columns.id)
    ).first()
    if spent is None:
        raise Refusal(403, "used-up-enrolment", "this enrolment token was used as often as it may be: ask for another")
    device = str(uuid4())
    connection.execute(
        insert(schema.devices).values(
            id=device,
            token_key=token_key,
            token_kid=thumbprint(application.token_key),
            evidence_key=evidence_key,
            host=application.host,
            os_user=application.user,
            os=application.os,
            agent_version=application.agent_version,
            group_name=enrolment.group_name,
            enrolment=enrolment.id,
            enrolled_at=now,
        )
    )
    return device
