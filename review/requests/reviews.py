"""The console's part of periodic reviews: which are due, what became of each drawn recording, and who signed.

Who has the review's role works on it; who may make a report sees how it stands. What people write is sealed, bound to
its recording. A month that was signed as done stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, exists, insert, select, update

from protocol.personal import Signed
from review.audit.kinds import Act as Noted
from review.governance.model import Governance, Person, Review
from review.governance.times import day_of
from review.people import schema
from review.people.service import People
from review.requests.requests import written
from review.reviews import DONE, FINE, MISSING, OUTCOMES, Statement, does, due, listed, months, named, sums
from review.samples import GRACE, Month
from review.search.facts import Listed
from review.search.find import Finder
from store.errors import Refusal

Draws = Callable[[str, str], list[str] | None]
"""What the custodian drew for a review (its name) of a month; None: nothing yet. Refusals: 503 no-custodian."""
_SAMPLES: Final = schema.review_samples.c
_OUTCOMES: Final = schema.review_outcomes.c
_SIGNED: Final = schema.review_signatures.c


@dataclass(frozen=True, slots=True)
class Signature:
    """`at`: ns, by the console's clock. `id`: of what was signed."""

    id: str
    person: str
    state: str
    at: int


@dataclass(frozen=True, slots=True)
class MonthSeen:
    """`due`: the first instant (ns) at which it is late. `sums`: as `reviews.sums`; None: nothing is drawn yet.
    `drawable`: whether it can have been drawn by now. `works`: whether this person does it."""

    rule: Review
    month: Month
    due: int
    sums: Mapping[str, int] | None
    signatures: tuple[Signature, ...]
    late: bool
    drawable: bool
    works: bool

    @property
    def due_day(self) -> str:
        """The last day (UTC) that is in time."""
        return day_of(self.due - 1).isoformat()

    @property
    def done(self) -> bool:
        return any(one.state == DONE for one in self.signatures)

    @property
    def seen(self) -> int:
        """How many have an outcome."""
        return self.sums["drawn"] - self.sums[MISSING] if self.sums else 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One recording of a sample. `listed`: None where it is no longer here. `note`: "" for none, or not theirs."""

    id: str
    listed: Listed | None
    outcome: str
    person: str
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One month, with the recordings of it that this person may list. `hidden`: how many more there are."""

    of: MonthSeen
    drawn: tuple[Drawn, ...]
    hidden: int

    @property
    def open(self) -> bool:
        """Whether they may write outcomes."""
        return self.of.works and self.of.sums is not None and not self.of.done

    @property
    def signable(self) -> bool:
        """Who signs has seen all of it."""
        return self.open and not self.hidden


def may_see_reviews(rules: Governance, person: Person, now: int, *, reports: bool) -> bool:
    """`reports`: whether they may make a report."""
    return bool(rules.reviews) and (reports or any(does(rules, one, person, now) for one in rules.reviews))


@dataclass(frozen=True, slots=True)
class Reviews:
    """Of one console. `Finder` is of the person who asks now. `reports`: whether they may make a report."""

    people: People

    # -- lists ----------------------------------------------------------------------------------------------------

    def every(self, finder: Finder, draws: Draws, *, reports: bool) -> tuple[MonthSeen, ...]:
        """Newest months first. A custodian that does not answer leaves what is known."""
        asked = [
            (rule, month) for rule in finder.governance.reviews
            if reports or does(finder.governance, rule, finder.person, finder.now)
            for month in months(rule, finder.now)
        ]  # fmt: skip
        with suppress(Refusal):
            self._fetch(finder, draws, asked)
        found = [self._month(finder, rule, month) for rule, month in asked]
        return tuple(sorted(found, key=lambda one: (-one.month.start, one.rule.name)))

    def get(self, finder: Finder, draws: Draws, name: str, month: str, *, reports: bool) -> Seen:
        """Refusals: 404, whether there is none or it is not theirs to see."""
        rule = named(finder.governance, name)
        known = {} if rule is None else {one.name: one for one in months(rule, finder.now)}
        if rule is None or month not in known or not (
            reports or does(finder.governance, rule, finder.person, finder.now)
        ):  # fmt: skip
            raise _not_here()
        with suppress(Refusal):
            self._fetch(finder, draws, [(rule, known[month])])
        seen = self._month(finder, rule, known[month])
        rows = self._rows(name, month)
        here, may_list = finder.listed({row.recording for row in rows})
        # What was erased only those may see who may list whatever there is.
        all_of_it = finder.may_list_anything()
        shown = [row for row in rows if row.recording in may_list or (all_of_it and row.recording not in here)]
        drawn = tuple(
            Drawn(
                row.recording, here.get(row.recording), row.outcome or MISSING, row.person or "", row.at or 0,
                self._note_of(row) if seen.works else "",
            )
            for row in shown
        )  # fmt: skip
        return Seen(seen, drawn, len(rows) - len(drawn))

    def _fetch(self, finder: Finder, draws: Draws, asked: Collection[tuple[Review, Month]]) -> None:
        """A sample that was drawn never changes, and is asked for once."""
        with self.people.database.reading() as connection:
            known = {(one.review, one.month) for one in connection.execute(select(schema.review_samples))}
        for rule, month in asked:
            if (rule.name, month.name) in known or finder.now < month.end + GRACE:
                continue
            sample = draws(rule.name, month.name)
            if sample is None:
                continue
            of = {"review": rule.name, "month": month.name}
            with self.people.database.writing() as connection:
                if connection.scalar(select(exists().where(*_of(_SAMPLES, rule.name, month.name)))):
                    continue  # another page asked at the same time
                connection.execute(insert(schema.review_samples).values(**of, drawn_at=self.people.clock()))
                if sample:
                    rows = [of | {"recording": one} for one in sorted(set(sample))]
                    connection.execute(insert(schema.review_outcomes), rows)

    def _month(self, finder: Finder, rule: Review, month: Month) -> MonthSeen:
        with self.people.database.reading() as connection:
            fetched = connection.scalar(select(exists().where(*_of(_SAMPLES, rule.name, month.name))))
            asked = select(schema.review_signatures).where(*_of(_SIGNED, rule.name, month.name))
            rows = connection.execute(asked.order_by(_SIGNED.at, _SIGNED.id)).all()
        signatures = tuple(Signature(row.id, row.person, row.state, row.at) for row in rows)
        ends = due(rule, month)
        finished = min((one.at for one in signatures if one.state == DONE), default=finder.now)
        return MonthSeen(
            rule, month, ends, sums(self.outcomes(rule.name, month.name)) if fetched else None, signatures,
            finished >= ends, finder.now >= month.end + GRACE, does(finder.governance, rule, finder.person, finder.now),
        )  # fmt: skip

    def outcomes(self, name: str, month: str) -> dict[str, str]:
        """Of every recording that was drawn."""
        return {row.recording: row.outcome or MISSING for row in self._rows(name, month)}

    def _rows(self, name: str, month: str) -> list[Row[Any]]:
        asked = select(schema.review_outcomes).where(*_of(_OUTCOMES, name, month)).order_by(_OUTCOMES.recording)
        with self.people.database.reading() as connection:
            return list(connection.execute(asked))

    # -- acts -----------------------------------------------------------------------------------------------------

    def note_looked(self, finder: Finder, seen: Seen, shown: list[str], origin: str) -> None:
        """`shown`: which recordings of it."""
        self._note(finder, seen.of.rule.name, {"step": "looked", "month": seen.of.month.name}, shown, origin)

    def judge(self, finder: Finder, seen: Seen, recording: str, outcome: str, note: str, origin: str) -> None:  # noqa: PLR0917 - what is written
        """Refusals: 404 for what was not drawn, or not theirs to list; 403 not-yours; 409 review-signed;
        422 no-outcome, bad-reason."""
        name, month = seen.of.rule.name, seen.of.month.name
        if not any(one.id == recording for one in seen.drawn):
            raise _not_here()
        if not seen.of.works:
            raise Refusal(403, "not-yours", "the signed rules give this review to others")
        if outcome not in OUTCOMES:
            raise Refusal(422, "no-outcome", "an outcome is fine, finding or escalated")
        # A finding needs words; what is fine may stay without.
        text = written(note) if note.strip() or outcome != FINE else ""
        sealed = self.people.sealer.seal(_bound(name, month, recording), {"note": text}) if text else None
        values = {"person": finder.person.id, "at": self.people.clock(), "outcome": outcome, "note": sealed}
        with self.people.database.writing() as connection:
            done = select(exists().where(*_of(_SIGNED, name, month), _SIGNED.state == DONE))
            if connection.scalar(done):
                raise Refusal(409, "review-signed", "this month was signed as done")
            of = (*_of(_OUTCOMES, name, month), _OUTCOMES.recording == recording)
            connection.execute(update(schema.review_outcomes).where(*of).values(values))
            facts: dict[str, object] = {"step": "judged", "month": month, "outcome": outcome}
            self._note(finder, name, facts, [recording], origin)

    def keep(self, finder: Finder, signed: Signed, reviewed: str, origin: str) -> None:
        """What the custodian found good. `reviewed`: what it signed of it."""
        said = Statement.read(signed.claims)
        row = {
            "id": signed.id, "review": said.review, "month": said.month.name, "person": finder.person.id,
            "state": said.state, "at": self.people.clock(), "token": signed.token, "reviewed": reviewed,
        }  # fmt: skip
        with self.people.database.writing() as connection:
            connection.execute(insert(schema.review_signatures).values(row))
            facts = {"step": "signed", "month": said.month.name, "state": said.state, **said.sums}
            self._note(finder, said.review, facts, [], origin)

    def list_of(self, seen: Seen) -> str:
        """What the custodian compares with the signed hash. Refusals: 403 not-yours; 409 review-signed."""
        if seen.of.done:
            raise Refusal(409, "review-signed", "this month was signed as done")
        if not seen.signable:
            raise Refusal(403, "not-yours", "who signs a review does it, and may see every recording of it")
        return listed(self.outcomes(seen.of.rule.name, seen.of.month.name))

    def forget(self, recordings: Collection[str]) -> None:
        """Notes on recordings that are being erased; that it was drawn, and its outcome, stay."""
        gone = _OUTCOMES.recording.in_(recordings) & _OUTCOMES.note.is_not(None)
        with self.people.database.reading() as connection:
            if not connection.scalar(select(exists().where(gone))):
                return  # as for nearly all: there is nothing to write
        with self.people.database.writing() as connection:
            connection.execute(update(schema.review_outcomes).where(gone).values(note=None))
        self.people.database.settle()

    # -- what is written ------------------------------------------------------------------------------------------

    def _note_of(self, row: Row[Any]) -> str:
        if not row.note:
            return ""
        return self.people.sealer.open(_bound(row.review, row.month, row.recording), row.note).text("note")

    def _note(self, finder: Finder, name: str, facts: dict[str, object], of: list[str], origin: str) -> None:
        facts |= {"recordings": of} if of else {}
        self.people.note(Noted("review", finder.person.id, origin, [name], facts))


def _of(columns: Any, name: str, month: str) -> tuple[Any, ...]:
    return columns.review == name, columns.month == month


def _bound(name: str, month: str, recording: str) -> str:
    return f"review {name} {month} {recording}"


def _not_here() -> Refusal:
    return Refusal(404, "no-such-path", "there is no such review, or you may not see it")
