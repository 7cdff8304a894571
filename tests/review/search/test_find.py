"""What is found is what the rules grant, on both engines: beside an oracle that asks them of every recording."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, text

from review.governance.decide import decide
from review.governance.model import Act, Governance, Grant, Person, Question, Reach, Role, Team, UserRule
from review.governance.times import DAY, FOR_EVER, Period
from review.search import find, schema
from review.search.facts import Listed, Whose
from review.search.find import Finder, Meanings, Wanted
from review.search.index import put, remove
from store.catalog import schema as catalog
from store.catalog.database import Database, upgrade
from store.clock import SECOND
from testkit import databases

NOW = 1_900_000_000 * SECOND
GROUPS, USERS, RULES = ("g", "h"), ("", "ann", "bob"), ("cards", "charts")
TEAMS = {"north": Team(frozenset({"g"})), "south": Team(users=frozenset({"bob"}))}
SIZE = 3

reaches = st.builds(
    Reach,
    everything=st.booleans(), own=st.booleans(), own_teams=st.booleans(),
    teams=st.sets(st.sampled_from(sorted(TEAMS))).map(frozenset),
)  # fmt: skip
roles = st.builds(
    Role,
    name=st.sampled_from("ab"),
    may=st.sampled_from([frozenset({Act.LIST}), frozenset({Act.PLAY})]),
    of=reaches,
    oldest=st.sampled_from([None, Period(ns=2 * DAY), Period(years=1)]),
    since_grant=st.booleans(),
    until=st.sampled_from([FOR_EVER, NOW - DAY]),
)
grants = st.builds(
    Grant,
    role=st.sampled_from("ab"),
    teams=st.sets(st.sampled_from(sorted(TEAMS))).map(frozenset),
    since=st.sampled_from([0, NOW - 3 * DAY]),
)
owners = st.builds(Whose, st.sampled_from(GROUPS), st.sampled_from(USERS))
STARTS = [NOW - one for one in (0, SECOND, DAY, 2 * DAY, 2 * DAY + SECOND, 3 * DAY, 366 * DAY, 400 * DAY)]
recordings = st.lists(
    st.tuples(
        owners,
        st.sampled_from(STARTS),
        st.sampled_from([0, 59, 60, 899, 900]),
        st.lists(st.sampled_from(RULES), unique=True).map(tuple),
    ),
    max_size=14,
)
wanted_ones = st.builds(
    Wanted,
    since=st.sampled_from([0, NOW - 2 * DAY]),
    until=st.sampled_from([Wanted().until, NOW - SECOND]),
    agent=st.sampled_from(["", "", "ann", "bob@example.com"]),
    team=st.sampled_from(["", "", "north"]),
    rule=st.sampled_from(["", "", "cards", "unheard-of"]),
    length=st.sampled_from([None, None, 0, 1, 3]),
)


def listed(number: int, whose: Whose, start: int, length: int, rules: tuple[str, ...]) -> Listed:
    name = str(UUID(int=number))
    return Listed(name, whose, start, start, "d", "pc", length * SECOND, 0, 1, False, "closed", rules)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with databases.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = schema.opened(tmp_path / "find.db")
    else:
        if why := databases.missing():
            pytest.skip(why)
        made = Database(request.getfixturevalue("postgresql"))
    with closing(made):
        yield made


def fill(index: Database, catalog_: Database, ones: list[Listed]) -> None:
    with index.writing() as connection:
        schema.metadata.drop_all(connection)
        schema.prepare(connection)
        gone = listed(99, Whose("h", "cat"), NOW, 10, ("cards",))
        for one in (gone, *ones):
            put(connection, one)
        remove(connection, [gone.recording])
    with catalog_.writing() as connection:
        for table in ("erasures", "recordings", "devices", "enrolments"):
            connection.exec_driver_sql(f"delete from {table}")  # noqa: S608
        connection.exec_driver_sql("insert into enrolments values ('e', 's', 'g', 1, 0, 0, null)")
        device = {"id": "d", "token_key": "t", "token_kid": "k", "evidence_key": "e", "host": "pc", "os": "Linux",
                  "agent_version": "1", "group_name": "g", "enrolment": "e", "enrolled_at": 0}  # fmt: skip
        connection.execute(insert(catalog.devices).values(device))
        for one in ones:
            values = {"id": one.recording, "device": "d", "start": one.start, "host": "pc", "os_user": "u",
                      "policy": "p", "opened_at": one.start}  # fmt: skip
            connection.execute(insert(catalog.recordings).values(values))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    made = Database.sqlite(tmp_path / "store.db")
    upgrade(made, "store.db")
    with closing(made):
        yield made


@pytest.mark.slow(reason="two engines, many small worlds")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    several=recordings,
    named=st.dictionaries(st.sampled_from("ab"), roles, min_size=1),
    given_=st.lists(grants, max_size=3),
    wanted=wanted_ones,
    many=st.sampled_from([0, 1, 400]),
)
def test_pages_are_what_the_rules_grant(
    index: Database,
    store: Database,
    several: list,
    named: dict[str, Role],
    given_: list[Grant],
    wanted: Wanted,
    many: int,
) -> None:
    rules = Governance(
        roles=named,
        teams=TEAMS,
        users=(UserRule("*", "*@example.com"),),
    )
    person = Person("ann@example.com", tuple(one for one in given_ if one.role in named))
    ones = [listed(number, *one) for number, one in enumerate(several)]
    fill(index, store, ones)

    def granted(one: Listed) -> bool:
        recording = one.whose.recording(rules, one.start)
        return decide(rules, Question(person, Act.LIST, NOW, recording)).granted

    def fits(one: Listed) -> bool:
        who = {one.whose.user, rules.person_of(one.whose.user)}
        return (
            wanted.since <= one.start < wanted.until
            and (not wanted.agent or wanted.agent in who)
            and (not wanted.team or wanted.team in rules.teams_of(one.whose.group, one.whose.user))
            and (not wanted.rule or wanted.rule in one.rules)
            and (wanted.length is None or schema.length_tag(one.length) == schema.LENGTH + wanted.length)
        )

    expected = [one.recording for one in ones if granted(one) and fits(one)]
    finder = Finder(index, store, rules, person, NOW, Meanings())
    found: list[str] = []
    starts: list[int] = []
    scan = patch.object(find, "SCAN", 1 + len(several) % 7)
    with patch.object(find, "SIZE", SIZE), patch.object(find, "MANY", many), scan:
        page = finder.page(wanted)
        assert page.count == len(expected)
        while True:
            assert len(page.rows) <= SIZE
            found += [one.recording for one in page.rows]
            starts += [one.start for one in page.rows]
            if page.following is None:
                break
            page = finder.page(Wanted(wanted.since, wanted.until, wanted.agent, wanted.team, wanted.rule,
                                      wanted.length, page.following))  # fmt: skip
    assert sorted(found) == sorted(expected)
    assert starts == sorted(starts, reverse=True)
    mine = [one for one in ones if granted(one)]
    choices = finder.choices()
    assert set(choices.rules) == {rule for one in mine for rule in one.rules}
    assert set(choices.people) == {rules.person_of(one.whose.user) or one.whose.user for one in mine} - {""}
    assert set(choices.teams) == {team for one in mine for team in rules.teams_of(one.whose.group, one.whose.user)}


def test_what_newer_rules_make_of_an_owner_is_not_taken_from_older_ones() -> None:
    old, new = Governance(), Governance(users=(UserRule("*", "*@example.com"),))
    meanings, whose = Meanings(), Whose("g", "ann")

    class Slow(Governance):
        def person_of(self, user: str) -> str:
            assert meanings(new, whose)[0] == "ann@example.com"  # as another thread might ask meanwhile
            return super().person_of(user)

    assert meanings(Slow(), whose)[0] == ""
    assert meanings(new, whose)[0] == "ann@example.com"
    assert meanings(old, whose)[0] == ""


def test_what_is_being_erased_is_not_found_though_the_index_has_it(index: Database, store: Database) -> None:
    ones = [listed(number, Whose("g", "ann"), NOW - number, 10, ("cards",)) for number in range(3)]
    fill(index, store, ones)
    with store.writing() as connection:
        values = {"recording": ones[1].recording, "device": "d", "position": 1, "order": "", "step": "ordered",
                  "found": "{}"}  # fmt: skip
        connection.execute(insert(catalog.erasures).values(values))
        connection.exec_driver_sql(f"delete from recordings where id = '{ones[2].recording}'")  # noqa: S608
    rules = Governance(roles={"a": Role("a", frozenset({Act.LIST}), Reach(everything=True))})
    finder = Finder(index, store, rules, Person("x", (Grant("a"),)), NOW, Meanings())
    assert [one.recording for one in finder.page(Wanted()).rows] == [ones[0].recording]


def test_of_many_rules_the_newest_are_compared_and_it_says_so(index: Database, store: Database) -> None:
    names = ("cards", "charts", "mail")
    fill(index, store, [listed(number, Whose("g", "ann"), NOW - 9, 10, (rule,)) for number, rule in enumerate(names)])
    rules = Governance(roles={"a": Role("a", frozenset({Act.LIST}), Reach(everything=True))})
    finder = Finder(index, store, rules, Person("x", (Grant("a"),)), NOW, Meanings())
    counted = (0, NOW), (NOW, 2 * NOW)
    assert finder.closed_by(*counted) == (dict.fromkeys(names, (1, 0)), True)
    with patch.object(find, "MOST_RULES", 2):
        assert finder.closed_by(*counted) == (dict.fromkeys(names[1:], (1, 0)), False)


@pytest.mark.parametrize("many", [0, 1, 2, 3, 5])
def test_of_however_many_a_statement_names_a_few(store: Database, tmp_path: Path, many: int) -> None:
    """An engine takes a fixed number of values, and holds are as many as a case needs."""
    ones = [listed(number, Whose("g", "ann"), NOW - number, 10, ()) for number in range(many)]
    with closing(schema.opened(tmp_path / "find.db")) as index:
        fill(index, store, ones)
        finder = Finder(index, store, Governance(), Person("x"), NOW, Meanings())
        names, bound = [one.recording for one in ones], list[int]()
        for engine in (store._to_read, index._to_read):
            event.listen(engine, "before_cursor_execute", lambda *said: bound.append(len(said[3])))
        with patch.object(find, "_AT_ONCE", 2):
            assert finder.there([*names, str(UUID(int=98))]) == set(names)
            assert finder.known(dict.fromkeys(names)) == {one.recording: (one.whose, one.start) for one in ones}
    assert max(bound) <= 2


def test_more_than_are_counted_are_said_to_be_more(index: Database, store: Database) -> None:
    rules = Governance(roles={"a": Role(name="a", may=frozenset({Act.LIST}), of=Reach(everything=True))})
    person = Person("ann@example.com", (Grant(role="a", teams=frozenset(), since=0),))
    for count, said in ((3, 3), (4, 4), (9, 4)):
        fill(index, store, [listed(number, Whose("g", "ann"), NOW - number, 60, ()) for number in range(count)])
        with patch.object(find, "MOST", 3):
            page = Finder(index, store, rules, person, NOW, Meanings()).page(Wanted())
        assert page.count == said


def test_what_is_put_again_or_removed_leaves_nothing_behind(index: Database, store: Database) -> None:
    fill(index, store, [])
    with index.writing() as connection:
        put(connection, listed(1, Whose("g", "ann"), NOW, 10, ("cards", "charts")), look_at=5)
        put(connection, listed(1, Whose("h", "bob"), NOW - 1, 70, ("charts",)))
        assert connection.exec_driver_sql("select count(*) from entries").scalar() == 4
        assert connection.exec_driver_sql("select count(*) from found where look_at is not null").scalar() == 0
        remove(connection, [str(UUID(int=1))])
        assert connection.exec_driver_sql("select count(*) from entries").scalar() == 0
        assert connection.exec_driver_sql("select count(*) from found").scalar() == 0


def test_an_index_of_another_version_is_made_anew(tmp_path: Path) -> None:
    made = schema.opened(tmp_path / "find.db")
    with made.writing() as connection:
        put(connection, listed(1, Whose("g", "ann"), NOW, 10, ()))
        connection.exec_driver_sql("update search_version set version = 99")
    made.close()
    with closing(schema.opened(tmp_path / "find.db")) as again, again.reading() as connection:
        assert connection.exec_driver_sql("select count(*) from found").scalar() == 0


def test_no_question_goes_through_a_table_nor_sorts_more_than_its_pages(tmp_path: Path) -> None:
    """SQLite's plans: entries are looked up by tag, owner and start, or by tag and start in their order."""
    several = frozenset(range(1, find.MANY + 2))
    with closing(schema.opened(tmp_path / "find.db")) as index, index.reading() as connection:
        for owners_, all_ in ((frozenset({1, 2}), False), (several, False), (several, True)):
            reach = find.Reach(NOW - DAY, owners_, all_)
            for wanted, tag in ((Wanted(), schema.ALL), (Wanted(after=(NOW, 5)), schema.FIRST_RULE + 3)):
                plans = []

                def planned(asked: object, values: object = None, plans: list[str] = plans) -> object:
                    rows = connection.execute(text(f"explain query plan {asked}"), values)  # type: ignore[call-overload]
                    plans.extend(row[3] for row in rows)
                    return connection.execute(asked, values)  # type: ignore[call-overload]

                asking = SimpleNamespace(execute=planned, scalar=lambda *words, ask=planned: ask(*words).scalar())
                find._keys(asking, reach, wanted, tag)  # type: ignore[arg-type]
                few = not all_ and len(owners_) <= find.MANY
                assert any("SCAN" in one for one in plans) is False
                assert ("USE TEMP B-TREE FOR ORDER BY" in plans) is few
                index_ = "PRIMARY KEY (tag=? AND owner=? AND start>? AND start<?)" if few else "ix_entries_tag_start"
                assert any(one.startswith("SEARCH e") and index_ in one for one in plans)
                plans.clear()
                find._count(asking, reach, wanted, tag, 10)  # type: ignore[arg-type]
                assert [one for one in plans if "SCAN" in one] == ["SCAN counted"]


def test_a_page_of_many_owners_costs_no_more_as_the_archive_grows(tmp_path: Path) -> None:
    """Theirs are the oldest, as those of a team that is gone; all others' are newer."""
    many, theirs = find.MANY + 20, frozenset(range(1, find.MANY + 11))
    taken = []
    for newer in (3_000, 9_000):
        with closing(schema.opened(tmp_path / f"find-{newer}.db")) as index:
            with index.writing() as connection:
                connection.execute(insert(schema.owners), [
                    {"id": one, "group_name": "g", "os_user": str(one)} for one in range(1, many + 1)
                ])  # fmt: skip
                row = {"tag": schema.ALL}
                old = [row | {"owner": one, "start": one, "found": one} for one in sorted(theirs)]
                new = [row | {"owner": many, "start": 10_000 + one, "found": 10_000 + one} for one in range(newer)]
                connection.execute(insert(schema.entries), [*old, *new])
            with index.reading() as connection:
                steps = 0

                def count() -> int:
                    nonlocal steps
                    steps += 1
                    return 0

                driver: Any = connection.connection.driver_connection
                driver.set_progress_handler(count, 100)
                with patch.object(find, "SCAN", 1_000):
                    keys = find._keys(connection, find.Reach(0, theirs, all=False), Wanted(), schema.ALL)
                driver.set_progress_handler(None, 0)
                assert [found for _, found in keys[: find.SIZE]] == sorted(theirs, reverse=True)[: find.SIZE]
                taken.append(steps)
    assert taken[1] <= taken[0] * 1.05
