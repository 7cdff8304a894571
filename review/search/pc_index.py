"""Takes alarms, gaps and uses of rules of all PCs in as rows: what lists are filtered and paged by.

The catalog has the alarms; gaps and uses come out of what each PC sent, which takes too long to ask when a page is
asked for (docs/decisions/0084).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, Row, delete, insert, select

from protocol.envelope import lane_of
from review.languages import local
from review.search.pc_schema import (
    ALARM,
    CAUSES,
    CONTRADICTED,
    ERASED,
    GAP,
    OPEN,
    SETTLED,
    UNEXPLAINED,
    lines,
    pcs,
    rules,
    uses,
)
from store.catalog import schema as catalog
from store.catalog.database import Database
from store.catalog.queries import Device, legible, padded
from store.clock import MINUTE
from store.evidence.account import Interval, Missing, union, without
from store.evidence.earlier import MOST_EACH
from store.evidence.evidence import MOST_POLICIES, Evidence, Policies, gather
from store.evidence.isolation import Unreadable, isolated
from store.evidence.rules import PolicyNames, at_most
from store.evidence.timeline.gaps import SILENT, DeviceGaps, Hole, Short, entries_since, gaps
from store.evidence.timeline.rule_usage import RuleUse, rule_usage

DAY: Final = 24 * 60 * MINUTE
WEEK: Final = 7 * DAY  # so far back gaps and rules are looked at, as `eyelid-store gaps` does
MOST_MEASURED: Final = 200  # recordings of a PC of which what is missing is measured
MOST_RULES: Final = 1000  # of a PC
AT_ONCE: Final = 1000  # alarms that are taken in at once
LATE: Final = 200  # numbers of alarms, and of acknowledgements, that may be shown after a higher one


def day_of(ns: int) -> int:
    return local(ns).date().toordinal()


@dataclass(slots=True)
class _Taken:
    """What of a table was taken in, by its numbers. PostgreSQL shows a lower number after a higher one where two
    transactions wrote at once: so the LATE last are looked at again."""

    last: int = 0
    seen: set[int] = field(default_factory=set)

    def new(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        return [row for row in rows if row.id not in self.seen]

    def took(self, rows: Sequence[Row[Any]]) -> None:
        self.seen.update(row.id for row in rows)
        self.last = max(self.seen, default=self.last)
        self.seen = {one for one in self.seen if one > self.last - LATE}


@dataclass
class PcIndex:
    """`index`: as `opened` gives it."""

    catalog: Database
    index: Database
    _alarms: _Taken = field(default_factory=_Taken)
    _audit: _Taken = field(default_factory=_Taken)
    _taking: threading.Lock = field(default_factory=threading.Lock)

    # -- alarms ---------------------------------------------------------------------------------------------------

    def take_in_alarms(self) -> None:
        """What was raised and acknowledged since: rows are added to both tables and none changes."""
        with self._taking:
            while self._take_in_some():
                pass

    def _take_in_some(self) -> bool:
        alarms, audit = catalog.alarms.c, catalog.audit.c
        most = AT_ONCE + LATE
        with self.catalog.reading() as connection:
            # Acknowledgements first: whatever one is about is then among the alarms.
            asked = select(catalog.audit).where(audit.id > self._audit.last - LATE, audit.alarm.is_not(None))
            settled = connection.execute(asked.order_by(audit.id).limit(most)).all()
            asked = select(catalog.alarms).where(alarms.id > self._alarms.last - LATE)
            raised = connection.execute(asked.order_by(alarms.id).limit(most)).all()
        if len(raised) == most:
            settled = []  # no word of alarms that are still to come
        raised, settled = self._alarms.new(raised), self._audit.new(settled)
        if not raised and not settled:
            return False
        rows = [_alarm(row) | {"list": name} for row in raised for name in (ALARM, OPEN)]
        with self.index.writing() as connection:
            if rows:
                connection.execute(insert(lines), rows)
            for row in settled:
                _settle(connection, row)
        self._alarms.took(raised)
        self._audit.took(settled)
        return True

    # -- what PCs sent --------------------------------------------------------------------------------------------

    def marks(self, devices: Sequence[Device], now: int) -> dict[str, str]:
        """Of each PC what changes when there is something new to read of it, and each day."""
        health, batches, stored = catalog.health.c, catalog.ledger_batches.c, catalog.stored.c
        with self.catalog.reading() as connection:
            heard = {row.device: row.at for row in connection.execute(select(health.device, health.at))}
            newest = select(batches.device, sa.func.max(batches.id)).where(batches.accepted.is_(True))
            last = _pairs(connection, newest.group_by(batches.device))
            total = {row.device: row.total for row in connection.execute(select(stored.device, stored.total))}
            columns = catalog.erasures.c
            gone = _pairs(connection, select(columns.device, sa.func.count()).group_by(columns.device))
        made = {}
        for one in devices:
            at = heard.get(one.id)
            silent = at is not None and one.revoked_at is None and now - at > SILENT
            every = (at, last.get(one.id), total.get(one.id), gone.get(one.id), one.revoked_at, now // DAY)
            made[one.id] = f"{every} {now // (60 * MINUTE) if silent else ''}"  # how long it is silent grows
        return made

    def read(self, device: Device, now: int, policies: Policies) -> PcReading:
        since = now - WEEK
        found = isolated(partial(gaps, self.catalog, device, since=since, now=now, zone=None, policies=policies))
        if isinstance(found, Unreadable):
            return PcReading(why=str(found))
        used = isolated(partial(self._used, device, since, policies))
        unused = isinstance(used, Unreadable)
        reading = PcReading(why=str(used) if unused else "", more=found.more)
        reading.lines = [row | {"device": device.id} for row in self._lines(found)]
        reading.used = {} if isinstance(used, Unreadable) else dict(list(used.items())[:MOST_RULES])
        return reading

    def _used(self, device: Device, since: int, policies: Policies) -> dict[str, RuleUse]:
        def names_of(policy: str) -> PolicyNames:
            with self.catalog.reading() as connection:
                return policies.names_of(connection, policy)

        entries = entries_since(self.catalog, device, since)
        return rule_usage(entries, at_most(MOST_POLICIES, names_of), since, day_of)

    def _lines(self, found: DeviceGaps) -> Iterator[dict[str, Any]]:
        for span in found.unexplained:
            at, until = span.start - found.clock_off, span.end - found.clock_off
            yield _line(GAP, at, UNEXPLAINED, until=until, length=until - at, why=", ".join(span.why))
        named = [str(short.recording) for short in found.recordings]
        named += [one.recording for one in found.contradicted if one.recording]
        came = self._came(found.device, named)
        otherwise = found.heard or found.device.enrolled_at
        for number, short in enumerate(found.recordings):
            missing = self._missing(short) if number < MOST_MEASURED and short.start is not None else {}
            at = came.get(str(short.recording), otherwise)
            for kind in dict.fromkeys([*([short.why] if short.why else []), *(hole.why for hole in short.holes)]):
                holes = [hole for hole in short.holes if hole.why == kind]
                chunks = sum(hole.last - hole.first + 1 for hole in holes) if holes else None
                yield _line(GAP, at, kind, recording=str(short.recording), number=chunks, length=missing.get(kind))
        for one in found.contradicted:
            at = came.get(one.recording or "", otherwise)
            where = {"recording": one.recording, "stream": one.stream, "sequence": one.sequence}
            yield _line(GAP, at, CONTRADICTED, **where)
        for gone in found.erased:
            if gone.order is not None:
                yield _line(ERASED, gone.order.at, ERASED, recording=gone.recording)

    def _came(self, device: Device, recordings: Sequence[str]) -> dict[str, int]:
        """When each was first heard of, by the store's clock."""
        found: dict[str, int] = {}
        here, entry, named = catalog.recordings.c, catalog.ledger_lines.c, catalog.reported_heads.c
        batch = catalog.ledger_batches.c
        opened = (
            select(entry.recording, sa.func.min(batch.received_at))
            .join_from(catalog.ledger_lines, catalog.ledger_batches)
            .where(entry.device == device.id)
        )
        heads = select(named.recording, sa.func.min(named.at)).where(named.device == device.id)
        with self.catalog.reading() as connection:
            for at in range(0, len(recordings), 500):
                some = padded(recordings[at : at + 500])
                for asked in (
                    heads.where(named.recording.in_(some)).group_by(named.recording),
                    opened.where(entry.recording.in_(some)).group_by(entry.recording),
                    select(here.id, here.opened_at).where(here.id.in_(some)),
                ):
                    found |= _pairs(connection, asked)
        return found

    def _missing(self, short: Short) -> dict[str, int]:
        """Cause -> ns of the lane that lacks most for it; without what cannot be read."""

        def measured() -> dict[str, int]:
            with self.catalog.reading() as connection:
                evidence = gather(connection, UUID(str(short.recording)), whole=True, most=MOST_EACH, policies=False)
            found = dict[str, int]()
            for lane in evidence.lanes:
                here = [Interval(one.start, one.end) for one in evidence.account_of(lane)
                        if isinstance(one.cause, Missing)]  # fmt: skip
                holes = [hole for hole in short.holes if lane_of(hole.stream) == lane]
                for kind in CAUSES:
                    own = union(_time_of(hole, evidence) for hole in holes if hole.why == kind)
                    left = list(without(here, own))
                    found[kind] = max(found.get(kind, 0), _long(here) - _long(left))
                    here = left
            return found

        found = isolated(measured)
        return {} if isinstance(found, Unreadable) else found

    def known_marks(self) -> dict[str, str]:
        with self.index.reading() as connection:
            return _pairs(connection, select(pcs.c.device, pcs.c.mark))

    def put(self, readings: Sequence[tuple[str, str, int, PcReading]]) -> None:
        """In place of what was there of these PCs. Of each its id, mark, and when it was read."""
        with self.index.writing() as connection:
            for device, mark, at, one in readings:
                connection.execute(delete(lines).where(lines.c.list.in_((GAP, ERASED)), lines.c.device == device))
                for table in (rules, uses, pcs):
                    connection.execute(delete(table).where(table.c.device == device))
                row = {"device": device, "mark": mark, "read_at": at, "why": one.why, "more": int(one.more)}
                connection.execute(insert(pcs), row)
                if one.lines:
                    connection.execute(insert(lines), one.lines)
                if one.used:
                    connection.execute(insert(rules), [
                        {"rule": name, "device": device, "why": use.why, "known": use.known}
                        for name, use in one.used.items()
                    ])  # fmt: skip
                days = [
                    {"rule": name, "device": device, "day": day, "times": on.times, "ns": on.ns,
                     "would_times": on.would_times, "would_ns": on.would_ns, "last": on.last}
                    for name, use in one.used.items() for day, on in use.days.items()
                ]  # fmt: skip
                if days:
                    connection.execute(insert(uses), days)


def _pairs(connection: Connection, asked: sa.Select[Any]) -> dict[str, Any]:
    """The first column -> the second."""
    return {row[0]: row[1] for row in connection.execute(asked)}


def _time_of(hole: Hole, evidence: Evidence) -> Interval:
    """From the chunk before it to the one after it."""
    chain = evidence.chosen.streams.get(hole.stream, ())
    start = max((one.span.end for one in chain if one.sequence < hole.first), default=0)
    end = min((one.span.start for one in chain if one.sequence > hole.last), default=evidence.length)
    return Interval(start, max(start, end))


def _long(spans: Iterable[Interval]) -> int:
    return sum(end - start for start, end in spans)


@dataclass(slots=True)
class PcReading:
    """Of one PC. `lines`: rows of GAP and ERASED."""

    why: str = ""
    more: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)
    used: dict[str, RuleUse] = field(default_factory=dict)


_NOTHING: Final = dict.fromkeys(("until", "length", "number", "recording", "stream", "sequence"))


def _line(kind_of: str, at: int, kind: str, **more: object) -> dict[str, Any]:
    return {"list": kind_of, "at": at, "kind": kind, "why": "", **_NOTHING, **more}


def _alarm(row: Any) -> dict[str, Any]:
    where = {"number": row.id, "recording": row.recording, "stream": row.stream, "sequence": row.sequence}
    return _line(OPEN, row.at, legible(row.code), device=legible(row.device), **where)


def _settle(connection: Connection, entry: Any) -> None:
    """By the first entry about it."""
    columns = lines.c
    of = columns.number == entry.alarm
    open_ = connection.execute(select(lines).where(of, columns.list == OPEN)).mappings().first()
    if open_ is None:
        return
    said = {"settled_at": entry.at, "operator": legible(entry.operator), "why": legible(entry.reason)}
    connection.execute(delete(lines).where(columns.id == open_["id"]))
    connection.execute(sa.update(lines).where(of, columns.list == ALARM).values(said))
    row = {name: value for name, value in open_.items() if name != "id"}
    connection.execute(insert(lines).values(row | said | {"list": SETTLED, "at": entry.at}))
