"""Fills the analysis' job table: with recordings that are over, as far as the signed rules let the analyst have them.

The console has no key, and what it puts here opens nothing: the custodian decides about each recording again, by
consent, too, which stands there alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, select, tuple_

from review.analysis.job_states import DAY, Kind, with_what_follows
from review.analysis.jobs import Jobs, Offer
from review.governance.decide import decide
from review.governance.model import Act, Governance, Person, Question, Reason
from review.search import schema
from review.search.facts import Whose
from review.search.index import EVERY, UNREADABLE
from store.catalog.database import Database
from store.clock import Clock, wall

PAGE: Final = 200
RECENT: Final = 2 * DAY  # what was opened since is looked at in each pass: most is over by then
AGAIN: Final = DAY  # from one walk through all of the index to the next: some end days later
_REST: Final = 20  # times as long as a pass took nothing is done
_Key = tuple[int, str]
_NEWEST: Final[_Key] = (2**63 - 1, "")
_FOUND: Final = select(schema.found, schema.owners.c.group_name, schema.owners.c.os_user).join(schema.owners)


def analysts(rules: Governance, now: int) -> list[Person]:
    """Whom the signed rules give a role with the act `analyse` now."""
    held = [
        (rule.person, rules.roles[role])
        for rule in rules.people
        if rule.since <= now < rule.until
        for role in sorted(rule.roles & rules.roles.keys())
    ]
    may = dict.fromkeys(id for id, role in held if Act.ANALYSE in role.may and now < role.until)  # noqa: A001
    return [rules.person(one) for one in may]


def makes(rules: Governance, worker: str, now: int) -> frozenset[Kind]:
    """Which kinds the signed rules let somebody make now, of whatever recordings."""
    held = [grant.role for grant in rules.person(worker).grants if grant.since <= now < grant.until]
    roles = [rules.roles[role] for role in held if role in rules.roles]
    return frozenset(kind for role in roles if Act.ANALYSE in role.may and now < role.until for kind in role.analyses)


def refused(
    rules: Governance, people: Sequence[Person], row: Row[Any], now: int, kind: Kind | None = None
) -> tuple[Reason, ...]:
    """Why none of them may make this kind of it, or any; empty where one may. `row`: of the index, with its owner."""
    recording = Whose(row.group_name, row.os_user).recording(rules, row.start, end=row.start + row.length)
    reasons: tuple[Reason, ...] = (Reason("no line of the signed rules lets anybody analyse", rules.where),)
    for one in people:
        decision = decide(rules, Question(one, Act.ANALYSE, now, recording, kind=kind))
        if decision.granted:
            return ()
        reasons = decision.reasons
    return reasons


@dataclass
class ToAnalyse:
    """`index`: of schema. `models`: of `versions`. One thread passes."""

    index: Database
    jobs: Jobs
    rules: Callable[[], Governance]
    models: Mapping[Kind, str]
    clock: Clock = wall
    _by: Governance | None = None
    _may: bool = False
    _walk: _Key | None = None
    _walked: int = -AGAIN
    _in: set[str] = field(default_factory=set)  # recordings whose jobs are all in the table, since the last walk

    def pass_once(self, stop: threading.Event | None = None) -> bool:
        """Whether there is more to do at once. Where the rules allow nothing more, what is not done is withdrawn."""
        rules, now = self.rules(), self.clock()
        people = analysts(rules, now)
        if rules is not self._by or bool(people) != self._may:
            self._by, self._may, self._walked = rules, bool(people), now - AGAIN
            if not people:
                self.jobs.withdraw()
        if not people:
            return False
        if now - self._walked >= AGAIN:
            self._walk, self._walked = _NEWEST, now
            self._in.clear()
        key: _Key | None = _NEWEST
        while key is not None and key[0] >= now - RECENT and not (stop is not None and stop.is_set()):
            key = self._page(rules, people, now, key)
        if self._walk is not None:
            self._walk = self._page(rules, people, now, self._walk)
        return self._walk is not None

    def _page(self, rules: Governance, people: Sequence[Person], now: int, before: _Key) -> _Key | None:
        columns = schema.found.c
        asked = _FOUND.where(tuple_(columns.opened_at, columns.recording) < before)
        with self.index.reading() as connection:
            newest = asked.order_by(columns.opened_at.desc(), columns.recording.desc()).limit(PAGE)
            rows = connection.execute(newest).all()
        over = [row for row in rows if is_over(row) and row.recording not in self._in]
        known = self.jobs.known([row.recording for row in over], self.models)
        offers = list[Offer]()
        for row in over:
            kinds = tuple(one for one in kinds_of(row) if not refused(rules, people, row, now, one))
            if against := known[row.recording].difference(kinds):
                self.jobs.withdraw([row.recording], against)
            if not known[row.recording].issuperset(kinds):
                offers.append(Offer(row.recording, row.start, row.opened_at, kinds))
            elif kinds:
                self._in.add(row.recording)
        if offers:
            self.jobs.offer(offers, self.models)
        return (rows[-1].opened_at, rows[-1].recording) if len(rows) == PAGE else None

    def ask(self, recording: str) -> int | tuple[Reason, ...]:
        """A person's request: how many jobs of it are left, or why there are none."""
        rules, now = self.rules(), self.clock()
        with self.index.reading() as connection:
            row = connection.execute(_FOUND.where(schema.found.c.recording == recording)).first()
        if row is None:
            return (Reason("the console knows no such recording", ""),)
        people = analysts(rules, now)
        if against := refused(rules, people, row, now):
            return against
        if not is_over(row):
            return (Reason("it goes on, or its PC has not signed its end yet", ""),)
        kinds = tuple(one for one in kinds_of(row) if not refused(rules, people, row, now, one))
        self.jobs.offer([Offer(recording, row.start, row.opened_at, kinds)], self.models)
        return self.jobs.ask(recording)

    def follow(self, stop: threading.Event, failed: Callable[[str], None]) -> None:
        """Until `stop`; `failed` gets the kind of an error, after which it is tried again."""
        while not stop.is_set():
            more, began = False, time.monotonic()
            try:
                more = self.pass_once(stop)
            except Exception as error:  # noqa: BLE001 - a database that is locked or damaged ends no console
                failed(type(error).__name__)
            if not more:
                stop.wait(max(EVERY, _REST * (time.monotonic() - began)))


def is_over(row: Row[Any]) -> bool:
    return row.look_at is None and row.state != UNREADABLE


def kinds_of(row: Row[Any]) -> tuple[Kind, ...]:
    """No recording has a lane of text yet."""
    sources = ((row.sound, Kind.SPEECH), (row.screens, Kind.SCREEN_TEXT))
    return with_what_follows(kind for there, kind in sources if there)
