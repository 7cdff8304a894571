"""Alarms, gaps and uses of rules of all PCs as rows: what lists are filtered and paged by.

The catalog has the alarms; gaps and uses come out of what each PC sent, which takes too long to ask when a page is
asked for (docs/decisions/0084). The file is made anew at each start of a console.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, Text, delete, insert, select

from review.languages import local
from store.catalog import schema as catalog
from store.catalog.database import Database, explained
from store.catalog.queries import Device, legible, padded
from store.clock import MINUTE
from store.evidence.account import totals
from store.evidence.earlier import MOST_EACH
from store.evidence.evidence import MOST_POLICIES, Policies, gather
from store.evidence.isolation import Unreadable, isolated
from store.evidence.rules import PolicyNames, at_most
from store.evidence.timeline.gaps import SILENT, DeviceGaps, Short, entries_since, gaps
from store.evidence.timeline.rule_usage import RuleUse, rule_usage

# What a list is of. An alarm is in ALARM by when it was raised, and in OPEN by the same, or in SETTLED by when it was
# acknowledged.
ALARM, OPEN, SETTLED, GAP, ERASED = "alarm", "open", "settled", "gap", "erased"
UNEXPLAINED, CONTRADICTED, LOST = "unexplained", "contradicted", "lost"
GAPS: Final = (LOST, "given-up", "on-its-way", UNEXPLAINED, CONTRADICTED)
DAY: Final = 24 * 60 * MINUTE
WEEK: Final = 7 * DAY  # so far back gaps and rules are looked at, as `eyelid-store gaps` does
MOST_MEASURED: Final = 200  # recordings of a PC of which what is missing is measured
MOST_RULES: Final = 1000  # of a PC
AT_ONCE: Final = 1000  # alarms that are taken in at once
metadata: Final = sa.MetaData()
_Number: Final = BigInteger().with_variant(Integer, "sqlite")

# `mark`: of what a PC had sent when it was read; one that sent nothing since is not read again. `why`: "" for one that
# could be read. `more`: whether it has more gaps than are listed.
pcs: Final = Table(
    "pcs", metadata, Column("device", String(36), primary_key=True), Column("read_at", BigInteger, nullable=False),
    Column("mark", Text, nullable=False), Column("why", Text, nullable=False), Column("more", Integer, nullable=False),
)  # fmt: skip

lines: Final = Table(
    "lines",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("list", String(8), nullable=False),
    Column("device", String(36), nullable=False),
    Column("at", BigInteger, nullable=False),  # ns by the store's clock
    Column("kind", Text, nullable=False),  # an alarm's code, or one of GAPS
    Column("until", BigInteger),  # of time that is unexplained
    Column("length", BigInteger),  # ns that are lost, where they were measured
    Column("number", BigInteger),  # an alarm's, or how many chunks
    Column("why", Text, nullable=False, server_default=""),
    Column("recording", String(36)),
    Column("stream", Integer),
    Column("sequence", BigInteger),
    Column("settled_at", BigInteger),
    Column("operator", Text),
    Index("ix_lines_list_at", "list", "at", "id", "device"),
    Index("ix_lines_list_kind_at", "list", "kind", "at", "id", "device"),
    Index("ix_lines_list_device_at", "list", "device", "at", "id"),
    Index("ix_lines_alarm", "number", sqlite_where=sa.text("list in ('alarm', 'open')")),
)

rules: Final = Table(
    "rules", metadata, Column("rule", Text, primary_key=True), Column("device", String(36), primary_key=True),
    Column("why", Text, nullable=False), Column("known", BigInteger, nullable=False),
    Index("ix_rules_device", "device"), sqlite_with_rowid=False,
)  # fmt: skip

uses: Final = Table(
    "uses", metadata, Column("rule", Text, primary_key=True), Column("device", String(36), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False), Column("times", BigInteger, nullable=False),
    Column("ns", BigInteger, nullable=False), Column("would_times", BigInteger, nullable=False),
    Column("would_ns", BigInteger, nullable=False), Column("last", BigInteger, nullable=False),
    Index("ix_uses_device", "device"), sqlite_with_rowid=False,
)  # fmt: skip


def opened(path: Path) -> Database:
    """Empty, whatever was there: it is made of what can be read anew. Raises StoreError."""
    with explained(str(path)):
        for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            one.unlink(missing_ok=True)
        path.touch(0o600)
    database = Database.sqlite(path)
    with explained(str(path)), database.writing() as connection:
        metadata.create_all(connection)
    return database


def day_of(ns: int) -> int:
    return local(ns).date().toordinal()


@dataclass
class PcIndex:
    """`index`: as `opened` gives it."""

    catalog: Database
    index: Database
    _alarm: int = 0  # the last that was taken in
    _audit: int = 0
    _taking: threading.Lock = field(default_factory=threading.Lock)

    # -- alarms ---------------------------------------------------------------------------------------------------

    def take_in_alarms(self) -> None:
        """What was raised and acknowledged since: rows are added to both tables and none changes."""
        with self._taking:
            while self._take_in_some():
                pass

    def _take_in_some(self) -> bool:
        alarms, audit = catalog.alarms.c, catalog.audit.c
        with self.catalog.reading() as connection:
            asked = select(catalog.alarms).where(alarms.id > self._alarm).order_by(alarms.id).limit(AT_ONCE)
            raised = connection.execute(asked).all()
            known = raised[-1].id if len(raised) == AT_ONCE else None  # no word of alarms that are still to come
            settled_of = select(catalog.audit).where(audit.id > self._audit, audit.alarm.is_not(None))
            settled = [] if known else connection.execute(settled_of.order_by(audit.id).limit(AT_ONCE)).all()
        if not raised and not settled:
            return False
        rows = [_alarm(row) | {"list": name} for row in raised for name in (ALARM, OPEN)]
        with self.index.writing() as connection:
            if rows:
                connection.execute(insert(lines), rows)
            for row in settled:
                _settle(connection, row)
        self._alarm = raised[-1].id if raised else self._alarm
        self._audit = settled[-1].id if settled else self._audit
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
            length = self._missing(short) if number < MOST_MEASURED and short.start is not None else None
            at = came.get(str(short.recording), otherwise)
            for kind in dict.fromkeys([*([short.why] if short.why else []), *(hole.why for hole in short.holes)]):
                holes = [hole for hole in short.holes if hole.why == kind]
                chunks = sum(hole.last - hole.first + 1 for hole in holes) if holes else None
                lost = length if kind == LOST or not any(hole.why == LOST for hole in short.holes) else None
                yield _line(GAP, at, kind, recording=str(short.recording), number=chunks, length=lost)
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

    def _missing(self, short: Short) -> int | None:
        """ns of the lane that lacks most."""

        def measured() -> int:
            with self.catalog.reading() as connection:
                evidence = gather(connection, UUID(str(short.recording)), whole=True, most=MOST_EACH, policies=False)
            return max((totals(evidence.account_of(lane)).missing for lane in evidence.lanes), default=0)

        found = isolated(measured)
        return None if isinstance(found, Unreadable) else found

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


# -- the questions ----------------------------------------------------------------------------------------------------

SIZE: Final = 50  # rows of a page
MOST: Final = 10_000  # that are counted
MANY: Final = 400  # PCs that are looked up one by one; of more, all lines are gone through
_END: Final = 2**63 - 1
Key = tuple[int, int]
"""Moment (ns) and number of the last line of a page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Lines of one list. `since`, `until`: ns. `after`: where the page begins."""

    list: str
    kind: str = ""
    since: int = 0
    until: int = _END
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """PCs that one may see, and that fit. `every`: they are all that there are."""

    devices: frozenset[str]
    every: bool

    @property
    def few(self) -> bool:
        return not self.every and len(self.devices) <= MANY


@dataclass(frozen=True, slots=True)
class Lines:
    """`count`: of all pages, MOST + 1 for more than MOST. `following`: where the next page begins."""

    rows: tuple[Any, ...]
    count: int
    following: Key | None


_WHERE: Final = "x.list = :list and x.at >= :since and x.at < :until"
_KIND: Final = " and x.kind = :kind"
_BEFORE: Final = " and (x.at, x.id) < (:at, :id)"
_THESE: Final = " and +x.device in (select value from json_each(:devices))"
_NEWEST: Final = " order by x.at desc, x.id desc limit :most"
# Of each PC so many as a page has, newest first, and of these the page.
_FEW: Final = (
    "select x.at, x.id from json_each(:devices) d cross join lines x on x.id in"
    " (select x.id from lines x indexed by ix_lines_list_device_at"
    " where x.device = d.value and {where}{newest}){newest}"
)  # fmt: skip
_ANY: Final = "select x.at, x.id from lines x where {where}{newest}"
_COUNT: Final = "select count(*) from (select 1 from lines x{by} where {where} limit :most) counted"
_SUMS: Final = "select x.kind, count(*) number, sum(x.length) length from lines x{by} where {where} group by x.kind"
_OF_FEW: Final = " and x.device in (select value from json_each(:devices))"


def page(connection: Connection, reach: Reach, asked: Asked) -> Lines:
    """`connection`: of the index."""
    if not reach.devices:
        return Lines((), 0, None)
    where, values = _bound(reach, asked)
    at, number = asked.after or (_END, _END)
    place = {"at": at, "id": number, "most": SIZE + 1}
    behind = where + (_BEFORE if asked.after else "")
    question = (_FEW if reach.few else _ANY).format(where=behind + ("" if reach.few else _these(reach)), newest=_NEWEST)
    keys: list[Key] = [(row.at, row.id) for row in connection.execute(sa.text(question), values | place)]
    counting, counted = _bound(reach, replace(asked, after=None))
    counting += _OF_FEW if reach.few else _these(reach)
    count = connection.scalar(sa.text(_COUNT.format(where=counting, by=_by(reach))), counted | {"most": MOST + 1}) or 0
    shown = [own for _, own in keys[:SIZE]]
    rows = connection.execute(select(lines).where(lines.c.id.in_(shown))).all()
    ordered = tuple(sorted(rows, key=lambda row: (row.at, row.id), reverse=True))
    return Lines(ordered, count, keys[SIZE - 1] if len(keys) > SIZE else None)


def sums(connection: Connection, reach: Reach, asked: Asked) -> dict[str, tuple[int, int]]:
    """By kind: how many, and ns that are lost."""
    where, values = _bound(reach, asked)
    question = _SUMS.format(where=where + (_OF_FEW if reach.few else _these(reach)), by=_by(reach))
    return {row.kind: (row.number, row.length or 0) for row in connection.execute(sa.text(question), values)}


def kinds(connection: Connection, reach: Reach, of: str) -> list[str]:
    """Those that there are of a list, which the index gives without a look at each line."""
    asked = "select max(x.kind) from lines x where x.list = :list and x.kind < :kind"
    found, last = list[str](), "\U0010ffff"
    while len(found) < SIZE:
        last = connection.scalar(sa.text(asked), {"list": of, "kind": last}) or ""
        if not last:
            break
        where, values = _bound(reach, Asked(of, last))
        limited = _COUNT.format(where=where + (_OF_FEW if reach.few else _these(reach)), by=_by(reach))
        if connection.scalar(sa.text(limited), values | {"most": 1}):
            found.append(last)
    return sorted(found)


def _by(reach: Reach) -> str:
    """The engine knows nothing of how many PCs there are, and would go through all lines for a few."""
    return " indexed by ix_lines_list_device_at" if reach.few else ""


def _these(reach: Reach) -> str:
    return "" if reach.every else _THESE


def _bound(reach: Reach, asked: Asked) -> tuple[str, dict[str, Any]]:
    at = asked.after[0] + 1 if asked.after else _END
    values: dict[str, Any] = {"list": asked.list, "since": asked.since, "until": min(asked.until, at)}
    values |= {"kind": asked.kind} if asked.kind else {}
    values |= {} if reach.every else {"devices": json.dumps(sorted(reach.devices))}
    return _WHERE + (_KIND if asked.kind else ""), values


# -- rules ------------------------------------------------------------------------------------------------------------

NEVER, CLOSED, WOULD = "never", "closed", "would"


@dataclass(frozen=True, slots=True)
class AskedRules:
    """`first`, `last`: days, both included. `after`: the last rule of the page before."""

    first: int
    last: int
    kind: str = ""
    after: str = ""


_FITS: Final = {
    "": "1", CLOSED: "u.times > 0", WOULD: "u.would_times > 0",
    # As `eyelid-store rules` has it: some PC has had it for nearly all of the time.
    NEVER: "u.last is null and r.known <= :settled",
}  # fmt: skip
_USED: Final = (
    "with chosen as materialized (select rule from rules where rule > :after{these} group by rule{limit})"
    " select r.rule, r.why, r.devices, r.known, u.times, u.ns, u.would_times, u.would_ns, u.last from (select rule,"
    " min(why) why, count(*) devices, min(known) known from rules where rule in (select rule from chosen){these}"
    " group by rule) r left join (select rule, sum(times) times, sum(ns) ns, sum(would_times) would_times,"
    " sum(would_ns) would_ns, nullif(max(last), 0) last from uses where rule in (select rule from chosen)"
    " and day between :first and :last{these} group by rule) u on u.rule = r.rule where {fits} order by r.rule"
    " limit :most"
)
_OF_THESE: Final = " and +device in (select value from json_each(:devices))"


def used(connection: Connection, reach: Reach, asked: AskedRules, settled: int) -> tuple[list[Any], str]:
    """Rows by rule, and the rule after which the next page begins; "" where there is none. `settled`: ns, until when
    a PC must have had a rule that is said never to have closed anything."""
    these = "" if reach.every else _OF_THESE
    limit = "" if asked.kind else " order by rule limit :most"
    question = _USED.format(these=these, fits=_FITS[asked.kind], limit=limit)
    values: dict[str, Any] = {"after": asked.after, "first": asked.first, "last": asked.last, "most": SIZE + 1}
    values |= {} if reach.every else {"devices": json.dumps(sorted(reach.devices))}
    values |= {"settled": settled} if asked.kind == NEVER else {}
    rows = list(connection.execute(sa.text(question), values))
    return rows[:SIZE], rows[SIZE - 1].rule if len(rows) > SIZE else ""
