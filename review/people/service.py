"""People, one-time links and sessions: who becomes whom, and for how long.

Every act is in the audit log before it counts: the entry is the last step of the transaction, so that one that cannot
be written undoes the act. Why a sign-in failed is said there alone; the person always gets the same sentence.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from protocol import base64url
from review.audit.kinds import FAILURE, SUCCESS, Act
from review.governance.model import Governance, Person
from review.people import schema
from review.people.names import Narrowing, narrowed, person_id
from review.people.sealing import Sealer
from review.people.settings import Settings
from review.people.states import ALLOWS, NEXT, Event, SessionState, Use, end_of
from store.catalog.database import Database
from store.clock import MINUTE, Clock, wall
from store.errors import Refusal, WrongUsage

HOUR: Final = 60 * MINUTE
LASTS: Final[Mapping[SessionState, int]] = {SessionState.SIGNED_IN: 12 * HOUR, SessionState.ENROLLING: 15 * MINUTE}
LINK_LASTS: Final = 24 * HOUR
RECENT: Final = 10 * MINUTE  # who makes a further way to sign in signed in so recently
MOST_SESSIONS: Final = 20  # of one person; the one that was used longest ago ends
NOTHING_TAKEN: Final = Narrowing()
PROVIDER: Final = "oidc"  # the method of those whom a provider vouches for
STRANGER: Final = "stranger"  # in the audit log, where no name was said
_NO_LINK: Final = "this link was used, is too old, or never was one: ask for a new one"
_SEEN_EVERY: Final = 16  # a session's last use is written so many times in the time after which it ends


class Failed(Exception):
    """It proves nothing. `reason`: a word for the audit log alone. `who`: whom it named, as far as that is known."""

    def __init__(self, reason: str, who: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.who = who


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody is `person`. `identity`: issuer and subject. `use_up`: in the transaction that signs them in; what
    proves once only raises Failed there when it was used meanwhile.
    """

    method: str
    person: str
    identity: tuple[str, str] | None = None
    narrowing: Narrowing = NOTHING_TAKEN
    use_up: Callable[[Connection], None] = lambda _: None  # there is nothing to use up


Session = Row[Any]
"""Of schema.sessions."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`token`: what the browser holds from now on; here is its hash alone."""

    token: str
    session: Session


@dataclass
class People:
    """`rules`: those in force. `note`: returns once the act's entry is durable (AuditLog.append)."""

    database: Database
    sealer: Sealer
    settings: Settings
    rules: Callable[[], Governance]
    note: Callable[[Act], object]
    clock: Clock = wall
    ended: Callable[[str], None] = lambda _: None  # gets the id of each session that ends

    # -- one-time links -------------------------------------------------------------------------------------------

    def invite(self, name: str, by: str, origin: str, lasts: int = LINK_LASTS) -> str:
        """A link by which they make a way to sign in: once, and only the newest. Raises WrongUsage."""
        person = known_name(name)
        if not self.rules().person(person).grants:
            raise WrongUsage(f"no signed rule gives {person} a role: name them under people: in the governance files")
        secret, now = secrets.token_urlsafe(32), self.clock()
        with self.database.writing() as connection:
            self._enter(connection, person, now)
            connection.execute(update(schema.persons).where(schema.persons.c.person == person).values(removed_at=None))
            connection.execute(delete(schema.links).where(schema.links.c.person == person))
            values = {"secret_sha256": sha256(secret), "person": person, "ends_at": now + lasts}
            connection.execute(insert(schema.links).values(values))
            self._change(by, origin, "invited", person)
        # Behind a #, which no browser sends: it is in no server's log and in no Referer.
        return f"{self.settings.address}/join#{secret}"

    def join(self, secret: str, origin: str, before: str = "") -> Begun:
        """Refusals: 401 no-link."""
        links, chosen = schema.links, schema.links.c.secret_sha256 == sha256(secret)
        self.sweep()
        with self.database.reading() as connection:
            found = connection.execute(select(links).where(chosen)).one_or_none()
        failed = Failed("no-link")
        if found is not None and self.clock() < found.ends_at:
            try:
                with self.database.writing() as connection:
                    if connection.execute(delete(links).where(chosen)).rowcount:
                        return self._begin(connection, Event.LINK, Proof("link", found.person), origin, before)
            except Failed as refused:
                failed = refused
        elif found is not None:
            failed = Failed("late-link")
        self._sign_in(found.person if found else STRANGER, origin, "link", failed.reason)
        raise Refusal(401, "no-link", _NO_LINK)

    # -- sign-in --------------------------------------------------------------------------------------------------

    def sign_in(self, proof: Proof, origin: str, before: str = "") -> Begun:
        """`before`: the token that the browser had, which is nothing from now on. Refusals: as `refusal`."""
        self.sweep()
        try:
            with self.database.writing() as connection:
                return self._begin(connection, Event.PROOF, proof, origin, before)
        except Failed as failed:
            raise self.refusal(proof.method, Failed(failed.reason, proof.person), origin) from None
        except IntegrityError:  # two first sign-ins of one person at once
            raise self.refusal(proof.method, Failed("at-once", proof.person), origin) from None

    def refusal(self, method: str, failed: Failed, origin: str) -> Refusal:
        """Once it is in the log: 401 not-signed-in, the same whatever it was."""
        self._sign_in(failed.who or STRANGER, origin, method, failed.reason)
        return Refusal(401, "not-signed-in", "this did not sign you in: try again, or ask who runs this console")

    def _begin(self, connection: Connection, event: Event, proof: Proof, origin: str, before: str) -> Begun:
        now, persons = self.clock(), schema.persons
        row = self._find(connection, proof.person)
        roles = self.rules().person(proof.person)
        if row is None and proof.identity and roles.grants:
            self._enter(connection, proof.person, now)
            row = self._find(connection, proof.person)
        if row is None:
            raise Failed("unknown-person")
        if row.removed_at is not None:
            raise Failed("removed")
        if not narrowed(roles, _narrowing(row), proof.narrowing).grants:
            raise Failed("no-role")
        if proof.identity:
            self._bind(connection, proof.person, *proof.identity)
        proof.use_up(connection)
        self._end(connection, schema.sessions.c.token_sha256 == sha256(before), Event.SIGN_OUT)
        connection.execute(update(persons).where(persons.c.person == proof.person).values(signed_in_at=now))
        begun = self._insert(connection, NEXT[SessionState.STRANGER, event], proof, origin, now)
        self._sign_in(proof.person, origin, proof.method, session=begun.session.id)
        return begun

    def _bind(self, connection: Connection, person: str, issuer: str, subject: str) -> None:
        bound = schema.identities
        found = connection.execute(
            select(bound).where(bound.c.issuer == issuer, or_(bound.c.person == person, bound.c.subject == subject))
        ).all()
        if not found:
            connection.execute(insert(bound).values(issuer=issuer, person=person, subject=subject))
        elif [(one.person, one.subject) for one in found] != [(person, subject)]:
            raise Failed("another-identity")

    def _insert(self, connection: Connection, state: SessionState, proof: Proof, origin: str, now: int) -> Begun:
        sessions, token = schema.sessions, secrets.token_urlsafe(32)
        own = select(sessions.c.id).where(sessions.c.person == proof.person).order_by(sessions.c.seen_at.desc())
        too_many = connection.scalars(own.offset(MOST_SESSIONS - 1)).all()
        self._end(connection, sessions.c.id.in_(too_many), Event.EXPIRED)
        made = insert(sessions).values(
            token_sha256=sha256(token), id=secrets.token_hex(8), person=proof.person, state=state, method=proof.method,
            origin=origin, began_at=now, seen_at=now, ends_at=now + LASTS[state], **_written(proof.narrowing),
        )  # fmt: skip
        return Begun(token, connection.execute(made.returning(*sessions.c)).one())

    # -- sessions -------------------------------------------------------------------------------------------------

    def session(self, token: str, use: Use, *, acts: bool = True) -> Session:
        """`acts`: a person asks; a page that asks again and again while it waits keeps no session alive.

        Refusals: 401 no-session, session-ended; 403 not-enrolled."""
        sessions, now = schema.sessions, self.clock()
        chosen = sessions.c.token_sha256 == sha256(token)
        with self.database.reading() as connection:
            session = connection.execute(select(sessions).where(chosen)).one_or_none()
        if session is None:
            raise Refusal(401, "no-session", "sign in first")
        ended = end_of(now, session.seen_at, self.settings.idle, session.ends_at)
        if ended is None and not self.person(session).grants:
            ended = Event.REMOVED
        if ended is not None:
            with self.database.writing() as connection:
                self._end(connection, chosen, ended)
            raise Refusal(401, "session-ended", "this session has ended: sign in again")
        if use not in ALLOWS[SessionState(session.state)]:
            raise Refusal(403, "not-enrolled", "make a passkey, or a password with a code, first")
        if acts and now - session.seen_at > self.settings.idle // _SEEN_EVERY:
            with self.database.writing() as connection:
                connection.execute(update(sessions).where(chosen).values(seen_at=now))
        return session

    def person(self, session: Session) -> Person:
        """With what the signed rules give them, less what their sign-in and the catalog take away."""
        with self.database.reading() as connection:
            row = self._find(connection, session.person)
        if row is None or row.removed_at is not None:
            return Person(session.person)
        return narrowed(self.rules().person(session.person), _narrowing(row), _narrowing(session))

    def left(self, person: str) -> Person:
        """With what the signed rules give them, less what the catalog takes away: whatever session they have."""
        row = self.known(person)
        return Person(person) if row is None or row.removed_at is not None else self._left(row)

    def sessions(self, person: str) -> Sequence[Session]:
        self.sweep()
        found = select(schema.sessions).where(schema.sessions.c.person == person)
        with self.database.reading() as connection:
            return connection.execute(found.order_by(schema.sessions.c.began_at)).all()

    def end(self, person: str, ids: Sequence[str] | None = None, *, by: str = "", origin: str = "") -> int:
        """These sessions of theirs, or all; how many there were. `by`: who does it, if it is somebody else."""
        with self.database.writing() as connection:
            if by:
                self._change(by, origin, "sessions-ended", person)
            return self._end(connection, self._of(person, ids), Event.SIGN_OUT)

    def _of(self, person: str, ids: Sequence[str] | None) -> Any:
        own = schema.sessions.c.person == person
        return own if ids is None else own & schema.sessions.c.id.in_(ids)

    def sweep(self) -> None:
        """Ends what was not used for too long; a later use is refused without that."""
        sessions, now = schema.sessions.c, self.clock()
        with self.database.writing() as connection:
            self._end(connection, sessions.seen_at <= now - self.settings.idle, Event.IDLE)
            self._end(connection, sessions.ends_at <= now, Event.EXPIRED)
            connection.execute(delete(schema.spent).where(schema.spent.c.ends_at <= now))
            connection.execute(delete(schema.links).where(schema.links.c.ends_at <= now - LINK_LASTS))

    def _end(self, connection: Connection, which: Any, event: Event) -> int:
        sessions, ended = schema.sessions, 0
        for row in connection.execute(select(sessions).where(which)).all():
            assert NEXT[SessionState(row.state), event] is SessionState.ENDED  # noqa: S101 - by the table
            if connection.execute(delete(sessions).where(sessions.c.id == row.id)).rowcount:
                self.note(Act("sign-out", row.person, row.origin, [row.id], {"by": event.value}))
                self.ended(row.id)
                ended += 1
        return ended

    # -- ways to sign in ------------------------------------------------------------------------------------------

    def enrol(self, session: Session, change: str, origin: str, apply: Callable[[Connection], None]) -> Begun:
        """`apply` adds a way to sign in. By a link that is the first and only one: what was there before may be in
        other hands. Refusals: 401 session-ended; 403 by-link, sign-in-again.
        """
        now = self.clock()
        if session.method == PROVIDER:  # or they would still come in when it knows them no more
            raise Refusal(403, "by-link", "a provider signs you in: for a way without it ask for a link")
        if session.state == SessionState.SIGNED_IN and now - session.began_at > RECENT:
            raise Refusal(403, "sign-in-again", "this needs a session of the last ten minutes: sign in again")
        with self.database.writing() as connection:
            if not self._end(connection, self._of(session.person, [session.id]), Event.SIGN_OUT):
                raise Refusal(401, "session-ended", "this session has ended: sign in again")
            if session.state == SessionState.ENROLLING:
                self._forget(connection, session.person)
            apply(connection)
            proof = Proof(session.method, session.person, narrowing=_narrowing(session))
            state = NEXT[SessionState(session.state), Event.ENROLLED]
            begun = self._insert(connection, state, proof, origin, now)
            self._change(session.person, origin, change, session.person)
        return begun

    def not_enrolled(self, session: Session, change: str, origin: str, code: str, message: str) -> Refusal:
        """Once it is in the log: 422."""
        self._change(session.person, origin, change, session.person, code)
        return Refusal(422, code, message)

    def _forget(self, connection: Connection, person: str) -> None:
        """Every way to sign in, and every session."""
        self._end(connection, self._of(person, None), Event.REMOVED)
        for table in (schema.passkeys, schema.identities, schema.links):
            connection.execute(delete(table).where(table.c.person == person))
        persons = schema.persons
        nothing = {"password": None, "totp": None, "totp_step": 0}
        connection.execute(update(persons).where(persons.c.person == person).values(nothing))

    def spend(self, connection: Connection, once: str, ends: int) -> None:
        """Raises Failed for what was used before."""
        try:
            with connection.begin_nested():
                connection.execute(insert(schema.spent).values(sha256=sha256(once), ends_at=ends))
        except IntegrityError:
            raise Failed("replayed") from None

    # -- the catalog ----------------------------------------------------------------------------------------------

    def everybody(self) -> list[dict[str, Any]]:
        sessions, passkeys = schema.sessions, schema.passkeys
        self.sweep()
        with self.database.reading() as connection:
            many = [select(one.c.person, func.count()).group_by(one.c.person) for one in (sessions, passkeys)]
            counts = [{row[0]: int(row[1]) for row in connection.execute(asked)} for asked in many]
            rows = connection.execute(select(schema.persons).order_by(schema.persons.c.person)).all()
        return [
            {
                "person": row.person,
                "state": "removed" if row.removed_at is not None else "good",
                "roles": sorted({grant.role for grant in self._left(row).grants}),
                "teams": sorted({team for grant in self._left(row).grants for team in grant.teams}),
                "passkeys": counts[1].get(row.person, 0),
                "password": row.password is not None,
                "sessions": counts[0].get(row.person, 0),
                "signed_in_at": row.signed_in_at,
            }
            for row in rows
        ]

    def narrow(self, name: str, narrowing: Narrowing, by: str, origin: str) -> None:
        """These roles and teams at most, until it is said anew. Raises WrongUsage."""
        with self.database.writing() as connection:
            person = self._existing(connection, name)
            changed = update(schema.persons).where(schema.persons.c.person == person)
            connection.execute(changed.values(_written(narrowing)))
            self._change(by, origin, "narrowed", person)

    def remove(self, name: str, by: str, origin: str) -> None:
        """They cannot sign in until they are invited anew. Raises WrongUsage."""
        with self.database.writing() as connection:
            person = self._existing(connection, name)
            self._forget(connection, person)
            connection.execute(delete(schema.searches).where(schema.searches.c.person == person))
            persons = schema.persons
            connection.execute(update(persons).where(persons.c.person == person).values(removed_at=self.clock()))
            self._change(by, origin, "removed", person)

    def _left(self, row: Row[Any]) -> Person:
        return narrowed(self.rules().person(row.person), _narrowing(row))

    def _find(self, connection: Connection, person: str) -> Row[Any] | None:
        return connection.execute(select(schema.persons).where(schema.persons.c.person == person)).one_or_none()

    def known(self, person: str) -> Row[Any] | None:
        with self.database.reading() as connection:
            return self._find(connection, person)

    def _existing(self, connection: Connection, name: str) -> str:
        person = known_name(name)
        if self._find(connection, person) is None:
            raise WrongUsage(f"{person} was never invited, nor signed in: `eyelid-review people list` lists them")
        return person

    def _enter(self, connection: Connection, person: str, now: int) -> None:
        if self._find(connection, person) is None:
            handle = base64url.encode(secrets.token_bytes(32))
            connection.execute(insert(schema.persons).values(person=person, handle=handle, created_at=now))

    # -- the log --------------------------------------------------------------------------------------------------

    def _sign_in(self, who: str, origin: str, method: str, reason: str | None = None, session: str = "console") -> None:
        self.note(Act("sign-in", who, origin, [session], {"method": method}, FAILURE if reason else SUCCESS, reason))

    def _change(self, who: str, origin: str, change: str, person: str, reason: str | None = None) -> None:
        facts = {"change": change, "person": person}
        self.note(Act("account", who, origin, ["console"], facts, FAILURE if reason else SUCCESS, reason))


def known_name(text: str) -> str:
    """Raises WrongUsage."""
    try:
        return person_id(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is no name: write it as the rules do, such as anna@example.com") from None


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _written(narrowing: Narrowing) -> dict[str, str | None]:
    some = {"roles": narrowing.roles, "teams": narrowing.teams}
    return {name: None if one is None else json.dumps(sorted(one)) for name, one in some.items()}


def _narrowing(row: Row[Any]) -> Narrowing:
    return Narrowing(*(None if one is None else frozenset(json.loads(one)) for one in (row.roles, row.teams)))
