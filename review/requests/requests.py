"""Requests: who asks what of which recording, who may answer, and each step in the audit log before it counts.

Rights are asked of the signed rules here, so that no page can forget them. What people write is sealed, bound to its
request; a request changes nothing itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, func, insert, select, tuple_, update

from protocol.notice import LONGEST, mistake_in
from review.audit.kinds import Act as Noted
from review.governance.decide import decide
from review.governance.model import Act, Question
from review.people import schema
from review.people.service import HOUR, People
from review.requests.states import BY_ASKER, NEXT, SUBJECTS, RequestState, Step, Subject, due
from review.search.facts import Listed, Whose
from review.search.find import Finder
from store.clock import SECOND
from store.errors import Refusal

SIZE: Final = 50  # of a page
MOST_A_DAY: Final = 100  # of one person: each costs room here and in the log
_BATCH: Final = 200  # that are judged at a time
_NOT_HERE: Final = "there is no such request, or it is not yours to answer"
UNKNOWN: Final = Whose("", "")  # of a recording that was erased: only who covers all answers
Key = tuple[int, str]
"""When the last request of a page was asked (ns), and its id."""


class Wish(NamedTuple):
    """`purpose`: "" where none has to be named."""

    subject: str
    purpose: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as one person may see it. `recording`: what it is of, where they may list it. `answer`: "" before it.

    `own`: they asked. `may`: the steps that are theirs.
    """

    id: str
    of: str
    recording: Listed | None
    subject: str
    person: str
    state: RequestState
    asked_at: int
    due: str
    late: bool
    purpose: str
    reason: str
    ended_at: int
    ended_by: str
    answer: str
    own: bool
    may: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class RequestPage:
    """`following`: where the next page begins."""

    requests: tuple[SeenRequest, ...]
    following: Key | None


@dataclass(frozen=True, slots=True)
class Requests:
    """Of one console. `Finder` is of the person who asks now."""

    people: People

    # -- rights ---------------------------------------------------------------------------------------------------

    def purposes(self, finder: Finder, subject: str, listed: Listed) -> tuple[str, ...]:
        """For which they may ask this of it; "" where none has to be named. None at all: they may not ask."""
        about = SUBJECTS[subject]
        recording = listed.whose.recording(finder.governance, listed.start, drawn=finder.governance.purposes)
        if about.own and recording.person and recording.person == finder.person.id:
            return ("",)
        return tuple(
            purpose
            for purpose in purposes_of(finder, about.asks)
            if decide(finder.governance, Question(finder.person, about.asks, finder.now, recording, purpose)).granted
        )

    def may_answer(self, finder: Finder, subject: Subject, whose: Whose, start: int) -> bool:
        """Whether a role of theirs covers it: approvals are for doing what was asked, and that is done elsewhere."""
        return may_some(finder, subject.answers, whose, start)

    def may_answer_any(self, finder: Finder) -> bool:
        acts = frozenset[Act]().union(*(one.answers for one in SUBJECTS.values()))
        roles = finder.governance.roles
        return any(acts & roles[grant.role].may for grant in finder.person.grants if grant.role in roles)

    # -- steps ----------------------------------------------------------------------------------------------------

    def not_asked(self, finder: Finder, several: Iterable[Listed], wish: Wish) -> list[Listed]:
        """Those of which they did not ask it yet; they may ask it of all of these. Refusals: as `ask`."""
        columns, own = schema.requests.c, schema.requests.c.person == finder.person.id
        same = own & (columns.subject == wish.subject) & (columns.state == RequestState.ASKED)
        with self.people.database.reading() as connection:
            before = set(connection.scalars(select(columns.recording).where(same)))
            made = _count(connection, own & (columns.asked_at > self.people.clock() - 24 * HOUR))
        new = {one.recording: one for one in several if one.recording not in before}
        if any(wish.purpose not in self.purposes(finder, wish.subject, one) for one in new.values()):
            raise _not_yours()
        if new and made + len(new) > MOST_A_DAY:
            raise too_much()
        return list(new.values())

    def ask(self, finder: Finder, listed: Listed, wish: Wish, origin: str) -> str:
        """Its id. `listed`: of what they may list. Refusals: 404 no-such-subject; 403 not-yours; 422 bad-reason; 409
        asked-before; 429 asked-too-much.
        """
        subject, purpose = wish.subject, wish.purpose
        if subject not in SUBJECTS:
            raise Refusal(404, "no-such-subject", "this cannot be asked of a recording")
        if purpose not in self.purposes(finder, subject, listed):
            raise _not_yours()
        person, now, made = finder.person.id, self.people.clock(), secrets.token_hex(8)
        sealed = self._seal(made, "asked", purpose=purpose, reason=written(wish.reason))
        columns, own = schema.requests.c, schema.requests.c.person == person
        last = due(datetime.fromtimestamp(now // SECOND).astimezone().date()).isoformat()
        with self.people.database.writing() as connection:
            same = own & (columns.recording == listed.recording) & (columns.subject == subject)
            if _count(connection, same & (columns.state == RequestState.ASKED)):
                raise Refusal(409, "asked-before", "you asked this already, and it is not answered yet")
            if _count(connection, own & (columns.asked_at > now - 24 * HOUR)) >= MOST_A_DAY:
                raise too_much()
            connection.execute(
                insert(schema.requests).values(
                    id=made, recording=listed.recording, subject=subject, person=person, state=RequestState.ASKED,
                    asked_at=now, due=last if SUBJECTS[subject].due else None, text=sealed,
                )
            )  # fmt: skip
            said = {"act": subject, "request": made} | ({"purpose": purpose} if purpose else {})
            self.people.note(Noted("request", person, origin, [listed.recording], said))
        return made

    def ask_each(self, finder: Finder, several: Iterable[Listed], wish: Wish, origin: str) -> int:
        """How many were made: those that they asked for before stay as they are. Refusals: as `ask`.

        All of them, or none: half of what is asked for would have to be looked for.
        """
        made = 0
        for listed in self.not_asked(finder, several, wish):
            try:
                self.ask(finder, listed, wish, origin)
                made += 1
            except Refusal as refusal:
                if refusal.code != "asked-before":
                    raise
        if not made:
            raise Refusal(409, "asked-before", "you asked this already, and it is not answered yet")
        return made

    def step(self, finder: Finder, id: str, step: Step, reason: str, origin: str) -> RequestState:  # noqa: A002
        """Its state from now on. Refusals: 404 no-such-request, whether there is none or it is not theirs to see; 403
        not-yours; 422 bad-reason; 409 ended-before.
        """
        with self.people.database.reading() as connection:
            row = connection.execute(select(schema.requests).where(schema.requests.c.id == id)).one_or_none()
        seen = None if row is None else next(iter(self._seen(finder, [row])), None)
        if row is None or seen is None:
            raise Refusal(404, "no-such-request", _NOT_HERE)
        if (step in BY_ASKER) != seen.own:
            raise Refusal(403, "not-yours", "who asked may withdraw it, and others answer it")
        after = NEXT.get((seen.state, step))
        # A withdrawal explains itself; an answer has a reason.
        answer = self._seal(id, "ended", reason="" if step in BY_ASKER else written(reason))
        columns = schema.requests.c
        with self.people.database.writing() as connection:
            values = {"ended_at": self.people.clock(), "ended_by": finder.person.id, "answer": answer, "state": after}
            chosen = update(schema.requests).where(columns.id == id, columns.state == seen.state)
            if after is None or not connection.execute(chosen.values(values)).rowcount:
                raise Refusal(409, "ended-before", "this request was answered or withdrawn already")
            said = {"act": row.subject, "request": id, "step": step}
            self.people.note(Noted("answer", finder.person.id, origin, [row.recording], said))
        return after

    # -- lists ----------------------------------------------------------------------------------------------------

    def page(self, finder: Finder, *, ended: bool, after: Key | None = None) -> RequestPage:
        """Newest first: one's own, and those that one may answer."""
        columns = schema.requests.c
        chosen = columns.state != RequestState.ASKED if ended else columns.state == RequestState.ASKED
        asked = select(schema.requests).where(chosen)
        if not self.may_answer_any(finder):
            asked = asked.where(columns.person == finder.person.id)
        asked = asked.order_by(columns.asked_at.desc(), columns.id.desc()).limit(_BATCH)
        found: list[SeenRequest] = []
        while len(found) <= SIZE:
            rows = self._rows(asked if after is None else asked.where(tuple_(columns.asked_at, columns.id) < after))
            found += self._seen(finder, rows)
            if len(rows) < _BATCH:
                break
            after = rows[-1].asked_at, rows[-1].id
        shown = found[:SIZE]
        return RequestPage(tuple(shown), (shown[-1].asked_at, shown[-1].id) if len(found) > SIZE else None)

    def of_recording(self, finder: Finder, recording: str) -> tuple[SeenRequest, ...]:
        """Newest first, a page at most."""
        columns = schema.requests.c
        asked = select(schema.requests).where(columns.recording == recording)
        rows = self._rows(asked.order_by(columns.asked_at.desc(), columns.id.desc()).limit(_BATCH))
        return tuple(self._seen(finder, rows))[:SIZE]

    def _rows(self, asked: Select[Any]) -> Sequence[Row[Any]]:
        with self.people.database.reading() as connection:
            return connection.execute(asked).all()

    def _seen(self, finder: Finder, rows: Iterable[Row[Any]]) -> list[SeenRequest]:
        """Those that are theirs to see."""
        rows = list(rows)
        known, may_list = finder.listed({row.recording for row in rows})
        today = datetime.fromtimestamp(self.people.clock() // SECOND).astimezone().date().isoformat()
        return [
            one for row in rows if (one := self._asked(finder, row, known, may_list, today)) is not None
        ]  # fmt: skip

    def _asked(
        self, finder: Finder, row: Row[Any], known: Mapping[str, Listed], may_list: Collection[str], today: str
    ) -> SeenRequest | None:
        listed, own = known.get(row.recording), row.person == finder.person.id
        whose, start = (UNKNOWN, 0) if listed is None else (listed.whose, listed.start)
        if not own and not self.may_answer(finder, SUBJECTS[row.subject], whose, start):
            return None
        state = RequestState(row.state)
        steps = tuple(step for step in Step if (step in BY_ASKER) == own and (state, step) in NEXT)
        opened = self.people.sealer.open(_bound(row.id, "asked"), row.text)
        ended = row.answer and self.people.sealer.open(_bound(row.id, "ended"), row.answer)
        late = state is RequestState.ASKED and bool(row.due) and row.due < today
        return SeenRequest(
            id=row.id, of=row.recording, recording=listed if row.recording in may_list else None, subject=row.subject,
            person=row.person, state=state, asked_at=row.asked_at, due=row.due or "", late=late,
            purpose=opened.text("purpose"), reason=opened.text("reason"), ended_at=row.ended_at or 0,
            ended_by=row.ended_by or "", answer=ended.text("reason") if ended else "", own=own, may=steps,
        )  # fmt: skip

    def _seal(self, id: str, what: str, **values: str) -> str:  # noqa: A002
        return self.people.sealer.seal(_bound(id, what), values)


def _not_yours() -> Refusal:
    return Refusal(403, "not-yours", "the signed rules do not let you ask this, for this purpose")


def too_much() -> Refusal:
    return Refusal(429, "asked-too-much", "you asked too much today", retry_after=3600)


def written(reason: str) -> str:
    """As it is kept. Refusals: 422 bad-reason."""
    text = reason.replace("\r\n", "\n").replace("\t", " ").strip()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a character, as JSON can write one
        raise _bad_reason() from None
    if mistake_in(text):
        raise _bad_reason()
    return text


def _bad_reason() -> Refusal:
    says = f"write a reason of 1 to {LONGEST} characters, without control characters and marks of direction"
    return Refusal(422, "bad-reason", says)


def _bound(id: str, what: str) -> str:  # noqa: A002
    return f"request {id} {what}"


def purposes_of(finder: Finder, act: Act) -> list[str]:
    """That a role of theirs has for this act; "" for none."""
    roles = finder.governance.roles
    mine = (roles[grant.role] for grant in finder.person.grants if grant.role in roles)
    return sorted({""}.union(*(role.purposes for role in mine if act in role.may)))


def may_some(finder: Finder, acts: Iterable[Act], whose: Whose, start: int) -> bool:
    """Whether one of these acts is theirs at this recording, for some purpose; approvals may be missing."""
    rules = finder.governance
    recording = whose.recording(rules, start, drawn=rules.purposes)
    decisions = (
        decide(rules, Question(finder.person, act, finder.now, recording, purpose))
        for act in sorted(acts)
        for purpose in purposes_of(finder, act)
    )
    return any(one.granted or all(reason.missing for reason in one.reasons) for one in decisions)


def _count(connection: Connection, which: Any) -> int:
    return connection.scalar(select(func.count()).select_from(schema.requests).where(which)) or 0
