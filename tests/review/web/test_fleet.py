"""All PCs are gone through when somebody asks, whatever one of them sent; each person sees those of their reach."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from protocol import api
from review.governance.model import Act, Governance, Grant, Person, Reach, Role, Team, UserRule
from review.web import computers, fleet
from review.web.fleet import Fleet, Level, Page, Sees, Wanted
from store import cli
from store.catalog.database import Database
from store.clock import MINUTE
from store.evidence.isolation import Unreadable
from store.evidence.show import iso
from testkit.fakes.pc import Pc
from testkit.lifecycle import Pcs, World

RULES = Governance(
    roles={
        "it": Role("it", frozenset({Act.SEE_FLEET}), Reach(everything=True)),
        "lead": Role("lead", frozenset({Act.SEE_FLEET}), Reach(own_teams=True)),
        "agent": Role("agent", frozenset({Act.LIST}), Reach(own=True)),
    },
    teams={"north": Team(users=frozenset({"ann", "bob"}))},
    users=(UserRule("*", "*@example.com"),),
)
USERS = ("ann", "bob", "carl")
ALL = Wanted()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Fleet, Pcs, World]]:
    world = World.found(tmp_path)
    with ExitStack() as stack:
        pcs = stack.enter_context(world.serving())
        database = stack.enter_context(closing(world.home.database()))
        for place, user in enumerate(USERS):
            _enrol(pcs, user, f"desk-{place}")
        looked = Fleet(database, world.days)
        stack.enter_context(looked.looking(pytest.fail))
        yield looked, pcs, world


def _enrol(pcs: Pcs, user: str, host: str) -> None:
    pc = Pc(pcs.client)
    answer = pcs.client.post(api.ENROLL, json=pc.application(pcs.secret, user=user, host=host))
    assert answer.is_success, answer.text


def sees(role: str, now: int) -> Sees:
    return Sees(RULES, Person("lena@example.com", (Grant(role, teams=frozenset({"north"})),)), now)


def shown(looked: Fleet, role: str = "it", wanted: Wanted = ALL) -> Page:
    found = looked.ask()
    assert found
    return fleet.page(found, sees(role, found.at), wanted)


def hosts(page: Page) -> list[str]:
    return [one.device.host for one in page.rows]


def test_each_sees_the_computers_of_their_reach(opened: tuple[Fleet, Pcs, World]) -> None:
    looked, _, world = opened
    assert hosts(shown(looked)) == ["desk-0", "desk-1", "desk-2"]
    assert hosts(shown(looked, "lead")) == ["desk-0", "desk-1"]
    assert (shown(looked, "agent").count, sees("agent", 0).some, sees("lead", 0).some) == (0, False, True)
    assert shown(looked, "lead").counts == {Level.FINE: 2}
    found = looked.ask()
    assert found
    device = {one.device.host: one.device.id for one in found.devices}
    database, now = looked.database, world.days()
    one = fleet.one_pc(database, sees("lead", now), device["desk-1"])
    assert one
    assert (one.status.device.user, one.status.words) == ("bob", "just enrolled")
    assert not isinstance(one.gaps, Unreadable)
    assert fleet.one_pc(database, sees("lead", now), device["desk-2"]) is None
    assert fleet.one_pc(database, sees("it", now), "nothing") is None


def test_a_search_and_pages_have_each_of_them_once(
    opened: tuple[Fleet, Pcs, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, _, _ = opened
    monkeypatch.setattr(fleet, "SIZE", 1)  # a hundred PCs take long to enrol
    found, after = list[str](), None
    for _ in USERS:
        page = shown(looked, wanted=Wanted(after=after))
        assert page.count == 3
        found, after = found + hosts(page), page.following
    assert (found, after) == (["desk-0", "desk-1", "desk-2"], None)
    assert hosts(shown(looked, wanted=Wanted(text="BOB"))) == ["desk-1"]
    assert hosts(shown(looked, wanted=Wanted(level=Level.BROKEN))) == []


def test_it_is_gone_through_anew_after_a_minute_and_not_before(opened: tuple[Fleet, Pcs, World]) -> None:
    looked, pcs, world = opened
    assert shown(looked).count == 3
    _enrol(pcs, "dora", "desk-3")
    assert shown(looked).count == 3
    world.days.now += 2 * MINUTE
    assert shown(looked).count == 4


def test_what_one_sent_hides_no_other(opened: tuple[Fleet, Pcs, World]) -> None:
    looked, _, _ = opened
    with looked.database.writing() as connection:
        device = connection.exec_driver_sql("select id from devices where host = 'desk-1'").scalar()
        connection.exec_driver_sql("insert into health values (?, 1, '{')", (device,))
    page = shown(looked)
    assert hosts(page) == ["desk-1", "desk-0", "desk-2"]
    assert page.rows[0].words.startswith("UNREADABLE")


def test_the_page_says_what_the_command_says(
    opened: tuple[Fleet, Pcs, World], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looked, _, world = opened
    with looked.database.writing() as connection:
        connection.exec_driver_sql("update devices set revoked_at = ? where host = 'desk-1'", (world.days(),))
    world.days.pass_by(2)
    page = shown(looked, wanted=Wanted(gone=True))
    monkeypatch.setattr("store.commands.fleet.wall", world.days)  # the clock by which the page looked
    assert cli.main(["devices", "--home", str(world.home.folder), "--json"]) == 0
    said = {one["host"]: one for one in json.loads(capsys.readouterr().out)["devices"]}
    assert len({one["words"] for one in said.values()}) > 1
    for row in page.rows:
        one = said.pop(row.device.host)
        assert (row.words, row.level.name.lower(), row.next_step) == (one["words"], one["level"], one["next_step"])
        assert ([*row.others], row.version, row.device.user) == (one["others"], one["agent_version"], one["user"])
        assert (iso(row.heard), iso(row.receipt)) == (one["heard"], one["last_receipt"])
        assert round(row.blind_share, 6) == one["blind_share"]
    assert said == {}


def test_those_who_wait_for_a_round_leave_threads_to_other_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    go, within = threading.Event(), list[int]()

    def ask() -> None:
        within.append(1)
        assert go.wait(200)

    async def session(_request: object) -> str:
        return "s"

    console = SimpleNamespace(fleet=SimpleNamespace(ask=ask), note=lambda *_, **__: None)
    for name, stands_in in {
        "session_of": session, "console_of": lambda _: console, "sees_some": lambda *_: None,
        "words_of": lambda _: None, "page": lambda *_, **__: None,
    }.items():  # fmt: skip
        monkeypatch.setattr(computers, name, stands_in)  # what waits is looked at alone

    async def visit() -> None:
        async with anyio.create_task_group() as group:
            asked: Any = SimpleNamespace(query_params={})
            for _ in range(50):  # more than AnyIO has threads
                group.start_soon(computers._fleet, asked)
            while computers.WAITING.statistics().tasks_waiting < 46:
                await anyio.lowlevel.checkpoint()
            await anyio.to_thread.run_sync(go.set)

    anyio.run(visit)
    assert len(within) == 50


def test_who_asks_does_not_wait_for_ever_and_an_error_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with closing(Database.sqlite(tmp_path / "none.db")) as empty:
        looked = Fleet(empty)
        assert looked.ask(within=0) is None
        with looked.looking(said.append):
            assert looked.ask() is None
    assert set(said) == {"OperationalError"}
