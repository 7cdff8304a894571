"""Cases: named spans of recordings, who sees which, their export with its approvals, and each act in the audit log.

Rights are asked of the signed rules here. What people write is sealed, bound to its case. Others than its maker see a
case whole or not at all: its title tells of all its recordings.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, insert, select, tuple_, update

from protocol.claims import Claims
from protocol.envelope import LATEST_END
from review.audit.kinds import Act as Noted
from review.cases.spans import LONGEST_TITLE, MOST_SPANS
from review.governance.decide import decide
from review.governance.model import Act, Approval, Governance, Person, Question, Reason, Rendition
from review.governance.narrowing import approves_by_taken
from review.people import schema
from review.people.service import HOUR, People
from review.requests.requests import MOST_A_DAY, UNKNOWN, may_some, purposes_of, too_much, written
from review.requests.states import ANSWERS, CASE_NEXT, CaseState, CaseStep
from review.search.facts import Listed
from review.search.find import Finder
from store.errors import Refusal

SIZE: Final = 50  # of a page
CASING: Final = frozenset({Act.EXPORT, Act.LEGAL_HOLD, Act.REQUEST_LEGAL_HOLD})  # whose recordings one puts into a case
CaseKey = tuple[int, str]
"""When the last case of a page was made (ns), and its id."""
Span = tuple[Listed, int, int]
"""From when until when, ns since the recording's start."""
_CASES: Final = schema.cases.c
_SPANS: Final = schema.case_spans.c


@dataclass(frozen=True, slots=True)
class SpanSeen:
    """Times in ns since the recording's start."""

    id: str
    recording: Listed
    start: int
    until: int
    person: str
    at: int

    @property
    def where(self) -> Span:
        return self.recording, self.start, self.until


@dataclass(frozen=True, slots=True)
class Export:
    """What was asked. `missing`: what the rules want yet; nothing: it is granted. `approvals`: who, and when (ns)."""

    person: str
    at: int
    purpose: str
    reason: str
    approvals: tuple[tuple[str, int], ...]
    missing: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What comes with a step. `asked`: of an answer, when that was asked which its page showed; ns, as digits."""

    purpose: str
    reason: str
    asked: str


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """As one person may see it. `only`: as `review.cases.spans.Case`. `hidden`: spans of recordings that they may not
    list. `purposes`: for which they may ask for its export. `refused`: who refused the last request, and why; "" for
    none. `may`: the steps that are theirs.
    """

    id: str
    title: str
    note: str
    person: str
    made_at: int
    state: CaseState
    only: str
    spans: tuple[SpanSeen, ...]
    hidden: int
    export: Export | None
    refused: tuple[str, str]
    purposes: tuple[str, ...]
    works: bool
    may: tuple[CaseStep, ...]

    @property
    def recordings(self) -> tuple[Listed, ...]:
        return tuple({one.recording.recording: one.recording for one in self.spans}.values())

    @property
    def open(self) -> bool:
        """Whether this person may add spans and remove them."""
        return self.works and self.state is CaseState.OPEN


@dataclass(frozen=True, slots=True)
class _Read:
    """A case as it was read. `known`, `may_list`: as `Finder.listed`."""

    row: Row[Any]
    spans: Sequence[Row[Any]]
    approved: tuple[tuple[str, int], ...]
    known: Mapping[str, Listed]
    may_list: set[str]


@dataclass(frozen=True, slots=True)
class CasePage:
    """`following`: where the next page begins."""

    cases: tuple[CaseSeen, ...]
    following: CaseKey | None


def may_see_cases(rules: Governance, person: Person, now: int) -> bool:
    """Whether a role of theirs builds cases, approves their export, or answers requests for access by them."""
    mine, acts = _roles(rules, person, now), CASING | {Act.SUBJECT_ACCESS}
    return bool(mine & _approvers(rules)) or any(rules.roles[name].may & acts for name in mine)


def builds(finder: Finder) -> bool:
    """Whether a role of theirs lets them make a case."""
    roles = finder.governance.roles
    return any(roles[name].may & CASING for name in _roles(finder.governance, finder.person, finder.now))


@dataclass(frozen=True, slots=True)
class Cases:
    """Of one console. `Finder` is of the person who asks now."""

    people: People

    # -- acts -----------------------------------------------------------------------------------------------------

    def may_add(self, finder: Finder, listed: Listed) -> bool:
        return may_some(finder, CASING, listed.whose, listed.start)

    def make(
        self, finder: Finder, title: str, note: str, origin: str, spans: Sequence[Span] = (), *,
        acts: frozenset[Act] = CASING, only: str = "",
    ) -> str:  # fmt: skip
        """Its id. `acts`: one of them lets these recordings be put into it. `only`: as `review.cases.spans.Case` has
        it. Refusals: 403 not-yours; 422 bad-title, bad-reason; 429 asked-too-much; as `add`.
        """
        several = {one.recording: one for one, _, _ in spans}.values()
        allowed = all(may_some(finder, acts, one.whose, one.start) for one in several)
        if not (allowed if spans else builds(finder)):
            raise _not_yours()
        title, now, made = title.strip(), self.people.clock(), str(uuid4())
        if not 0 < len(title) <= LONGEST_TITLE or not title.isprintable():
            raise Refusal(422, "bad-title", f"a title has 1 to {LONGEST_TITLE} characters that can be printed")
        words = {"title": title, "note": written(note) if note.strip() else ""}
        text = self._seal(made, "text", **words, **({"only": only} if only else {}))
        with self.people.database.writing() as connection:
            recent = (_CASES.person == finder.person.id) & (_CASES.made_at > now - 24 * HOUR)
            if (connection.scalar(select(func.count()).select_from(schema.cases).where(recent)) or 0) >= MOST_A_DAY:
                raise too_much()
            values = {"id": made, "person": finder.person.id, "state": CaseState.OPEN, "made_at": now, "text": text}
            connection.execute(insert(schema.cases).values(values))
            for one in spans:
                self._insert(connection, finder, made, one)
            self._note((finder.person.id, made, "made"), origin, spans)
        return made

    def add(self, finder: Finder, id: str, span: Span, origin: str) -> None:  # noqa: A002
        """Refusals: 404; 403 not-yours; 409 case-fixed, case-full; 422 bad-span."""
        if not self.get(finder, id).works or not self.may_add(finder, span[0]):
            raise _not_yours()
        with self._changing(id) as connection:
            self._insert(connection, finder, id, span)
            self._note((finder.person.id, id, "added"), origin, [span])

    def remove(self, finder: Finder, id: str, span: str, origin: str) -> None:  # noqa: A002
        """Refusals: 404, also for a span that they do not see; 403 not-yours; 409 case-fixed."""
        seen = self.get(finder, id)
        found = next((one for one in seen.spans if one.id == span), None)
        if found is None:
            raise _not_here()
        if not seen.works:
            raise _not_yours()
        with self._changing(id) as connection:
            connection.execute(delete(schema.case_spans).where(_SPANS.id == span))
            self._note((finder.person.id, id, "removed"), origin, [found.where])

    def step(self, finder: Finder, id: str, step: CaseStep, said: Said, origin: str) -> CaseState:  # noqa: A002
        """Its state from now on. Refusals: 404; 403 not-yours; 409 case-fixed; 422 bad-reason."""
        purpose, reason = said.purpose, said.reason
        seen, now, me = self.get(finder, id), self.people.clock(), finder.person.id
        after = CASE_NEXT.get((seen.state, step))
        if after is None:
            raise _fixed()
        if step not in seen.may or (step is CaseStep.ASK and purpose not in seen.purposes):
            raise _not_yours()
        # Who asked can withdraw, change the spans and ask again while somebody still reads the page from before.
        if step in ANSWERS and (seen.export is None or said.asked != str(seen.export.at)):
            raise _fixed()
        values: dict[str, object] = {"state": after}
        match step:
            case CaseStep.ASK:
                asked = self._seal(id, "asked", purpose=purpose, reason=written(reason))
                values |= {"asked_by": me, "asked_at": now, "asked": asked, "refused": None}
            case CaseStep.REFUSE:
                values |= {"asked_by": None, "refused": self._seal(id, "refused", person=me, reason=written(reason))}
            case CaseStep.WITHDRAW | CaseStep.REOPEN:
                values |= {"asked_by": None}
        approvals = schema.case_approvals
        with self.people.database.writing() as connection:
            same = (_CASES.id == id) & (_CASES.state == seen.state)
            if seen.export is not None:  # an approval is of this request, and of no later one
                same &= _CASES.asked_at == seen.export.at
            if not connection.execute(update(schema.cases).where(same).values(values)).rowcount:
                raise _fixed()
            if step is CaseStep.APPROVE:
                mine = (approvals.c.case_id == id) & (approvals.c.person == me)
                if connection.scalar(select(func.count()).select_from(approvals).where(mine)):
                    raise _fixed()
                connection.execute(insert(approvals).values(case_id=id, person=me, at=now))
            elif "asked_by" in values:
                connection.execute(delete(approvals).where(approvals.c.case_id == id))
            named = purpose if step is CaseStep.ASK else seen.export.purpose if seen.export else ""
            self._note((me, id, step), origin, [one.where for one in seen.spans], named)
        return after

    def look(self, finder: Finder, id: str, origin: str) -> CaseSeen:  # noqa: A002
        """As `get`, once it is in the log."""
        seen = self.get(finder, id)
        self._note((finder.person.id, id, "looked"), origin, [one.where for one in seen.spans])
        return seen

    def asker(self, id: str) -> str | None:  # noqa: A002
        """Who asked for its export, as far as that still counts."""
        with self.people.database.reading() as connection:
            return connection.scalar(select(_CASES.asked_by).where(_CASES.id == id))

    def note_shown(self, id: str, seen: CaseSeen, by: tuple[str, str]) -> None:  # noqa: A002
        """That the command printed it. `by`: who, and where."""
        self._note((by[0], id, "shown"), by[1], [one.where for one in seen.spans])

    def forget(self, recordings: Collection[str]) -> None:
        """Spans of recordings that are being erased."""
        gone = _SPANS.recording.in_(recordings)
        with self.people.database.reading() as connection:
            if not connection.scalar(select(exists().where(gone))):
                return  # as for nearly all: there is nothing to write
        with self.people.database.writing() as connection:
            connection.execute(delete(schema.case_spans).where(gone))

    # -- lists ----------------------------------------------------------------------------------------------------

    def get(self, finder: Finder, id: str) -> CaseSeen:  # noqa: A002
        """Refusals: 404, whether there is none or it is not theirs to see."""
        seen = self._read(finder, select(schema.cases).where(_CASES.id == id))[1]
        if not seen:
            raise _not_here()
        return seen[0]

    def of_recording(self, finder: Finder, recording: str) -> tuple[CaseSeen, ...]:
        """Those with a span of it; newest first, a page at most."""
        return self.page(finder, None, _CASES.id.in_(select(_SPANS.case_id).where(_SPANS.recording == recording))).cases

    def taking(self, finder: Finder) -> tuple[CaseSeen, ...]:
        """Those to which they may add spans; newest first, of a page at most."""
        found = self.page(finder, None, _CASES.state == CaseState.OPEN).cases
        return tuple(one for one in found if one.open)

    def page(self, finder: Finder, after: CaseKey | None = None, *which: ColumnElement[bool]) -> CasePage:
        """Newest first."""
        asked = select(schema.cases).where(*which).order_by(_CASES.made_at.desc(), _CASES.id.desc()).limit(SIZE)
        found: list[CaseSeen] = []
        while len(found) <= SIZE:
            behind = asked if after is None else asked.where(tuple_(_CASES.made_at, _CASES.id) < after)
            rows, seen = self._read(finder, behind)
            found += seen
            if len(rows) < SIZE:
                break
            after = rows[-1].made_at, rows[-1].id
        shown = found[:SIZE]
        return CasePage(tuple(shown), (shown[-1].made_at, shown[-1].id) if len(found) > SIZE else None)

    def _read(self, finder: Finder, asked: Any) -> tuple[Sequence[Row[Any]], list[CaseSeen]]:
        approvals = schema.case_approvals
        with self.people.database.reading() as connection:
            rows = connection.execute(asked).all()
            of = _SPANS.case_id.in_([row.id for row in rows])
            ordered = select(schema.case_spans).where(of).order_by(_SPANS.recording, _SPANS.start, _SPANS.id)
            spans = connection.execute(ordered).all()
            given = approvals.c.case_id.in_([row.id for row in rows])
            approved = connection.execute(select(approvals).where(given).order_by(approvals.c.at)).all()
        known, may_list = finder.listed({one.recording for one in spans})
        seen = []
        for row in rows:
            case = _Read(
                row, [one for one in spans if one.case_id == row.id],
                tuple((one.person, one.at) for one in approved if one.case_id == row.id), known, may_list,
            )  # fmt: skip
            if (made := self._seen(finder, case)) is not None:
                seen.append(made)
        return rows, seen

    def _seen(self, finder: Finder, case: _Read) -> CaseSeen | None:
        rules, me, row = finder.governance, finder.person.id, case.row
        names = {one.recording for one in case.spans}
        listed = [case.known[one] for one in sorted(names & case.known.keys())]
        # What was erased only those may see who may list whatever there is.
        whole = names <= case.may_list or (names & case.known.keys() <= case.may_list and finder.may_list_anything())
        facts = [(one.whose, one.start) for one in listed] + [(UNKNOWN, 0)] * (len(names) - len(listed))
        covers = whole and bool(names)
        works = row.person == me or (covers and all(may_some(finder, CASING, *one) for one in facts))
        mine = _roles(rules, finder.person, finder.now)
        approves = (
            covers and row.asked_by not in {None, me} and bool(mine & _approvers(rules))
            and not approves_by_taken(rules, finder.person, rules.person(me), Act.EXPORT)
        )  # fmt: skip
        if not works and not approves:
            return None
        state, text = CaseState(row.state), self._open(row.id, "text", row.text)
        purposes, export = tuple[str, ...](), None
        asks = Question(finder.person, Act.EXPORT, finder.now)
        if state is CaseState.OPEN and works and covers and listed:
            purposes = tuple(
                purpose for purpose in purposes_of(finder, Act.EXPORT)
                if all(one.missing for one in _against(finder, listed, replace(asks, purpose=purpose)))
            )  # fmt: skip
        if row.asked_by is not None:
            export = self._export(finder, case, listed)
        theirs = {
            CaseStep.ASK: bool(purposes),
            CaseStep.APPROVE: approves and me not in {who for who, _ in case.approved},
            CaseStep.REFUSE: approves,
            CaseStep.WITHDRAW: row.asked_by == me,
            CaseStep.EXPORTED: row.asked_by == me and export is not None and not export.missing,
        }
        spans = (
            SpanSeen(one.id, case.known[one.recording], one.start, one.until, one.person, one.at)
            for one in case.spans if one.recording in case.may_list
        )  # fmt: skip
        shown = tuple(sorted(spans, key=lambda one: (one.recording.start, one.start)))
        refused = self._open(row.id, "refused", row.refused) if row.refused else None
        return CaseSeen(
            id=row.id, title=text.text("title"), note=text.text("note"), person=row.person, made_at=row.made_at,
            state=state, only=text.text("only") if text.has("only") else "",
            spans=shown, hidden=len(case.spans) - len(shown), export=export,
            refused=(refused.text("person"), refused.text("reason")) if refused else ("", ""), purposes=purposes,
            works=works, may=tuple(step for of, step in CASE_NEXT if of is state and theirs.get(step, works)),
        )  # fmt: skip

    def _export(self, finder: Finder, case: _Read, listed: Sequence[Listed]) -> Export:
        rules, row = finder.governance, case.row
        asked = self._open(row.id, "asked", row.asked)
        # Of who asked for it counts what is left to them.
        person = finder.person if row.asked_by == finder.person.id else rules.person(row.asked_by)
        question = Question(
            person, Act.EXPORT, 0, None, asked.text("purpose"), asked=row.asked_at,
            approvals=tuple(Approval(rules.person(who), at) for who, at in case.approved),
        )  # fmt: skip
        missing = _against(finder, listed, question)
        return Export(row.asked_by, row.asked_at, question.purpose, asked.text("reason"), case.approved, missing)

    # -- what is written ------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self, id: str) -> Iterator[Connection]:  # noqa: A002
        """While its spans may change. Refusals: 409 case-fixed."""
        still = (_CASES.id == id) & (_CASES.state == CaseState.OPEN)
        with self.people.database.writing() as connection:
            if not connection.execute(update(schema.cases).where(still).values(state=CaseState.OPEN)).rowcount:
                raise _fixed()
            yield connection

    def _insert(self, connection: Connection, finder: Finder, case: str, span: Span) -> None:
        listed, start, until = span
        if not 0 <= start < until <= min(listed.length, LATEST_END):
            raise Refusal(422, "bad-span", "a span ends after it begins, and within its recording")
        of = select(func.count()).select_from(schema.case_spans).where(_SPANS.case_id == case)
        if (connection.scalar(of) or 0) >= MOST_SPANS:
            raise Refusal(409, "case-full", f"a case has {MOST_SPANS} spans at the most")
        values = {"recording": listed.recording, "start": start, "until": until, "person": finder.person.id}
        made = {"id": secrets.token_hex(8), "case_id": case, "at": self.people.clock()}
        connection.execute(insert(schema.case_spans).values(made | values))

    def _note(self, act: tuple[str, str, str], origin: str, spans: Iterable[Span], purpose: str = "") -> None:
        """`act`: who, in which case, which step."""
        (person, case, step), spans = act, list(spans)
        facts: dict[str, object] = {"step": step, **({"purpose": purpose} if purpose else {})}
        if spans:
            facts |= {"recordings": list(dict.fromkeys(listed.recording for listed, _, _ in spans))}
            facts |= {"spans": [[start, until] for _, start, until in spans]}
        self.people.note(Noted("case", person, origin, [case], facts))

    def _seal(self, id: str, what: str, **values: str) -> str:  # noqa: A002
        return self.people.sealer.seal(f"case {id} {what}", values)

    def _open(self, id: str, what: str, sealed: str) -> Claims:  # noqa: A002
        return self.people.sealer.open(f"case {id} {what}", sealed)


def _against(finder: Finder, listed: Iterable[Listed], question: Question) -> tuple[Reason, ...]:
    """What stands against it for these together; none: it is granted. What leaves is the original."""
    rules, found = finder.governance, dict[Reason, None]()
    for one in listed:
        known = one.whose.recording(
            rules, one.start, end=one.start + one.length, closed_by=frozenset(one.rules), drawn=rules.purposes
        )
        asked = replace(question, now=finder.now, recording=known, rendition=Rendition.ORIGINAL)
        decision = decide(rules, asked)
        found |= dict.fromkeys(() if decision.granted else decision.reasons)
    return tuple(found)


def _roles(rules: Governance, person: Person, now: int) -> frozenset[str]:
    """That are theirs now."""
    return frozenset(
        one.role for one in person.grants
        if one.role in rules.roles and one.since <= now < min(one.until, rules.roles[one.role].until)
    )  # fmt: skip


def _approvers(rules: Governance) -> frozenset[str]:
    return frozenset(role for rule in rules.approvals if Act.EXPORT in rule.acts for role in rule.by)


def _not_here() -> Refusal:
    return Refusal(404, "no-such-path", "there is no such case, or you may not see it")


def _not_yours() -> Refusal:
    return Refusal(403, "not-yours", "the signed rules do not let you do this with a case")


def _fixed() -> Refusal:
    return Refusal(409, "case-fixed", "this cannot be done with the case as it is now")
