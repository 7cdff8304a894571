"""Pages of the lists of PCs: alarms, gaps, and what each rule closed, of the PCs that a person may see."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, select

from review.search.pc_schema import lines

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
    """By kind: how many, and ns that are missing."""
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
