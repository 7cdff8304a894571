"""Adds up the accounts of a period's recordings, one recording at a time: memory grows with days, groups and rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from protocol.numbers import is_integer
from review.report.model import Model, Policy, RuleSum, Sums
from review.search.facts import Listed, read
from store.catalog import schema
from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.catalog.queries import legible
from store.clock import SECOND
from store.evidence.account import by_reason, by_rule, totals
from store.evidence.earlier import Earlier
from store.evidence.evidence import Evidence, Policies
from store.evidence.isolation import Unreadable, isolated
from store.evidence.rules import UNREAD
from store.evidence.timeline.recording import rule_name, state
from store.evidence.verify.recording import Report

DAY: Final = 86_400 * SECOND
MOST_NAMES: Final = 1_000  # of rules, groups, reasons and policies each: a PC may write as many as it likes
OTHERS: Final = "others"
_PAGE: Final = 500
_LONGEST: Final = 200  # characters of a name


def candidates(start: int, end: int) -> ColumnElement[bool]:
    """Every recording that can have begun in the period: its start is never later than its PC's or its arrival."""
    columns = schema.recordings.c
    return and_(columns.opened_at >= start - DAY, or_(columns.opened_at < end + DAY, columns.start < end + DAY))


def size(database: Database, start: int, end: int) -> int:
    asked = select(func.count()).select_from(schema.recordings).where(candidates(start, end))
    with database.reading() as connection:
        return connection.scalar(asked) or 0


@dataclass
class Counting:
    """`examine`: the store's verify of one; None where it is not asked for."""

    model: Model
    database: Database
    blobs: BlobStore
    examine: Callable[[str], Report] | None
    _runs: Earlier = field(default_factory=Earlier)
    _names: Policies = field(default_factory=Policies)
    _rules: dict[tuple[str, str, str], RuleSum] = field(default_factory=dict)
    _policies: dict[str, Policy] = field(default_factory=dict)

    def run(self, advance: Callable[[int], None]) -> None:
        for row in self._rows():
            self._one(row)
            advance(1)
        order = sorted(self._rules.values(), key=lambda one: (one.lane, -one.closed - one.margin, one.rule))
        self.model.rules = order
        self.model.policies = sorted(self._policies.values(), key=lambda one: (one.first, one.hash))

    def _rows(self) -> Iterator[Any]:
        columns, after = schema.recordings.c, ""
        asked = select(columns.id, columns.start, columns.opened_at).where(candidates(self.model.start, self.model.end))
        while True:
            with self.database.reading() as connection:
                page = asked.where(columns.id > after).order_by(columns.id).limit(_PAGE)
                rows = connection.execute(page).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def _one(self, row: Any) -> None:
        with self.database.reading() as connection:
            found = isolated(partial(self._read, connection, row.id))
        if isinstance(found, Unreadable):
            known = [one for one in (row.start, row.opened_at) if is_integer(one)]
            if not known or self.model.start <= min(known) < self.model.end:
                self.model.unreadable.add(legible(row.id))
                self._count(self.model.states, "unreadable", 1)
            return
        listed, evidence, readable = found
        if not self.model.start <= listed.start < self.model.end:
            return
        self._count(self.model.states, state(evidence), 1)
        self._policy(evidence, listed, readable)
        day = datetime.fromtimestamp(listed.start // SECOND).astimezone().date().isoformat()
        group = self._named(listed.whose.group, self.model.groups, "groups")
        for lane in evidence.lanes:
            self._lane(evidence, lane, day, group)
        if self.examine is not None:
            self._verified(self.examine(str(evidence.recording.id)), listed.recording)

    def _read(self, connection: Connection, name: str) -> tuple[Listed, Evidence, bool]:
        listed, evidence = read(connection, self.blobs, UUID(name), self._runs)
        readable = self._names.names_of(connection, evidence.recording.policy) is not UNREAD
        return listed, evidence, readable

    def _lane(self, evidence: Evidence, lane: str, day: str, group: str) -> None:
        parts = evidence.account_of(lane)
        made = Sums(recordings=1, whole=evidence.length, **asdict(totals(parts)))
        for sums in (
            self.model.lanes.setdefault(lane, Sums()),
            self.model.days.setdefault(day, {}).setdefault(lane, Sums()),
            self.model.groups.setdefault(group, {}).setdefault(lane, Sums()),
        ):
            for name, value in asdict(made).items():
                setattr(sums, name, getattr(sums, name) + value)
        here = set[tuple[str, str, str]]()
        for time in by_rule(parts):
            called = rule_name(evidence, time.policy, time.rule)
            key = self._rule(lane, called.id[:_LONGEST], called.why[:_LONGEST])
            rule = self._rules.setdefault(key, RuleSum(*key))
            rule.recordings += key not in here
            here.add(key)
            rule.times, rule.closed, rule.margin = (
                rule.times + time.times, rule.closed + time.closed, rule.margin + time.margin,
            )  # fmt: skip
        kinds = self.model.reasons.setdefault(lane, {"held": {}, "blind": {}, "missing": {}})
        for kind, reasons in by_reason(parts).items():
            for reason, ns in reasons.items():
                self._count(kinds[kind], self._named(reason[:_LONGEST], kinds[kind], "reasons"), ns)

    def _rule(self, lane: str, rule: str, why: str) -> tuple[str, str, str]:
        key = (lane, rule, why)
        if key in self._rules or len(self._rules) < MOST_NAMES:
            return key
        self._count(self.model.overflow, "rules", 1)
        return lane, OTHERS, ""

    def _named(self, name: str, known: Collection[str], what: str) -> str:
        if name in known or len(known) < MOST_NAMES:
            return name
        self._count(self.model.overflow, what, 1)
        return OTHERS

    def _policy(self, evidence: Evidence, listed: Listed, readable: bool) -> None:
        name = self._named(legible(evidence.recording.policy), self._policies, "policies")
        known = self._policies.get(name, Policy(name, 0, listed.start, listed.start, readable))
        self._policies[name] = replace(
            known, recordings=known.recordings + 1, first=min(known.first, listed.start),
            last=max(known.last, listed.start), readable=known.readable and readable,
        )  # fmt: skip

    def _verified(self, report: Report, recording: str) -> None:
        verified = self.model.verified
        verified.recordings += 1
        verified.sound += report.sound
        for finding in report.findings:
            self._count(verified.findings, finding.code, 1)
        for check, _ in report.not_checked:
            self._count(verified.not_checked, check, 1)
        if not report.sound and len(verified.unsound) < MOST_NAMES:
            verified.unsound.append(recording)

    @staticmethod
    def _count(into: dict[str, int], name: str, many: int) -> None:
        into[name] = into.get(name, 0) + many
