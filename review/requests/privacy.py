"""Requests of people about what is kept of them (GDPR 15, 17, 18, 21): due dates, decision, end; each step in the log.

They come by letter or mail; the privacy officer enters them. Of whom a request is and all that people write is sealed,
bound to its request. A request changes nothing itself: cases, holds and erasures have ways of their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, func, insert, select, tuple_, update

from protocol.claims import Claims
from review.audit.kinds import Act as Noted
from review.governance.decide import decide
from review.governance.model import Governance, Person, Question, Recording
from review.people import schema
from review.people.service import HOUR, People
from review.requests.requests import MOST_A_DAY, too_much, written
from review.requests.states import PRIVACY_KINDS, PRIVACY_NEXT, PrivacyState, PrivacyStep, due, extended
from review.search.find import Finder
from store.clock import SECOND
from store.errors import Refusal

SIZE: Final = 50  # of a page
LONGEST_NAME: Final = 200  # characters of who it is about
OUTCOMES: Final = ("granted", "in-part", "refused", "withdrawn")
_LONGEST_AGO: Final = timedelta(days=366)
Key = tuple[str, str]
"""When the last request of a page is due, and its id."""
_COLUMNS: Final = schema.privacy_requests.c


@dataclass(frozen=True, slots=True)
class About:
    """Whose recordings: of a customer, by a number, an address or an id; or of a person whose computer was recorded.

    One of both is "".
    """

    caller: str
    agent: str


class Letter(NamedTuple):
    """What came. `note`: "" for none."""

    kind: str
    came: date
    about: About
    note: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`grounds`: words of them, for the log. `answer`: what the person who asked is told."""

    outcome: str
    grounds: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class PrivacySeen:
    """`came`, `due`: days, as in 2027-01-31. `why_longer`: "" where it was not extended. `outcome`, `answer`: "" before
    the decision. `decided`, `ended`: who and when (ns). `may`: the steps that can be taken now.
    """

    id: str
    kind: str
    person: str
    state: PrivacyState
    came: str
    due: str
    late: bool
    why_longer: str
    about: About
    note: str
    outcome: str
    answer: str
    decided: tuple[str, int]
    ended: tuple[str, int]
    cases: tuple[str, ...]
    may: tuple[PrivacyStep, ...]

    @property
    def open(self) -> bool:
        return self.state is PrivacyState.OPEN


@dataclass(frozen=True, slots=True)
class PrivacyPage:
    """`following`: where the next page begins."""

    requests: tuple[PrivacySeen, ...]
    following: Key | None


def kinds_of(rules: Governance, person: Person, now: int) -> tuple[str, ...]:
    """That they work on: who has an act for it over all recordings, as nothing says beforehand whose are concerned."""
    recording = Recording(drawn=rules.purposes)
    purposes = ("", *sorted(rules.purposes))

    def has(kind: str) -> bool:
        asked = (Question(person, act, now, recording, purpose) for act in PRIVACY_KINDS[kind] for purpose in purposes)
        decisions = (decide(rules, one) for one in asked)
        return any(one.granted or all(reason.missing for reason in one.reasons) for one in decisions)

    return tuple(kind for kind in PRIVACY_KINDS if has(kind))


@dataclass(frozen=True, slots=True)
class PrivacyRequests:
    """Of one console. `Finder` is of the person who asks now."""

    people: People

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.people.clock() // SECOND).astimezone().date()

    # -- steps ----------------------------------------------------------------------------------------------------

    def make(self, finder: Finder, letter: Letter, origin: str) -> str:
        """Its id. Refusals: 403 not-yours; 422 bad-came, bad-person, bad-reason; 429 asked-too-much."""
        kind, came, about, note = letter
        if kind not in _kinds(finder):
            raise _not_yours()
        if not self.today - _LONGEST_AGO <= came <= self.today:
            raise Refusal(422, "bad-came", "it came today or on an earlier day, within the last year")
        names = about.caller, about.agent
        if sum(map(bool, names)) != 1 or not all(len(one) <= LONGEST_NAME and one.isprintable() for one in names):
            raise Refusal(422, "bad-person", "name either a customer or a person whose computer is recorded")
        made, now, person = secrets.token_hex(8), self.people.clock(), finder.person.id
        text = self._seal(
            made, "asked", caller=about.caller, agent=about.agent, note=written(note) if note.strip() else ""
        )  # fmt: skip
        last = due(came).isoformat()
        with self.people.database.writing() as connection:
            recent = (_COLUMNS.person == person) & (_COLUMNS.made_at > now - 24 * HOUR)
            count = connection.scalar(select(func.count()).select_from(schema.privacy_requests).where(recent))
            if (count or 0) >= MOST_A_DAY:
                raise too_much()
            values = {"id": made, "kind": kind, "person": person, "state": PrivacyState.OPEN, "made_at": now}
            days = {"came": came.isoformat(), "due": last}
            connection.execute(insert(schema.privacy_requests).values(**values, **days, text=text, cases=""))
            self._note((person, made, "made"), kind, origin, due=last)
        return made

    def extend(self, finder: Finder, id: str, reason: str, origin: str) -> str:  # noqa: A002
        """By two months, once; the day on which it is due then. Refusals: 404; 409 ended-before; 409 too-late; 422
        bad-reason.
        """
        seen = self.get(finder, id)
        if seen.open and not seen.why_longer and seen.late:
            raise Refusal(409, "too-late", "the first month is over: it cannot be extended any more")
        self._check(seen, PrivacyStep.EXTEND)
        last = extended(date.fromisoformat(seen.came)).isoformat()
        values = {"due": last, "longer": self._seal(id, "longer", reason=written(reason))}
        self._change(finder, seen, PrivacyStep.EXTEND, values, origin, due=last)
        return last

    def decide(self, finder: Finder, id: str, said: Decision, origin: str) -> None:  # noqa: A002
        """Refusals: 404; 409 ended-before; 422 bad-reason, bad-outcome."""
        seen = self.get(finder, id)
        self._check(seen, PrivacyStep.DECIDE)
        if said.outcome not in OUTCOMES:
            raise Refusal(422, "bad-outcome", f"a decision is one of {', '.join(OUTCOMES)}")
        sealed = self._seal(id, "answer", answer=written(said.answer))
        values = {
            "outcome": said.outcome, "answer": sealed,
            "decided_by": finder.person.id, "decided_at": self.people.clock(),
        }  # fmt: skip
        facts: dict[str, object] = {"verdict": said.outcome} | ({"grounds": said.grounds} if said.grounds else {})
        self._change(finder, seen, PrivacyStep.DECIDE, values, origin, **facts)

    def end(self, finder: Finder, id: str, origin: str) -> None:  # noqa: A002
        """Refusals: 404; 409 ended-before."""
        seen = self.get(finder, id)
        self._check(seen, PrivacyStep.END)
        values = {"ended_by": finder.person.id, "ended_at": self.people.clock()}
        self._change(finder, seen, PrivacyStep.END, values, origin)

    def add_case(self, finder: Finder, id: str, case: str, origin: str) -> None:  # noqa: A002
        """That a case was made for it. Refusals: 404."""
        seen = self.get(finder, id)
        with self.people.database.writing() as connection:
            # Read here: two people may make a case at once.
            before = connection.scalar(select(_COLUMNS.cases).where(_COLUMNS.id == id)) or ""
            named = " ".join([*before.split(), case])
            connection.execute(update(schema.privacy_requests).where(_COLUMNS.id == id).values(cases=named))
            self._note((finder.person.id, id, "case"), seen.kind, origin, reference=case)

    def note(self, finder: Finder, seen: PrivacySeen, recordings: Sequence[str], origin: str) -> None:
        """That its page was looked at, with the recordings that it shows."""
        facts: dict[str, object] = {"recordings": list(recordings)} if recordings else {}
        self._note((finder.person.id, seen.id, "looked"), seen.kind, origin, **facts)

    # -- lists ----------------------------------------------------------------------------------------------------

    def get(self, finder: Finder, id: str) -> PrivacySeen:  # noqa: A002
        """Refusals: 404, whether there is none or it is not theirs to see."""
        with self.people.database.reading() as connection:
            row = connection.execute(select(schema.privacy_requests).where(_COLUMNS.id == id)).one_or_none()
        if row is None or row.kind not in _kinds(finder):
            raise Refusal(404, "no-such-path", "there is no such request, or you may not see it")
        return self._seen(row)

    def page(self, finder: Finder, *, answered: bool, after: Key | None = None) -> PrivacyPage:
        """What is due first comes first; of those that are answered, last."""
        place = tuple_(_COLUMNS.due, _COLUMNS.id)
        state = _COLUMNS.state != PrivacyState.OPEN if answered else _COLUMNS.state == PrivacyState.OPEN
        asked = select(schema.privacy_requests).where(state, _COLUMNS.kind.in_(_kinds(finder)))
        if after is not None:
            asked = asked.where(place < after if answered else place > after)
        order = (one.desc() if answered else one.asc() for one in (_COLUMNS.due, _COLUMNS.id))
        with self.people.database.reading() as connection:
            rows = connection.execute(asked.order_by(*order).limit(SIZE + 1)).all()
        shown = tuple(map(self._seen, rows[:SIZE]))
        return PrivacyPage(shown, (shown[-1].due, shown[-1].id) if len(rows) > SIZE else None)

    def _seen(self, row: Row[Any]) -> PrivacySeen:
        state, today = PrivacyState(row.state), self.today.isoformat()
        asked = self._open(row.id, "asked", row.text)
        longer = self._open(row.id, "longer", row.longer).text("reason") if row.longer else ""
        answer = self._open(row.id, "answer", row.answer).text("answer") if row.answer else ""
        late = state is PrivacyState.OPEN and row.due < today
        may = tuple(
            step for of, step in PRIVACY_NEXT
            if of is state and (step is not PrivacyStep.EXTEND or not (longer or late))
        )  # fmt: skip
        return PrivacySeen(
            id=row.id, kind=row.kind, person=row.person, state=state, came=row.came, due=row.due, late=late,
            why_longer=longer, about=About(asked.text("caller"), asked.text("agent")), note=asked.text("note"),
            outcome=row.outcome or "", answer=answer,
            decided=(row.decided_by or "", row.decided_at or 0), ended=(row.ended_by or "", row.ended_at or 0),
            cases=tuple(row.cases.split()), may=may,
        )  # fmt: skip

    # -- what is written ------------------------------------------------------------------------------------------

    def _check(self, seen: PrivacySeen, step: PrivacyStep) -> None:
        if step not in seen.may:
            raise _ended()

    def _change(
        self, finder: Finder, seen: PrivacySeen, step: PrivacyStep, values: Mapping[str, object], origin: str,
        **facts: object,
    ) -> None:  # fmt: skip
        """What two people do at once only one of them does."""
        same = (_COLUMNS.id == seen.id) & (_COLUMNS.state == seen.state) & (_COLUMNS.due == seen.due)
        state = PRIVACY_NEXT[seen.state, step]
        with self.people.database.writing() as connection:
            changed = update(schema.privacy_requests).where(same).values(state=state, **values)
            if not connection.execute(changed).rowcount:
                raise _ended()
            self._note((finder.person.id, seen.id, step), seen.kind, origin, **facts)

    def _note(self, act: tuple[str, str, str], kind: str, origin: str, **facts: object) -> None:
        """`act`: who, at which request, which step."""
        person, request, step = act
        self.people.note(Noted("privacy", person, origin, [request], {"act": kind, "step": step, **facts}))

    def _seal(self, id: str, what: str, **values: str) -> str:  # noqa: A002
        return self.people.sealer.seal(f"privacy {id} {what}", values)

    def _open(self, id: str, what: str, sealed: str) -> Claims:  # noqa: A002
        return self.people.sealer.open(f"privacy {id} {what}", sealed)


def _kinds(finder: Finder) -> Iterable[str]:
    return kinds_of(finder.governance, finder.person, finder.now)


def _not_yours() -> Refusal:
    return Refusal(403, "not-yours", "the signed rules do not let you work on such requests")


def _ended() -> Refusal:
    return Refusal(409, "ended-before", "this request was answered or changed already")
