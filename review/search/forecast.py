"""What the rules delete in the days to come, by the index: counted in groups, as a year of recordings is millions.

A group is of one day, and ends with the last of it: nothing is said to go sooner than it does. Who decides what is
deleted reads every recording and its signatures (`eyelid-review due`), and keeps longer what is not certain.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, text

from review.governance.model import AllOf, Channel, Consent, Length, Recording
from review.governance.retention import Because, Disposal, disposal
from review.governance.times import DAY
from review.search.facts import Whose
from review.search.find import Finder

DAYS: Final = (0, 7, 30, 90)
REQUEST: Final = ""  # in the place of a class: what goes because somebody asked for its erasure
_COLUMNS: Final = "min(owner) owner, rules, sound, max(start + length) ends, max(length) length, count(*) number"
_APART: Final = "(select value from json_each(:apart))"
_GROUPS: Final = (
    "with kinds as materialized (select cast(key as integer) key, value from json_each(:kinds))"  # noqa: S608
    f" select {_COLUMNS} from found join kinds on kinds.key = found.owner"
    f" where state <> 'open' and start < :before and recording not in {_APART}"
    " group by kinds.value, rules, sound, (start + length) / :day"
)
_SINGLE: Final = f"select recording, {_COLUMNS} from found where recording in {_APART} group by recording"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Dying:
    """Of one class: how many go up to each of DAYS from now, all in all."""

    name: str
    counts: tuple[int, ...]


def forecast(finder: Finder, held: Iterable[str], asked: Iterable[str]) -> list[Dying]:
    """Of all recordings: for who may list them. `held`: under a hold; `asked`: whose erasure somebody asked for."""
    rules, held, asked = finder.governance, frozenset(held), frozenset(asked)
    keeps = [one.keep.ns or one.keep.years * 365 * DAY for one in rules.retention]
    if not keeps:
        return []
    # What began later than this cannot be over by then, whatever it is.
    before = finder.now + DAYS[-1] * DAY - min(keeps)
    values = {"before": before, "day": DAY, "apart": json.dumps(sorted(held | asked))}
    conditions = [one for each in rules.retention for one in each.any or ()]
    parts = [part for one in conditions for part in (one.conditions if isinstance(one, AllOf) else (one,))]
    by_length = ", length" if any(isinstance(one, Length) for one in parts) else ""
    with finder.index.reading() as connection:
        owners = finder.meanings.owners(connection)
        # Classes ask for groups and teams, so that owners who share these are one.
        kinds: dict[object, int] = {}
        alike = [0] * (max(owners, default=0) + 1)  # by an owner's number
        for number, whose in owners.items():
            alike[number] = kinds.setdefault((whose.group, finder.meanings(rules, whose)[1]), len(kinds))
        groups = connection.execute(text(_GROUPS + by_length), values | {"kinds": json.dumps(alike)}).all()
    found: dict[str, Counter[int]] = {}
    single = [row for row in _single(finder, asked - held).values() if row.owner in owners]
    for row, of_request in [*((one, False) for one in groups), *((one, True) for one in single)]:
        gone = disposal(rules, _recording(finder, owners[row.owner], row, asked=of_request), finder.now)
        name = REQUEST if gone.because is Because.ERASURE else gone.retention.keeps.name
        for days in DAYS:
            if gone.deletes or (gone.at is not None and gone.at < finder.now + days * DAY):
                found.setdefault(name, Counter())[days] += row.number
    return [Dying(name, tuple(found[name][days] for days in DAYS)) for name in sorted(found)]


def without(finder: Finder, held: Mapping[str, int]) -> dict[str, Disposal]:
    """What would become of each if one of its holds were off. `held`: recording -> how many it is under."""
    with finder.index.reading() as connection:
        owners = finder.meanings.owners(connection)
    return {
        name: disposal(finder.governance, _recording(finder, owners[row.owner], row, held=held[name] > 1), finder.now)
        for name, row in _single(finder, held).items()
        if row.owner in owners
    }


def _single(finder: Finder, recordings: Iterable[str]) -> dict[str, Row[Any]]:
    with finder.index.reading() as connection:
        rows = connection.execute(text(_SINGLE), {"apart": json.dumps(sorted(recordings))}).all()
    there = finder.there([row.recording for row in rows])
    return {row.recording: row for row in rows if row.recording in there}


def _recording(finder: Finder, whose: Whose, row: Row[Any], *, asked: bool = False, held: bool = False) -> Recording:
    channels = (Channel.SCREEN, Channel.VOICE) if row.sound else (Channel.SCREEN,)
    return whose.recording(
        finder.governance, row.ends - row.length, end=row.ends, closed_by=frozenset(json.loads(row.rules)),
        consent=dict.fromkeys(channels, Consent.MISSING), erasure_asked=asked, held=held,
    )  # fmt: skip
