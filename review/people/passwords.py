"""Passwords with a code: both are looked at, whatever the first is, and whether or not such a person is known.

How often somebody may guess. Who signed in from a browser before has a cookie that says so, and guesses there by
its own count. All other browsers have one count for each name, together: many addresses guess no faster than one,
and a stranger who uses it up does not keep a person out of a browser that they signed in from before (nor from
passkeys and providers, which cannot be guessed). Names share these counts, whether or not anybody has them: a count of
a person's own would tell that the person is known, as no other name is held back by it.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import unicodedata
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, update

from protocol import base64url
from protocol.errors import ProtocolError
from review.people import schema, totp
from review.people.names import person_id
from review.people.service import Begun, Failed, People, Proof, Session
from store.clock import MINUTE
from store.errors import Refusal
from store.server.turns import Allowance, Turns

METHOD: Final = "password"
GUESSES: Final = Allowance(rate=1 / 1800, burst=10)  # PCI DSS 8.3.4: ten, and then half an hour
_REMARKED: Final = Allowance(rate=1 / 1800, burst=1)  # so often the log says that somebody was held back
KNOWN_LASTS: Final = 180 * 24 * 60 * MINUTE
_CONFIRM_WITHIN: Final = 10 * MINUTE
SHORTEST: Final = 12  # characters
LONGEST: Final = 1024
_ENOUGH: Final = 3  # of zxcvbn's 0 to 4
_JUDGED: Final = 24  # characters that zxcvbn looks at: it takes seconds for more where they are signs such as 4@8({
PROPOSED: Final = Allowance(rate=1 / 60, burst=10)  # new ones, of a person
_COUNTS: Final = 4096  # that names share
_SET: Final = "password-set"
_KNOWN, _PENDING, _SECRET = "known browser", "new password", "code's secret"


class Passwords:
    """`now`: seconds of a clock that never jumps, for the counts."""

    def __init__(self, people: People, turns: Turns | None = None, hasher: PasswordHasher | None = None) -> None:
        self._people = people
        self._turns = turns or Turns()
        self._lock = threading.Lock()
        self._hasher = hasher or PasswordHasher()  # argon2id; RFC 9106's second choice: 64 MiB, three passes
        self._unknown = self._hasher.hash(secrets.token_urlsafe(16))
        self._salt = secrets.token_bytes(16)

    def prove(self, name: str, password: str, code: str, known: str, origin: str) -> Proof:
        """Takes some 0.25 s of CPU. `known`: the cookie of `remember`. Refusals: 429 too-many. Raises Failed."""
        try:
            person = person_id(name)
        except ValueError:
            raise Failed("no-name") from None
        people, row = self._people, self._people.known(person)
        has = row is not None and row.password is not None and row.totp is not None
        self._count(person, known, origin)
        fits = self._fits(row.password if has and row is not None else self._unknown, password)
        if not has or row is None:
            raise Failed("no-password", person)
        try:
            step = totp.step_of(people.sealer.open(_SECRET, row.totp).raw("secret"), code, people.clock())
        except ValueError:  # the console's key is another than when they enrolled
            raise Failed("other-key", person) from None
        if not fits:
            raise Failed("wrong-password", person)
        if step is None:
            raise Failed("wrong-code", person)

        def use_up(connection: Connection) -> None:
            persons = schema.persons
            # Not if the password was changed meanwhile, nor with a code of this step or an older one.
            chosen = (persons.c.person == person) & (persons.c.password == row.password)
            unused = update(persons).where(chosen & (persons.c.totp_step < step)).values(totp_step=step)
            if not connection.execute(unused).rowcount:
                raise Failed("replayed")

        return Proof(METHOD, person, use_up=use_up)

    def remember(self, person: str) -> str:
        """For the browser that they signed in with: it has a count of guesses of its own from now on."""
        ends = self._people.clock() + KNOWN_LASTS
        return self._people.sealer.seal(_KNOWN, {"person": person, "id": secrets.token_hex(8), "ends": ends})

    def _count(self, person: str, known: str, origin: str) -> None:
        key = self._known(person, known)
        if not key:
            digest = hashlib.blake2b(person.encode(), key=self._salt, digest_size=4).digest()
            key = f"name {int.from_bytes(digest) % _COUNTS}"
        with self._lock:
            if self._turns.is_free(key, GUESSES):
                return
            remarked = self._turns.is_free(key, _REMARKED)
        if remarked:
            self._people.refusal(METHOD, Failed("throttled", person), origin)
        raise Refusal(429, "too-many", "too many tries: wait half an hour, or sign in another way", retry_after=1800)

    def _known(self, person: str, known: str) -> str:
        try:
            claims = self._people.sealer.open(_KNOWN, known)
            if claims.text("person") == person and self._people.clock() < claims.integer("ends"):
                return f"known {claims.text('id')}"
        except (ValueError, ProtocolError):
            pass
        return ""

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, _typed(password))
        except (Argon2Error, InvalidHashError):
            return False

    # -- a new one ------------------------------------------------------------------------------------------------

    def propose(self, session: Session, password: str) -> dict[str, str]:
        """The code's secret, and what `confirm` wants with the first code. Nothing is kept until then.

        Refusals: 422 weak-password; 429 too-many.
        """
        with self._lock:
            self._turns.due(f"new {session.person}", PROPOSED, longest=0.0)
        self._refuse_weak(password, session.person)
        secret, people = secrets.token_bytes(totp.SECRET_SIZE), self._people
        pending = {
            "password": self._hasher.hash(_typed(password)),
            "secret": base64url.encode(secret), "ends": people.clock() + _CONFIRM_WITHIN,
        }  # fmt: skip
        return {
            "uri": totp.uri(secret, session.person, f"Eyelid {people.settings.host}"),
            "pending": people.sealer.seal(f"{_PENDING} {session.id}", pending),
        }

    def confirm(self, session: Session, pending: str, code: str, origin: str) -> Begun:
        """Refusals: 422 wrong-code, late; as `People.enrol`."""
        people = self._people
        now = people.clock()
        try:
            claims = people.sealer.open(f"{_PENDING} {session.id}", pending)
            good = now < claims.integer("ends")
        except ValueError:
            good = False
        if not good:
            message = "this took too long: choose a password again"
            raise people.not_enrolled(session, _SET, origin, "late", message)
        secret = claims.raw("secret")
        step = totp.step_of(secret, code, now)
        if step is None:
            message = "this is not the code: is the clock of that device right?"
            raise people.not_enrolled(session, _SET, origin, "wrong-code", message)
        values: dict[str, Any] = {
            "password": claims.text("password"),
            "totp": people.sealer.seal(_SECRET, {"secret": base64url.encode(secret)}),
            "totp_step": step,
        }

        def apply(connection: Connection) -> None:
            persons = schema.persons
            connection.execute(update(persons).where(persons.c.person == session.person).values(values))

        return people.enrol(session, _SET, origin, apply)

    def _refuse_weak(self, password: str, person: str) -> None:
        from zxcvbn import zxcvbn  # noqa: PLC0415 - reads lists of words, and few choose a password

        fits = SHORTEST <= len(password) <= LONGEST
        if not fits or zxcvbn(password[:_JUDGED], user_inputs=[person, *person.split("@")])["score"] < _ENOUGH:
            message = f"this password is soon guessed: take {SHORTEST} characters or more, or four words"
            raise Refusal(422, "weak-password", message)


def _typed(password: str) -> bytes:
    # One keyboard types é as one character, another as two.
    return unicodedata.normalize("NFC", password[: LONGEST + 1]).encode("utf-8", "replace")
