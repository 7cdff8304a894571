"""Passkeys (WebAuthn): a key of this console's host, which asks its person each time. Nothing is typed, and nothing
says whether somebody is known: a browser offers what it has.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from protocol import base64url
from review.people import schema
from review.people.service import Begun, Failed, People, Proof, Session
from store.clock import MINUTE
from store.errors import Refusal

METHOD: Final = "passkey"
WITHIN: Final = 5 * MINUTE
_MOST: Final = 20  # of one person
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,1400}")
_ADDED: Final = "passkey-added"
_SIGN_IN, _ENROL = "passkey", "new passkey"
T = TypeVar("T")


class Passkeys:
    def __init__(self, people: People) -> None:
        self._people = people

    def ask(self) -> tuple[dict[str, Any], str]:
        """What the browser's `navigator.credentials.get` wants, and the cookie that belongs to it."""
        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=self._people.settings.host,
            challenge=challenge,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return json.loads(options_to_json(options)), self._flow(_SIGN_IN, challenge, "")

    def prove(self, flow: str, credential: Mapping[str, Any]) -> Proof:
        """Raises Failed."""
        challenge, ends = self._opened(_SIGN_IN, flow, "")
        keys, persons = schema.passkeys, schema.persons
        wanted, response = str(credential.get("id")), credential.get("response")
        if not _ID.fullmatch(wanted) or not isinstance(response, dict):
            raise Failed("no-passkey")
        with self._people.database.reading() as connection:
            chosen = select(keys, persons.c.handle).join(persons).where(keys.c.id == wanted)
            key = connection.execute(chosen).one_or_none()
        if key is None:
            raise Failed("unknown-passkey")
        if response.get("userHandle") not in (None, key.handle):
            raise Failed("another-handle", key.person)
        verified = _verified(
            lambda: verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._people.settings.host,
                expected_origin=self._people.settings.address,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
                require_user_verification=True,
            ),
            key.person,
        )

        def use_up(connection: Connection) -> None:
            self._people.spend(connection, base64url.encode(challenge), ends)
            unchanged = (keys.c.id == key.id) & (keys.c.sign_count == key.sign_count)
            counted = update(keys).where(unchanged).values(sign_count=verified.new_sign_count)
            if not connection.execute(counted).rowcount:
                raise Failed("replayed")

        return Proof(METHOD, key.person, use_up=use_up)

    # -- a new one ------------------------------------------------------------------------------------------------

    def offer(self, session: Session) -> tuple[dict[str, Any], str]:
        """What `navigator.credentials.create` wants, and the cookie that belongs to it."""
        challenge = secrets.token_bytes(32)
        row = self._people.known(session.person)
        assert row is not None  # noqa: S101 - it has a session
        with self._people.database.reading() as connection:
            own = connection.scalars(select(schema.passkeys.c.id).where(schema.passkeys.c.person == session.person))
            has = [PublicKeyCredentialDescriptor(id=base64url.decode(one)) for one in own]
        if len(has) >= _MOST:
            raise Refusal(422, "too-many-passkeys", f"a person has {_MOST} passkeys at most: ask for a new link")
        options = generate_registration_options(
            rp_id=self._people.settings.host,
            rp_name="Eyelid",
            user_id=base64url.decode(row.handle),
            user_name=session.person,
            challenge=challenge,
            exclude_credentials=has,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        return json.loads(options_to_json(options)), self._flow(_ENROL, challenge, session.id)

    def add(self, session: Session, flow: str, credential: Mapping[str, Any], origin: str) -> Begun:
        """Refusals: 422 not-made; as `People.enrol`."""
        people = self._people
        try:
            challenge, ends = self._opened(_ENROL, flow, session.id)
            verified = _verified(
                lambda: verify_registration_response(
                    credential=dict(credential),
                    expected_challenge=challenge,
                    expected_rp_id=people.settings.host,
                    expected_origin=people.settings.address,
                    require_user_verification=True,
                )
            )

            def apply(connection: Connection) -> None:
                people.spend(connection, base64url.encode(challenge), ends)
                connection.execute(
                    insert(schema.passkeys).values(
                        id=base64url.encode(verified.credential_id), person=session.person,
                        public_key=verified.credential_public_key, sign_count=verified.sign_count,
                        created_at=people.clock(),
                    )
                )  # fmt: skip

            return people.enrol(session, _ADDED, origin, apply)
        except (Failed, IntegrityError):
            message = "this passkey was not made: try again, here and on this device"
            raise people.not_enrolled(session, _ADDED, origin, "not-made", message) from None

    # -- between the two requests ---------------------------------------------------------------------------------

    def _flow(self, what: str, challenge: bytes, session: str) -> str:
        ends = self._people.clock() + WITHIN
        return self._people.sealer.seal(
            what, {"challenge": base64url.encode(challenge), "ends": ends, "session": session}
        )

    def _opened(self, what: str, flow: str, session: str) -> tuple[bytes, int]:
        try:
            claims = self._people.sealer.open(what, flow)
        except ValueError:
            raise Failed("no-challenge") from None
        ends = claims.integer("ends")
        if self._people.clock() >= ends or claims.text("session") != session:
            raise Failed("late")
        return claims.raw("challenge"), ends


def _verified(verify: Callable[[], T], person: str = "") -> T:
    try:
        return verify()
    # The library reads what a stranger made before it is known to be whole, and says in many ways that it is not.
    except (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Failed(_reason(str(error)), person) from None


def _reason(said: str) -> str:
    """For the log, by what the library says."""
    known = {"challenge": "another-challenge", "origin": "another-origin", "RP ID": "another-host",
             "verification is required": "not-verified", "sign count": "count-went-back", "User was not": "not-present",
             "was not verified": "not-verified", "signature": "bad-signature"}  # fmt: skip
    return next((reason for words, reason in known.items() if words in said), "bad-passkey")
