"""Which recordings may this person list: asked of the index with their rights inside, and decided again for each row.

Rights are what `decide` says of each owner, so that there is one statement of them. An agent and a team narrow the
owners, too, and cost nothing. Pages go by (start, number), never by an offset.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from review.governance.decide import decide
from review.governance.model import Act, Governance, Person, Question
from review.search import schema
from review.search.facts import Listed, Whose
from store.catalog import schema as catalog
from store.catalog.database import Database
from store.catalog.queries import padded
from store.clock import SECOND

SIZE: Final = 50  # rows of a page
MOST: Final = 10_000  # that are counted
MOST_RULES: Final = 200  # that are compared: a PC may name any
_AT_ONCE: Final = 500  # recordings that a question names
MANY: Final = 400  # owners that are asked one by one; of more, the newest recordings are gone through first
SCAN: Final = 20_000  # of these
_END: Final = 2**63 - 1
Key = tuple[int, int]
"""Start (ns) and number of the last row of a page."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`since`, `until`: ns, of the start. `agent`: a person, or an OS user. `length`: a place in schema.LENGTHS."""

    since: int = 0
    until: int = _END
    agent: str = ""
    team: str = ""
    rule: str = ""
    length: int | None = None
    after: Key | None = None

    @property
    def filtered(self) -> bool:
        return replace(self, after=None) != Wanted()


@dataclass(frozen=True, slots=True)
class Page:
    """`count`: of all pages, MOST + 1 for more than MOST. `following`: where the next page begins."""

    rows: tuple[Listed, ...]
    count: int
    following: Key | None


@dataclass(frozen=True, slots=True)
class Reach:
    """What one may list: the recordings of `owners` that began at `since` or later. `all`: they are all there are."""

    since: int
    owners: frozenset[int]
    all: bool


class Meanings:
    """The owners, to which the index only adds, and what the rules make of each: remembered, as both are thousands."""

    def __init__(self) -> None:
        self._owners: dict[int, Whose] = {}
        self._known: tuple[Governance | None, dict[Whose, tuple[str, frozenset[str]]]] = None, {}

    def __call__(self, governance: Governance, whose: Whose) -> tuple[str, frozenset[str]]:
        of, known = self._known  # at once: another thread may ask by newer rules
        if of is not governance:
            known = {}
            self._known = governance, known
        if whose not in known:
            known[whose] = governance.person_of(whose.user), governance.teams_of(whose.group, whose.user)
        return known[whose]

    def owners(self, connection: Connection) -> dict[int, Whose]:
        columns = schema.owners.c
        asked = select(schema.owners).where(columns.id > max(self._owners, default=0))
        new = {row.id: Whose(row.group_name, row.os_user) for row in connection.execute(asked)}
        self._owners = self._owners | new if new else self._owners  # another thread may go through it
        return self._owners


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, among what one may list."""

    people: tuple[str, ...]
    teams: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finder:
    """Of one person, at one time. `person`: as their session leaves them."""

    index: Database
    catalog: Database
    governance: Governance
    person: Person
    now: int
    meanings: Meanings

    def page(self, wanted: Wanted, among: Collection[str] | None = None) -> Page:
        """`among`: of these recordings alone."""
        if among is not None:
            return self._page_among(wanted, among)
        with self.index.reading() as connection:
            reaches = self._reaches(connection, wanted)
            tag = _tag(connection, wanted)
            if tag is None or not reaches:
                return Page((), 0, None)
            keys = sorted(
                (key for reach in reaches for key in _keys(connection, reach, wanted, tag)), reverse=True
            )  # fmt: skip
            count = 0
            for reach in reaches:
                count += _count(connection, reach, wanted, tag, MOST + 1 - count)
            shown = keys[:SIZE]
            rows = _rows(connection, [number for _, number in shown])
        following = shown[-1] if len(keys) > SIZE else None
        listed = [_listed(rows[number]) for _, number in shown if number in rows]
        there = self.there([one.recording for one in listed])
        return Page(
            tuple(one for one in listed if one.recording in there and self.may_list(one.whose, one.start)),
            count,
            following,
        )

    def _page_among(self, wanted: Wanted, among: Collection[str]) -> Page:
        """They are a few thousand at most, and read whole; whose they may list is the same question as of any page."""
        found: dict[Key, Listed] = {}
        with self.index.reading() as connection:
            reaches = self._reaches(connection, wanted)
            for names in _some(among):
                rows = connection.execute(_FOUND.where(schema.found.c.recording.in_(padded(names)))).all()
                there = self.there({row.recording for row in rows})
                found |= {
                    (row.start, row.id): _listed(row)
                    for row in rows
                    if row.recording in there and _fits(row, wanted, reaches)
                }
        mine = [key for key in sorted(found, reverse=True) if self.may_list(found[key].whose, found[key].start)]
        behind = [key for key in mine if wanted.after is None or key < wanted.after]
        shown = behind[:SIZE]
        following = shown[-1] if len(behind) > SIZE else None
        return Page(tuple(found[key] for key in shown), min(len(mine), MOST + 1), following)

    def reachable(self, connection: Connection) -> dict[int, Whose]:
        """Owners of whom they may list something. `connection`: of the index."""
        owners = self.meanings.owners(connection)
        return {number: owners[number] for reach in self._reaches(connection, Wanted()) for number in reach.owners}

    def reaches_somebody(self) -> bool:
        with self.index.reading() as connection:
            return bool(self.reachable(connection))

    def choices(self) -> Choices:
        with self.index.reading() as connection:
            owners = self.meanings.owners(connection)
            reaches = self._reaches(connection, Wanted())
            rules: set[str] = set()
            mine: list[Whose] = []
            for reach in reaches:
                since = {"since": reach.since}
                rules.update(connection.scalars(text(_RULES.format(entries=_from(reach))), since))
                asked = text(_OWNERS.format(owners=_named(reach.owners)))
                mine += [owners[number] for number in connection.scalars(asked, since | {"tag": schema.ALL})]
        meant = [(self.meanings(self.governance, one), one.user) for one in mine]
        people = {person or user for (person, _), user in meant} - {""}
        teams = {team for (_, several), _ in meant for team in several}
        return Choices(tuple(sorted(people)), tuple(sorted(teams)), tuple(sorted(rules)))

    def closed_by(self, *times: tuple[int, int]) -> tuple[dict[str, tuple[int, ...]], bool]:
        """Rule -> how many recordings that it closed began at each of these times [since, until), to MOST + 1 each; and
        whether these are all rules, and not the MOST_RULES alone that closed something for the first time last."""
        with self.index.reading() as connection:
            reaches = self._reaches(connection, Wanted())
            newest = select(schema.tags).order_by(schema.tags.c.id.desc()).limit(MOST_RULES + 1)
            rows = connection.execute(newest).all()
            tags = {row.rule: row.id for row in rows[:MOST_RULES]}
            wanted = [Wanted(since=since, until=until) for since, until in times]
            found = {
                rule: tuple(
                    min(sum(_count(connection, reach, one, tag, MOST + 1) for reach in reaches), MOST + 1)
                    for one in wanted
                )
                for rule, tag in tags.items()
            }
            return found, len(rows) <= MOST_RULES

    def listed(self, recordings: Collection[str]) -> tuple[dict[str, Listed], set[str]]:
        """What the index has of these, whosever they are, and which of them may be listed."""
        with self.index.reading() as connection:
            rows = connection.execute(_FOUND.where(schema.found.c.recording.in_(padded(recordings)))).all()
        known = {row.recording: _listed(row) for row in rows}
        there = self.there(known)
        known = {name: one for name, one in known.items() if name in there}
        return known, {name for name, one in known.items() if self.may_list(one.whose, one.start)}

    def may_list(self, whose: Whose, start: int) -> bool:
        recording = whose.recording(self.governance, start)
        return decide(self.governance, Question(self.person, Act.LIST, self.now, recording)).granted

    def may_list_anything(self) -> bool:
        """Whether no recording is kept from them, whosever it is: then they may hear that one cannot be read."""
        return self.may_list(Whose("", ""), 0)

    def _reaches(self, connection: Connection, wanted: Wanted) -> list[Reach]:
        """One for each time from which on some owners' recordings may be listed."""
        owners = self.meanings.owners(connection)
        known: dict[tuple[bool, frozenset[str]], int | None] = {}  # what rules make of owners is few things
        since: dict[int, set[int]] = {}
        for number, whose in owners.items():
            person, teams = self.meanings(self.governance, whose)
            if wanted.agent and wanted.agent not in {person, whose.user}:
                continue
            if wanted.team and wanted.team not in teams:
                continue
            same = (person != "" and person == self.person.id, teams)
            if same not in known:
                known[same] = self._first(whose)
            first = known[same]
            if first is not None:
                since.setdefault(first, set()).add(number)
        return [
            Reach(first, frozenset(some), len(some) == len(owners)) for first, some in sorted(since.items())
        ]  # fmt: skip

    def _first(self, whose: Whose) -> int | None:
        """The first start, to the second, at which they may list what is that owner's: rules only ask for a later one.

        None where they may list none of it.
        """
        if not self.may_list(whose, self.now):
            return None
        low, high = -1, self.now // SECOND  # what began at `high` may be listed
        if self.may_list(whose, 0):
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.may_list(whose, middle * SECOND) else (middle, high)
        return high * SECOND

    def known(self, recordings: Collection[str]) -> dict[str, tuple[Whose, int]]:
        """Whose they are and when they began, of those that the index has."""
        owners, found = schema.owners.c, schema.found
        asked = select(found.c.recording, found.c.start, owners.group_name, owners.os_user).join(schema.owners)
        with self.index.reading() as connection:
            rows = [row for some in _some(recordings)
                    for row in connection.execute(asked.where(found.c.recording.in_(some)))]  # fmt: skip
        return {row.recording: (Whose(row.group_name, row.os_user), row.start) for row in rows}

    def there(self, recordings: Collection[str]) -> set[str]:
        """Those that the catalog has, without an order to erase them: the index is some seconds behind."""
        here, gone, there = catalog.recordings.c, catalog.erasures.c, set[str]()
        with self.catalog.reading() as connection:
            for some in _some(recordings):
                there.update(connection.scalars(select(here.id).where(here.id.in_(some))))
                there.difference_update(connection.scalars(select(gone.recording).where(gone.recording.in_(some))))
        return there


def _some(recordings: Collection[str]) -> Iterator[list[str]]:
    """In turn, as many as one statement names."""
    several = sorted(recordings)
    return (several[at : at + _AT_ONCE] for at in range(0, len(several), _AT_ONCE))


# -- the questions ----------------------------------------------------------------------------------------------------
# Numbers that are written into them are whole numbers of the index's own; all else is bound.

_SINCE: Final = " and e.start >= :since"
_WHERE: Final = "e.tag = :tag and e.start < :until{before}" + _SINCE
_BEFORE: Final = " and (e.start, e.found) < (:start, :found)"
# Of each owner so many as a page has, newest first, and of these the page: so far back no engine reads more of any.
_FEW: Final = (
    "select e.start, e.found from {owners} cross join entries e where {where} and e.owner = o.id"
    " and e.start >= coalesce((select x.start from entries x where {inner} and x.owner = o.id"
    " order by x.start desc limit 1 offset :size), :since) order by e.start desc, e.found desc limit :size + 1"
)
_ANY: Final = "select e.start, e.found, e.owner from entries e where {where}"
_NEWEST: Final = " order by e.start desc, e.found desc limit :size + 1"
_COUNT: Final = "select count(*) from (select 1 from {entries} where {where} limit :most) counted"
_OWNERS: Final = (
    "select o.id from ({owners}) o where exists"
    " (select 1 from entries e where e.tag = :tag and e.owner = o.id and e.start >= :since)"
)
_RULES: Final = (
    "select t.rule from tags t where exists (select 1 from {entries} where e.tag = t.id and e.start >= :since)"
)


def _tag(connection: Connection, wanted: Wanted) -> int | None:
    """Whose entries are gone through; None where nothing has it."""
    length = 0 if wanted.length is None else schema.LENGTH + wanted.length
    if not wanted.rule:
        return length or schema.ALL
    rule = connection.scalar(select(schema.tags.c.id).where(schema.tags.c.rule == wanted.rule))
    return None if rule is None else rule + length


def _bound(reach: Reach, wanted: Wanted, tag: int) -> tuple[str, dict[str, int]]:
    start, found = wanted.after or (_END, _END)
    until = min(wanted.until, start + 1)
    values = {"tag": tag, "since": max(reach.since, wanted.since), "until": until}
    if wanted.after:
        values |= {"start": start, "found": found}
    return _WHERE.format(before=_BEFORE if wanted.after else ""), values


def _keys(connection: Connection, reach: Reach, wanted: Wanted, tag: int) -> list[Key]:
    where, values = _bound(reach, wanted, tag)
    if reach.all or len(reach.owners) > MANY:
        newest = text(_ANY.format(where=where) + _NEWEST)
        rows = connection.execute(newest, values | {"size": SIZE if reach.all else SCAN - 1})
        found, looked = list[Key](), 0
        for looked, row in enumerate(rows, 1):  # noqa: B007 - how many it was
            if reach.all or row.owner in reach.owners:
                found.append((row.start, row.found))
            if len(found) > SIZE:
                break
        rows.close()
        if reach.all or len(found) > SIZE or looked < SCAN:
            return found
    inner = where.replace("e.", "x.")
    outer = where.removesuffix(_SINCE)
    asked = _FEW.format(owners=f"({_named(reach.owners)}) o", where=outer, inner=inner)
    return [(row.start, row.found) for row in connection.execute(text(asked), values | {"size": SIZE})]


def _count(connection: Connection, reach: Reach, wanted: Wanted, tag: int, most: int) -> int:
    where, values = _bound(reach, replace(wanted, after=None), tag)
    asked = _COUNT.format(entries=_from(reach), where=where)
    return connection.scalar(text(asked), values | {"most": max(most, 0)}) or 0


def _from(reach: Reach) -> str:
    """Entries of these owners, each looked up in turn."""
    return "entries e" if reach.all else f"({_named(reach.owners)}) o join entries e on e.owner = o.id"


def _named(owners: Iterable[int]) -> str:
    return f"select id from owners where id in ({_numbers(owners)})"  # noqa: S608 - numbers alone


def _numbers(owners: Iterable[int]) -> str:
    return ",".join(str(int(one)) for one in sorted(owners))


# -- rows -------------------------------------------------------------------------------------------------------------


def _fits(row: Row[Any], wanted: Wanted, reaches: Iterable[Reach]) -> bool:
    return (
        wanted.since <= row.start < wanted.until
        and any(row.owner in reach.owners and row.start >= reach.since for reach in reaches)
        and (wanted.length is None or schema.length_tag(row.length) == schema.LENGTH + wanted.length)
        and (not wanted.rule or wanted.rule in json.loads(row.rules))
    )


_FOUND: Final = select(schema.found, schema.owners.c.group_name, schema.owners.c.os_user).join(schema.owners)


def _rows(connection: Connection, numbers: Collection[int]) -> Mapping[int, Row[Any]]:
    return {row.id: row for row in connection.execute(_FOUND.where(schema.found.c.id.in_(numbers)))}


def _listed(row: Row[Any]) -> Listed:
    names = ("recording", "start", "opened_at", "device", "host", "length", "closed", "screens", "sound", "state")
    values = {name: getattr(row, name) for name in names}
    return Listed(whose=Whose(row.group_name, row.os_user), rules=tuple(json.loads(row.rules)), **values)
