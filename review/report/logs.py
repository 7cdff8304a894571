"""Who did what in a period, out of an audit log that is hashed from its first entry to its last as it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from review.audit import journal
from review.audit.bodies import Bodies
from review.audit.entries import Entry, ReadingKey
from review.audit.errors import AuditError
from review.audit.kinds import read_statement
from review.audit.notes import VerifierKey
from review.cases.spans import united
from review.report import reviewing
from review.report.model import HoldRow, LogRead, Model, Opening
from review.search.log_index import recordings_of

_MS: Final = 1_000_000
OPENINGS: Final = frozenset({"open", "export"})
MOST_PEOPLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """A log that can be read. `names`: of pseudonyms, for who may have them."""

    log: str
    folder: Path
    key: VerifierKey
    reading: ReadingKey
    names: Mapping[str, str]


def read_log(model: Model, source: Source, check: Callable[[], None]) -> None:
    """Never raises for what is wrong with the log: the report says it. `check` may raise to end it."""
    made = LogRead(source.log, source.key.name)
    model.logs.append(made)
    reading = Bodies(source.folder, source.key, source.reading)
    begins = reviewing.begins(model)
    try:
        for group in journal.groups(source.folder, source.key):
            check()
            for one in group.entries:
                made.entries += 1
                entry = Entry.parse(one.raw)
                if model.start <= entry.time * _MS < model.end:
                    _take(model, made, source, reading, one)
                elif begins <= entry.time * _MS < model.start:
                    _take_before(model, source, reading, one)
    except (AuditError, OSError) as error:
        made.why_not = str(error) if isinstance(error, AuditError) else f"it cannot be read: {error.strerror}"


def _take(model: Model, made: LogRead, source: Source, reading: Bodies, one: journal.Acknowledged) -> None:
    entry = Entry.parse(one.raw)
    if entry.statement:
        said: dict[str, Any] = read_statement(entry.statement)
        _count(made.counts.setdefault(str(said["kind"]), {}), "statement")
        return
    try:
        said = reading.read(one, entry)
    except AuditError:
        made.changed += 1
        return
    if not said:
        made.shredded += 1
        return
    kind, outcome = str(said["kind"]), str(said["outcome"])
    _count(made.counts.setdefault(kind, {}), outcome)
    who = source.names.get(str(said["who"]), str(said["who"]))
    if who in made.people or len(made.people) < MOST_PEOPLE:
        _count(made.people.setdefault(who, {}), kind)
    else:
        _count(model.overflow, "people")
    facts, at = said["facts"], entry.time * _MS
    looked = kind == "list" and facts.get("of") == "account"
    if kind in OPENINGS or looked:
        named = tuple(recordings_of(said)) or tuple(map(str, said["resource"]))
        (model.looks if looked else model.openings).add(
            Opening(at, source.log, one.position, who, kind, outcome, named[:20], str(facts.get("purpose", "")),
                    str(facts.get("rule", "")))
        )  # fmt: skip
    elif kind == "watched" and outcome == "success":
        played = model.played.setdefault(f"{source.log} {facts['opening']}", [])
        played[:] = united([*played, *((start, end) for start, end in facts["spans"])])
    elif kind == "review":
        reviewing.signed(model, source.log, one.position, at, who, said)
    elif kind in ("hold", "release") and outcome == "success":
        hold = str(facts.get("hold", ""))
        model.holds.add(HoldRow(at, source.log, kind, hold, who, len(recordings_of(said)), one.position))


def add_played(model: Model) -> None:
    """To openings, what their pages reported in the period."""
    for place, one in enumerate(model.openings.rows):
        spans = model.played.get(f"{one.log} {one.entry}")
        if spans is not None:
            model.openings.rows[place] = replace(one, played=sum(end - start for start, end in spans))


def _take_before(model: Model, source: Source, reading: Bodies, one: journal.Acknowledged) -> None:
    """What was signed, before the period, of a month whose review is due in it."""
    entry = Entry.parse(one.raw)
    try:
        said = None if entry.statement else reading.read(one, entry)
    except AuditError:
        return
    if said and said["kind"] == "review":
        who = source.names.get(str(said["who"]), str(said["who"]))
        reviewing.signed(model, source.log, one.position, entry.time * _MS, who, said)


def _count(into: dict[str, int], name: str) -> None:
    into[name] = into.get(name, 0) + 1
