"""What changed since a moment: each count is that of the list it leads to, and of what was made since."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from review.audit.kinds import Act
from review.governance import model
from review.languages import start_of
from review.search import pc_index, pc_schema
from review.search import schema as found
from review.search.facts import Listed, Whose
from review.search.find import Finder, Meanings, Wanted
from review.search.index import put
from review.web import asked, changed, fleet
from review.web.access import opened_since
from review.web.fleet import Fleet, Sees
from review.web.pcs_read import PcLists
from review.web.words import Words
from store.catalog import schema
from store.catalog.alarms import acknowledge
from store.catalog.database import Database
from store.clock import MINUTE, SECOND
from testkit.lifecycle import DAY, World
from testkit.reading_room import MARKUP
from testkit.waits import until
from tests.review.web.conftest import Served, held  # noqa: F401 - a fixture
from tests.review.web.test_lately import alarms, rows  # noqa: F401 - a fixture

LINE: Final = re.compile(r'<li><a href="([^"]*)"><strong>([\d.,]+)\+?</strong> ([^<]*)')


def lines(served: Served, who: str, query: str = "", language: str = "en") -> dict[str, tuple[int, str]]:
    """What it says -> count and where it leads."""
    with served.client(who, **{"Accept-Language": language}) as client:
        until(lambda: "looked at so far" not in client.get("/since").text, "all computers were looked at")
        text = client.get(f"/since{query}").text
    return {unescape(says): (int(re.sub("[.,]", "", count)), unescape(path))
            for path, count, says in LINE.findall(text)}  # fmt: skip


def counted(served: Served, who: str, path: str) -> int:
    """By the list that it leads to."""
    if path.startswith("/find"):
        with served.client(who) as client:
            return int(re.findall(r"(\d+) recordings?\b", client.get(path).text)[0])
    return len(rows(served, who, path))


@pytest.mark.parametrize("who", ["cleo", "lena", "sam"])
def test_each_count_is_that_of_its_list(served: Served, alarms: dict[str, list[int]], who: str) -> None:  # noqa: F811
    week = datetime.fromtimestamp((served.console.people.clock() - 6 * DAY) / 10**9).astimezone()
    said = lines(served, who, f"?from={week:%Y-%m-%dT%H:%M}")
    mine = {"cleo": ("anna", "bert", "carl"), "lena": ("anna", "bert"), "sam": ("carl",)}[who]
    assert said["raised"][0] == sum(len(alarms[one]) for one in mine)
    assert said["acknowledged since"][0] == len(mine)
    assert said["enrolled"][0] == len(mine)
    rules = {says: line for says, line in said.items() if "closed more" in says}
    assert {says.partition(" closed")[0] for says in rules} == {"card-forms", "patient-charts", MARKUP}
    for says, (count, path) in said.items():
        if path.startswith(("/alarms", "/gaps", "/fleet", "/find")):
            assert counted(served, who, path) == count, says


def test_what_others_may_not_see_has_no_part(served: Served) -> None:
    parts = {}
    for who in ("cleo", "lena", "paula"):
        with served.client(who) as client:
            parts[who] = re.findall(r'aria-labelledby="(\w+)">', client.get("/since").text)
    assert parts["cleo"] == ["alarms", "gaps", "computers", "closed", "bundles", "waiting", "holds", "openings"]
    assert parts["lena"] == ["alarms", "gaps", "computers", "closed", "waiting"]
    assert parts["paula"] == ["closed", "waiting", "holds"]


@pytest.mark.parametrize(("who", "told"), [("cleo", True), ("paula", False)])
def test_who_may_not_hear_of_holds_is_not_told_that_there_are_none(served: Served, who: str, told: bool) -> None:
    with served.client(who) as client:
        text = client.get("/since?from=2199-01-01T00:00").text
    assert ("Nothing was put on hold, released or erased." in text) is told
    assert ("Nothing was erased." in text and "Legal holds are not shown to you." in text) is not told


def test_who_lists_no_recording_hears_of_no_rule_that_closed(served: Served) -> None:
    with served.client("kim") as client:
        answer = client.get("/since")
    assert "Closed by rules" not in answer.text


@pytest.mark.parametrize(
    ("language", "none"),
    [("en", ("No alarm was raised", "No gap.", "None came", "Each rule closed as often", "No bundle came",
             "Nothing was")),
     ("de", ("Es gab keinen neuen Alarm", "Keine Lücke", "Keiner kam", "Jede Regel schloss so oft", "Kein Bündel",
             "Keine Löschsperre"))],
)  # fmt: skip
def test_an_empty_time_says_so(served: Served, language: str, none: tuple[str, ...]) -> None:
    with served.client("cleo", **{"Accept-Language": language}) as client:
        text = client.get("/since?from=2199-01-01T00:00").text  # a moment to come is now
    for one in none:
        assert one in text


def test_holds_bundles_and_requests_are_counted(served: Served, held: list[str]) -> None:  # noqa: F811
    with served.console.catalog.writing() as connection:
        columns = schema.bundles.c
        newest = select(func.max(columns.revision)).scalar_subquery()
        now = served.console.people.clock()
        connection.execute(update(schema.bundles).where(columns.revision == newest).values(added_at=now))
    said = lines(served, "cleo")
    assert said["put on hold"] == (len(held), "/retention")
    assert said["changed who may what, or what is kept"] == (1, "/rules")
    answer = served.post("anna", f"/v1/recordings/{served.room.recordings['anna'][-1]}/requests",
                         subject="erasure", purpose="", reason="A private call.")  # fmt: skip
    assert answer.status_code == 200
    said = lines(served, "paula")
    assert said["to answer under Requests"] == (1, "/requests")
    assert said["to decide under Privacy"] == (2, "/privacy")


@pytest.mark.parametrize("language", ["en", "de"])
def test_names_stay_text(served: Served, alarms: dict[str, list[int]], language: str) -> None:  # noqa: F811
    assert alarms
    with served.client("cleo", **{"Accept-Language": language}) as client:
        text = client.get("/since?from=2026-01-01T00:00").text
        fleet_of = client.get("/fleet?change=came&from=2026-01-01T00:00").text
    assert MARKUP in unescape(text)
    assert "desk-0<b>" in unescape(fleet_of)
    assert "<img src=x" not in text + fleet_of
    assert "<b>" not in text + fleet_of


def test_who_answers_for_all_begins_there(served: Served) -> None:
    for who, where in {"cleo": "/since", "lena": "", "paula": "/privacy", "otto": "/report", "anna": ""}.items():
        with served.client(who) as client:
            assert client.get("/").headers.get("Location", "") == where
            assert client.get("/?agent=anna").status_code == 200


@pytest.mark.parametrize(
    ("day", "last"),
    [("2026-12-01", "2026-11-30"), ("2026-11-30", "2026-11-27"), ("2026-11-29", "2026-11-27"),
     ("2026-11-28", "2026-11-27"), ("2026-11-27", "2026-11-26")],
)  # fmt: skip
def test_it_begins_with_the_last_working_day(day: str, last: str) -> None:
    noon = start_of(date.fromisoformat(day)) + 12 * 60 * MINUTE
    assert changed.last_working_day(noon) == start_of(date.fromisoformat(last))


# -- random worlds ----------------------------------------------------------------------------------------------------

ALL: Final = model.Governance(
    roles={
        "all": model.Role("all", frozenset({model.Act.SEE_FLEET, model.Act.LIST}), model.Reach(everything=True)),
        "lead": model.Role("lead", frozenset({model.Act.SEE_FLEET, model.Act.LIST}), model.Reach(own_teams=True)),
    },
    teams={"north": model.Team(users=frozenset({"user-0", "user-1"}))},
)


@dataclass
class Made:
    """What a random world was made of: each with its PC and moment."""

    raised: list[tuple[str, int]] = field(default_factory=list)
    settled: list[tuple[str, int]] = field(default_factory=list)
    came: dict[str, int] = field(default_factory=dict)
    revoked: dict[str, int] = field(default_factory=dict)
    closed: list[tuple[str, str, int]] = field(default_factory=list)  # user, rule, start


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[World, Database, Database, ExitStack]]:
    made = World.found(tmp_path)
    with ExitStack() as stack:
        catalog = stack.enter_context(closing(made.home.database()))
        index = stack.enter_context(closing(found.opened(tmp_path / "find.db")))
        yield made, catalog, index, stack


def make(catalog: Database, index: Database, now: int, seed: int) -> Made:
    drawn, made = random.Random(seed), Made()

    def lately() -> int:
        return now - drawn.randrange(4 * DAY)

    with catalog.writing() as connection:
        one = {"id": "e", "secret_sha256": "s", "group_name": "g", "uses_left": 1, "expires_at": 0, "created_at": 0}
        connection.execute(insert(schema.enrolments).values(one))
        for number in range(4):
            device, at = f"pc-{number}", lately()
            keys = dict.fromkeys(("token_key", "token_kid", "evidence_key"), device)
            facts = {"host": device, "os_user": f"user-{number}", "os": "L", "agent_version": "1", "group_name": "g"}
            connection.execute(insert(schema.devices).values(id=device, **keys, **facts, enrolment="e", enrolled_at=at))
            if drawn.random() < 0.3:
                made.revoked[device] = lately()
                gone = update(schema.devices).where(schema.devices.c.id == device)
                connection.execute(gone.values(revoked_at=made.revoked[device]))
            else:
                made.came[device] = at
            for _ in range(drawn.randrange(6)):
                at = lately()
                alarm = insert(schema.alarms).values(at=at, code=drawn.choice("xy"), device=device)
                number_ = connection.scalar(alarm.returning(schema.alarms.c.id)) or 0
                made.raised.append((device, at))
                if drawn.random() < 0.5:
                    made.settled.append((device, settled := lately()))
                    acknowledge(connection, [number_], operator="op", reason="why", at=settled)
    with index.writing() as connection:
        for _ in range(60):
            user, at = f"user-{drawn.randrange(4)}", lately()
            rules = tuple(drawn.sample(("cards", "charts", MARKUP), drawn.randrange(3)))
            made.closed += [(user, rule, at) for rule in rules]
            listed = Listed(
                str(uuid4()), Whose("g", user), at, at, "pc", "pc", 60 * SECOND, SECOND, 1, sound=False, state="closed",
                rules=rules,
            )  # fmt: skip
            put(connection, listed)
    return made


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_what_a_random_world_was_made_of(
    world: tuple[World, Database, Database, ExitStack], tmp_path: Path, seed: int
) -> None:
    made_in, catalog, index, stack = world
    now = made_in.days()
    made = make(catalog, index, now, seed)
    pcs = stack.enter_context(closing(pc_schema.opened(tmp_path / "pcs.db")))
    lists = PcLists(pc_index.PcIndex(catalog, pcs), made_in.days)
    devices = Fleet(catalog, made_in.days)
    stack.enter_context(lists.looking(pytest.fail))
    stack.enter_context(devices.looking(pytest.fail))
    drawn = random.Random(seed)
    for role, mine in (("all", range(4)), ("lead", range(2))):
        person = model.Person("lena@example.com", (model.Grant(role, frozenset({"north"})),))
        users, own = {f"user-{one}" for one in mine}, {f"pc-{one}" for one in mine}
        for _ in range(3):
            since = (now - drawn.randrange(4 * DAY)) // (60 * SECOND) * 60 * SECOND
            console: Any = type("Console", (), {"lists": lists, "fleet": devices})()
            finder = Finder(index, catalog, ALL, person, now, Meanings())
            sees = Sees(ALL, person, now)
            look = changed._Look(console, finder, sees, since, Words("en"))
            said = {line.says: line for part in changed._of_computers(look) for line in part.lines}

            def count(says: str, said: dict[str, changed.Line] = said) -> int:
                return said[says].count if says in said else 0

            assert count("raised") == sum(pc in own and at >= since for pc, at in made.raised)
            assert count("acknowledged since") == sum(pc in own and at >= since for pc, at in made.settled)
            assert count("enrolled") == sum(pc in own and at >= since for pc, at in made.came.items())
            assert count("gone, or shut out") == sum(pc in own and at >= since for pc, at in made.revoked.items())
            round_ = devices.ask()
            assert round_
            wanted = fleet.Wanted(change=fleet.CAME, since=since)
            assert fleet.page(round_, sees, wanted).count == count("enrolled")
            lately, before = (
                [(rule, user) for user, rule, at in made.closed if user in users and first <= at < end]
                for first, end in ((since, now + 1), (2 * since - now, since))
            )
            closed = {line.says.partition(" closed")[0]: line for line in changed._closed(look).lines}
            for rule in ("cards", "charts", MARKUP):
                one, other = (sum(name == rule for name, _ in several) for several in (lately, before))
                assert (rule in closed) == (one != other)
                if rule in closed:
                    assert closed[rule].count == one
                    assert f": {other} before" in closed[rule].says
                    query = {name: value[0] for name, value in parse_qs(urlsplit(closed[rule].path).query).items()}
                    assert finder.page(asked.read(query, Words("en"))).count == one
            assert finder.page(Wanted()).count == sum(user in users for user in _users(index))


def _users(index: Database) -> list[str]:
    with index.reading() as connection:
        return [row.os_user for row in connection.exec_driver_sql(
            "select os_user from found join owners on owners.id = found.owner")]  # fmt: skip


def test_openings_are_of_the_copy_of_the_custodians_log(served: Served) -> None:
    """The console's own log stands in for the copy: both are read the same way."""
    now, entries = served.console.people.clock(), served.console
    before = served.entries()
    for purpose in ("audit", "audit", "complaint"):
        facts = {"purpose": purpose, "rule": "a.yaml:1", "rendition": "original"}
        entries.log.log.append(Act("open", "lena@example.com", "-", [served.room.recordings["anna"][-1]], facts))
    from review.search import log_index  # noqa: PLC0415

    own = entries.log.log
    with closing(log_index.opened(served.room.home / "test-openings.db")) as made:
        index = log_index.LogIndex(made, own.folder, own.verifier, entries.log.key)
        looks = opened_since(index, now - MINUTE, lambda _: {})
    assert looks is not None
    assert [one.purpose for one in looks.looks] == ["complaint", "audit", "audit"]
    assert looks.first >= before
    assert opened_since(None, now, lambda _: {}) is None
